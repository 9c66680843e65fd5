"""What every log behind the ports of `ibalagh.stream.ports` must do: run for the one in memory and for Kafka alike.

A subclass provides the fixture `log`. What a test reads is checked against what it wrote, never against offsets
counted by hand: control records use offsets up.
"""

import itertools
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import pytest

from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError
from ibalagh.stream.ports import (
    Acknowledgement,
    Consumer,
    Outgoing,
    PassesOver,
    Positions,
    Producer,
    Record,
    TopicPartition,
    TransactionalProducer,
)
from tests.support.poll import eventually


class LogUnderTest(Protocol):
    """A log with names of its own; closes what it gave out."""

    def topic(self, name: str, partitions: int = 1) -> str:
        """Make a topic; its full name."""

    def consumer(self, group: str = "g", passes_over: PassesOver | None = None) -> Consumer:
        """A consumer of a group that only this test has."""

    def transactional(self, id_: str = "t") -> TransactionalProducer:
        """A producer of a transactional id that only this test has, not prepared yet."""

    def producer(self) -> Producer:
        """A producer without transactions."""

    def truncate(self, partition: TopicPartition, before: int) -> None:
        """Delete the records below an offset."""


def out(topic: str, key: str, value: str) -> Outgoing:
    """A record with a header that is there twice and one that is null."""
    return Outgoing(topic, key.encode(), value.encode(), [("a", b"1"), ("a", b"\xff"), ("n", None)])


def numbered(topic: str, numbers: Sequence[int], keys: int = 5) -> list[Outgoing]:
    """Records whose values are numbers, spread over some keys."""
    return [out(topic, f"k{number % keys}", str(number)) for number in numbers]


def read(consumer: Consumer, count: int, timeout_s: float = 20.0, max_records: int = 10_000) -> list[Record]:
    """Consume until `count` records came in, or fail; what passes is waited for."""
    records: list[Record] = []
    deadline = time.monotonic() + timeout_s
    while len(records) < count:
        assert time.monotonic() < deadline, f"only {len(records)} of {count} records came"
        try:
            records += consumer.consume(max_records, 0.01, 0.05)
        except PassingError:
            continue
    return records


def nothing_more(consumer: Consumer) -> bool:
    """Whether some turns of the loop bring no record."""
    return not any(consumer.consume(100, 0.0, 0.05) for _ in range(6))


def values(records: Collection[Record]) -> list[int]:
    """The numbers in the records, in the order of reading."""
    return [int(record.value or b"") for record in records]


def per_key(records: Collection[Record]) -> dict[bytes | None, list[int]]:
    """Key → numbers, in the order of reading."""
    keys: dict[bytes | None, list[int]] = {}
    for record in records:
        keys.setdefault(record.key, []).append(int(record.value or b""))
    return keys


def commit(producer: TransactionalProducer, records: Sequence[Outgoing]) -> None:
    """One transaction of records only."""
    producer.begin()
    producer.produce(records)
    producer.commit()


def prepared(log: LogUnderTest, id_: str = "t") -> TransactionalProducer:
    """A producer that is ready."""
    producer = log.transactional(id_)
    producer.prepare()
    return producer


def joined(consumer: Consumer, topics: Sequence[str], partitions: int) -> Consumer:
    """A consumer that has subscribed and holds so many partitions; nothing may be there to read yet."""
    consumer.subscribe(topics)

    def holds() -> bool:
        assert consumer.consume(1, 0.0, 0.05) == []
        return len(consumer.assignment()) == partitions

    eventually(holds, 20)
    return consumer


