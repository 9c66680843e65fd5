"""The loop on the log in memory: what each fate of an error does, and that every report comes out exactly once."""

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import RECEIVED, TRIAGED
from ibalagh.ops.metrics import StreamMetrics
from ibalagh.stream.deadletters import parse
from ibalagh.stream.errors import (
    AbortableError,
    ConflictError,
    FatalStreamError,
    PassingError,
    UnknownOutcomeError,
)
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.memory import MemoryBroker, MemoryConsumer, MemoryTransactionalProducer
from ibalagh.stream.ports import GroupMetadata, Outgoing, Positions, Record, TopicPartition, TransactionalProducer
from ibalagh.stream.processor import MAX_ABORTS, Processor
from ibalagh.stream.retry import Backoff
from ibalagh.stream.unit import Batch, Committed, Handled, Unit
from tests.support.stream_suite import read
from tests.support.streams import NOW, Stopper, encoded, received, triage

GROUP = "t.triage"
DEAD = "t.triage.deadletters"
SOURCE = f"t.{RECEIVED}"
TARGET = f"t.{TRIAGED}"
Failures = dict[str, list[Exception]]


class Flaky:
    """A producer that raises what the script says, before or after the step did its work."""

    def __init__(self, inner: MemoryTransactionalProducer, before: Failures, after: Failures) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    def _do(self, step: str, call: Callable[[], None]) -> None:
        if self._before.get(step):
            raise self._before[step].pop(0)
        call()
        if self._after.get(step):
            raise self._after[step].pop(0)

    def prepare(self) -> None:
        self._do("prepare", self._inner.prepare)

    def begin(self) -> None:
        self._do("begin", self._inner.begin)

    def produce(self, records: Sequence[Outgoing]) -> None:
        self._do("produce", lambda: self._inner.produce(records))

    def send_offsets(self, positions: Positions, group: GroupMetadata) -> None:
        self._do("send_offsets", lambda: self._inner.send_offsets(positions, group))

    def commit(self) -> None:
        self._do("commit", self._inner.commit)

    def abort(self) -> None:
        self._do("abort", self._inner.abort)

    def close(self) -> None:
        self._inner.close()


class World:
    """A broker with the topics of triage, and workers that are stepped by hand."""

    def __init__(self, partitions: int = 2) -> None:
        self.broker = MemoryBroker()
        self.broker.create_topic(SOURCE, partitions)
        self.broker.create_topic(TARGET)
        self.broker.create_topic(DEAD)
        self.codec = Codec("t.")
        self.before: Failures = {}
        self.after: Failures = {}
        self.producers = 0
        self.registry = CollectorRegistry()
        self.metrics = StreamMetrics(self.registry)

    def send(self, records: Sequence[Outgoing]) -> None:
        self.broker.producer().publish(records, 1)

    def worker(
        self,
        handle: Callable[[Sequence[Event[Data]]], Handled] = triage,
        *,
        id_: str = "t.0",
        unit: Unit | None = None,
        max_records: int = 10,
    ) -> "Worker":
        return Worker(self, handle, id_, unit, max_records)

    def producer(self, id_: str) -> TransactionalProducer:
        self.producers += 1
        return Flaky(self.broker.transactional_producer(id_), self.before, self.after)

    def read_all(self, topic: str) -> list[Record]:
        """Every committed record, by a reader of its own."""
        reader = self.broker.consumer(f"reader-{random.random()}")
        reader.subscribe([topic])
        records: list[Record] = []
        while batch := reader.consume(1_000, 0.0, 0.01):
            records += batch
        reader.close()
        return records

    def triaged_ids(self) -> list[str]:
        return [self.codec.decode(record).subject for record in self.read_all(TARGET)]

    def lag(self) -> int:
        clerk = self.broker.consumer(GROUP)
        partitions = [TopicPartition(SOURCE, number) for number in range(len(self.broker._topics[SOURCE]))]
        stored = clerk.committed(partitions)
        return sum(end - stored.get(partition, 0) for partition, end in clerk.end_offsets(partitions).items())

    def metric(self, name: str, **labels: str) -> float:
        found = self.registry.get_sample_value(name, {"service": "triage", "loop": "classifier", **labels})
        return found or 0.0


