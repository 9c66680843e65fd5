"""Between events and records: CloudEvents 1.0, Kafka protocol binding, binary content mode.

In: a `Record` of any bytes at all; out: a typed `Event`, or `InvalidRecordError` with a short reason code that holds
nothing of the record. Attributes are headers `ce_*` (UTF-8), the data is JSON in the value, the key is the subject.

Both ways run once per event on every hop, so what repeats from event to event (types, sources, topics, the time of a
batch) is looked up rather than computed.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from ibalagh.events.envelope import UUID_FORM, Cause, Data, Event, Position
from ibalagh.events.registry import EVENT_TYPES, LANES, PREFIX
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Outgoing, Record

MAX_VALUE_BYTES: Final = 1_048_576
"""Largest value that is read, in bytes; topics take more, so that what is too large reaches the dead letters whole."""
MAX_SUBJECT_LENGTH: Final = 200


class InvalidReason(StrEnum):
    """Why a record cannot be read: declared here once, and all that a dead letter says about it."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    MISSING_ATTRIBUTE = "missing_attribute"
    DUPLICATE_ATTRIBUTE = "duplicate_attribute"
    BAD_ATTRIBUTE = "bad_attribute"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_TOPIC = "wrong_topic"
    BAD_KEY = "bad_key"
    BAD_JSON = "bad_json"
    BAD_DATA = "bad_data"
    NUL_CHARACTER = "nul_character"


_JSON: Final = re.compile(rb"application/(json|[a-z0-9.+-]+\+json)\s*(;.*)?", re.IGNORECASE)
_FIXED_HEADERS: Final = (("content-type", b"application/json"), ("ce_specversion", b"1.0"))
_UUID: Final = re.compile(UUID_FORM.encode())
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000 as JSON can only write it: escaped, by an odd number of backslashes. PostgreSQL's text cannot hold it."""
_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_MAX_INT: Final = 2**31 - 1
_MAX_OFFSET: Final = 2**63 - 1
_REMEMBERED: Final = 1_000
"""How many different sources and topics are remembered at most: a wire may carry any number of them."""


