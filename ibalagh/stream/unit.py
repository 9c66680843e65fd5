"""A unit of work: one batch's effects, dead letters and positions, which take effect together or not at all.

In: a `Batch`, decoded. Out: `Committed`. `kafka_unit.KafkaUnit` does it in a Kafka transaction,
`ibalagh.storage.unit.PostgresUnit` in a PostgreSQL transaction; `processor.Processor` runs either.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ibalagh.events.envelope import Data, Event
from ibalagh.stream.deadletters import dead_letter
from ibalagh.stream.ports import Outgoing, Positions, Record, TopicPartition


class Undecodable(NamedTuple):
    """A record that the codec refused, with the codec's reason."""

    record: Record
    reason: str


class Rejected(NamedTuple):
    """An event that a handler found invalid by its content: it goes to the dead letters with `reason`, a short code
    that holds nothing of the event. (An exception out of a handler is no rejection: it stops the process.)"""

    event: Event[Data]
    reason: str


class Handled(NamedTuple):
    """What a handler made of a batch: the events to publish, in order, and those that it refused."""

    effects: Sequence[Event[Data]]
    rejected: Sequence[Rejected] = ()


class Committed(NamedTuple):
    """What a unit has durably done: how many events it published (or put into its outbox), which it refused, and the
    seconds that the commit itself took."""

    effects: int
    rejected: Sequence[Rejected]
    commit_s: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of some partitions, and where each partition stands after them.

    `events` are the readable ones among `records`, in order; `undecodable` the others. `positions` names every
    partition that moved, also those that moved past control records only, so `records` may be empty.
    """

    records: Sequence[Record]
    events: Sequence[Event[Data]]
    undecodable: Sequence[Undecodable]
    positions: Positions

    def first_offsets(self) -> Mapping[TopicPartition, int]:
        """Per partition with records here, the smallest offset: a stored position above it means a repeat."""
        # Plain pairs first, since this runs once per record; of a pair's offsets the one set last is the first.
        first = {(topic, partition): offset for topic, partition, offset, _, _, _ in reversed(self.records)}
        return {TopicPartition(*pair): offset for pair, offset in first.items()}

    def dead_letters(self, rejected: Sequence[Rejected], *, topic: str, consumer: str, now: datetime) -> list[Outgoing]:
        """The dead letters of this batch, for `topic`: what could not be decoded, then what the handler refused.

        Raises ValueError when a rejected event was not of this batch.
        """
        letters = [dead_letter(record, reason, topic, consumer, now) for record, reason in self.undecodable]
        if not rejected:
            return letters
        by_position = {(record.topic, record.partition, record.offset): record for record in self.records}
        for event, reason in rejected:
            record = by_position.get(event.position) if event.position is not None else None
            if record is None:
                raise ValueError(f"the rejected {event.type} {event.id} was not read in this batch")
            letters.append(dead_letter(record, reason, topic, consumer, now))
        return letters


class Unit(Protocol):
    """Does a batch's work in one transaction. One thread uses it."""

    keeps_positions: bool
    """True when positions are stored with the effects (PostgreSQL): then `start_positions` is the truth and the
    loop mirrors positions to the group, for visibility only. False when the group's own offsets are the truth."""

    def start_positions(self, partitions: Collection[TopicPartition]) -> Positions:
        """The stored positions of `partitions`; those never stored are left out. `{}` if not `keeps_positions`."""

    def process(self, batch: Batch) -> Committed:
        """Handle and commit, or leave no trace and raise: `PassingError`, `ConflictError`, `AbortableError`,
        `UnknownOutcomeError`, `FatalStreamError`. Whatever else a handler raises comes out as it is."""

    def close(self) -> None:
        """Free what it holds (producer, connection); an open transaction is given up."""
