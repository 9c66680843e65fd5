"""Which answers of a broker mean «later» and not «never»."""

import pytest
from confluent_kafka import KafkaError

from ibalagh.stream.errors import FatalStreamError, PassingError
from ibalagh.stream.kafka.client import raised

AFTER_A_RESTART = (
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
NEVER = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNSUPPORTED_VERSION, KafkaError.INVALID_REQUEST)


@pytest.mark.parametrize("code", AFTER_A_RESTART)
def test_what_a_broker_answers_while_it_comes_back_is_passing(code: int) -> None:
    assert isinstance(raised(KafkaError(code), "any call"), PassingError)


@pytest.mark.parametrize("code", NEVER)
def test_what_no_wait_can_heal_is_fatal(code: int) -> None:
    assert isinstance(raised(KafkaError(code), "any call"), FatalStreamError)
