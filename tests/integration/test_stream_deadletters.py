"""Poison through the loop on a real broker into the dead letters, and back by `ibalagh deadletters`."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.cli.status import look
from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec
from ibalagh.events.registry import RECEIVED, SERVICES, TRIAGED, dead_letter_topic
from ibalagh.stream.deadletters import MAX_REPLAYS
from ibalagh.stream.deadletters_cli import main
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, read_topic
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.ports import Outgoing, Record
from ibalagh.stream.processor import Processor
from tests.support import topics
from tests.support.streams import Stopper, encoded, received, triage


class Stack:
    """The topics of triage on a real broker, and a worker that runs until what was sent is dealt with."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.codec = Codec(prefix)
        self.source = self.codec.topic(RECEIVED)
        self.dead = self.codec.topic(dead_letter_topic("triage"))
        dead = [self.codec.topic(dead_letter_topic(service)) for service in SERVICES]
        topics.create(bootstrap, {self.source: 2, self.codec.topic(TRIAGED): 1, **dict.fromkeys(dead, 1)})

    def send(self, records: list[Outgoing]) -> None:
        producer = KafkaProducer(self.bootstrap)
        assert None not in producer.publish(records, 20)
        producer.close()

    def work(self, committed: int) -> None:
        """Run one worker until it has committed so many records."""
        group = self.codec.topic("triage")
        consumer = KafkaConsumer(self.bootstrap, group)
        processor = Processor(
            name="classifier",
            service="triage",
            topics=[RECEIVED],
            consumer=consumer,
            codec=self.codec,
            unit=KafkaUnit(
                handle=triage,
                codec=self.codec,
                producer_factory=lambda: KafkaTransactionalProducer(self.bootstrap, group),
                group=consumer.group_metadata,
                dead_letter_topic=self.dead,
                consumer_name=group,
            ),
        )
        done = 0
        deadline = time.monotonic() + 30
        while done < committed:
            assert time.monotonic() < deadline, f"{done} of {committed} records were committed"
            done += processor.step()
        processor.run(Stopper(lambda: True))
        assert done == committed

    def letters(self) -> list[Record]:
        return list(read_topic(self.bootstrap, self.dead))

    def triaged(self) -> list[str]:
        return [self.codec.decode(record).subject for record in read_topic(self.bootstrap, self.codec.topic(TRIAGED))]


@pytest.fixture
def stack(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", topic_prefix)
    return Stack(broker, topic_prefix)


def test_poison_never_stops_the_loop_and_comes_back_whole(
    stack: Stack, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good = encoded(stack.codec, range(10))
    large = b"x" * (MAX_VALUE_BYTES + 1)
    poison = [
        Outgoing(stack.source, b"a", b"not json: secret words", good[0].headers),
        Outgoing(stack.source, None, None, []),
        Outgoing(stack.source, b"\xff", large, [("ce_type", b"\xff"), ("ce_type", None)]),
        stack.codec.encode(received(99, text="refuse")),
    ]
    stack.send([*good[:5], *poison, *good[5:]])
    stack.work(14)
    assert sorted(stack.triaged()) == sorted(record.subject for record in map(received, range(10)))
    kept = {(letter.key, letter.value) for letter in stack.letters()}
    assert kept == {(record.key, record.value) for record in poison}

    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split() for line in listed.splitlines()[1:]] == [
        ["triage", reason, "1", "0"] for reason in ("bad_key", "null_value", "refused", "too_large")
    ]
    place = next(f"{at.partition}:{at.offset}" for at in stack.letters() if at.value == large)
    assert main(["show", "triage", place, "--raw", str(tmp_path / "raw")]) == 0
    assert (tmp_path / "raw").read_bytes() == large
    assert f"value     {len(large)} bytes, SHA-256" in capsys.readouterr().out
    assert main(["list", "triage"]) == 0
    assert "secret" not in listed + capsys.readouterr().out
    assert main(["show", "triage", "0:999"]) == 1


def test_replay_puts_each_letter_back_once_and_gives_up_after_the_third_time(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    refused, null = stack.codec.encode(received(99, text="refuse")), Outgoing(stack.source, b"k", None, [("h", b"1")])
    stack.send([refused, null])
    stack.work(2)
    assert main(["replay", "triage", "--dry-run"]) == 0
    assert len(stack.letters()) == 2
    for _ in range(MAX_REPLAYS):
        assert main(["replay", "triage", "--reason", "refused"]) == 0
        assert main(["replay", "triage", "--reason", "refused"]) == 0
        stack.work(1)
    again = [record for record in read_topic(stack.bootstrap, stack.source) if record.value is not None]
    assert [record.headers[-1] for record in again[1:]] == [
        ("dl_replays", b"%d" % number) for number in range(1, MAX_REPLAYS + 1)
    ]
    assert all(
        (record.key, record.value, list(record.headers[: len(refused.headers)])) == (refused[1], refused[2], refused[3])
        for record in again
    )
    capsys.readouterr()
    assert main(["replay", "triage", "--reason", "refused"]) == 1
    assert "Refused, replayed 3 times already" in capsys.readouterr().err
    assert main(["list"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["triage", "null_value", "1", "0"],
        ["triage", "refused", "1", "3"],
    ]
    assert look(None, stack.bootstrap, stack.codec.topic_prefix).dead_letters == 2, "status counts what waits"
    place = next(f"{at.partition}:{at.offset}" for at in stack.letters() if at.key == b"k")
    assert main(["replay", "triage", place]) == 0
    stack.work(1)
    assert [record.value for record in stack.letters() if record.key == b"k"] == [None, None]


def test_without_a_broker_it_says_so_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setattr("ibalagh.stream.deadletters_cli.READ_TIMEOUT_S", 0.5)
    assert main(["list"]) == 1
    assert capsys.readouterr().err.startswith("Nothing more was done: ")
