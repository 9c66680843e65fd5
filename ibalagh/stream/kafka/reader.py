"""Reads topics as they are now, outside any group: for tools that list, verify or replay.

In: a topic's full name. Out: its committed records up to the end that it had when reading began, partition by partition
in order. Nothing is joined and nothing is committed.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, KafkaException
from confluent_kafka import Consumer as _Consumer
from confluent_kafka import TopicPartition as _TopicPartition

from ibalagh.stream.errors import FatalStreamError, PassingError
from ibalagh.stream.kafka.client import common_config, kafka_error, raised
from ibalagh.stream.kafka.consumer import record_of
from ibalagh.stream.ports import Record

_LATEST: Final = -1


def read_topic(
    bootstrap: str,
    topic: str,
    timeout_s: float = 15.0,
    progress: Callable[[float], None] = lambda _: None,
    between: tuple[datetime, datetime] | None = None,
) -> Iterator[Record]:
    """The records, or those that the log took in from the first of two times on and before the second; `progress` is
    told the share of the offsets that is done. Raises `PassingError` when the broker is silent for `timeout_s` seconds,
    `FatalStreamError` when there is no such topic."""
    consumer = _Consumer(
        {
            **common_config(bootstrap, "ibalagh.reader"),
            "group.id": f"ibalagh.reader.{uuid4()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    try:
        yield from _read(consumer, topic, timeout_s, progress, between)
    except KafkaException as exception:
        raise raised(kafka_error(exception), f"read {topic}") from None
    finally:
        consumer.close()


def _read(
    consumer: _Consumer,
    topic: str,
    timeout_s: float,
    progress: Callable[[float], None],
    between: tuple[datetime, datetime] | None,
) -> Iterator[Record]:
    partitions = consumer.list_topics(topic, timeout=timeout_s).topics[topic].partitions
    if not partitions:
        raise FatalStreamError(f"there is no topic {topic}")

    def offsets(milliseconds: int) -> dict[int, int]:
        asked = [_TopicPartition(topic, number, milliseconds) for number in sorted(partitions)]
        return {at.partition: at.offset for at in consumer.offsets_for_times(asked, timeout=timeout_s)}

    ends, starts = offsets(_LATEST), dict.fromkeys(partitions, 0)
    if between is not None:
        first, last = (offsets(int(at.timestamp() * 1_000)) for at in between)
        # Where the log has nothing that late, the answer is a negative number.
        starts = {number: ends[number] if offset < 0 else offset for number, offset in first.items()}
        ends = {number: end if last[number] < 0 else min(end, last[number]) for number, end in ends.items()}
    total = max(1, sum(max(0, end - starts[number]) for number, end in ends.items()))
    done = 0
    for number, end in ends.items():
        here = _TopicPartition(topic, number, OFFSET_BEGINNING)
        low, _ = consumer.get_watermark_offsets(here, timeout=timeout_s)
        start = starts[number]
        consumer.assign([_TopicPartition(topic, number, start if start > low else OFFSET_BEGINNING)])
        low = max(low, start)
        position, silent_since = low, time.monotonic()
        while position < end:
            messages = consumer.consume(1_000, 0.05)
            if messages:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > timeout_s:
                raise PassingError(f"no answer while reading {topic}")
            for message in messages:
                error = message.error()
                if error is not None:
                    raise raised(error, f"read {topic}")
                record = record_of(message)
                if record.offset < end:
                    yield record
            # Past control records, which are never handed out.
            position = max(position, consumer.position([here])[0].offset)
            progress(min(1.0, (done + position - start) / total))
        done += max(0, end - start)
