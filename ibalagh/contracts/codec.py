"""Between events and records: CloudEvents 1.0, Kafka protocol binding, binary content mode.

In: a `Record` of any bytes at all; out: a typed `Event`, or `InvalidRecordError` with a short reason code that holds
nothing of the record. Attributes are headers `ce_*` (UTF-8), the data is JSON in the value, the key is the subject.
"""

from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from ibalagh.events.envelope import Cause, Data, Event, Position
from ibalagh.events.registry import EVENT_TYPES, PREFIX, EventType
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Outgoing, Record

MAX_VALUE_BYTES: Final = 1_048_576
"""Largest value that is read, in bytes; topics take more, so that what is too large reaches the dead letters whole."""

_CONTENT_TYPE: Final = b"application/json"
_FIXED_HEADERS: Final = (("content-type", _CONTENT_TYPE), ("ce_specversion", b"1.0"))
_REQUIRED: Final = ("ce_id", "ce_type", "ce_source", "ce_subject", "ce_time")


class Codec:
    """Reads and writes the events of the registry on topics that carry `topic_prefix`."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        self.topic_prefix = topic_prefix
        self._by_wire_type = {entry.name.encode(): entry for entry in EVENT_TYPES.values()}

    def topic(self, name: str) -> str:
        """The full name of a topic, e.g. `reports.received` → `ibalagh.reports.received`."""
        return self.topic_prefix + name

    def encode(self, event: Event[Data]) -> Outgoing:
        """The record of an event, for the topic that the registry names. Raises KeyError for an unknown type."""
        headers: list[tuple[str, bytes | None]] = [
            *_FIXED_HEADERS,
            ("ce_id", event.id.encode()),
            ("ce_type", event.type.encode()),
            ("ce_source", event.source.encode()),
            ("ce_subject", event.subject.encode()),
            ("ce_time", _format_time(event.time)),
            ("ce_origintime", _format_time(event.origin_time)),
        ]
        if event.cause is not None:
            topic, partition, offset, number = event.cause
            headers += (
                ("ce_causetopic", topic.encode()),
                ("ce_causepartition", b"%d" % partition),
                ("ce_causeoffset", b"%d" % offset),
                ("ce_causenumber", b"%d" % number),
            )
        value = event.data.__pydantic_serializer__.to_json(event.data)
        return Outgoing(self.topic_prefix + EVENT_TYPES[event.type].topic, event.subject.encode(), value, headers)

    def decode(self, record: Record) -> Event[Data]:
        """The event of a record, with the position that it was read at.

        Raises InvalidRecordError with one of the reasons `null_value`, `too_large`, `missing_attribute`,
        `bad_attribute`, `unknown_type`, `wrong_topic`, `bad_json`, `bad_data`, `bad_key`.
        """
        value = record.value
        if value is None:
            raise InvalidRecordError("null_value")
        if len(value) > MAX_VALUE_BYTES:
            raise InvalidRecordError("too_large")
        headers = dict(record.headers)
        entry = self._event_type(headers, record)
        id_, source, subject, time, origin_time, cause = _attributes(headers)
        if record.key != headers["ce_subject"]:
            raise InvalidRecordError("bad_key")
        try:
            data = entry.model.__pydantic_validator__.validate_json(value)
        except ValidationError as error:
            bad_json = any(problem["type"] == "json_invalid" for problem in error.errors(include_input=False))
            raise InvalidRecordError("bad_json" if bad_json else "bad_data") from None
        position = Position(record.topic, record.partition, record.offset)
        return Event(id_, entry.name, source, subject, time, origin_time, data, cause, position)

    def _event_type(self, headers: dict[str, bytes | None], record: Record) -> EventType:
        wire_type = headers.get("ce_type")
        if wire_type is None:
            raise InvalidRecordError("missing_attribute")
        entry = self._by_wire_type.get(wire_type)
        if entry is None:
            raise InvalidRecordError("unknown_type")
        if record.topic != self.topic_prefix + entry.topic:
            raise InvalidRecordError("wrong_topic")
        return entry


def _attributes(headers: dict[str, bytes | None]) -> tuple[str, str, str, datetime, datetime, Cause | None]:
    for name in _REQUIRED:
        if not headers.get(name):
            raise InvalidRecordError("missing_attribute")
    try:
        id_, source, subject = (headers[name].decode() for name in ("ce_id", "ce_source", "ce_subject"))  # type: ignore[union-attr]
        time = _parse_time(headers["ce_time"])
        origin = headers.get("ce_origintime")
        return id_, source, subject, time, time if origin is None else _parse_time(origin), _cause(headers)
    except (ValueError, KeyError):
        raise InvalidRecordError("bad_attribute") from None


def _cause(headers: dict[str, bytes | None]) -> Cause | None:
    topic = headers.get("ce_causetopic")
    if topic is None:
        return None
    numbers = (headers["ce_causepartition"], headers["ce_causeoffset"], headers["ce_causenumber"])
    partition, offset, number = (int(digits or b"") for digits in numbers)
    return Cause(topic.decode(), partition, offset, number)


def _format_time(time: datetime) -> bytes:
    return time.astimezone(UTC).isoformat().encode()


def _parse_time(value: bytes | None) -> datetime:
    time = datetime.fromisoformat((value or b"").decode())
    if time.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return time
