"""Topics for a benchmark: created from the topic files with the broker's own time stamps, filled, and read back."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ibalagh.contracts.codec import Codec
from ibalagh.contracts.topics import load_topic_files
from ibalagh.events.envelope import Data, Event
from ibalagh.stream.ports import Outgoing, Record

CHUNK = 10_000


def create_topics(bootstrap: str, prefix: str) -> None:
    """All topics under `prefix`, stamped by the broker when it appends."""
    settings = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(3 * 1024 * 1024)}
    topics = [
        NewTopic(prefix + file.name, num_partitions=file.partitions, replication_factor=1, config=settings)
        for file in load_topic_files()
    ]
    for future in AdminClient({"bootstrap.servers": bootstrap}).create_topics(topics).values():
        future.result(timeout=30)


def preload(bootstrap: str, records: Iterable[Outgoing], advance: Callable[[int], object]) -> None:
    """Write all records and wait until the broker has them. Raises RuntimeError when it has not."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": "lz4"})
    stream = iter(records)
    while chunk := list(islice(stream, CHUNK)):
        for record in chunk:
            producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        if producer.flush(60):
            raise RuntimeError("the broker did not take the raw reports within 60 s")
        advance(len(chunk))


def timestamps(bootstrap: str, topic: str) -> Iterator[list[int]]:
    """From the topic's beginning, the broker's time stamps (milliseconds) of committed records, as they come; for ever.

    Yields an empty list when nothing came for a while. It reads offsets ahead rarely, so as not to take the CPU that
    is being measured.
    """
    consumer = _reader(bootstrap, {"fetch.wait.max.ms": 500, "fetch.min.bytes": 1_000_000})
    try:
        _assign_all(consumer, topic)
        while True:
            yield [message.timestamp()[1] for message in consumer.consume(CHUNK, 0.5) if message.error() is None]
    finally:
        consumer.close()


def read_all(bootstrap: str, topic: str, codec: Codec) -> list[Event[Data]]:
    """Every committed event of a topic, up to its end at this moment."""
    consumer = _reader(bootstrap, {})
    events = []
    try:
        partitions = _assign_all(consumer, topic)
        ends = {one.partition: consumer.get_watermark_offsets(one, timeout=10)[1] for one in partitions}
        while any(max(0, one.offset) < ends[one.partition] for one in consumer.position(partitions)):
            messages = consumer.consume(CHUNK, 2.0)
            if not messages:
                break  # what is left are the markers of transactions, which are never returned
            events += [codec.decode(_record(message)) for message in messages if message.error() is None]
    finally:
        consumer.close()
    return events


def _reader(bootstrap: str, settings: dict[str, int]) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-reader-{time.monotonic_ns()}",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **settings,
        }
    )


def _assign_all(consumer: Consumer, topic: str) -> list[TopicPartition]:
    numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    partitions = [TopicPartition(topic, number, 0) for number in numbers]
    consumer.assign(partitions)
    return partitions


def _record(message: Message) -> Record:
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        message.headers() or [],
        message.timestamp()[1],
    )
