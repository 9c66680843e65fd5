"""A log in memory behind the ports of `ibalagh.stream.ports`, for component tests.

It keeps what matters of Kafka: partitions, offsets that control records use up, transactions with fencing, the last
stable offset, aborted records that stay in the log unseen, groups that rebalance cooperatively and fence by generation,
committed offsets, and offsets that fall out of the log. Any thread may use it; one lock guards it all.
"""

import threading
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError
from ibalagh.stream.ports import (
    Acknowledgement,
    GroupMetadata,
    Outgoing,
    PassesOver,
    Positions,
    Record,
    TopicPartition,
)

_OPEN: Final = "open"
_COMMITTED: Final = "committed"
_ABORTED: Final = "aborted"


@dataclass(slots=True)
class _Transaction:
    state: str = _OPEN
    partitions: set[TopicPartition] = field(default_factory=set)
    offsets: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)


class _Entry(NamedTuple):
    """A place in a partition: a record, or None for a control record; and the transaction that wrote it, if one did."""

    record: Record | None
    transaction: _Transaction | None


@dataclass(slots=True)
class _Partition:
    entries: list[_Entry] = field(default_factory=list)
    start: int = 0

    def stable_end(self) -> int:
        """The last stable offset: up to here no transaction is open."""
        for offset in range(self.start, len(self.entries)):
            transaction = self.entries[offset].transaction
            if transaction is not None and transaction.state == _OPEN:
                return offset
        return len(self.entries)


@dataclass(slots=True)
class _Group:
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    members: list["MemoryConsumer"] = field(default_factory=list)
    generation: int = 0


class _Metadata(NamedTuple):
    group: str
    member: "MemoryConsumer | None"
    generation: int


class MemoryBroker:
    """A broker with its topics. Topics that were not created are unknown, as on a broker that creates none itself."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._topics: dict[str, list[_Partition]] = {}
        self._groups: dict[str, _Group] = {}
        self._epochs: dict[str, int] = {}
        self._last: dict[str, _Transaction] = {}

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic; its name in full."""
        with self.changed:
            self._topics[name] = [_Partition() for _ in range(partitions)]
            self.rebalance()

    def delete_records(self, partition: TopicPartition, before: int) -> None:
        """Drop the records of `partition` below the offset `before`, as retention does."""
        with self.changed:
            self.partition(partition).start = before

    def consumer(self, group: str, passes_over: PassesOver | None = None) -> "MemoryConsumer":
        """A consumer of `group`; what `passes_over` names is left out."""
        return MemoryConsumer(self, group, passes_over)

    def transactional_producer(self, transactional_id: str) -> "MemoryTransactionalProducer":
        """A producer of `transactional_id`."""
        return MemoryTransactionalProducer(self, transactional_id)

    def producer(self) -> "MemoryProducer":
        """A producer without transactions."""
        return MemoryProducer(self)

    def expire(self, consumer: "MemoryConsumer") -> None:
        """Take a member for dead, as when its session timed out: it loses its partitions and joins anew."""
        with self.changed:
            group = self.group(consumer.group)
            group.members.remove(consumer)
            self.rebalance()
            group.members.append(consumer)
            consumer.lost = True
            self.rebalance()

    # What follows is for the clients below; `changed` is held.

    def partition(self, partition: TopicPartition) -> _Partition:
        """Raises `PassingError` for an unknown one, which may be made later."""
        partitions = self._topics.get(partition.topic, [])
        if not 0 <= partition.partition < len(partitions):
            raise PassingError(f"unknown partition {partition.topic}[{partition.partition}]")
        return partitions[partition.partition]

    def group(self, name: str) -> _Group:
        """The group, made when it is first named."""
        return self._groups.setdefault(name, _Group())

    def stable(self, group: str, partitions: Collection[TopicPartition]) -> None:
        """Raises `PassingError` while an open transaction holds offsets of these: they may become the group's."""
        for transaction in self._last.values():
            held = transaction.offsets.get(group, {})
            if transaction.state == _OPEN and not held.keys().isdisjoint(partitions):
                raise PassingError("offsets are in an open transaction")

    def append(self, outgoing: Outgoing, transaction: _Transaction | None) -> Acknowledgement:
        """Write one record."""
        topic, key, value, headers = outgoing
        count = len(self._topics.get(topic, ())) or 1
        partition = TopicPartition(topic, zlib.crc32(key or b"") % count)
        entries = self.partition(partition).entries
        offset = len(entries)
        record = Record(topic, partition.partition, offset, key, value, tuple(headers))
        entries.append(_Entry(record, transaction))
        if transaction is not None:
            transaction.partitions.add(partition)
        self.changed.notify_all()
        return Acknowledgement(topic, partition.partition, offset)

    def next_epoch(self, transactional_id: str) -> int:
        """Fence whoever has this id, end its open transaction, and give the next epoch."""
        last = self._last.get(transactional_id)
        if last is not None and last.state == _OPEN:
            self.end(last, _ABORTED)
        self._epochs[transactional_id] = self._epochs.get(transactional_id, -1) + 1
        return self._epochs[transactional_id]

    def begin(self, transactional_id: str) -> _Transaction:
        """Open a transaction."""
        self._last[transactional_id] = _Transaction()
        return self._last[transactional_id]

    def epoch(self, transactional_id: str) -> int:
        """The epoch of whoever owns this id."""
        return self._epochs.get(transactional_id, -1)

    def end(self, transaction: _Transaction, state: str) -> None:
        """Commit or abort: write the control records and, on commit, the offsets."""
        transaction.state = state
        for partition in sorted(transaction.partitions):
            self.partition(partition).entries.append(_Entry(None, None))
        if state == _COMMITTED:
            for name, offsets in transaction.offsets.items():
                self.group(name).offsets.update(offsets)
        self.changed.notify_all()

    def rebalance(self) -> None:
        """Give every group's partitions out anew: in turn, over the members in the order of joining."""
        for group in self._groups.values():
            group.generation += 1
            for member in group.members:
                member.target = set()
            topics = sorted({topic for member in group.members for topic in member.topics})
            for topic in topics:
                interested = [member for member in group.members if topic in member.topics]
                for number in range(len(self._topics.get(topic, ()))):
                    interested[number % len(interested)].target.add(TopicPartition(topic, number))
        self.changed.notify_all()


