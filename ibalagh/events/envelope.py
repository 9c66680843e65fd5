"""What every event carries besides its data, and how one event is derived from another.

An event is a CloudEvent 1.0. A derived event's id is the UUIDv5 (RFC 9562, section 5.5) of its cause's id, its own type
and its subject, so a repeated delivery repeats the id; it also carries the position of its cause, so a reader can
refuse a repeat by one high-water mark per source partition.
"""

from datetime import datetime
from typing import Annotated, Final, Generic, NamedTuple, Self, TypeVar

import uuid_utils
from pydantic import BaseModel, ConfigDict, StringConstraints

UUID_FORM: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""The expression that a `Uuid` matches, for readers that look at bytes before there is a model."""
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A UUID in its canonical lower-case text form (RFC 9562, section 4)."""
NIL_UUID: Final = "00000000-0000-0000-0000-000000000000"
"""Nobody's id, and the least of all (RFC 9562, section 5.9)."""


class Data(BaseModel):
    """Base of every event's data: immutable, and deaf to fields that a newer version may add."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def to_json(self) -> bytes:
        """The JSON that goes on the wire, as UTF-8."""
        return self.__pydantic_serializer__.to_json(self)


D_co = TypeVar("D_co", bound=Data, covariant=True)


class Position(NamedTuple):
    """Where a record stands in the log: the offset is the record's own."""

    topic: str
    partition: int
    offset: int


class Cause(NamedTuple):
    """The position of the event that caused this one, and this one's number among its effects (from 0)."""

    topic: str
    partition: int
    offset: int
    number: int


class Event(NamedTuple, Generic[D_co]):
    """One event or command: the CloudEvents attributes, the data, and where it was read.

    `time` is when this event was made, `origin_time` when the report or command at the root of the chain was accepted
    (both aware, UTC); their difference is the end-to-end latency. `position` is set by the reader and never written.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    origin_time: datetime
    data: D_co
    cause: Cause | None = None
    position: Position | None = None

    def at(self, position: Position) -> Self:
        """The same event, read at `position`."""
        return self._replace(position=position)


def derived_id(cause_id: str, type_: str, subject: str) -> str:
    """UUIDv5 in the namespace of the causing event's id, of `type_` and `subject`."""
    return str(uuid_utils.uuid5(uuid_utils.UUID(cause_id), f"{type_}|{subject}"))
