"""The relay on the log in memory: each outbox record once, in order, whoever dies when."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from ibalagh.ops.metrics import StreamMetrics
from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.ports import Outgoing, Positions, TopicPartition
from ibalagh.stream.relay import Relay
from ibalagh.stream.retry import Backoff
from tests.component.test_stream_processor import Failures, Flaky
from tests.support.poll import eventually
from tests.support.streams import Stopper

SOURCE = TopicPartition("s", 0)
OTHER = TopicPartition("s", 1)
GROUP = "t.referral.relay"


class Read(NamedTuple):
    records: Sequence[Outgoing]
    positions: Positions


class Box:
    """An outbox in memory: rows by source partition and offset, and how far each partition was handled."""

    def __init__(self) -> None:
        self.rows: dict[TopicPartition, list[tuple[int, int]]] = {SOURCE: [], OTHER: []}
        self.handled = {SOURCE: 0, OTHER: 0}
        self.trimmed: list[Positions] = []
        self.failures: list[Exception] = []
        self.made = 0

    def add(self, source: TopicPartition, effects: int) -> None:
        """A source record was handled, with so many effects."""
        offset = self.handled[source]
        self.rows[source] += [(offset, self.made + number) for number in range(effects)]
        self.made += effects
        self.handled[source] += 1

    def partitions(self) -> Collection[TopicPartition]:
        return list(self.rows)

    def read(self, positions: Positions, limit: int) -> Read:
        if self.failures:
            raise self.failures.pop(0)
        records: list[Outgoing] = []
        moved: dict[TopicPartition, int] = {}
        for source, rows in self.rows.items():
            start = positions.get(source, 0)
            ahead = [(offset, value) for offset, value in rows if offset >= start]
            cut = ahead[limit][0] + 1 if len(ahead) > limit else self.handled[source]
            records += [Outgoing("out", b"%d" % source.partition, b"%d" % v, []) for offset, v in ahead if offset < cut]
            if cut > start:
                moved[source] = cut
        return Read(records, moved)

    def trim(self, positions: Positions) -> int:
        self.trimmed.append(dict(positions))
        for source, position in positions.items():
            self.rows[source] = [row for row in self.rows[source] if row[0] >= position]
        return 0


class Lock:
    """A leadership that tests give and take."""

    def __init__(self) -> None:
        self.mine = True
        self.released = False

    def acquire(self) -> bool:
        return self.mine

    def held(self) -> bool:
        return self.mine

    def release(self) -> None:
        self.released = True


class World:
    """A broker, an outbox, and relays with a script of failures."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.create_topic("out", 2)
        self.broker.create_topic("s", 2)
        self.box = Box()
        self.lock = Lock()
        self.before: Failures = {}
        self.after: Failures = {}
        self.now = 0.0
        self.metrics = StreamMetrics(CollectorRegistry())

    def relay(self, lock: Lock | None = None, monotonic: Callable[[], float] | None = None) -> Relay:
        return Relay(
            service="referral",
            outbox=self.box,
            leadership=lock or self.lock,
            consumer=self.broker.consumer(GROUP),
            producer_factory=lambda: Flaky(self.broker.transactional_producer(GROUP), self.before, self.after),
            max_records=10,
            poll_s=5.0,
            backoff=Backoff(0.001, 0.002),
            metrics=self.metrics,
            monotonic=monotonic or time.monotonic,
        )

    def published(self) -> list[int]:
        reader = self.broker.consumer(f"reader-{random.random()}")
        reader.subscribe(["out"])
        got = []
        while batch := reader.consume(1_000, 0.0, 0.01):
            got += [int(record.value or b"") for record in batch]
        reader.close()
        return got

    def position(self) -> Positions:
        return self.broker.consumer(GROUP).committed([SOURCE, OTHER])


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    for number in range(30):
        world.box.add(SOURCE if number % 3 else OTHER, number % 4)
    yield world
    world.before.clear()


def drain(world: World, relay: Relay, steps: int = 60) -> None:
    for _ in range(steps):
        relay.step()
        if world.position() == world.box.handled:
            return
    raise AssertionError(f"the relay stands at {world.position()} of {world.box.handled}")


