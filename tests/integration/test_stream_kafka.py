"""Kafka does what the suite asks of every log, and what only a real broker can show."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition as _TopicPartition
from confluent_kafka.admin import AdminClient

from ibalagh.stream.errors import FatalStreamError, PassingError
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, probe
from ibalagh.stream.kafka.consumer import UNREADABLE_HEADERS
from ibalagh.stream.ports import Consumer, Outgoing, PassesOver, Producer, TopicPartition, TransactionalProducer
from tests.support import topics
from tests.support.poll import eventually
from tests.support.stream_suite import StreamSuite, numbered, prepared, read, values

NOBODY = "127.0.0.1:1"
BAD_HEADER_NAME = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_):
        return b"\\xff"

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
        await producer.send_and_wait(sys.argv[2], b"v", headers=[(Name("x"), b"1")])

asyncio.run(main())
"""
"""Writes a record that our own client refuses to write."""


class KafkaLog:
    """A real broker behind the suite's protocol."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self._given: list[Consumer | Producer | TransactionalProducer] = []

    def topic(self, name: str, partitions: int = 1) -> str:
        full = f"{self.prefix}{name}"
        topics.create(self.bootstrap, {full: partitions})
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        eventually(lambda: full in admin.list_topics(timeout=10).topics)
        return full

    def consumer(self, group: str = "g", passes_over: PassesOver | None = None) -> Consumer:
        consumer = KafkaConsumer(self.bootstrap, self.prefix + group, passes_over=passes_over)
        self._given.append(consumer)
        return consumer

    def transactional(self, id_: str = "t") -> TransactionalProducer:
        producer = KafkaTransactionalProducer(self.bootstrap, self.prefix + id_)
        self._given.append(producer)
        return producer

    def producer(self) -> Producer:
        producer = KafkaProducer(self.bootstrap)
        self._given.append(producer)
        return producer

    def truncate(self, partition: TopicPartition, before: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.delete_records([_TopicPartition(*partition, before)]).values():
            future.result(timeout=10)

    def close(self) -> None:
        for client in self._given:
            client.close()


class TestKafka(StreamSuite):
    @pytest.fixture
    def log(self, broker: str, topic_prefix: str) -> Iterator[KafkaLog]:
        log = KafkaLog(broker, topic_prefix)
        yield log
        log.close()

    def test_offsets_in_an_open_transaction_are_waited_for(self, log: KafkaLog) -> None:
        """A worker that was killed in its commit: its successor's producer ends the transaction, then offsets are read
        (`KafkaUnit.start_positions` keeps this order)."""
        topic = log.topic("a")
        log.producer().publish(numbered(topic, range(10)), 10)
        dead, clerk = prepared(log), log.consumer()
        partition = TopicPartition(topic, 0)
        dead.begin()
        dead.send_offsets({partition: 10}, clerk.group_metadata())
        started = time.monotonic()
        prepared(log)
        assert clerk.committed([partition]) == {}
        assert time.monotonic() - started < 5

    def test_a_broker_that_is_away_passes_for_every_client(self) -> None:
        with pytest.raises(PassingError):
            probe(NOBODY, 0.5)
        consumer = KafkaConsumer(NOBODY, "g")
        consumer.subscribe(["t"])

        def passes() -> bool:
            try:
                consumer.consume(1, 0.0, 0.05)
            except PassingError:
                return True
            return False

        eventually(passes)
        consumer.close()
        producer = KafkaProducer(NOBODY, delivery_timeout_s=1)
        started = time.monotonic()
        assert producer.publish([Outgoing("t", b"k", b"v", [])] * 3, 0.3) == [None] * 3
        assert time.monotonic() - started < 1
        producer.close()

    def test_a_broker_that_is_away_writes_nothing_to_standard_error(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(PassingError):
            probe(NOBODY, 0.5)
        consumer = KafkaConsumer(NOBODY, "g")
        consumer.subscribe(["t"])
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            try:
                consumer.consume(1, 0.0, 0.1)
            except PassingError:
                continue
        consumer.close()
        assert capfd.readouterr().err.count("\n") <= 3

    def test_a_header_name_that_is_no_utf8_stops_nobody(self, log: KafkaLog) -> None:
        topic = log.topic("a")
        # Enough of them for the interpreter to specialise the call, which must not let the exception slip through.
        log.producer().publish(numbered(topic, range(100)), 10)
        subprocess.run(
            [sys.executable, "-c", BAD_HEADER_NAME, log.bootstrap, topic],
            check=True,
            timeout=30,
            env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"},
        )
        log.producer().publish(numbered(topic, [1]), 10)
        consumer = log.consumer()
        consumer.subscribe([topic])
        *before, bad, good = read(consumer, 102)
        assert values(before) == list(range(100))
        assert (bad.value, bad.headers) == (b"v", UNREADABLE_HEADERS)
        assert values([good]) == [1]

    def test_a_probe_of_a_broker_that_is_there_raises_nothing(self, broker: str) -> None:
        probe(broker, 5)

    def test_a_record_that_the_topic_cannot_take_stops_the_producer(self, log: KafkaLog) -> None:
        with pytest.raises(FatalStreamError):
            log.producer().publish([Outgoing(log.topic("a"), b"k", b"x" * 5_000_000, [])], 10)

    def test_a_topic_made_after_the_subscription_is_read_from_its_beginning(self, log: KafkaLog) -> None:
        consumer = log.consumer(uuid.uuid4().hex)
        name = f"{log.prefix}later"
        consumer.subscribe([name])
        with pytest.raises(PassingError):
            read_once(consumer)
        log.topic("later")
        log.producer().publish(numbered(name, range(5)), 10)
        assert values(read(consumer, 5, timeout_s=40)) == list(range(5))


def read_once(consumer: Consumer) -> None:
    """Consume until an error comes."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        consumer.consume(1, 0.0, 0.05)
