"""A call of the Kafka library that never comes back, or an abort of what nobody knows of, must not hold or end a loop:
the producer is left behind."""

import threading
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.stream.kafka import producers
from ibalagh.stream.ports import TopicPartition

HERE = {TopicPartition("any.topic", 0): 7}


def producer_with(send_offsets: object, monkeypatch: pytest.MonkeyPatch) -> producers.KafkaTransactionalProducer:
    monkeypatch.setattr(producers, "_STUCK_AFTER_S", 0.05)
    made = producers.KafkaTransactionalProducer("127.0.0.1:9", "never-connected")
    monkeypatch.setattr(made, "_deadline_s", 0.05)
    monkeypatch.setattr(
        made, "_producer", SimpleNamespace(send_offsets_to_transaction=send_offsets, purge=lambda: None)
    )
    return made


def test_a_call_that_never_comes_back_is_an_unknown_outcome_and_close_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    made = producer_with(lambda *_: never.wait(), monkeypatch)
    with pytest.raises(UnknownOutcomeError, match="does not come back"):
        made.send_offsets(HERE, object())
    made.close()
    never.set()


def test_what_the_call_raises_comes_out_in_the_callers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise PassingError("away")

    with pytest.raises(PassingError, match="away"):
        producer_with(away, monkeypatch).send_offsets(HERE, object())


def test_an_abort_of_a_transaction_that_the_coordinator_has_lost_costs_the_producer_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_timeout_s: float) -> None:
        raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE))

    made = producers.KafkaTransactionalProducer("127.0.0.1:9", "never-connected")
    library = SimpleNamespace(begin_transaction=lambda: None, abort_transaction=refused, purge=lambda: None)
    monkeypatch.setattr(made, "_producer", library)
    made.begin()
    with pytest.raises(UnknownOutcomeError, match="INVALID_TXN_STATE"):
        made.abort()
    made.close()
