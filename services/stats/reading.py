"""From a record to what it does to the counters, reading only what is needed: the hot path of stats.

In: records of any bytes at all. Out: a `Counted` in place of an `Event`. Raises InvalidRecordError, with the reasons of
`ibalagh.contracts.codec`, for what cannot be read; but an event that has a cause and is refused for its content comes
out as `Counted` with a `refusal`, since `repeats` must remember it.

orjson reads the value (it refuses bad UTF-8, and nesting deeper than 1,024 levels), an `Outline` picks the
few values that decide, and a dictionary knows what these do. Only a combination never seen before is validated, by its
pydantic view. Attributes are checked as bytes, and made into values for the few events of which somebody asks for them.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import IntEnum
from functools import lru_cache, partial
from re import compile as regex
from typing import Any, Final, NamedTuple, cast

import orjson
from pydantic import ValidationError

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, parse_cause
from ibalagh.events.envelope import Cause, Data, Event, Position
from ibalagh.events.registry import EVENT_TYPES, PREFIX
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.stats import views
from services.stats.counting import COUNTED, Moves, civil_day, moves_of

_UUID: Final = regex(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WIRE_UUID: Final = regex(_UUID.pattern.encode())
_CACHE_SIZE: Final = 20_000
"""Combinations of values kept, of about 1 kB; beyond, the dictionary starts anew, so that hostile input cannot make it
grow. A quarter has about 10,000."""


REPLAYED: Final = "dl_replays"
"""The header of a record that was replayed from the dead letters (`ibalagh.stream.deadletters`)."""


class Kind(IntEnum):
    """Events that are counted once per report id, however often they come."""

    RECEIVED = 0
    TRIAGED = 1


class Tally:
    """Moves that many events share; compared by identity, so that counting them costs no hashing of cells."""

    __slots__ = ("moves",)

    def __init__(self, moves: Moves) -> None:
        self.moves = moves


class Counted(NamedTuple):
    """What one event does, in the place of the event: the runtime only hands it through to our handler.

    `kind` and `report_id` are set for events that are counted once per report, all others have a `cause`; `refusal`
    when the content cannot be counted; `replayed` when the event came back from the dead letters. The properties are
    those of an `Event`, worked out when the runtime asks, which it does for a few events of a batch.
    """

    record: Record
    tally: Tally | None
    kind: Kind | None
    report_id: str | None
    cause: Cause | None
    refusal: str | None
    replayed: bool

    @property
    def id(self) -> str:
        """See `Event`."""
        return self._attribute("ce_id")

    @property
    def type(self) -> str:
        """See `Event`."""
        return self._attribute("ce_type")

    @property
    def subject(self) -> str:
        """See `Event`."""
        return self._attribute("ce_subject")

    @property
    def origin_time(self) -> datetime:
        """See `Event`."""
        return datetime.fromisoformat(self._attribute("ce_origintime") or self._attribute("ce_time"))

    @property
    def position(self) -> Position:
        """See `Event`."""
        return Position(*self.record[:3])

    def _attribute(self, name: str) -> str:
        return (dict(self.record.headers).get(name) or b"").decode()


_counted: Final = cast(Callable[[tuple[object, ...]], Event[Data]], partial(tuple.__new__, Counted))
"""A `Counted` of its values, in the place of an event. A named tuple's own constructor would take twice as long."""


def counted(events: Iterable[Event[Data]]) -> Iterable[Counted]:
    """What `CountingCodec` decoded, as what it is."""
    return cast(Iterable[Counted], events)


Key = tuple[object, ...]
Outline = Callable[[dict[str, Any]], Key]
"""From an event's JSON to all the values that decide what it does. Raises KeyError, TypeError or ValueError."""


def _received(payload: dict[str, Any]) -> Key:
    facts = payload["facts"]
    return facts["received_on"], facts["identified"], facts["country"]


def _triaged(payload: dict[str, Any]) -> Key:
    facts, decision = payload["facts"], payload["decision"]
    return (
        facts["received_on"],
        facts["identified"],
        facts["country"],
        decision["disposition"],
        decision["category"],
        decision.get("organisation"),
    )


def _reviewed(payload: dict[str, Any]) -> Key:
    previous = payload["previous"]
    before = previous["disposition"], previous["category"], previous.get("organisation")
    return *_triaged(payload), *before, payload["action"]


def _in_case(payload: dict[str, Any]) -> Key:
    facts = payload["facts"]
    return (
        facts["received_on"],
        facts["identified"],
        facts["country"],
        payload["category"],
        payload.get("organisation"),
    )


def _day(payload: dict[str, Any]) -> date:
    moment = datetime.fromisoformat(payload["occurred_at"])
    return _day_of_hour(moment.toordinal(), moment.hour) if moment.tzinfo is UTC else civil_day(moment)


