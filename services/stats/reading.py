"""From a record to what it does to the counters, reading only what is needed: the hot path of stats.

In: records of any bytes at all. Out: a `Counted` in place of an `Event`. Raises InvalidRecordError, with the reasons of
`ibalagh.contracts.codec`, for what cannot be read; but an event that has a cause and is refused for its content comes
out as `Counted` with a `refusal`, since `repeats` must remember it.

What our own codec wrote, as nearly everything is, is read at a glance: headers by their places, as bytes; values by
the patterns of `glance`. Whatever looks odd in the least is read again with care, which alone says what is wrong.
"""

from collections.abc import Mapping
from datetime import date, datetime
from re import compile as regex
from typing import Any, Final, NamedTuple

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, InvalidReason, parse_cause, parse_time
from ibalagh.events.envelope import UUID_FORM, Cause, Data, Event
from ibalagh.events.registry import EVENT_TYPES, PREFIX
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.stats import contents, facets
from services.stats.contents import Contents, Tally
from services.stats.counted import Chain, Kind, counted
from services.stats.counted import make as _counted
from services.stats.counting import COUNTED, NOT_COUNTED, civil_day
from services.stats.glance import DECIDING, PATTERNS, REPORT_ID, Pick, Take

_UUID: Final = regex(UUID_FORM.encode())
_UUID_SHAPE: Final = b"hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
_TO_SHAPE: Final = bytes(
    ord("h") if byte in b"0123456789abcdef" else byte if byte == ord("-") else 0 for byte in range(256)
)
"""Turns the bytes of a UUID, and no others, into `_UUID_SHAPE`: in a fifth of the time that the pattern takes."""

REPLAYED: Final = "dl_replays"
"""The header of a record that was replayed from the dead letters (`ibalagh.stream.deadletters`)."""

_ROOTS_HEADERS: Final = (
    "content-type",
    "ce_specversion",
    "ce_type",
    "ce_source",
    "ce_id",
    "ce_subject",
    "ce_time",
    "ce_origintime",
)
"""As our codec writes them."""
_EFFECTS_HEADERS: Final = (*_ROOTS_HEADERS, "ce_cause")

_HOUR_BYTES: Final = 13
_HOUR: Final = regex(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}")
"""How a moment begins: its hour."""
_OFFSET_DIGITS: Final = 18
_NUMBER_DIGITS: Final = 9
"""Digits that are within the bounds of `parse_cause` whatever they are."""


_RECEIVED: Final = PREFIX + "report.received.v1"
_NOT_COUNTED: Final = frozenset(name.encode() for name in NOT_COUNTED)
_KINDS: Final = {_RECEIVED: Kind.RECEIVED, PREFIX + "report.triaged.v1": Kind.TRIAGED}


class _Reader(NamedTuple):
    """Of one type: `known` are the tallies by what the pattern takes out of values (`glance`)."""

    name: str
    topic: str
    kind: Kind | None
    take: Take | None
    pick: Pick | None
    known: dict[tuple[bytes, ...], Tally]


