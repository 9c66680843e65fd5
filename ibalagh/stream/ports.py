"""What the loop needs of a log, as protocols: `kafka` and `memory` implement them and pass one behaviour suite."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes | None]]


class TopicPartition(NamedTuple):
    """A partition of a topic; the topic with its prefix."""

    topic: str
    partition: int


class Record(NamedTuple):
    """A record as read: bytes untouched."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Outgoing(NamedTuple):
    """A record to be written; the partition follows from the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


PassesOver = Callable[[str, bytes | None], bool]
"""Whether a record of this topic, with this value, is no matter to a reader: asked before anything is made of it, since
a reader may meet more of these than of others."""

Positions = Mapping[TopicPartition, int]
"""Per partition, the offset of the next record to read."""


class GroupMetadata(Protocol):
    """Opaque: what the group's coordinator needs to fence a consumer that has lost its partitions (KIP-447)."""


class Consumer(Protocol):
    """A member of a consumer group that reads committed records only; one thread uses it."""

    def subscribe(
        self,
        topics: Sequence[str],
        *,
        start_positions: Callable[[Collection[TopicPartition]], Positions] | None = None,
        on_revoked: Callable[[Collection[TopicPartition]], None] | None = None,
    ) -> None:
        """Join the group. `start_positions` overrides the group's committed offsets for newly assigned partitions
        (partitions that it does not name start at the group's offset, or the beginning). `on_revoked` is called for
        partitions that were revoked or lost, from within `consume`."""

    def consume(self, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        """Up to `max_records` of the partitions that are assigned and not paused: waits up to `idle_s` for the first
        one, then up to `linger_s` for more. Never returns records of partitions that were revoked meanwhile.
        Records that the consumer was told to pass over are read and left out: positions move past them.
        Raises `PassingError` when the broker is away, `FatalStreamError` when going on is pointless."""

    def assignment(self) -> Collection[TopicPartition]:
        """The partitions assigned now."""

    def positions(self) -> Positions:
        """For each assigned partition, the next offset to read, past control records."""

    def committed(self, partitions: Collection[TopicPartition]) -> Positions:
        """The group's committed offsets; partitions without one are left out."""

    def end_offsets(self, partitions: Collection[TopicPartition]) -> Positions:
        """The last stable offset of each partition."""

    def seek(self, positions: Positions) -> None:
        """Read on from `positions`; records fetched before are dropped."""

    def rewind(self) -> None:
        """Seek every assigned partition to the group's committed offset (or the start position given for it)."""

    def pause(self) -> None:
        """Stop fetching from all assigned partitions, staying in the group as long as `consume` is called."""

    def resume(self) -> None:
        """Fetch again."""

    def commit(self, positions: Positions) -> None:
        """Commit offsets for the group outside any transaction; for visibility where the truth is elsewhere."""

    def group_metadata(self) -> GroupMetadata:
        """For `TransactionalProducer.send_offsets`."""

    def close(self) -> None:
        """Leave the group."""


class TransactionalProducer(Protocol):
    """Writes records and offsets in one transaction. A producer of which a commit's end is unknown is thrown away."""

    def prepare(self) -> None:
        """Fence predecessors of the same transactional id and wait for the end of their last transaction; once per
        producer, before the first `begin`. Raises `PassingError` when the broker is away: then make another."""

    def begin(self) -> None:
        """Begin a transaction."""

    def produce(self, records: Sequence[Outgoing]) -> None:
        """Add records to the transaction; waits while the local queue is full, `PassingError` if it stays so."""

    def send_offsets(self, positions: Positions, group: GroupMetadata) -> None:
        """Add the group's consumed positions to the transaction."""

    def commit(self) -> None:
        """Commit. Raises `AbortableError` (abort, rewind, go on), `UnknownOutcomeError` (throw the producer away),
        `FatalStreamError`."""

    def abort(self) -> None:
        """Abort the open transaction; nothing happens when none is open. Raises as `commit` does."""

    def close(self) -> None:
        """Free the producer; an open transaction is aborted."""


class Producer(Protocol):
    """Idempotent producer with acks=all for records that no transaction covers."""

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list["Acknowledgement | None"]:
        """Write and wait for the broker's acknowledgement of each, in order; None where none came in time.
        Raises `FatalStreamError` when the producer cannot go on."""

    def close(self) -> None:
        """Flush and free."""


class Acknowledgement(NamedTuple):
    """Where the broker put a record."""

    topic: str
    partition: int
    offset: int