def test_each_row_is_published_once_and_the_position_is_the_source_offset(world: World) -> None:
    drain(world, world.relay())
    assert sorted(world.published()) == list(range(world.box.made))
    assert world.position() == world.box.handled


def test_a_successor_repeats_nothing(world: World) -> None:
    world.relay().step()
    assert 0 < len(world.published()) < world.box.made
    drain(world, world.relay())
    assert sorted(world.published()) == list(range(world.box.made))


@pytest.mark.parametrize("step", ["prepare", "begin", "produce", "send_offsets", "commit"])
@pytest.mark.parametrize("error", [PassingError, AbortableError, UnknownOutcomeError])
def test_no_failure_before_a_step_loses_or_repeats(world: World, step: str, error: type[Exception]) -> None:
    world.before[step] = [error("x"), error("y")]
    drain(world, world.relay())
    assert sorted(world.published()) == list(range(world.box.made))


def test_a_commit_that_took_effect_unseen_is_not_repeated(world: World) -> None:
    world.after["commit"] = [UnknownOutcomeError("x"), UnknownOutcomeError("y")]
    drain(world, world.relay())
    assert sorted(world.published()) == list(range(world.box.made))


def test_transactions_that_always_fail_stop_the_process(world: World) -> None:
    world.before["commit"] = [AbortableError("x") for _ in range(50)]
    relay = world.relay()
    with pytest.raises(FatalStreamError):
        drain(world, relay)


def test_a_database_that_is_away_is_waited_for_and_readiness_shows_it(world: World) -> None:
    world.box.failures = [PassingError("away")]
    relay = world.relay()
    assert relay.step() > 0
    with pytest.raises(PassingError):
        relay.check()
    drain(world, relay)
    relay.check()


def test_only_the_leader_publishes_and_a_follower_is_ready(world: World) -> None:
    world.lock.mine = False
    relay = world.relay()
    assert relay.step() > 0
    relay.check()
    assert world.published() == []
    world.lock.mine = True
    drain(world, relay)


def test_a_leader_that_was_replaced_without_noticing_is_fenced_and_follows(world: World) -> None:
    old_lock = Lock()
    old, new = world.relay(old_lock), world.relay()
    old.step()
    new.step()
    old_lock.mine = False
    assert old.step() > 0
    drain(world, new)
    assert sorted(world.published()) == list(range(world.box.made))


def test_a_relay_that_is_fenced_though_it_leads_stops_the_process(world: World) -> None:
    relay = world.relay()
    relay.step()
    world.broker.transactional_producer(GROUP).prepare()
    with pytest.raises(FatalStreamError):
        drain(world, relay)


def test_published_rows_are_trimmed_and_never_others(world: World) -> None:
    clock = iter(range(1_000_000))
    relay = world.relay(monotonic=lambda: float(next(clock)))
    eventually(lambda: relay.step() is not None and not any(world.box.rows.values()), every_s=0)
    assert sorted(world.published()) == list(range(world.box.made))
    assert all(world.box.handled[at] >= offset for trimmed in world.box.trimmed for at, offset in trimmed.items())


def test_an_idle_relay_commits_its_position_again_before_the_broker_forgets_it(world: World) -> None:
    relay = world.relay(monotonic=lambda: world.now)
    for _ in range(30):
        relay.step()
        world.now += 1.5
    assert world.position() == world.box.handled
    world.broker.group(GROUP).offsets.clear()
    relay.step()
    assert world.position() == {}
    world.now += 3_601
    relay.step()
    assert world.position() == world.box.handled


def test_a_commit_in_the_same_process_wakes_the_relay_at_once(world: World) -> None:
    relay = world.relay()
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(Stopper(stop.is_set),))
    thread.start()
    try:
        eventually(lambda: len(world.published()) == world.box.made)
        started = time.monotonic()
        world.box.add(SOURCE, 3)
        relay.wake()
        eventually(lambda: len(world.published()) == world.box.made, every_s=0.01)
        assert time.monotonic() - started < 2.5
    finally:
        stop.set()
        relay.wake()
        thread.join(10)
    assert world.lock.released