class Worker:
    """One processor with its consumer."""

    def __init__(
        self,
        world: World,
        handle: Callable[[Sequence[Event[Data]]], Handled],
        id_: str,
        unit: Unit | None,
        max_records: int,
    ) -> None:
        self.consumer: MemoryConsumer = world.broker.consumer(GROUP)
        self.committed: list[int] = []
        self.processor = Processor(
            name="classifier",
            service="triage",
            topics=[RECEIVED],
            consumer=self.consumer,
            codec=world.codec,
            unit=unit
            or KafkaUnit(
                handle=handle,
                codec=world.codec,
                producer_factory=lambda: world.producer(id_),
                group=self.consumer.group_metadata,
                dead_letter_topic=DEAD,
                consumer_name=GROUP,
                clock=lambda: NOW,
            ),
            max_records=max_records,
            linger_s=0.0,
            idle_s=0.001,
            backoff=Backoff(0.001, 0.004),
            metrics=world.metrics,
            clock=lambda: NOW,
        )

    def until(self, done: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Step until it is so."""
        deadline = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < deadline, "not within the deadline"
            self.processor.step()

    def ready(self) -> bool:
        try:
            self.processor.check()
        except PassingError:
            return False
        return True


@pytest.fixture
def world() -> Iterator[World]:
    return World()


def ids(numbers: Collection[int]) -> list[str]:
    return sorted(received(number).id for number in numbers)


def test_every_report_is_triaged_once_and_the_lag_goes_to_zero(world: World) -> None:
    world.send(encoded(world.codec, range(35)))
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(35))


def test_the_lag_goes_to_zero_behind_control_records_too(world: World) -> None:
    writer = world.broker.transactional_producer("writer")
    writer.prepare()
    writer.begin()
    writer.produce(encoded(world.codec, range(5)))
    writer.commit()
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(5))


def test_what_cannot_be_read_and_what_is_refused_become_dead_letters_of_the_same_batch(world: World) -> None:
    good, refused = world.codec.encode(received(1)), world.codec.encode(received(2, text="refuse"))
    poison = Outgoing(SOURCE, b"\xff", None, [("ce_type", b"\xff"), ("n", None)])
    world.send([good, poison, refused, world.codec.encode(received(3))])
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids([1, 3])
    letters = {letter.reason: letter for letter in map(parse, world.read_all(DEAD))}
    assert set(letters) == {"null_value", "refused"}
    lost_nothing = letters["null_value"]
    assert (lost_nothing.key, lost_nothing.value, list(lost_nothing.headers)) == poison[1:]
    assert (letters["refused"].value, letters["refused"].topic, letters["refused"].consumer) == (
        refused.value,
        SOURCE,
        GROUP,
    )
    assert world.metric("ibalagh_stream_dead_letters_total", reason="refused") == 1


def test_an_aborted_batch_leaves_no_dead_letter_either(world: World) -> None:
    world.before["commit"] = [AbortableError("x")]
    world.send([Outgoing(SOURCE, b"k", b"not json", [])])
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert len(world.read_all(DEAD)) == 1


def test_a_defect_of_the_handler_comes_out_of_run_and_nothing_is_committed(world: World) -> None:
    world.send([*encoded(world.codec, range(3)), world.codec.encode(received(9, text="break"))])
    with pytest.raises(ZeroDivisionError):
        world.worker().processor.run(Stopper(lambda: False))
    assert world.lag() == 4
    assert world.read_all(TARGET) == []


@pytest.mark.parametrize("step", ["prepare", "begin", "produce", "send_offsets"])
def test_what_passes_is_waited_for_and_readiness_shows_it(world: World, step: str) -> None:
    world.send(encoded(world.codec, range(8)))
    world.before[step] = [PassingError("away") for _ in range(4)]
    worker = world.worker()
    worker.until(lambda: len(world.before[step]) < 4)
    assert not worker.ready()
    worker.until(lambda: world.lag() == 0)
    assert worker.ready()
    assert sorted(world.triaged_ids()) == ids(range(8))
    assert world.metric("ibalagh_stream_retries_total", reason="PassingError") == 4


def test_while_it_waits_it_keeps_polling_and_fetches_nothing(world: World) -> None:
    world.send(encoded(world.codec, range(8)))
    world.before["begin"] = [PassingError("away") for _ in range(10_000)]
    worker = world.worker(max_records=4)
    worker.until(lambda: len(world.before["begin"]) < 9_997)
    assert worker.consumer._paused
    assert worker.consumer._generation == world.broker.group(GROUP).generation
    assert sum(worker.consumer.positions().values()) == 4


@pytest.mark.parametrize("step", ["produce", "send_offsets", "commit"])
def test_an_aborted_batch_is_read_again_and_comes_out_once(world: World, step: str) -> None:
    world.send(encoded(world.codec, range(25)))
    world.before[step] = [AbortableError("x") for _ in range(3)]
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(25))
    assert world.producers == 1
    assert world.metric("ibalagh_stream_aborts_total", reason="AbortableError") == 3


def test_a_batch_that_is_aborted_for_ever_stops_the_process(world: World) -> None:
    world.send(encoded(world.codec, range(3)))
    world.before["commit"] = [AbortableError("x") for _ in range(MAX_ABORTS)]
    worker = world.worker()
    with pytest.raises(FatalStreamError):
        worker.until(lambda: False)
    assert world.read_all(TARGET) == []


@pytest.mark.parametrize("took_effect", [False, True])
def test_after_a_commit_of_unknown_end_the_producer_is_replaced_and_nothing_is_repeated(
    world: World, took_effect: bool
) -> None:
    world.send(encoded(world.codec, range(25)))
    (world.after if took_effect else world.before)["commit"] = [UnknownOutcomeError("x"), UnknownOutcomeError("y")]
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(25))
    assert world.producers == 3
    assert world.metric("ibalagh_stream_unknown_outcomes_total") == 2


def test_an_abort_that_fails_costs_the_producer_and_no_more(world: World) -> None:
    world.send(encoded(world.codec, range(5)))
    world.before.update(commit=[AbortableError("x")], abort=[UnknownOutcomeError("y")])
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(5))
    assert world.producers == 2


def test_a_fenced_worker_stops(world: World) -> None:
    world.send(encoded(world.codec, range(5)))
    worker = world.worker()
    worker.until(lambda: world.lag() == 0)
    world.broker.transactional_producer("t.0").prepare()
    world.send(encoded(world.codec, range(5, 9)))
    with pytest.raises(FatalStreamError):
        worker.until(lambda: False)


def test_a_partition_that_goes_away_while_a_batch_waits_takes_the_batch_with_it(world: World) -> None:
    world.send(encoded(world.codec, range(20)))
    world.before["begin"] = [PassingError("away") for _ in range(50)]
    first = world.worker(id_="t.0", max_records=20)
    first.until(lambda: len(world.before["begin"]) < 50)
    world.before["begin"].clear()
    first.processor._wait_until = time.monotonic() + 3_600
    second = world.worker(id_="t.1")
    deadline = time.monotonic() + 10
    while not second.consumer.owned:
        assert time.monotonic() < deadline
        second.processor.step()
        first.processor.step()
    assert world.metric("ibalagh_stream_aborts_total", reason="revoked") == 1
    first.processor._wait_until = 0.0
    while world.lag():
        assert time.monotonic() < deadline
        first.processor.step()
        second.processor.step()
    assert sorted(world.triaged_ids()) == ids(range(20))


def test_a_member_that_was_taken_for_dead_during_a_batch_commits_nothing_of_it(world: World) -> None:
    world.send(encoded(world.codec, range(20)))
    died: list[int] = []

    def slow(events: Sequence[Event[Data]]) -> Handled:
        if not died:
            died.append(1)
            world.broker.expire(worker.consumer)
        return triage(events)

    worker = world.worker(slow)
    worker.until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(20))
    assert world.metric("ibalagh_stream_rebalances_total") == 1


def test_a_stop_during_a_batch_lets_the_batch_end_and_the_successor_goes_on(world: World) -> None:
    world.send(encoded(world.codec, range(20)))
    seen: list[int] = []

    def handle(events: Sequence[Event[Data]]) -> Handled:
        seen.append(len(events))
        return triage(events)

    world.worker(handle).processor.run(Stopper(lambda: bool(seen)))
    assert len(world.triaged_ids()) == seen[0]
    world.worker().until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(20))


def test_a_stop_while_a_batch_waits_leaves_it_to_the_successor(world: World) -> None:
    world.send(encoded(world.codec, range(5)))
    world.before["begin"] = [PassingError("away") for _ in range(10_000)]
    world.worker().processor.run(Stopper(lambda: len(world.before["begin"]) < 9_995))
    world.before["begin"].clear()
    assert world.lag() == 5
    world.worker().until(lambda: world.lag() == 0)
    assert sorted(world.triaged_ids()) == ids(range(5))


def test_two_workers_with_all_kinds_of_trouble_still_make_each_report_once_in_order() -> None:
    world = World(partitions=4)
    chance = random.Random(20310601)
    kinds: list[Callable[[], Exception]] = [
        lambda: PassingError("p"),
        lambda: AbortableError("a"),
        lambda: UnknownOutcomeError("u"),
        lambda: ConflictError("c"),
    ]
    workers = [world.worker(id_="t.0"), world.worker(id_="t.1")]
    sent = 0
    deadline = time.monotonic() + 60
    while sent < 400 or world.lag():
        assert time.monotonic() < deadline
        if sent < 400 and chance.random() < 0.3:
            world.send(encoded(world.codec, range(sent, sent + 4)))
            sent += 4
        dice = 1.0 if any(world.before.values()) or any(world.after.values()) else chance.random()
        if dice < 0.06:
            step = chance.choice(["begin", "produce", "send_offsets"])
            world.before[step] = [chance.choice(kinds)()]
        elif dice < 0.1:
            (world.after if chance.random() < 0.5 else world.before)["commit"] = [UnknownOutcomeError("u")]
        elif dice < 0.12:
            world.broker.expire(chance.choice(workers).consumer)
        elif dice < 0.14:
            number = chance.randrange(2)
            workers[number].consumer.close()
            workers[number] = world.worker(id_=f"t.{number}")
        chance.choice(workers).processor.step()
    assert sorted(world.triaged_ids()) == ids(range(sent))


class Store:
    """A unit that keeps its positions with its effects, as PostgreSQL's does."""

    keeps_positions = True

    def __init__(self) -> None:
        self.stored: dict[TopicPartition, int] = {}
        self.ids: list[str] = []
        self.failures: list[Exception] = []
        self.starts: list[Exception] = []
        self.closed = False

    def start_positions(self, partitions: Collection[TopicPartition]) -> Positions:
        if self.starts:
            raise self.starts.pop(0)
        return {partition: self.stored[partition] for partition in partitions if partition in self.stored}

    def process(self, batch: Batch) -> Committed:
        if self.failures:
            raise self.failures.pop(0)
        for partition, offset in batch.first_offsets().items():
            if self.stored.get(partition, 0) > offset:
                raise ConflictError("read before")
        self.ids += [event.id for event in batch.events]
        self.stored.update(batch.positions)
        return Committed(0, (), 0.0)

    def close(self) -> None:
        self.closed = True


def test_a_store_that_keeps_positions_is_the_truth_and_the_group_shows_them(world: World) -> None:
    world.send(encoded(world.codec, range(20)))
    store = Store()
    clerk = world.broker.consumer(GROUP)
    clerk.commit({TopicPartition(SOURCE, 0): 3, TopicPartition(SOURCE, 1): 3})
    store.stored = {TopicPartition(SOURCE, 0): 0, TopicPartition(SOURCE, 1): 0}
    store.starts = [PassingError("database away")]
    store.failures = [ConflictError("deadlock"), PassingError("away"), UnknownOutcomeError("lost reply")]
    worker = world.worker(unit=store)
    worker.until(lambda: world.lag() == 0)
    assert sorted(store.ids) == ids(range(20))
    worker.processor.run(Stopper(lambda: True))
    assert store.closed


def test_a_worker_that_finds_its_batch_done_by_another_reads_on_from_the_store(world: World) -> None:
    world.send(encoded(world.codec, range(20)))
    store = Store()
    worker = world.worker(unit=store, max_records=5)
    worker.until(lambda: len(store.ids) >= 5)
    store.stored = {TopicPartition(SOURCE, number): end for number, end in _ends(world).items()}
    world.send(encoded(world.codec, range(20, 24)))
    before = len(store.ids)
    worker.until(lambda: world.lag() == 0)
    assert sorted(store.ids[before:]) == ids(range(20, 24))


def test_a_store_that_is_set_back_is_filled_again_from_the_beginning() -> None:
    world = World(partitions=1)
    world.send(encoded(world.codec, range(20)))
    store = Store()
    worker = world.worker(unit=store, max_records=20)
    worker.until(lambda: world.lag() == 0)
    store.ids.clear()
    store.stored = dict.fromkeys(store.stored, 0)
    store.failures = [ConflictError("set back")]
    world.send(encoded(world.codec, range(20, 21)))
    worker.until(lambda: len(store.ids) >= 21)
    assert sorted(store.ids) == ids(range(21))


def test_what_a_dead_predecessor_left_open_is_ended_before_offsets_are_read(world: World) -> None:
    world.send(encoded(world.codec, range(5)))
    dead, clerk = world.broker.transactional_producer("t.0"), world.broker.consumer(GROUP)
    dead.prepare()
    dead.begin()
    dead.send_offsets({TopicPartition(SOURCE, 0): 1, TopicPartition(SOURCE, 1): 1}, clerk.group_metadata())
    with pytest.raises(PassingError):
        clerk.committed([TopicPartition(SOURCE, 0)])
    world.worker().until(lambda: len(world.triaged_ids()) >= 5)
    assert sorted(world.triaged_ids()) == ids(range(5))
    assert world.lag() == 0


def _ends(world: World) -> dict[int, int]:
    partitions = [TopicPartition(SOURCE, 0), TopicPartition(SOURCE, 1)]
    return {at.partition: end for at, end in world.broker.consumer("x").end_offsets(partitions).items()}


def test_what_a_loop_reports_adds_up(world: World) -> None:
    world.send(encoded(world.codec, range(35)))
    worker = world.worker()
    assert world.metric("ibalagh_stream_loop_state", ibalagh_stream_loop_state="starting") == 1
    worker.until(lambda: world.lag() == 0)
    assert world.metric("ibalagh_stream_records_consumed_total", topic=SOURCE) == 35
    assert world.metric("ibalagh_stream_events_produced_total") == 35
    assert world.metric("ibalagh_stream_batch_size_records_sum") == 35
    batches = world.metric("ibalagh_stream_batch_size_records_count")
    assert world.metric("ibalagh_stream_commit_seconds_count") == batches >= 4
    assert world.metric("ibalagh_stream_latency_seconds_count") >= batches
    assert world.metric("ibalagh_stream_loop_state", ibalagh_stream_loop_state="running") == 1
    worker.processor._last_lag = -1e9
    world.send(encoded(world.codec, range(35, 40)))
    worker.consumer.pause()
    worker.processor.step()
    assert world.metric("ibalagh_stream_lag_records", topic=SOURCE) == 5


def test_records_of_a_partition_come_in_order_to_the_handler(world: World) -> None:
    seen: dict[tuple[str, int], list[int]] = {}

    def handle(events: Sequence[Event[Data]]) -> Handled:
        for event in events:
            assert event.position is not None
            seen.setdefault(event.position[:2], []).append(event.position.offset)
        return triage(events)

    world.send(encoded(world.codec, range(60)))
    world.before["commit"] = [AbortableError("x")]
    world.worker(handle, max_records=7).until(lambda: world.lag() == 0)
    assert all(set(offsets) == set(range(max(offsets) + 1)) for offsets in seen.values())
    assert read(_subscribed(world), 60)


def _subscribed(world: World) -> MemoryConsumer:
    reader = world.broker.consumer("reader")
    reader.subscribe([TARGET])
    return reader
