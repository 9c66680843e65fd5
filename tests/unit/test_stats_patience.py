"""The counters linger longer while much comes in, and stop when it does."""

import pytest

from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Record
from services.stats.patience import Pace, PatientConsumer


def read(pace: Pace, start_s: float, every_s: float, records: int, times: int) -> list[bool]:
    busy = []
    for number in range(times):
        pace.note(records, 5_000, start_s + (number + 1) * every_s)
        busy.append(pace.busy)
    return busy


def test_bursts_of_a_low_rate_are_not_much() -> None:
    assert not any(read(Pace(0.0), 0.0, 0.05, 100, 100))


def test_a_high_rate_is_much_and_its_end_is_noticed() -> None:
    pace = Pace(0.0)
    assert read(pace, 0.0, 0.1, 1_000, 20)[-1]
    assert not read(pace, 2.0, 0.05, 0, 20)[-1]


def test_a_full_batch_is_much_at_once() -> None:
    assert read(Pace(0.0), 0.0, 0.01, 5_000, 1) == [True]


def test_the_consumer_waits_longer_after_a_busy_batch_and_no_longer_when_it_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lingered, arriving, clock = [], [64, 5_000, 64, 64, 64], iter(range(100))

    def consume(_: KafkaConsumer, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        lingered.append(linger_s)
        return [Record("t", 0, 0, None, None, ())] * arriving[len(lingered) - 1]

    monkeypatch.setattr(KafkaConsumer, "consume", consume)
    monkeypatch.setattr("services.stats.patience.time.monotonic", lambda: float(next(clock)))
    consumer = PatientConsumer("127.0.0.1:9", "g")
    for _ in arriving:
        consumer.consume(5_000, 0.04, 0.05)
    consumer.close()
    assert lingered == [0.04, 0.04, 0.15, 0.04, 0.04]