@lru_cache(maxsize=10_000)
def _day_of_hour(ordinal: int, hour: int) -> date:
    """The civil day of a whole hour in UTC: Morocco is at whole hours from UTC, so an hour never spans two days."""
    return civil_day(datetime.fromordinal(ordinal).replace(hour=hour, tzinfo=UTC))


_OUTLINES: Final[Mapping[type[Data], Outline]] = {
    views.Received: _received,
    views.Triaged: _triaged,
    views.Reviewed: _reviewed,
    views.InCase: _in_case,
    views.Opened: lambda p: (*_in_case(p), _day(p)),
    views.Reclassified: lambda p: (*_in_case(p), p["previous_category"], p.get("previous_organisation")),
    views.CaseAct: lambda p: (p["category"], _day(p)),
}
_KINDS: Final = {PREFIX + "report.received.v1": Kind.RECEIVED, PREFIX + "report.triaged.v1": Kind.TRIAGED}


class _Reader(NamedTuple):
    name: str
    topic: str
    outline: Outline
    kind: Kind | None


class CountingCodec(Codec):
    """A codec that writes every event and reads what stats counts, as `Counted`. One thread reads with it."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        super().__init__(topic_prefix)
        self._tallies: dict[Key, Tally] = {}
        self._last_time: bytes | None = None
        self._readers = {
            name.encode(): _Reader(name, self.topic(EVENT_TYPES[name].topic), _OUTLINES[rule.view], _KINDS.get(name))
            for name, rule in COUNTED.items()
        }

    def decode(self, record: Record) -> Event[Data]:
        """The event of a record, for `counted`; see the module's docstring."""
        headers = dict(record.headers)
        reader = self._readers.get(headers.get("ce_type") or b"")
        if reader is None:
            raise InvalidRecordError("unknown_type" if "ce_type" in headers else "missing_attribute")
        if record.topic != reader.topic:
            raise InvalidRecordError("wrong_topic")
        cause = self._attributes(headers)
        if reader.kind is not None:
            tally, payload = self._read(reader, record, headers)
            report_id = payload.get("report_id")
            if not isinstance(report_id, str) or not _UUID.fullmatch(report_id):
                raise InvalidRecordError("bad_data")
            return _counted((record, tally, reader.kind, report_id, cause, None, False))
        if cause is None:
            raise InvalidRecordError("missing_attribute")
        replayed = REPLAYED in headers
        try:
            tally, _ = self._read(reader, record, headers)
        except InvalidRecordError as error:
            return _counted((record, None, None, None, cause, error.reason, replayed))
        return _counted((record, tally, None, None, cause, None, replayed))

    def _attributes(self, headers: dict[str, bytes | None]) -> Cause | None:
        """Checks the attributes that every event has; the cause is made, since marks need it of every event."""
        try:
            id_, subject = headers["ce_id"], headers["ce_subject"]
            time = headers.get("ce_origintime") or headers["ce_time"]
            cause = parse_cause(headers["ce_cause"]) if "ce_cause" in headers else None
            if id_ is None or subject is None or time is None:
                raise InvalidRecordError("missing_attribute")
            subject.decode()
            if time != self._last_time:
                if datetime.fromisoformat(time.decode()).tzinfo is None:
                    raise InvalidRecordError("bad_attribute")
                self._last_time = time
        except KeyError:
            raise InvalidRecordError("missing_attribute") from None
        except ValueError:
            raise InvalidRecordError("bad_attribute") from None
        if not _WIRE_UUID.fullmatch(id_):
            raise InvalidRecordError("bad_attribute")
        return cause

    def _read(self, reader: _Reader, record: Record, headers: dict[str, bytes | None]) -> tuple[Tally, dict[str, Any]]:
        """What the content does, and the content."""
        value = record.value
        if value is None:
            raise InvalidRecordError("null_value")
        if len(value) > MAX_VALUE_BYTES:
            raise InvalidRecordError("too_large")
        if record.key != headers["ce_subject"]:
            raise InvalidRecordError("bad_key")
        try:
            payload = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise InvalidRecordError("bad_json") from None
        try:
            key = (reader.name, *reader.outline(payload))
            return self._tallies.get(key) or self._learn(key, reader, payload), payload
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidRecordError("bad_data") from None

    def _learn(self, key: Key, reader: _Reader, payload: dict[str, Any]) -> Tally:
        try:
            view = COUNTED[reader.name].view.model_validate_json(orjson.dumps(payload))
        except ValidationError:
            raise InvalidRecordError("bad_data") from None
        if any(isinstance(value, str) and "\0" in value for value in key):
            raise InvalidRecordError("bad_data")  # JSON may hold it, PostgreSQL's text may not
        if len(self._tallies) >= _CACHE_SIZE:
            self._tallies.clear()
        tally = self._tallies[key] = Tally(moves_of(reader.name, view))
        return tally
