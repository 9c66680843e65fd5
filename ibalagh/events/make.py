"""Make events: roots, which nothing caused, and effects, derived from the event that caused them."""

from datetime import datetime

from ibalagh.events.envelope import Cause, Data, Event, derived_id
from ibalagh.events.registry import type_of


def root(data: Data, *, id_: str, source: str, subject: str, now: datetime) -> Event[Data]:
    """An event or command that no other event caused. `now` is aware, UTC."""
    return Event(id_, type_of(type(data)), source, subject, now, now, data)


def effect(cause: Event[Data], data: Data, *, source: str, subject: str, number: int, now: datetime) -> Event[Data]:
    """An event that `cause` caused; `number` counts the effects of one cause from 0, in the order of writing.

    Raises ValueError when the cause was not read from a topic, since then it has no position to carry on.
    """
    if cause.position is None:
        raise ValueError(f"{cause.type} {cause.id} was not read from a topic, so nothing can be derived from it")
    type_ = type_of(type(data))
    return Event(
        derived_id(cause.id, type_, subject),
        type_,
        source,
        subject,
        now,
        cause.origin_time,
        data,
        Cause(*cause.position, number),
    )
