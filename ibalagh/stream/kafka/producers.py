"""Writers on Kafka: one in transactions, one that is idempotent and waits for the broker's acknowledgements.

Errors of a transaction fall into exactly three classes: `retriable()` → the same call again, until a deadline;
`txn_requires_abort()` → `AbortableError`; fatal or anything else → `FatalStreamError`. A commit that meets its deadline
has an unknown outcome. librdkafka lacks KIP-890 (librdkafka#5423), so the producer is then thrown away.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as _Producer
from confluent_kafka import TopicPartition as _TopicPartition

from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.kafka.client import TRANSACTION_TIMEOUT_S, common_config, is_passing, kafka_error, raised
from ibalagh.stream.ports import Acknowledgement, GroupMetadata, Headers, Outgoing, Positions

_log = logging.getLogger(__name__)
_INIT_TIMEOUT_S: Final = 15.0
_CLOSE_TIMEOUT_S: Final = 5.0
_STUCK_AFTER_S: Final = 2.0
"""How long after its deadline a call is taken to be stuck."""
_TRY_S: Final = 1.0
"""One try of a transactional call; a call that timed out is the same call again."""
_ABORTING: Final = "abort_transaction"


def _writing(bootstrap: str, client_id: str) -> dict[str, Any]:
    return {
        **common_config(bootstrap, client_id),
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "batch.size": 1_000_000,
        "queue.buffering.max.messages": 100_000,
        "queue.buffering.max.kbytes": 65_536,
    }


def _listed(headers: Headers) -> Any:
    """As the library takes them: a list, and nothing else that can be iterated over."""
    return headers if isinstance(headers, list) else list(headers)


class _Latch:
    """Keeps the first error that is no use retrying, from callbacks of the library, for the next call."""

    def __init__(self) -> None:
        self.error: FatalStreamError | None = None

    def note(self, error: KafkaError) -> None:
        """Called by the library; what passes is left to the call that meets it."""
        if self.error is None and (error.fatal() or not is_passing(error)):
            self.error = FatalStreamError(f"producer: {error.name()}: {error.str()}")

    def check(self) -> None:
        """Raises what was noted."""
        if self.error is not None:
            raise self.error


class KafkaTransactionalProducer:
    """A producer of one transactional id; a second one of the same id fences this one. One thread uses it."""

    def __init__(
        self, bootstrap: str, transactional_id: str, *, transaction_timeout_s: float = TRANSACTION_TIMEOUT_S
    ) -> None:
        self._deadline_s = transaction_timeout_s
        self._latch = _Latch()
        self._open = False
        self._producer = _Producer(
            {
                **_writing(bootstrap, transactional_id),
                "transactional.id": transactional_id,
                "transaction.timeout.ms": int(transaction_timeout_s * 1000),
                # A request may not outlast the transaction that it belongs to.
                "socket.timeout.ms": int(transaction_timeout_s * 1000),
                # The coordinator refuses a transaction's first requests until the markers of the one before are
                # written, a few milliseconds after its commit was answered; the default would wait 100 ms then.
                "retry.backoff.ms": 5,
                # A transaction ends with a flush, which sends at once; until then, fuller batches cost less.
                "linger.ms": 5,
                "error_cb": self._latch.note,
            }
        )

    def prepare(self) -> None:
        """See `ports.TransactionalProducer`."""
        self._again_until(_INIT_TIMEOUT_S, self._producer.init_transactions, "init_transactions")

    def begin(self) -> None:
        """See `ports.TransactionalProducer`."""
        self._latch.check()
        self._again_until(self._deadline_s, lambda _: self._producer.begin_transaction(), "begin_transaction")
        self._open = True

    def produce(self, records: Sequence[Outgoing]) -> None:
        """See `ports.TransactionalProducer`. No delivery callbacks: commit fails if a delivery did."""
        produce = self._producer.produce
        deadline = time.monotonic() + self._deadline_s
        try:
            for topic, key, value, headers in records:
                while True:
                    try:
                        produce(topic, value, key, headers=_listed(headers))
                        break
                    except BufferError:
                        self._producer.poll(0.01)
                        if time.monotonic() > deadline:
                            raise PassingError("the local queue stayed full") from None
        except KafkaException as exception:
            error = kafka_error(exception)
            # The transaction has failed already; only the call that ends it tells why.
            if error.code() == KafkaError._STATE:
                raise AbortableError(f"produce: {error.str()}") from None
            raise self._in_transaction(error, "produce") from None

    def send_offsets(self, positions: Positions, group: GroupMetadata) -> None:
        """See `ports.TransactionalProducer`.

        After the group's coordinator was away, the library's call may never come back, whatever its time-out says
        (librdkafka#5456, #5511). It is made in a thread that can be left behind, with the producer it belongs to.
        Raises `UnknownOutcomeError` then.
        """
        offsets = [_TopicPartition(*partition, offset) for partition, offset in positions.items()]
        if not offsets:
            return
        call = _Abandonable(
            lambda: self._again_until(
                self._deadline_s,
                lambda timeout_s: self._producer.send_offsets_to_transaction(offsets, group, timeout_s),
                "send_offsets_to_transaction",
            )
        )
        if not call.wait(self._deadline_s + _STUCK_AFTER_S):
            self._open = False
            raise UnknownOutcomeError("send_offsets_to_transaction: the library does not come back")

    def commit(self) -> None:
        """See `ports.TransactionalProducer`."""
        try:
            self._again_until(self._deadline_s, self._producer.commit_transaction, "commit_transaction")
        except PassingError as error:
            self._open = False
            raise UnknownOutcomeError(str(error)) from None
        self._open = False

    def abort(self) -> None:
        """See `ports.TransactionalProducer`."""
        if not self._open:
            return
        self._open = False
        try:
            self._again_until(self._deadline_s, self._producer.abort_transaction, _ABORTING)
        except PassingError as error:
            raise UnknownOutcomeError(str(error)) from None

    def close(self) -> None:
        """See `ports.TransactionalProducer`. What is still queued is dropped, not waited for.

        The library's own `close` is avoided: it aborts without a time limit, and fails while a commit is unanswered.
        The client is freed with this object.
        """
        try:
            self.abort()
        except (AbortableError, FatalStreamError, UnknownOutcomeError) as error:
            # Its successor or the broker's time-out ends the transaction.
            _log.info("closed without an abort", extra={"error": type(error).__name__})
        self._open = False
        self._producer.purge()

    def _again_until(self, deadline_s: float, call: Callable[[float], None], name: str) -> None:
        """Call, with a time-out for one try, until it works or fails for good; at the deadline `PassingError`."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                call(_TRY_S)
            except KafkaException as exception:
                error = kafka_error(exception)
                if not error.retriable():
                    raise self._in_transaction(error, name) from None
                if time.monotonic() > deadline:
                    raise PassingError(f"{name}: {error.name()}") from None
                # Some answers that invite a retry come at once; polling waits without losing callbacks.
                self._producer.poll(0.01)
            else:
                return

    def _in_transaction(self, error: KafkaError, doing: str) -> Exception:
        text = f"{doing}: {error.name()}: {error.str()}"
        if doing == _ABORTING and error.code() == KafkaError.INVALID_TXN_STATE:
            # The coordinator knows of no transaction, which it lost, or never heard of, when it died.
            return UnknownOutcomeError(text)
        if error.txn_requires_abort():
            return AbortableError(text)
        return FatalStreamError(text)


class _Abandonable:
    """A call in a daemon thread of its own, which nobody need wait for."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="transactional-call", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether the call came back in time; what it raised is raised here."""
        self._thread.join(timeout_s)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001  # raised by `wait`, in the caller's thread
            self._error = error


class KafkaProducer:
    """An idempotent producer for any number of threads; a thread of its own serves the acknowledgements."""

    def __init__(self, bootstrap: str, client_id: str = "ibalagh", *, delivery_timeout_s: float = 10.0) -> None:
        self._latch = _Latch()
        self._producer = _Producer(
            {
                **_writing(bootstrap, client_id),
                "linger.ms": 1,
                "message.timeout.ms": int(delivery_timeout_s * 1000),
                "error_cb": self._latch.note,
            }
        )
        self._closing = threading.Event()
        self._server = threading.Thread(target=self._serve, name=f"{client_id}-acknowledgements", daemon=True)
        self._server.start()

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list[Acknowledgement | None]:
        """See `ports.Producer`. A record without acknowledgement may still arrive later."""
        self._latch.check()
        deadline = time.monotonic() + timeout_s
        awaited = _Awaited(len(records))
        for number, (topic, key, value, headers) in enumerate(records):
            on_delivery = partial(self._delivered, awaited, number)
            while True:
                try:
                    self._producer.produce(topic, value, key, headers=_listed(headers), on_delivery=on_delivery)
                    break
                except BufferError:
                    if time.monotonic() > deadline:
                        awaited.settle(number, None)
                        break
                    self._closing.wait(0.005)
                except KafkaException as exception:
                    raise raised(kafka_error(exception), "produce") from None
        awaited.wait(deadline - time.monotonic())
        self._latch.check()
        return list(awaited.results)

    def close(self) -> None:
        """See `ports.Producer`. Raises `PassingError` when records were left that no broker has acknowledged."""
        left = self._producer.flush(_CLOSE_TIMEOUT_S)
        self._closing.set()
        self._server.join()
        self._producer.close()
        if left:
            raise PassingError(f"{left} records were not acknowledged before the end")

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)

    def _delivered(self, awaited: "_Awaited", number: int, error: KafkaError | None, message: Any) -> None:
        if error is None:
            acknowledgement = Acknowledgement(message.topic(), message.partition(), message.offset())
            awaited.settle(number, acknowledgement)
            return
        self._latch.note(error)
        awaited.settle(number, None)


class _Awaited:
    """The acknowledgements of one call of `publish`, filled in from the thread that serves them."""

    def __init__(self, count: int) -> None:
        self.results: list[Acknowledgement | None] = [None] * count
        self._left = count
        self._lock = threading.Lock()
        self._done = threading.Event()
        if not count:
            self._done.set()

    def settle(self, number: int, result: Acknowledgement | None) -> None:
        """Note the result of one record."""
        with self._lock:
            self.results[number] = result
            self._left -= 1
            if not self._left:
                self._done.set()

    def wait(self, timeout_s: float) -> None:
        """Until all are settled, or the time is over."""
        self._done.wait(max(0.0, timeout_s))
