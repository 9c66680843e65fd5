"""The unit of work whose truth is PostgreSQL: positions, effects and outbox rows in one transaction.

In: a batch and the service's handler; out: `Committed`. A repeated or stale batch leaves no trace.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Cause, Data, Event, Position
from ibalagh.events.registry import dead_letter_topic
from ibalagh.storage.chunks import COLUMNS, ChunkWriter, shaped
from ibalagh.storage.effects import EffectPacker
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Row, Transaction
from ibalagh.stream.errors import AbortableError
from ibalagh.stream.ports import Outgoing, Positions, TopicPartition
from ibalagh.stream.unit import Batch, Committed, Handled, Rejected

Handler = Callable[[Sequence[Event[Data]], Transaction], Handled]

DEAD_LETTER_NUMBER: Final = -1
"""A dead letter's place among what its cause has in the outbox: there is nothing else, which would begin at 0."""

_OF_THESE: Final = "unnest(%s::text[], %s::int[]) AS these (topic, partition)"


class PostgresUnit:
    """Does a batch's work in one PostgreSQL transaction. One thread uses it.

    `handle` gets the readable events in order, and the open transaction, in which it reads and writes what it owns.
    `after_commit` is called when something new is in the outbox: `Relay.wake`, say.
    """

    keeps_positions: bool = True

    def __init__(
        self,
        database: Database,
        consumer: str,
        handle: Handler,
        *,
        codec: Codec,
        after_commit: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._handle = handle
        self._codec = codec
        self._packer = EffectPacker(codec)
        self._after_commit = after_commit
        self._clock = clock
        self._dead_letter_topic = codec.topic(dead_letter_topic(database.service))

    def start_positions(self, partitions: Collection[TopicPartition]) -> Positions:
        """The stored positions; partitions never stored are left out. Raises `PassingError`."""
        with self._database.transaction() as tx:
            rows = tx.fetch_all(
                f"SELECT topic, partition, next_offset FROM stream_offsets JOIN {_OF_THESE} USING (topic, partition)"
                " WHERE consumer = %s",
                (*_columns(partitions), self._consumer),
            )
        return _as_positions(rows)

    def process(self, batch: Batch) -> Committed:
        """Handle and commit:

        1. begin;
        2. lock the stored offsets of the batch's partitions and compare them with where the batch begins: a batch that
           begins before what is stored was handled already, by this worker or another, so abort and read again;
        3. handle the events;
        4. write what is to be published, effects and dead letters, into the outbox;
        5. store the new offsets;
        6. commit.

        Raises `AbortableError` (2), `PassingError`, `ConflictError` (1–5: nothing took effect), `UnknownOutcomeError`
        (the reply to 6 was lost: go on from the stored offsets); a handler's own errors come out as they are.
        """
        with self._database.transaction() as tx:  # 1
            first = batch.first_offsets()
            self._lock_offsets(tx, batch, first)  # 2
            handled = self._handle(batch.events, tx) if batch.events else Handled(())  # 3
            rows = self._rows(batch, handled, first)
            if rows:
                tx.copy_binary("outbox", COLUMNS, rows)  # 4
            self._store_offsets(tx, batch.positions)  # 5
            committing_at = time.perf_counter()
        commit_s = time.perf_counter() - committing_at  # 6
        if rows:
            self._after_commit()
        return Committed(len(handled.effects), handled.rejected, commit_s)

    def close(self) -> None:
        """Nothing to free: connections belong to the database's pool."""

    def _lock_offsets(self, tx: Transaction, batch: Batch, first: Mapping[TopicPartition, int]) -> None:
        stored = self._locked(tx, batch.positions)
        missing = {partition: 0 for partition in batch.positions if partition not in stored}
        if missing:
            # A row that is not there cannot be locked: whoever inserts it first makes the others wait.
            tx.execute(
                "INSERT INTO stream_offsets (consumer, topic, partition, next_offset)"
                f" SELECT %s, topic, partition, 0 FROM {_OF_THESE} ORDER BY topic, partition ON CONFLICT DO NOTHING",
                (self._consumer, *_columns(missing)),
            )
            stored = self._locked(tx, batch.positions)
        for partition, next_offset in batch.positions.items():
            if stored[partition] > first.get(partition, next_offset):
                raise AbortableError("the batch begins before the stored position: it was handled already")

    def _locked(self, tx: Transaction, partitions: Collection[TopicPartition]) -> Positions:
        return _as_positions(
            tx.fetch_all(
                f"SELECT topic, partition, next_offset FROM stream_offsets JOIN {_OF_THESE} USING (topic, partition)"
                " WHERE consumer = %s ORDER BY topic, partition FOR UPDATE OF stream_offsets",
                (*_columns(partitions), self._consumer),
            )
        )

    def _rows(self, batch: Batch, handled: Handled, first: Mapping[TopicPartition, int]) -> bytes:
        """What goes into the outbox, packed; empty when nothing does.

        It must come in the order of the source offsets. Effects mostly do; dead letters and effects out of order are
        sorted in.
        """
        letters = self._dead_letters(batch, handled.rejected) if batch.undecodable or handled.rejected else []
        causes = {source: (offset, batch.positions.get(source, 0)) for source, offset in first.items()}
        packed = self._packer.pack(handled.effects, causes)
        if packed is not None and not letters:
            return packed
        placed = [(event.cause, self._codec.encode(event)) for event in handled.effects if event.cause is not None]
        return _sorted_in([*placed, *letters], batch)

    def _dead_letters(self, batch: Batch, rejected: Sequence[Rejected]) -> list[tuple[Cause, Outgoing]]:
        letters = batch.dead_letters(
            rejected, topic=self._dead_letter_topic, consumer=self._consumer, now=self._clock()
        )
        # `dead_letters` refuses an event without a position.
        sources = [Position(*each.record[:3]) for each in batch.undecodable]
        sources += [each.event.position for each in rejected if each.event.position is not None]
        causes = [Cause(*source, DEAD_LETTER_NUMBER) for source in sources]
        return list(zip(causes, letters, strict=True))

    def _store_offsets(self, tx: Transaction, positions: Positions) -> None:
        tx.execute(
            "UPDATE stream_offsets SET next_offset = these.next_offset"
            " FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS these (topic, partition, next_offset)"
            " WHERE consumer = %s AND stream_offsets.topic = these.topic"
            " AND stream_offsets.partition = these.partition",
            (*_columns(positions), list(positions.values()), self._consumer),
        )


def _sorted_in(placed: list[tuple[Cause, Outgoing]], batch: Batch) -> bytes:
    """Packed in the order of the batch, and of their numbers where one cause has several."""
    index = {(record.topic, record.partition, record.offset): number for number, record in enumerate(batch.records)}
    placed.sort(key=lambda each: (index[each[0][:3]], each[0].number))
    writer = ChunkWriter()
    for (topic, partition, offset, _), record in placed:
        writer.add(topic, partition, offset, *shaped(record))
    return writer.stream()


def _columns(partitions: Collection[TopicPartition]) -> tuple[list[str], list[int]]:
    return [each.topic for each in partitions], [each.partition for each in partitions]


def _as_positions(rows: Sequence[Row]) -> Positions:
    return {TopicPartition(topic, partition): next_offset for topic, partition, next_offset in rows}
