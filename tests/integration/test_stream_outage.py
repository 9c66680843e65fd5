"""What a broker that freezes or dies does to transactions and to the loop, on a broker of this module's own."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, TRIAGED
from ibalagh.local.kafka import EmbeddedKafka
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, read_topic
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.processor import Processor
from tests.support import topics
from tests.support.poll import eventually
from tests.support.streams import Stopper, encoded, received, triage

REPORTS = 600


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    kafka = EmbeddedKafka(Path(tmp_path_factory.mktemp("kafka")))
    kafka.start()
    yield kafka
    kafka.stop()


def test_a_commit_that_a_frozen_broker_does_not_answer_has_an_unknown_outcome(own_broker: EmbeddedKafka) -> None:
    codec = Codec("frozen.")
    topics.create(own_broker.bootstrap, {codec.topic(RECEIVED): 1})
    producer = KafkaTransactionalProducer(own_broker.bootstrap, "frozen", transaction_timeout_s=2)
    producer.prepare()
    producer.begin()
    producer.produce(encoded(codec, range(10)))
    # The records must have arrived: it is the commit's own answer that is to be missing.
    assert producer._producer.flush(10) == 0
    pid = own_broker.pids()["kafka-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(UnknownOutcomeError):
            producer.commit()
        producer.close()
        del producer
        assert time.monotonic() - started < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    successor = KafkaTransactionalProducer(own_broker.bootstrap, "frozen")
    eventually(lambda: _prepared(successor), 30)
    successor.begin()
    successor.commit()
    successor.close()
    assert len(list(read_topic(own_broker.bootstrap, codec.topic(RECEIVED)))) in (0, 10)


def _prepared(producer: KafkaTransactionalProducer) -> bool:
    try:
        producer.prepare()
    except PassingError:
        return False
    return True


def test_a_broker_that_is_killed_under_load_costs_no_report_and_doubles_none(own_broker: EmbeddedKafka) -> None:
    codec, group = Codec("killed."), "killed.triage"
    dead = codec.topic("triage.deadletters")
    topics.create(own_broker.bootstrap, {codec.topic(RECEIVED): 2, codec.topic(TRIAGED): 2, dead: 1})
    consumer = KafkaConsumer(own_broker.bootstrap, group)
    processor = Processor(
        name="classifier",
        service="triage",
        topics=[RECEIVED],
        consumer=consumer,
        codec=codec,
        unit=KafkaUnit(
            handle=triage,
            codec=codec,
            producer_factory=lambda: KafkaTransactionalProducer(own_broker.bootstrap, group),
            group=consumer.group_metadata,
            dead_letter_topic=dead,
            consumer_name=group,
        ),
        max_records=20,
    )
    stop = threading.Event()
    thread = threading.Thread(target=processor.run, args=(Stopper(stop.is_set),))
    thread.start()
    try:
        producer = KafkaProducer(own_broker.bootstrap, delivery_timeout_s=60)
        for start in range(0, REPORTS, 100):
            if start == 300:
                threading.Thread(target=_restart, args=(own_broker,)).start()
            assert None not in producer.publish(encoded(codec, range(start, start + 100)), 60)
        producer.close()
        expected = sorted(received(number).id for number in range(REPORTS))

        def all_triaged() -> bool:
            try:
                records = list(read_topic(own_broker.bootstrap, codec.topic(TRIAGED)))
            except PassingError:
                return False
            assert len(records) <= REPORTS
            return sorted(codec.decode(record).subject for record in records) == expected

        eventually(all_triaged, 60, every_s=0.5)
        assert list(read_topic(own_broker.bootstrap, dead)) == []
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def _restart(kafka: EmbeddedKafka) -> None:
    kafka.kill_broker(1)
    kafka.start_broker(1)
