"""The outbox as the relay reads it: in the order of the causes, so that the relay's position is a source offset.

Between source partitions the order is that of writing. A transaction that changes a key waits for the one that changed
it before, so whoever sees the later rows sees the earlier ones, and per key the order of writing is the order of the
changes. A step therefore ends where the first of the partitions that are cut off ends.

In: the relay's positions; out: records to publish and the positions that then hold. Raises `PassingError`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ibalagh.storage.chunks import unpack
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Row
from ibalagh.stream.ports import Outgoing, Positions, TopicPartition

ROWS_LOOKED_AT: Final = 64
"""Of each source partition in a step: at low rates a row holds a record or two."""
MOST_BYTES: Final = 8 * 1024 * 1024
"""Packed, in a step, unless one row is larger."""

_READ = """
    SELECT stored.topic, stored.partition, stored.next_offset, item.first_offset, item.last_offset, item.written,
           CASE WHEN sum(item.records) OVER upto - item.records < %(limit)s
                 AND sum(length(item.packed)) OVER upto - length(item.packed) < %(bytes)s
                THEN item.packed END
    FROM stream_offsets AS stored
    LEFT JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[])
        AS relayed (topic, partition, next_offset) USING (topic, partition)
    LEFT JOIN LATERAL (
        SELECT first_offset, last_offset, records, packed, written FROM outbox
        WHERE source_topic = stored.topic AND source_partition = stored.partition
          AND first_offset >= COALESCE(relayed.next_offset, 0)
        ORDER BY first_offset
        LIMIT %(rows)s
    ) AS item ON true
    WHERE stored.consumer = %(consumer)s AND stored.next_offset > COALESCE(relayed.next_offset, 0)
    WINDOW upto AS (ORDER BY item.written NULLS FIRST)
    ORDER BY item.written NULLS FIRST
    """
_TRIM = """
    DELETE FROM outbox
    USING unnest(%s::text[], %s::int[], %s::bigint[]) AS relayed (topic, partition, next_offset)
    WHERE source_topic = relayed.topic AND source_partition = relayed.partition
      AND last_offset < relayed.next_offset
    RETURNING records
    """


class OutboxBatch(NamedTuple):
    """Records in the order of their causes, and per source partition that moved the position once they are published.

    `records` may be empty while `positions` is not: source records that had no effects.
    """

    records: Sequence[Outgoing]
    positions: Positions


class PostgresOutbox:
    """What `consumer` put into its service's outbox. Any thread may use it."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer

    def partitions(self) -> list[TopicPartition]:
        """The source partitions that were ever consumed."""
        with self._database.transaction() as tx:
            rows = tx.fetch_all("SELECT topic, partition FROM stream_offsets WHERE consumer = %s", (self._consumer,))
        return [TopicPartition(*row) for row in rows]

    def read(self, positions: Positions, limit: int) -> OutboxBatch:
        """What follows `positions` (a source partition that is not named stands at 0), up to about `limit` records; the
        effects of one source record are never parted.

        One statement, so one snapshot: where everything that is stored was read, the new position is the consumer's own
        stored offset, past source records without effects.
        """
        with self._database.transaction() as tx:
            rows = tx.fetch_all(
                _READ,
                {
                    "topics": [each.topic for each in positions],
                    "partitions": [each.partition for each in positions],
                    "offsets": list(positions.values()),
                    "consumer": self._consumer,
                    "limit": limit,
                    "bytes": MOST_BYTES,
                    "rows": ROWS_LOOKED_AT,
                },
            )
        return _as_batch(rows)

    def trim(self, positions: Positions) -> int:
        """Delete what lies before `positions`, which the relay has committed; the number of records deleted."""
        with self._database.transaction() as tx:
            deleted = tx.fetch_all(
                _TRIM,
                (
                    [each.topic for each in positions],
                    [each.partition for each in positions],
                    list(positions.values()),
                ),
            )
        return sum(records for (records,) in deleted)


def _as_batch(rows: Sequence[Row]) -> OutboxBatch:
    """Rows in the order of writing: as many from the beginning as came whole, and as follow no row that is not here."""
    looked_at: dict[TopicPartition, int] = {}
    last_seen: dict[TopicPartition, int] = {}
    for topic, partition, _, first_offset, _, written, _ in rows:
        if first_offset is not None:
            source = TopicPartition(topic, partition)
            looked_at[source] = looked_at.get(source, 0) + 1
            last_seen[source] = written
    cut_off = {source for source, count in looked_at.items() if count == ROWS_LOOKED_AT}
    end = min((last_seen[source] for source in cut_off), default=None)
    records: list[Outgoing] = []
    after: dict[TopicPartition, int] = {}
    left: set[TopicPartition] = set()
    for topic, partition, stored, first_offset, last_offset, written, packed in rows:
        source = TopicPartition(topic, partition)
        if first_offset is None:
            after[source] = stored
        elif left or packed is None or (end is not None and written > end):
            if source not in left:
                left.add(source)
                after[source] = first_offset
        else:
            records += unpack(packed)
            after[source] = last_offset + 1 if source in cut_off else stored
    return OutboxBatch(records, after)
