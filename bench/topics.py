"""Topics for a benchmark: created from the topic files with the broker's own time stamps, filled, and read back."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ibalagh.contracts.codec import Codec
from ibalagh.contracts.topics import load_topic_files
from ibalagh.events.envelope import Data, Event
from ibalagh.stream.kafka import read_topic
from ibalagh.stream.ports import Outgoing

CHUNK = 10_000
_WRITING = {"enable.idempotence": True, "compression.type": "lz4"}


def create_topics(bootstrap: str, prefix: str) -> None:
    """All topics under `prefix`, stamped by the broker when it appends."""
    settings = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(3 * 1024 * 1024)}
    topics = [
        NewTopic(prefix + file.name, num_partitions=file.partitions, replication_factor=1, config=settings)
        for file in load_topic_files()
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics(topics).values():
        future.result(timeout=30)


def preload(bootstrap: str, records: Iterable[Outgoing], advance: Callable[[int], object]) -> None:
    """Write all records and wait until the broker has them. Raises RuntimeError when it has not."""
    _write(Producer(_WRITING | {"bootstrap.servers": bootstrap}), records, advance)


def preload_hidden(bootstrap: str, records: Iterable[Outgoing], advance: Callable[[int], object]) -> Callable[[], None]:
    """As `preload`, in a transaction: nobody sees the records before what is returned is called, then all at once."""
    held = {"transactional.id": "bench-preload", "transaction.timeout.ms": 900_000}
    producer = Producer(_WRITING | held | {"bootstrap.servers": bootstrap})
    producer.init_transactions(30)
    producer.begin_transaction()
    _write(producer, records, advance)
    return lambda: producer.commit_transaction(60)


def _write(producer: Producer, records: Iterable[Outgoing], advance: Callable[[int], object]) -> None:
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
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-reader-{time.monotonic_ns()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 500,
            "fetch.min.bytes": 1_000_000,
        }
    )
    try:
        numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        while True:
            yield [message.timestamp()[1] for message in consumer.consume(CHUNK, 0.5) if message.error() is None]
    finally:
        consumer.close()


def read_all(bootstrap: str, topic: str, codec: Codec) -> list[Event[Data]]:
    """Every committed event of a topic, up to its end at this moment."""
    return [codec.decode(record) for record in read_topic(bootstrap, topic)]
