"""Make events: roots, which nothing caused, and effects, derived from the event that caused them."""

from collections.abc import Iterable
from datetime import datetime

import uuid_utils

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


def effects(cause: Event[Data], data: Iterable[Data], *, source: str, subject: str, now: datetime) -> list[Event[Data]]:
    """All events about `subject` that `cause` caused, numbered from 0: as `effect` makes each, at two thirds of the
    cost, since what they share is looked at once.

    Raises ValueError when the cause was not read from a topic.
    """
    if cause.position is None:
        raise ValueError(f"{cause.type} {cause.id} was not read from a topic, so nothing can be derived from it")
    topic, partition, offset = cause.position
    origin_time = cause.origin_time
    namespace, name_end = uuid_utils.UUID(cause.id), f"|{subject}"
    made: list[Event[Data]] = []
    for number, each in enumerate(data):
        type_ = type_of(type(each))
        id_ = str(uuid_utils.uuid5(namespace, type_ + name_end))
        made.append(Event(id_, type_, source, subject, now, origin_time, each, Cause(topic, partition, offset, number)))
    return made
