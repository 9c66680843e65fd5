"""The log in memory does what the suite asks of every log."""

import pytest

from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.ports import Consumer, PassesOver, Producer, TopicPartition, TransactionalProducer
from tests.support.stream_suite import StreamSuite


class MemoryLog:
    """A broker in memory behind the suite's protocol."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def topic(self, name: str, partitions: int = 1) -> str:
        self.broker.create_topic(name, partitions)
        return name

    def consumer(self, group: str = "g", passes_over: PassesOver | None = None) -> Consumer:
        return self.broker.consumer(group, passes_over)

    def transactional(self, id_: str = "t") -> TransactionalProducer:
        return self.broker.transactional_producer(id_)

    def producer(self) -> Producer:
        return self.broker.producer()

    def truncate(self, partition: TopicPartition, before: int) -> None:
        self.broker.delete_records(partition, before)


class TestMemory(StreamSuite):
    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()
