"""One linear reader of committed records, with the bare client: tests recount from it, independent of our loop."""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition

DEADLINE_S = 60.0


class Read(NamedTuple):
    """A record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes | None]

    @property
    def type(self) -> str:
        """The CloudEvents type; empty when there is none."""
        return (self.headers.get("ce_type") or b"").decode("utf-8", "replace")

    @property
    def id(self) -> str:
        """The CloudEvents id; empty when there is none."""
        return (self.headers.get("ce_id") or b"").decode("utf-8", "replace")

    def data(self) -> dict[str, Any]:
        """The value as JSON."""
        document: dict[str, Any] = json.loads(self.value or b"")
        return document


def read_all(bootstrap: str, topic: str) -> list[Read]:
    """Every committed record of a topic up to its end at this moment, partition by partition, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"recount-{time.monotonic_ns()}",
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        return [record for partition in partitions for record in _read_partition(consumer, topic, partition)]
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, topic: str, partition: int) -> Iterator[Read]:
    """To the end, which the client tells by an end-of-partition event: past aborted records and markers as well."""
    consumer.assign([TopicPartition(topic, partition, 0)])
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for message in consumer.consume(10_000, 0.5):
            error = message.error()
            if error is None:
                yield Read(
                    topic,
                    partition,
                    message.offset() or 0,
                    message.key(),
                    message.value(),
                    dict(message.headers() or []),
                )
            elif error.name() == "_PARTITION_EOF":
                return
            else:
                raise AssertionError(f"{topic}: {error}")
    raise AssertionError(f"{topic} {partition}: the end was not reached within {DEADLINE_S} s")
