"""The outbox as the relay reads it: in the order of the causes, so that the relay's position is a source offset.

Between source partitions the order is that of writing. A transaction that changes a key waits for the one that changed
it before, so whoever sees the later rows sees the earlier ones, and per key the order of writing is the order of the
changes. A step therefore ends where the first of the partitions that are cut off ends.

In: the relay's positions; out: records to publish and the positions that then hold. Raises `PassingError`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ibalagh.storage.binary import unpack_headers
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Row
from ibalagh.stream.ports import Outgoing, Positions, TopicPartition

_READ = """
    SELECT stored.topic, stored.partition, stored.next_offset, item.source_offset, item.topic, item.key, item.value,
           item.headers, item.written
    FROM stream_offsets AS stored
    LEFT JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[])
        AS relayed (topic, partition, next_offset) USING (topic, partition)
    LEFT JOIN LATERAL (
        SELECT * FROM outbox
        WHERE source_topic = stored.topic AND source_partition = stored.partition
          AND source_offset >= COALESCE(relayed.next_offset, 0)
        ORDER BY source_offset
        FETCH FIRST %(limit)s ROWS WITH TIES
    ) AS item ON true
    WHERE stored.consumer = %(consumer)s AND stored.next_offset > COALESCE(relayed.next_offset, 0)
    ORDER BY item.written NULLS FIRST
    """
_TRIM = """
    DELETE FROM outbox
    USING unnest(%s::text[], %s::int[], %s::bigint[]) AS relayed (topic, partition, next_offset)
    WHERE source_topic = relayed.topic AND source_partition = relayed.partition
      AND source_offset < relayed.next_offset
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
        """What follows `positions` (a source partition that is not named stands at 0), up to about `limit` records of
        each source partition; the effects of one source record are never parted.

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
                },
            )
        return _as_batch(rows, limit)

    def trim(self, positions: Positions) -> int:
        """Delete what lies before `positions`, which the relay has committed; the number of records deleted."""
        with self._database.transaction() as tx:
            return tx.execute(
                _TRIM,
                (
                    [each.topic for each in positions],
                    [each.partition for each in positions],
                    list(positions.values()),
                ),
            )


def _as_batch(rows: Sequence[Row], limit: int) -> OutboxBatch:
    counts: dict[TopicPartition, int] = {}
    ends: dict[TopicPartition, int] = {}
    for row in rows:
        if row[3] is not None:
            source = TopicPartition(row[0], row[1])
            counts[source] = counts.get(source, 0) + 1
            ends[source] = row[8]
    end = min((end for source, end in ends.items() if counts[source] >= limit), default=None)
    records: list[Outgoing] = []
    after: dict[TopicPartition, int] = {}
    beyond = _first_beyond(rows, end)
    for source_topic, source_partition, stored, source_offset, topic, key, value, headers, _ in rows:
        source = TopicPartition(source_topic, source_partition)
        if source_offset is None:
            after[source] = stored
        elif source not in beyond:
            records.append(Outgoing(topic, key, value, unpack_headers(headers)))
            after[source] = source_offset + 1 if counts[source] >= limit else stored
        else:
            after[source] = beyond[source]
            if source_offset < beyond[source]:
                records.append(Outgoing(topic, key, value, unpack_headers(headers)))
    return OutboxBatch(records, after)


def _first_beyond(rows: Sequence[Row], end: int | None) -> dict[TopicPartition, int]:
    """Per source partition that goes on beyond `end`, the first source offset that does.

    Workers write at the same time, so what another one wrote may stand between the effects of one source record: the
    whole record then waits for the next step.
    """
    first: dict[TopicPartition, int] = {}
    for row in rows:
        if end is not None and row[3] is not None and row[8] > end:
            first.setdefault(TopicPartition(row[0], row[1]), row[3])
    return first
