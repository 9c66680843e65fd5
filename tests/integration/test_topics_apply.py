"""`ibalagh topics apply` on a real broker."""

import pytest

from ibalagh import cli
from ibalagh.contracts.topics import load_topic_files
from ibalagh.stream.admin import ClusterAdmin, TopologyError
from ibalagh.stream.errors import PassingError
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer
from ibalagh.stream.ports import Outgoing, TopicPartition
from ibalagh.stream.topology import DEFAULT_REPLICATION, Topic, plan
from tests.support.poll import eventually


def topics_command(monkeypatch: pytest.MonkeyPatch, broker: str, prefix: str, action: str = "apply") -> int:
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "not used")
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", prefix)
    return cli.main(["topics", action])


def test_apply_makes_what_the_files_say_and_a_second_time_changes_nothing(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topics_command(monkeypatch, broker, topic_prefix) == 0
    files = {topic_prefix + file.name: file for file in load_topic_files()}
    found = ClusterAdmin(broker).topics(topic_prefix)
    assert found.keys() == files.keys()
    for name, topic in found.items():
        assert topic.partitions == files[name].partitions
        assert topic.settings["retention.ms"] == str(files[name].retention_ms)
        assert topic.settings["max.message.bytes"] == str(files[name].max_message_bytes)
    capsys.readouterr()
    assert topics_command(monkeypatch, broker, topic_prefix) == 0
    assert "all topics are as their files say" in capsys.readouterr().out


def test_apply_grows_and_alters_and_refuses_to_shrink(broker: str, topic_prefix: str) -> None:
    admin = ClusterAdmin(broker)
    name = topic_prefix + "orders"

    def apply(partitions: int, retention_ms: int) -> None:
        wanted = Topic(name, partitions, DEFAULT_REPLICATION, {"retention.ms": str(retention_ms)})
        admin.apply(plan([wanted], admin.topics(topic_prefix)))

    apply(1, 1000)
    eventually(lambda: name in admin.topics(topic_prefix))
    apply(3, 2000)
    eventually(lambda: admin.topics(topic_prefix)[name].partitions == 3)
    assert admin.topics(topic_prefix)[name].settings["retention.ms"] == "2000"
    with pytest.raises(TopologyError, match="cannot be taken away"):
        apply(2, 9000)
    assert admin.topics(topic_prefix)[name].settings["retention.ms"] == "2000", "a refused plan changes nothing"


def test_a_refusal_is_said_by_the_command_with_exit_code_1(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = topic_prefix + load_topic_files()[0].name
    admin = ClusterAdmin(broker)
    admin.apply(plan([Topic(name, 20, DEFAULT_REPLICATION, {})], {}))
    eventually(lambda: name in admin.topics(topic_prefix))
    assert topics_command(monkeypatch, broker, topic_prefix) == 1
    assert "put 20 into the file" in capsys.readouterr().err


def test_lags_and_ends_count_what_a_group_has_still_to_read(broker: str, topic_prefix: str) -> None:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka import TopicPartition as Place

    admin = ClusterAdmin(broker)
    name, group = topic_prefix + "orders", topic_prefix + "readers"
    admin.apply(plan([Topic(name, 2, DEFAULT_REPLICATION, {})], {}))
    producer = Producer({"bootstrap.servers": broker})
    for number in range(10):
        producer.produce(name, b"x", partition=number % 2)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": broker, "group.id": group})
    consumer.commit(offsets=[Place(name, 0, 2), Place(name, 1, 5)], asynchronous=False)
    consumer.close()
    assert sum(end.last - end.first for end in admin.ends([name])) == 10
    assert [(lag.group, lag.topic, lag.lag) for lag in admin.lags(topic_prefix)] == [(group, name, 3)]


def test_a_group_that_reads_and_has_committed_nothing_is_shown(broker: str, topic_prefix: str) -> None:
    admin = ClusterAdmin(broker)
    full, empty = topic_prefix + "full", topic_prefix + "empty"
    admin.apply(plan([Topic(name, 2, DEFAULT_REPLICATION, {}) for name in (full, empty)], {}))
    producer = KafkaProducer(broker)
    assert producer.publish([Outgoing(full, b"k", b"x", ())] * 3, 20)[-1] is not None
    producer.close()
    group = topic_prefix + "readers"
    consumer = KafkaConsumer(broker, group)
    consumer.subscribe([full, empty])

    def shown() -> list[tuple[str, int, int | None]]:
        consumer.consume(1, 0.0, 0.1)
        return [(lag.topic, lag.members, lag.lag) for lag in admin.lags(topic_prefix) if lag.group == group]

    eventually(lambda: shown() == [(empty, 1, 0), (full, 1, None)], timeout_s=20)
    consumer.commit({TopicPartition(full, 0): 0})
    eventually(lambda: shown() == [(empty, 1, 0), (full, 1, 3)], timeout_s=20)
    consumer.close()


def test_a_broker_that_is_not_there_is_a_passing_error_in_time() -> None:
    with pytest.raises(PassingError):
        ClusterAdmin("127.0.0.1:1", timeout_s=1).names("x")
