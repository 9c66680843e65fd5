"""Three real brokers, replication 3, two in-sync replicas: one of them may crash and nothing acknowledged is lost."""

from collections import Counter
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from ibalagh.local.kafka import EmbeddedKafka
from ibalagh.stream.admin import ClusterAdmin
from ibalagh.stream.topology import DEFAULT_REPLICATION, Topic, plan
from tests.support.poll import eventually

TOPIC = "three.reports"
OTHER_TOPIC = "three.cases"
PARTITIONS = 3
AFTER_EACH_STEP = 2000


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    cluster = EmbeddedKafka(tmp_path_factory.mktemp("three") / "kafka", brokers=3)
    cluster.start()
    yield cluster
    cluster.stop()


class Writer:
    """An idempotent producer with acks=all that notes what the cluster acknowledged and what it refused."""

    def __init__(self, bootstrap: str) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[KafkaError] = []
        self._number = 0
        settings = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 1}
        self._producer = Producer({**settings, "error_cb": lambda _: None, "log_level": 0})

    def write(self, count: int) -> None:
        """Sends `count` more records; returns when all have been answered."""
        for _ in range(count):
            self._producer.produce(TOPIC, str(self._number).encode(), on_delivery=self._answered)
            self._number += 1
            self._producer.poll(0)
        assert self._producer.flush(60) == 0, "records without an answer"

    def _answered(self, error: KafkaError | None, message: Message) -> None:
        value = message.value()
        assert value is not None
        if error is None:
            self.acknowledged.append(int(value))
        else:
            self.refused.append(error)


def read_all(bootstrap: str, admin: ClusterAdmin) -> Counter[int]:
    """Every committed record of the topic, counted by its number."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "reader", "isolation.level": "read_committed"}
    consumer = Consumer({**settings, "enable.auto.commit": False, "error_cb": lambda _: None, "log_level": 0})
    ends = {end.partition: end for end in admin.ends([TOPIC])}
    consumer.assign([TopicPartition(TOPIC, number, end.first) for number, end in ends.items()])
    seen: Counter[int] = Counter()

    def drained() -> bool:
        for message in consumer.consume(5000, timeout=0.2):
            assert message.error() is None
            value = message.value()
            assert value is not None
            seen[int(value)] += 1
        return sum(seen.values()) == sum(end.last - end.first for end in ends.values())

    eventually(drained, timeout_s=60)
    consumer.close()
    return seen


def in_sync(admin: ClusterAdmin, topic: str = TOPIC) -> set[int]:
    """How many in-sync replicas the topic's partitions have: {3} when all have all."""
    return set(admin.in_sync_replicas(topic).values())


@pytest.mark.timeout(240)
def test_losing_one_of_three_brokers_loses_nothing_that_was_acknowledged(kafka: EmbeddedKafka) -> None:
    admin = ClusterAdmin(kafka.bootstrap)
    assert eventually(lambda: admin.brokers() == 3)
    admin.apply(plan([Topic(TOPIC, PARTITIONS, DEFAULT_REPLICATION, {})], {}))
    found = eventually(lambda: admin.topics(TOPIC))
    assert (found[TOPIC].replication, found[TOPIC].settings["min.insync.replicas"]) == (3, "2")
    eventually(lambda: in_sync(admin) == {3})

    writer = Writer(kafka.bootstrap)
    for broker in (1, 2):
        writer.write(AFTER_EACH_STEP)
        kafka.kill_broker(broker)
        writer.write(AFTER_EACH_STEP)
        kafka.start_broker(broker)
        writer.write(AFTER_EACH_STEP)
        eventually(lambda: in_sync(admin) == {3}, timeout_s=60)

    assert writer.refused == []
    assert len(writer.acknowledged) == 6 * AFTER_EACH_STEP
    assert read_all(kafka.bootstrap, admin) == Counter(writer.acknowledged), "each exactly once"


@pytest.mark.timeout(240)
def test_with_two_of_three_brokers_gone_nothing_is_acknowledged(kafka: EmbeddedKafka) -> None:
    """One replica is not enough to acknowledge: what min ISR 2 is for."""
    admin = ClusterAdmin(kafka.bootstrap)
    admin.apply(plan([Topic(OTHER_TOPIC, 1, DEFAULT_REPLICATION, {})], {}))
    eventually(lambda: admin.names(OTHER_TOPIC) and in_sync(admin, OTHER_TOPIC) == {3})
    kafka.kill_broker(2)
    kafka.kill_broker(3)
    settings = {"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "message.timeout.ms": 3000}
    producer = Producer({**settings, "error_cb": lambda _: None, "log_level": 0})
    answers: list[KafkaError | None] = []
    producer.produce(OTHER_TOPIC, b"one", on_delivery=lambda error, _: answers.append(error))
    assert producer.flush(30) == 0
    assert answers[0] is not None, "acknowledged by a single replica"
