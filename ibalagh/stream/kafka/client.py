"""What all Kafka clients share: time-outs, sizes, log, the meaning of errors, and a probe for readiness.

Time-outs are in this order, or a worker that lost its partitions could still commit, or one that commits slowly would
be taken for dead: transaction < session < max.poll.interval.
"""

import logging
import time
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from ibalagh.stream.errors import FatalStreamError, PassingError

TRANSACTION_TIMEOUT_S: Final = 8.0
SESSION_TIMEOUT_S: Final = 10.0
MAX_POLL_INTERVAL_S: Final = 60.0
MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Above what any topic takes (2 MiB, dead letters 3 MiB), so that the broker's limit is the one that decides."""
_QUIET_S: Final = 30.0

# What a client reports while brokers are away, are elected or start: the same call may succeed later.
_PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._QUEUE_FULL,
        KafkaError._WAIT_COORD,
        KafkaError._WAIT_CACHE,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        # A topic may be made after the service was started; until then readiness says what it waits for.
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.CONCURRENT_TRANSACTIONS,
    }
)


class _OncePerWhile(logging.Filter):
    """Lets each kind of log line through once in `_QUIET_S` seconds: an absent broker must not fill a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg if not record.args else record.args[0] if isinstance(record.args, tuple) else record.msg)
        kind = kind[:12]
        now = time.monotonic()
        if now - self._last.get(kind, -_QUIET_S) < _QUIET_S:
            return False
        self._last[kind] = now
        return True


LIBRARY_LOG: Final = logging.getLogger("ibalagh.stream.librdkafka")
LIBRARY_LOG.addFilter(_OncePerWhile())


def common_config(bootstrap: str, client_id: str) -> dict[str, Any]:
    """The settings of librdkafka that all clients share."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client_id,
        "logger": LIBRARY_LOG,
        "log.connection.close": False,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        "socket.timeout.ms": 10_000,
        "message.max.bytes": MAX_MESSAGE_BYTES,
    }


def is_passing(error: KafkaError) -> bool:
    """Whether the same call may succeed later."""
    return not error.fatal() and (error.retriable() or error.code() in _PASSING)


def raised(error: KafkaError, doing: str) -> Exception:
    """Our exception for an error of the library outside transactions: `PassingError` or `FatalStreamError`."""
    text = f"{doing}: {error.name()}: {error.str()}"
    return PassingError(text) if is_passing(error) else FatalStreamError(text)


def kafka_error(exception: KafkaException) -> KafkaError:
    """The error inside the library's exception."""
    error = exception.args[0]
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError._FAIL, str(error))


def probe(bootstrap: str, timeout_s: float) -> None:
    """Ask the cluster for its metadata. Raises `PassingError` when no broker answers within `timeout_s` seconds."""
    producer = Producer(common_config(bootstrap, "ibalagh.probe"))
    try:
        producer.list_topics(timeout=timeout_s)
    except KafkaException as exception:
        raise PassingError(f"no broker answers: {kafka_error(exception).name()}") from None