class MemoryConsumer:
    """See `ports.Consumer`."""

    def __init__(self, broker: MemoryBroker, group: str, passes_over: PassesOver | None = None) -> None:
        self.group = group
        self._passes_over = passes_over or (lambda _topic, _value: False)
        self.topics: list[str] = []
        self.target: set[TopicPartition] = set()
        self.owned: set[TopicPartition] = set()
        self.lost = False
        self._broker = broker
        self._generation = -1
        self._positions: dict[TopicPartition, int] = {}
        self._paused = False
        self._start_positions: Callable[[Collection[TopicPartition]], Positions] | None = None
        self._on_revoked: Callable[[Collection[TopicPartition]], None] | None = None

    def subscribe(
        self,
        topics: Sequence[str],
        *,
        start_positions: Callable[[Collection[TopicPartition]], Positions] | None = None,
        on_revoked: Callable[[Collection[TopicPartition]], None] | None = None,
    ) -> None:
        """See `ports.Consumer`."""
        with self._broker.changed:
            self._start_positions, self._on_revoked = start_positions, on_revoked
            self.topics = list(topics)
            self._broker.group(self.group).members.append(self)
            self._broker.rebalance()

    def consume(self, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        """See `ports.Consumer`."""
        with self._broker.changed:
            idle_until = time.monotonic() + idle_s
            self._join()
            records = self._take(max_records)
            while not records and (left_s := idle_until - time.monotonic()) > 0:
                self._broker.changed.wait(left_s)
                self._join()
                records = self._take(max_records)
            linger_until = time.monotonic() + linger_s
            while records and len(records) < max_records and (left_s := linger_until - time.monotonic()) > 0:
                self._broker.changed.wait(left_s)
                records += self._take(max_records - len(records))
            return records

    def assignment(self) -> Collection[TopicPartition]:
        """See `ports.Consumer`."""
        return frozenset(self.owned)

    def positions(self) -> Positions:
        """See `ports.Consumer`."""
        return dict(self._positions)

    def committed(self, partitions: Collection[TopicPartition]) -> Positions:
        """See `ports.Consumer`."""
        with self._broker.changed:
            self._broker.stable(self.group, partitions)
            offsets = self._broker.group(self.group).offsets
            return {partition: offsets[partition] for partition in partitions if partition in offsets}

    def end_offsets(self, partitions: Collection[TopicPartition]) -> Positions:
        """See `ports.Consumer`."""
        with self._broker.changed:
            return {partition: self._broker.partition(partition).stable_end() for partition in partitions}

    def seek(self, positions: Positions) -> None:
        """See `ports.Consumer`."""
        self._positions.update(positions)

    def rewind(self) -> None:
        """See `ports.Consumer`."""
        with self._broker.changed:
            self.seek(self._starts(self.owned))

    def pause(self) -> None:
        """See `ports.Consumer`."""
        self._paused = True

    def resume(self) -> None:
        """See `ports.Consumer`."""
        self._paused = False

    def commit(self, positions: Positions) -> None:
        """See `ports.Consumer`."""
        with self._broker.changed:
            self._broker.group(self.group).offsets.update(positions)

    def group_metadata(self) -> GroupMetadata:
        """See `ports.Consumer`."""
        return _Metadata(self.group, self if self.topics else None, self._generation)

    def close(self) -> None:
        """See `ports.Consumer`."""
        with self._broker.changed:
            members = self._broker.group(self.group).members
            if self in members:
                members.remove(self)
                self._give_back(self.owned)
                self._broker.rebalance()

    def _join(self) -> None:
        """Take part in the rebalance, if there was one: give back first, take what nobody else holds any more."""
        if self.lost:
            self.lost = False
            self._give_back(self.owned)
        self._give_back(self.owned - self.target)
        group = self._broker.group(self.group)
        held = {partition for member in group.members if member is not self for partition in member.owned}
        new = self.target - self.owned - held
        if new:
            starts = self._starts(new)
            self.owned |= new
            self._positions.update(starts)
        self._generation = group.generation

    def _give_back(self, partitions: Collection[TopicPartition]) -> None:
        gone = set(partitions)
        if not gone:
            return
        self.owned -= gone
        for partition in gone:
            self._positions.pop(partition, None)
        if self._on_revoked is not None:
            self._on_revoked(gone)
        self._broker.changed.notify_all()

    def _starts(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        given = self._start_positions(partitions) if self._start_positions is not None else {}
        starts = {partition: self._broker.partition(partition).start for partition in partitions}
        starts.update(self.committed(partitions))
        starts.update((partition, given[partition]) for partition in partitions if partition in given)
        return starts

    def _take(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        if self._paused:
            return records
        for partition in sorted(self.owned):
            log = self._broker.partition(partition)
            position, end = self._positions[partition], log.stable_end()
            if not log.start <= position <= len(log.entries):
                raise FatalStreamError(f"the group's offset {position} is not in the log of {partition}")
            while position < end and len(records) < max_records:
                record, transaction = log.entries[position]
                committed = transaction is None or transaction.state == _COMMITTED
                if record is not None and committed and not self._passes_over(record.topic, record.value):
                    records.append(record)
                position += 1
            self._positions[partition] = position
        return records


class MemoryTransactionalProducer:
    """See `ports.TransactionalProducer`."""

    def __init__(self, broker: MemoryBroker, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        self._epoch = -1
        self._transaction: _Transaction | None = None

    def prepare(self) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            self._epoch = self._broker.next_epoch(self._id)

    def begin(self) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            self._not_fenced()
            self._transaction = self._broker.begin(self._id)

    def produce(self, records: Sequence[Outgoing]) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            transaction = self._opened()
            for record in records:
                self._broker.append(record, transaction)

    def send_offsets(self, positions: Positions, group: GroupMetadata) -> None:
        """See `ports.TransactionalProducer`."""
        if not isinstance(group, _Metadata):
            raise TypeError("metadata of another broker's group")
        with self._broker.changed:
            state = self._broker.group(group.group)
            current = group.member is None or (group.member in state.members and not group.member.lost)
            if not current or (group.member is not None and group.generation != state.generation):
                raise AbortableError("the group has moved on without this member")
            if group.member is None and state.members:
                raise AbortableError("the group has members, of which this is none")
            self._opened().offsets.setdefault(group.group, {}).update(positions)

    def commit(self) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            self._broker.end(self._opened(), _COMMITTED)
            self._transaction = None

    def abort(self) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            if self._transaction is not None:
                self._broker.end(self._opened(), _ABORTED)
                self._transaction = None

    def close(self) -> None:
        """See `ports.TransactionalProducer`."""
        with self._broker.changed:
            if self._epoch == self._broker.epoch(self._id):
                self.abort()

    def _not_fenced(self) -> None:
        if self._epoch < 0 or self._epoch != self._broker.epoch(self._id):
            raise FatalStreamError(f"another producer of the id {self._id} has fenced this one")

    def _opened(self) -> _Transaction:
        self._not_fenced()
        if self._transaction is None:
            raise FatalStreamError("no transaction is open")
        return self._transaction


class MemoryProducer:
    """See `ports.Producer`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list[Acknowledgement | None]:  # noqa: ARG002
        """See `ports.Producer`; nothing is ever late here."""
        with self._broker.changed:
            return [self._broker.append(record, None) for record in records]

    def close(self) -> None:
        """See `ports.Producer`."""
