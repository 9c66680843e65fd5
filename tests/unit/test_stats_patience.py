"""The counters linger longer while much comes in, and stop when it does."""

import pytest

from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Record
from services.stats.patience import PatientConsumer, is_busy


@pytest.mark.parametrize(
    ("records", "lingered_s", "busy"),
    [(64, 0.04, False), (200, 0.04, True), (200, 0.15, False), (750, 0.15, True), (1_000, 3.0, True), (0, 0.04, False)],
)
def test_much_is_a_rate_or_a_full_batch(records: int, lingered_s: float, busy: bool) -> None:
    assert is_busy(records, 1_000, lingered_s) is busy


def test_the_consumer_waits_longer_after_a_busy_batch_and_no_longer_after_a_quiet_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lingered, arriving = [], [64, 1_000, 2_000, 64, 64]

    def consume(_: KafkaConsumer, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        lingered.append(linger_s)
        return [Record("t", 0, 0, None, None, (), 0)] * arriving[len(lingered) - 1]

    monkeypatch.setattr(KafkaConsumer, "consume", consume)
    consumer = PatientConsumer("127.0.0.1:9", "g")
    for _ in arriving:
        consumer.consume(5_000, 0.04, 0.05)
    consumer.close()
    assert lingered == [0.04, 0.04, 0.15, 0.15, 0.04]