class Codec:
    """Reads and writes the events of the registry on topics that carry `topic_prefix`. Any thread may use it."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        self.topic_prefix = topic_prefix
        self._by_wire_type = {entry.name.encode(): entry for entry in EVENT_TYPES.values()}
        self._topic_of = {entry.name: topic_prefix + entry.topic for entry in EVENT_TYPES.values()}
        self._lanes = {topic_prefix + lane: frozenset(types) for lane, types in LANES.items()}
        self._headers_of: dict[tuple[str, str], tuple[tuple[str, bytes | None], ...]] = {}
        self._texts: dict[bytes, str] = {}
        self._formatted: tuple[datetime | None, bytes] = (None, b"")
        self._parsed: tuple[bytes | None, datetime] = (None, datetime.min.replace(tzinfo=UTC))

    def topic(self, name: str) -> str:
        """The full name of a topic, e.g. `reports.received` → `ibalagh.reports.received`."""
        return self.topic_prefix + name

    def encode(self, event: Event[Data]) -> Outgoing:
        """The record of an event, for the topic that the registry names. Raises KeyError for an unknown type."""
        id_, type_, source, subject, time, origin_time, data, cause, _ = event
        fixed = self._headers_of.get((type_, source)) or self._fixed_headers(type_, source)
        key = subject.encode()
        wire_time = self._format(time)
        headers: list[tuple[str, bytes | None]] = [
            *fixed,
            ("ce_id", id_.encode()),
            ("ce_subject", key),
            ("ce_time", wire_time),
            ("ce_origintime", wire_time if origin_time is time else format_time(origin_time)),
        ]
        if cause is not None:
            headers.append(("ce_cause", f"{cause[0]}/{cause[1]}/{cause[2]}/{cause[3]}".encode()))
        return Outgoing(self._topic_of[type_], key, data.to_json(), headers)

    def decode(self, record: Record) -> Event[Data]:
        """The event of a record, with the position that it was read at.

        Raises InvalidRecordError with an `InvalidReason`.
        """
        topic, partition, offset, key, value, pairs = record
        if value is None:
            raise InvalidRecordError(InvalidReason.NULL_VALUE)
        if len(value) > MAX_VALUE_BYTES:
            raise InvalidRecordError(InvalidReason.TOO_LARGE)
        headers = dict(pairs)
        if len(headers) != len(pairs):
            _refuse_duplicates(record)
        try:
            id_, subject, wire_time = headers["ce_id"], headers["ce_subject"], headers["ce_time"]
            entry = self._by_wire_type.get(headers["ce_type"] or b"")
            source = self._text(headers["ce_source"])
            if headers["ce_specversion"] != b"1.0" or not _UUID.fullmatch(id_ or b""):
                raise InvalidRecordError(InvalidReason.BAD_ATTRIBUTE)
            time = self._parse(wire_time)
            wire_origin = headers.get("ce_origintime", wire_time)
            origin_time = time if wire_origin == wire_time else parse_time(wire_origin)
            cause = parse_cause(headers["ce_cause"]) if "ce_cause" in headers else None
            text = _subject(subject)
        except KeyError:
            raise InvalidRecordError(InvalidReason.MISSING_ATTRIBUTE) from None
        except ValueError:
            raise InvalidRecordError(InvalidReason.BAD_ATTRIBUTE) from None
        if entry is None:
            raise InvalidRecordError(InvalidReason.UNKNOWN_TYPE)
        if topic != self._topic_of[entry.name] and entry.name not in self._lanes.get(topic, ()):
            raise InvalidRecordError(InvalidReason.WRONG_TOPIC)
        if key != subject:
            raise InvalidRecordError(InvalidReason.BAD_KEY)
        if headers.get("content-type", b"application/json") != b"application/json":
            _refuse_other_content(headers["content-type"])
        if b"\\u0000" in value and _ESCAPED_NUL.search(value):
            raise InvalidRecordError(InvalidReason.NUL_CHARACTER)
        try:
            data = entry.model.__pydantic_validator__.validate_json(value)
        except ValidationError as error:
            bad_json = any(problem["type"] == "json_invalid" for problem in error.errors(include_input=False))
            raise InvalidRecordError(InvalidReason.BAD_JSON if bad_json else InvalidReason.BAD_DATA) from None
        position = Position(topic, partition, offset)
        return Event(id_.decode(), entry.name, source, text, time, origin_time, data, cause, position)  # type: ignore[union-attr]

    def _fixed_headers(self, type_: str, source: str) -> tuple[tuple[str, bytes | None], ...]:
        headers = (*_FIXED_HEADERS, ("ce_type", type_.encode()), ("ce_source", source.encode()))
        self._headers_of[type_, source] = headers
        return headers

    def _format(self, time: datetime) -> bytes:
        last, wire = self._formatted
        if time is not last:
            wire = format_time(time)
            self._formatted = (time, wire)
        return wire

    def _parse(self, value: bytes | None) -> datetime:
        last, time = self._parsed
        if not value or value != last:
            time = parse_time(value)
            self._parsed = (value, time)
        return time

    def _text(self, value: bytes | None) -> str:
        """A source. Raises ValueError when it is empty or no printable UTF-8."""
        text = self._texts.get(value or b"")
        if text is None:
            text = _subject(value)
            if len(self._texts) < _REMEMBERED:
                self._texts[value or b""] = text
        return text


def parse_cause(value: bytes | None) -> Cause:
    """The extension attribute `cause`, `topic/partition/offset/number`: where the cause lies, and which effect this is.

    Raises ValueError for anything else.
    """
    topic, partition, offset, number = (value or b"").split(b"/")
    place = int(partition), int(offset), int(number)
    if (
        not (partition + offset + number).isdigit()
        or place[0] > _MAX_INT
        or place[1] > _MAX_OFFSET
        or place[2] > _MAX_INT
    ):
        raise ValueError("no position of a log, or no number of an effect")
    return Cause(_topic(topic), *place)


@lru_cache(maxsize=_REMEMBERED)
def _topic(name: bytes) -> str:
    """The name of a topic. Raises ValueError for what is none (Kafka, `org.apache.kafka.common.internals.Topic`)."""
    topic = name.decode("ascii")
    if not _TOPIC.fullmatch(topic):
        raise ValueError("no name of a topic")
    return topic


def _subject(value: bytes | None) -> str:
    text = (value or b"").decode()
    if not text or len(text) > MAX_SUBJECT_LENGTH or not text.isprintable():
        raise ValueError("empty, too long or not printable")
    return text


def _refuse_duplicates(record: Record) -> None:
    """An attribute that is there twice says two things; other headers (of a trace, say) may repeat."""
    ours = [name for name, _ in record.headers if name.startswith("ce_") or name == "content-type"]
    if len(ours) != len(set(ours)):
        raise InvalidRecordError(InvalidReason.DUPLICATE_ATTRIBUTE)


def _refuse_other_content(content_type: bytes | None) -> None:
    if not _JSON.fullmatch(content_type or b""):
        raise InvalidRecordError(InvalidReason.BAD_ATTRIBUTE)


def format_time(time: datetime) -> bytes:
    """A time as attributes carry it (RFC 3339), in UTC. `time` is aware."""
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat().encode()


def parse_time(value: bytes | None) -> datetime:
    """The time in an attribute. Raises ValueError for what is none, or none with its offset from UTC."""
    time = datetime.fromisoformat((value or b"").decode())
    if time.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return time