class StreamSuite:
    """The behaviours. `log` is the log under test."""

    @pytest.fixture
    def log(self) -> LogUnderTest:
        """To be provided by the subclass."""
        raise NotImplementedError

    def test_a_record_comes_back_byte_for_byte(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        records = [
            Outgoing(topic, None, None, []),
            Outgoing(topic, b"", b"", [("x", b"")]),
            Outgoing(topic, b"\xff\x00", b"\x00\xff" * 10, [("a", b"1"), ("a", b"\xff"), ("n", None)]),
        ]
        acknowledged = log.producer().publish(records, 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        got = read(consumer, 3)
        assert [(record.key, record.value, list(record.headers)) for record in got] == [
            (record.key, record.value, list(record.headers)) for record in records
        ]
        assert acknowledged == [Acknowledgement(record.topic, record.partition, record.offset) for record in got]

    def test_what_a_reader_passes_over_is_left_out_and_positions_move_past_it(self, log: LogUnderTest) -> None:
        topic, asked = log.topic("a"), set()

        def passes_over(of: str, value: bytes | None) -> bool:
            asked.add(of)
            return value == b"n"

        log.producer().publish([Outgoing(topic, b"k", value, []) for value in (b"n", b"y", None, b"n", b"n")], 10)
        consumer = log.consumer(passes_over=passes_over)
        consumer.subscribe([topic])
        assert [(record.offset, record.value) for record in read(consumer, 2)] == [(1, b"y"), (2, None)]
        eventually(
            lambda: consumer.consume(10, 0.0, 0.05) == [] and consumer.positions()[TopicPartition(topic, 0)] >= 5
        )
        assert asked == {topic}

    def test_order_holds_per_key_over_several_partitions(self, log: LogUnderTest) -> None:
        topic = log.topic("a", 3)
        log.producer().publish(numbered(topic, range(300), keys=20), 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        got = read(consumer, 300)
        assert sorted(values(got)) == list(range(300))
        assert all(numbers == sorted(numbers) for numbers in per_key(got).values())
        assert len({record.partition for record in got}) > 1

    def test_a_batch_is_bounded_by_count(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(50)), 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        assert max(len(batch) for batch in (read(consumer, 1, max_records=7) for _ in range(7))) <= 7

    def test_a_lone_record_comes_within_the_linger_not_the_idle_time(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        consumer = joined(log.consumer(), [topic], 1)
        producer = log.producer()
        producer.publish([out(topic, "k", "0")], 10)
        read(consumer, 1)
        took_s = []
        for number in range(5):
            producer.publish([out(topic, "k", str(number))], 10)
            started = time.monotonic()
            assert len(consumer.consume(5_000, 0.005, 10.0)) == 1
            took_s.append(time.monotonic() - started)
        assert min(took_s) < 0.03

    def test_only_committed_records_are_read(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        producer = prepared(log)
        consumer = joined(log.consumer(), [topic], 1)
        producer.begin()
        producer.produce(numbered(topic, range(10)))
        assert nothing_more(consumer)
        producer.commit()
        assert values(read(consumer, 10)) == list(range(10))

    def test_what_follows_an_open_transaction_waits_for_its_end(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        first, second = prepared(log, "t1"), prepared(log, "t2")
        consumer = joined(log.consumer(), [topic], 1)
        partition = TopicPartition(topic, 0)
        log.producer().publish(numbered(topic, [0]), 10)
        first.begin()
        first.produce(numbered(topic, [1]))
        got = read(consumer, 1)
        following = itertools.count(2)

        def waits() -> int | None:
            """A number committed now, unless it comes: others overtake the open record until it is in the log."""
            number = next(following)
            commit(second, numbered(topic, [number]))
            deadline = time.monotonic() + 1
            while number not in values(got) and time.monotonic() < deadline:
                got.extend(consumer.consume(100, 0.0, 0.05))
            return None if number in values(got) else number

        waiting = eventually(waits, 20)
        held = consumer.end_offsets([partition])[partition]
        assert 1 not in values(got)
        assert all(record.offset < held for record in got)
        first.commit()
        assert values(read(consumer, 2)) == [1, waiting]

    def test_an_abort_leaves_nothing_to_read(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        producer = prepared(log)
        producer.begin()
        producer.produce(numbered(topic, range(10)))
        producer.abort()
        producer.abort()
        commit(producer, numbered(topic, range(10, 20)))
        consumer = log.consumer()
        consumer.subscribe([topic])
        assert values(read(consumer, 10)) == list(range(10, 20))

    def test_offsets_travel_with_the_transaction(self, log: LogUnderTest) -> None:
        source, target = log.topic("a"), log.topic("b")
        log.producer().publish(numbered(source, range(20)), 10)
        consumer, producer = log.consumer(), prepared(log)
        consumer.subscribe([source])
        partition = TopicPartition(source, 0)
        first = read(consumer, 20)
        producer.begin()
        producer.produce(numbered(target, values(first)))
        producer.send_offsets(consumer.positions(), consumer.group_metadata())
        producer.abort()
        assert consumer.committed([partition]) == {}
        consumer.rewind()
        again = read(consumer, 20)
        assert again == first
        producer.begin()
        producer.produce(numbered(target, values(again)))
        producer.send_offsets(consumer.positions(), consumer.group_metadata())
        producer.commit()
        assert consumer.committed([partition]) == {partition: 20}
        reader = log.consumer("reader")
        reader.subscribe([target])
        assert values(read(reader, 20)) == list(range(20))
        assert nothing_more(reader)

    def test_rewind_goes_back_to_the_committed_offset_in_the_middle_of_a_stream(self, log: LogUnderTest) -> None:
        topic = log.topic("a", 2)
        log.producer().publish(numbered(topic, range(2_000)), 10)
        consumer, producer = log.consumer(), prepared(log)
        consumer.subscribe([topic])
        kept: list[Record] = []
        turn = 0
        while len(kept) < 2_000:
            batch = read(consumer, 1, max_records=150)
            turn += 1
            if turn % 3 == 0:
                consumer.rewind()
                continue
            producer.begin()
            producer.send_offsets(consumer.positions(), consumer.group_metadata())
            producer.commit()
            kept += batch
        assert sorted(values(kept)) == list(range(2_000))
        assert all(numbers == sorted(numbers) for numbers in per_key(kept).values())

    def test_a_second_producer_of_the_same_id_fences_the_first(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        first = prepared(log)
        first.begin()
        first.produce(numbered(topic, range(5)))
        second = prepared(log)
        with pytest.raises(FatalStreamError):
            first.commit()
        commit(second, numbered(topic, range(5, 10)))
        consumer = log.consumer()
        consumer.subscribe([topic])
        assert values(read(consumer, 5)) == list(range(5, 10))

    def test_a_member_that_has_lost_its_place_cannot_send_offsets(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(5)), 10)
        consumer, producer = log.consumer(), prepared(log)
        consumer.subscribe([topic])
        read(consumer, 5)
        stale, positions = consumer.group_metadata(), consumer.positions()
        consumer.close()
        successor = log.consumer()
        successor.subscribe([topic])
        read(successor, 5)
        with pytest.raises(AbortableError):
            self._commit_offsets(producer, positions, stale)
        producer.abort()
        assert successor.committed([TopicPartition(topic, 0)]) == {}

    @staticmethod
    def _commit_offsets(producer: TransactionalProducer, positions: Positions, group: object) -> None:
        producer.begin()
        producer.send_offsets(positions, group)
        producer.commit()

    def test_a_consumer_that_never_subscribes_commits_for_a_group(self, log: LogUnderTest) -> None:
        source, target = log.topic("a"), log.topic("b")
        log.producer().publish(numbered(source, range(20)), 10)
        relay, producer = log.consumer("relay"), prepared(log)
        partition = TopicPartition(source, 0)
        assert relay.committed([partition]) == {}
        producer.begin()
        producer.produce(numbered(target, [1]))
        producer.send_offsets({partition: 7}, relay.group_metadata())
        producer.abort()
        assert relay.committed([partition]) == {}
        producer.begin()
        producer.send_offsets({partition: 9}, relay.group_metadata())
        producer.commit()
        assert relay.committed([partition]) == {partition: 9}
        relay.commit({partition: 11})
        eventually(lambda: relay.committed([partition]) == {partition: 11})

    def test_pause_brings_nothing_and_resume_skips_nothing(self, log: LogUnderTest) -> None:
        topic = log.topic("a", 2)
        producer = log.producer()
        producer.publish(numbered(topic, range(1_000)), 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        got = read(consumer, 1, max_records=100)
        consumer.pause()
        producer.publish(numbered(topic, range(1_000, 1_100)), 10)
        assert nothing_more(consumer)
        consumer.resume()
        got += read(consumer, 1_100 - len(got))
        assert sorted(values(got)) == list(range(1_100))

    def test_positions_after_a_drain_are_the_end_and_a_restart_skips_nothing(self, log: LogUnderTest) -> None:
        topic = log.topic("a", 2)
        writer = prepared(log, "writer")
        for start in range(0, 300, 30):
            commit(writer, numbered(topic, range(start, start + 30)))
        writer.begin()
        writer.produce(numbered(topic, range(1_000, 1_030)))
        writer.abort()
        consumer = log.consumer()
        consumer.subscribe([topic])
        got = read(consumer, 300)
        partitions = consumer.assignment()

        def at_end() -> bool:
            assert consumer.consume(100, 0.0, 0.05) == []
            return consumer.positions() == consumer.end_offsets(partitions)

        eventually(at_end)
        producer = prepared(log)
        self._commit_offsets(producer, consumer.positions(), consumer.group_metadata())
        consumer.close()
        commit(writer, numbered(topic, range(300, 330)))
        successor = log.consumer()
        successor.subscribe([topic])
        got += read(successor, 30)
        assert sorted(values(got)) == list(range(330))
        assert nothing_more(successor)

    def test_start_positions_win_over_committed_offsets(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(20)), 10)
        partition = TopicPartition(topic, 0)
        clerk = log.consumer()
        clerk.commit({partition: 15})
        eventually(lambda: clerk.committed([partition]) == {partition: 15})
        stored = {partition: 4}
        consumer = log.consumer()
        consumer.subscribe([topic], start_positions=lambda _: dict(stored))
        assert values(read(consumer, 16)) == list(range(4, 20))
        stored[partition] = 18
        consumer.rewind()
        assert values(read(consumer, 2)) == [18, 19]

    def test_start_positions_that_cannot_be_had_now_are_asked_for_again(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(5)), 10)
        answers: list[Callable[[], Positions]] = [self._away, self._away, lambda: {TopicPartition(topic, 0): 3}]
        consumer = log.consumer()
        consumer.subscribe([topic], start_positions=lambda _: answers.pop(0)())
        failures = 0
        got: list[Record] = []
        deadline = time.monotonic() + 20
        while not got and time.monotonic() < deadline:
            try:
                got = consumer.consume(100, 0.01, 0.05)
            except PassingError:
                failures += 1
        assert (values(got), failures) == ([3, 4], 2)

    @staticmethod
    def _away() -> Positions:
        raise PassingError("the store is away")

    def test_a_partition_that_moves_is_read_by_one_member_at_a_time(self, log: LogUnderTest) -> None:
        topic = log.topic("a", 2)
        log.producer().publish(numbered(topic, range(200), keys=20), 10)
        revoked: list[TopicPartition] = []
        first = log.consumer()
        first.subscribe([topic], on_revoked=revoked.extend)
        read(first, 50, max_records=50)
        second = log.consumer()
        second.subscribe([topic])
        got: list[Record] = []

        def moved() -> bool:
            # The first reads on and commits nothing: what it read of the partition that moves comes again.
            for record in first.consume(20, 0.0, 0.02):
                assert TopicPartition(record.topic, record.partition) in first.assignment()
            got.extend(second.consume(200, 0.0, 0.02))
            return len(second.assignment()) == 1 and len(first.assignment()) == 1

        eventually(moved, 30, every_s=0)
        assert len(revoked) == 1
        assert set(second.assignment()) == set(revoked)
        count = self._count(log, revoked[0])

        def complete() -> bool:
            got.extend(second.consume(200, 0.0, 0.02))
            return {(record.partition, record.offset) for record in got} == {
                (revoked[0].partition, offset) for offset in range(count)
            }

        eventually(complete, 20, every_s=0)
        assert len(got) == count

    @staticmethod
    def _count(log: LogUnderTest, partition: TopicPartition) -> int:
        return log.consumer("counter").end_offsets([partition])[partition]

    def test_a_committed_offset_that_fell_out_of_the_log_is_fatal(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(20)), 10)
        partition = TopicPartition(topic, 0)
        clerk = log.consumer()
        clerk.commit({partition: 5})
        eventually(lambda: clerk.committed([partition]) == {partition: 5})
        log.truncate(partition, 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        with pytest.raises(FatalStreamError):
            read(consumer, 1)

    def test_a_group_without_offsets_begins_at_what_retention_left(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(20)), 10)
        log.truncate(TopicPartition(topic, 0), 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        assert values(read(consumer, 10)) == list(range(10, 20))

    def test_a_committed_offset_beyond_the_end_is_fatal(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(20)), 10)
        consumer = log.consumer()
        consumer.subscribe([topic], start_positions=lambda partitions: dict.fromkeys(partitions, 99))
        with pytest.raises(FatalStreamError):
            read(consumer, 1)

    def test_a_large_value_passes(self, log: LogUnderTest) -> None:
        topic = log.topic("a")
        value = b"x" * (1_048_576 + 1)
        commit(prepared(log), [Outgoing(topic, b"k", value, [])])
        consumer = log.consumer()
        consumer.subscribe([topic])
        assert read(consumer, 1)[0].value == value