class CountingCodec(Codec):
    """A codec that writes every event and reads what stats counts, as `Counted`. One thread reads with it."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        super().__init__(topic_prefix)
        self._contents = Contents()
        self._last_time: bytes | None = None
        self._days: dict[bytes, date] = {}
        self._hour, self._day = b"none yet", date.min
        self._chains: dict[tuple[str, int, bytes], Chain] = {}
        self._readers = {
            name.encode(): _Reader(
                name, self.topic(EVENT_TYPES[name].topic), _KINDS.get(name), PATTERNS.get(name), DECIDING.get(name), {}
            )
            for name in COUNTED
        }

    def decode(self, record: Record) -> Event[Data]:
        """The event of a record, for `counted`: at a glance, or else with care; see the module's docstring.

        A source or type that is not known, or a None in the place of bytes, is one of many oddities that end in an
        exception here.
        """
        anything: Any = record
        topic, partition, _, key, value, headers = anything
        try:
            if len(headers) == len(_EFFECTS_HEADERS):
                (n0, _), (n1, _), (n2, type_), (n3, _), (n4, id_), (n5, subject), (n6, made), (n7, time), last = headers
                n8, cause = last
                usual = (n0, n1, n2, n3, n4, n5, n6, n7, n8) == _EFFECTS_HEADERS
                source, offset, number = cause.rsplit(b"/", 2)
                chain = self._chains[topic, partition, source]
                usual = usual and offset.isdigit() and len(offset) <= _OFFSET_DIGITS
                usual = usual and number.isdigit() and len(number) <= _NUMBER_DIGITS
            else:
                (n0, _), (n1, _), (n2, type_), (n3, _), (n4, id_), (n5, subject), (n6, made), (n7, time) = headers
                usual = (n0, n1, n2, n3, n4, n5, n6, n7) == _ROOTS_HEADERS
                chain, offset, number = None, b"", b""
            _, expected_topic, kind, take, pick, known = self._readers[type_]
            if (
                usual
                and topic == expected_topic
                and key == subject
                and len(value) <= MAX_VALUE_BYTES
                and id_.translate(_TO_SHAPE) == _UUID_SHAPE
                and subject.translate(_TO_SHAPE) == _UUID_SHAPE
                and (time == self._last_time or self._is_time(time))
            ):
                known_on = self._day if made.startswith(self._hour) else self._known_on(made, time)
                if take is not None:
                    deciding = traits = take(value).groups()  # type: ignore[union-attr] # one of the oddities
                    if pick is None:
                        traits = None
                    else:
                        deciding = pick(traits)
                    if deciding not in known:
                        return self._remember(known, deciding, self._with_care(record))
                    if kind is None:
                        mark = int(offset), int(number)
                        return _counted(
                            (record, known[deciding], None, None, chain, mark, None, False, known_on, traits)
                        )
                    if value[REPORT_ID] == subject:
                        report_id = subject.decode()
                        return _counted(
                            (record, known[deciding], kind, report_id, None, None, None, False, known_on, traits)
                        )
                elif kind is Kind.RECEIVED:
                    tally, payload = self._contents.read(_RECEIVED, value)
                    report_id = subject.decode()
                    if payload.get("report_id") == report_id:
                        return _counted((record, tally, kind, report_id, None, None, None, False, known_on, None))
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # with care, then
        return self._with_care(record)

    def _is_time(self, time: bytes) -> bool:
        """True for a moment with its offset from UTC. Raises ValueError for anything else."""
        parse_time(time)
        self._last_time = time
        return True

    def _known_on(self, made: bytes | None, origin: bytes) -> date:
        """The civil day of the hour, in UTC, in which the event was made; of its origin if that cannot be read."""
        hour = (made or b"")[:_HOUR_BYTES]
        day = self._days.get(hour)
        if day is None:
            try:
                if not _HOUR.fullmatch(hour):
                    return civil_day(parse_time(origin))
                day = civil_day(datetime.fromisoformat(f"{hour.decode()}:00:00+00:00"))
            except ValueError:
                return civil_day(parse_time(origin))
            if len(self._days) >= contents.CACHE_SIZE:
                self._days.clear()
            self._days[hour] = day
        self._hour, self._day = hour, day
        return day

    def _remember(
        self, known: dict[tuple[bytes, ...], Tally], deciding: tuple[bytes, ...], event: Event[Data]
    ) -> Event[Data]:
        (reading,) = counted((event,))
        if reading.tally is not None:
            if len(known) >= contents.CACHE_SIZE:
                known.clear()
            known[deciding] = reading.tally
        return event

    def _with_care(self, record: Record) -> Event[Data]:
        """The event of any record. Raises InvalidRecordError."""
        headers = dict(record.headers)
        reader = self._readers.get(headers.get("ce_type") or b"")
        if reader is None and headers.get("ce_type") in _NOT_COUNTED:
            _attributes(headers)
            return _counted((record, None, None, None, None, None, None, False, None, None))
        if reader is None:
            raise InvalidRecordError(
                InvalidReason.UNKNOWN_TYPE if "ce_type" in headers else InvalidReason.MISSING_ATTRIBUTE
            )
        if record.topic != reader.topic and reader.name not in self._lanes.get(record.topic, ()):
            raise InvalidRecordError(InvalidReason.WRONG_TOPIC)
        cause = _attributes(headers)
        known_on = self._known_on(headers.get("ce_time"), headers.get("ce_origintime") or headers["ce_time"] or b"")
        chain = None if cause is None else self._chain(record, cause, headers["ce_cause"] or b"")
        if reader.kind is not None:
            tally, payload = self._read(reader, record, headers)
            report_id = payload.get("report_id")
            if not isinstance(report_id, str) or not _UUID.fullmatch(report_id.encode()):
                raise InvalidRecordError(InvalidReason.BAD_DATA)
            traits = facets.traits_of(reader.name, payload)
            return _counted((record, tally, reader.kind, report_id, None, None, None, False, known_on, traits))
        if cause is None:
            raise InvalidRecordError(InvalidReason.MISSING_ATTRIBUTE)
        mark = cause[2:]
        replayed = REPLAYED in headers
        try:
            tally, payload = self._read(reader, record, headers)
        except InvalidRecordError as error:
            return _counted((record, None, None, None, chain, mark, error.reason, replayed, None, None))
        traits = facets.traits_of(reader.name, payload)
        return _counted((record, tally, None, None, chain, mark, None, replayed, known_on, traits))

    def _chain(self, record: Record, cause: Cause, wire_cause: bytes) -> Chain:
        if len(self._chains) >= contents.CACHE_SIZE:
            self._chains.clear()
        source = wire_cause.rsplit(b"/", 2)[0]
        chain = self._chains[record.topic, record.partition, source] = (
            record.topic,
            record.partition,
            cause.topic,
            cause.partition,
        )
        return chain

    def _read(
        self, reader: _Reader, record: Record, headers: Mapping[str, bytes | None]
    ) -> tuple[Tally, dict[str, Any]]:
        """What the content does, and the content."""
        value = record.value
        if value is None:
            raise InvalidRecordError(InvalidReason.NULL_VALUE)
        if len(value) > MAX_VALUE_BYTES:
            raise InvalidRecordError(InvalidReason.TOO_LARGE)
        if record.key != headers["ce_subject"]:
            raise InvalidRecordError(InvalidReason.BAD_KEY)
        return self._contents.read(reader.name, value)


def _attributes(headers: Mapping[str, bytes | None]) -> Cause | None:
    """Checks the attributes that every event has; the cause is made, since marks need it of every derived event."""
    try:
        id_, subject = headers["ce_id"], headers["ce_subject"]
        time = headers.get("ce_origintime") or headers["ce_time"]
        cause = parse_cause(headers["ce_cause"]) if "ce_cause" in headers else None
        if id_ is None or subject is None or time is None:
            raise InvalidRecordError(InvalidReason.MISSING_ATTRIBUTE)
        subject.decode()
        parse_time(time)
    except KeyError:
        raise InvalidRecordError(InvalidReason.MISSING_ATTRIBUTE) from None
    except ValueError:
        raise InvalidRecordError(InvalidReason.BAD_ATTRIBUTE) from None
    if not _UUID.fullmatch(id_):
        raise InvalidRecordError(InvalidReason.BAD_ATTRIBUTE)
    return cause
