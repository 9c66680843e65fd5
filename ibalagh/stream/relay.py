"""The relay: publishes a service's outbox to the log, each record once, in the order of the causes.

In: an `Outbox`, whose rows are ordered by the position of their cause. Out: the records, in transactions that also
commit the relay's position for a consumer group of its own. That position is a source offset: everything caused by
records below it is published. Killed anywhere, the relay repeats nothing: either the transaction took effect with its
position, or neither did.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from ibalagh.ops.metrics import StreamMetrics, stream_metrics
from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Consumer, Outgoing, Positions, TopicPartition, TransactionalProducer
from ibalagh.stream.processor import MAX_ABORTS, Stop
from ibalagh.stream.retry import Backoff

_log = logging.getLogger(__name__)
_FOLLOW_S: Final = 0.5
"""Seconds between two tries to become the one relay of the service."""
_HELD_S: Final = 2.0
"""Seconds between two questions whether it still is. In between, the transactional id fences whoever it was before."""
_POSITIONS_ALONE_S: Final = 1.0
_TRIM_S: Final = 0.5


class Read(Protocol):
    """A read of the outbox: records in order, and the positions that hold once they are published."""

    @property
    def records(self) -> Sequence[Outgoing]:
        """May be empty while `positions` moved: source records without effects."""

    @property
    def positions(self) -> Positions:
        """Of the source partitions that moved."""


class Outbox(Protocol):
    """What a service wants published. Any thread may use it; every method raises `PassingError`."""

    def partitions(self) -> Collection[TopicPartition]:
        """The source partitions that were ever consumed."""

    def read(self, positions: Positions, limit: int) -> Read:
        """What follows `positions` (a partition that is not named stands at 0), up to about `limit` records; what one
        source record caused is never parted."""

    def trim(self, positions: Positions) -> int:
        """Delete what lies before `positions`."""


class Leadership(Protocol):
    """The right to be the one relay of a service. Raises `PassingError`."""

    def acquire(self) -> bool:
        """Try once; True when held."""

    def held(self) -> bool:
        """Whether it is still held."""

    def release(self) -> None:
        """Give it up."""


class Relay:
    """Publishes one service's outbox while it holds the leadership; one thread runs it.

    `consumer` never subscribes: it only looks up and commits for the relay's group. `max_records` bounds a transaction,
    `poll_s` (seconds) the wait before the outbox is read again, unless `wake` is called; `renew_s` says how often an
    idle relay commits its position again, because brokers forget those of idle groups (after 7 days by default).
    """

    def __init__(
        self,
        *,
        service: str,
        outbox: Outbox,
        leadership: Leadership,
        consumer: Consumer,
        producer_factory: Callable[[], TransactionalProducer],
        max_records: int = 5_000,
        poll_s: float = 0.03,
        renew_s: float = 3_600.0,
        backoff: Backoff | None = None,
        metrics: StreamMetrics | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{service}.relay"
        self._outbox = outbox
        self._leadership = leadership
        self._consumer = consumer
        self._producer_factory = producer_factory
        self._max_records = max_records
        self._poll_s = poll_s
        self._renew_s = renew_s
        self._backoff = backoff or Backoff(longest_s=1.0)
        self._metrics = (metrics or stream_metrics()).relay(service)
        self._monotonic = monotonic
        self._woken = threading.Event()
        self._producer: TransactionalProducer | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        self._committed_at = self._asked_at = self._trimmed_at = monotonic()
        self._aborts = 0
        self._waiting_for: str | None = "its first look at the outbox"
        self._trimmer = ThreadPoolExecutor(1, thread_name_prefix=f"{self.name}-trim")
        self._trimming: Future[int] | None = None

    def wake(self) -> None:
        """There is something in the outbox. Any thread may call it, such as the worker's after a commit."""
        self._woken.set()

    def check(self) -> None:
        """For readiness; one that leaves the work to another relay is ready. Raises `PassingError`."""
        if self._waiting_for is not None:
            raise PassingError(f"{self.name} waits: {self._waiting_for}")

    def run(self, shutdown: Stop) -> None:
        """Step until a stop is requested. Raises what no retry can cure."""
        try:
            while not shutdown.requested:
                wait_s = self.step()
                if wait_s:
                    self._woken.wait(wait_s)
                    self._woken.clear()
        finally:
            self._trimmer.shutdown()
            self._discard()
            self._consumer.close()
            self._leadership.release()

    def step(self) -> float:
        """One turn; the seconds to wait before the next, 0 when there may be more to do at once:

        1. be the leader, else wait;
        2. have a producer, which fences the leader before and ends its transaction; only then read the positions;
        3. read the outbox;
        4. publish: begin, produce, send the positions, commit;
        5. trim what is published, in the background.
        """
        try:
            if not self._leads():
                self._waiting_for = None
                return _FOLLOW_S
            producer = self._producer or self._take_over()
            batch = self._outbox.read(self._positions, self._max_records)
            self._advance(producer, batch)
            self._trim()
        except UnknownOutcomeError as error:
            self._discard()
            return self._again(error)
        except AbortableError as error:
            self._abort()
            return self._again(error)
        except PassingError as error:
            self._abort()
            return self._hold(error)
        except FatalStreamError:
            self._discard()
            if self._leadership.held():
                raise
            _log.warning("another relay has taken over", extra={"loop": self.name})
            return _FOLLOW_S
        self._waiting_for = None
        return 0.0 if len(batch.records) >= self._max_records else self._poll_s

    def _leads(self) -> bool:
        now = self._monotonic()
        if self._producer is not None and now - self._asked_at < _HELD_S:
            return True
        if self._leadership.acquire():
            self._asked_at = now
            return True
        self._discard()
        return False

    def _take_over(self) -> TransactionalProducer:
        producer = self._producer_factory()
        try:
            producer.prepare()
            self._positions = dict(self._consumer.committed(self._outbox.partitions()))
        except BaseException:
            producer.close()
            raise
        self._uncommitted = {}
        self._producer = producer
        return producer

    def _advance(self, producer: TransactionalProducer, batch: Read) -> None:
        """Publish and commit; positions that moved without records are committed with the next ones, or a bit later."""
        self._positions.update(batch.positions)
        self._uncommitted.update(batch.positions)
        started = self._monotonic()
        quiet_s = started - self._committed_at
        if not batch.records:
            if quiet_s >= self._renew_s:
                self._uncommitted.update(self._positions)
            if not self._uncommitted or quiet_s < _POSITIONS_ALONE_S:
                return
        producer.begin()
        producer.produce(batch.records)
        producer.send_offsets(self._uncommitted, self._consumer.group_metadata())
        producer.commit()
        self._uncommitted = {}
        self._committed_at = self._monotonic()
        self._aborts = 0
        self._backoff.reset()
        if batch.records:
            self._metrics.published(len(batch.records), self._committed_at - started)

    def _trim(self) -> None:
        """Have a thread delete what is committed, one delete at a time; the last one's error is raised here."""
        now = self._monotonic()
        if self._trimming is not None and self._trimming.done():
            self._trimming.result()
            self._trimming = None
        if self._trimming is None and not self._uncommitted and now - self._trimmed_at >= _TRIM_S:
            if self._trimmed_at < self._committed_at:
                self._trimming = self._trimmer.submit(self._outbox.trim, dict(self._positions))
            self._trimmed_at = now

    def _again(self, error: Exception) -> float:
        """The batch comes again, read anew by whoever then knows the committed positions."""
        _log.warning("gave a transaction up", extra={"loop": self.name, "error": type(error).__name__})
        self._aborts += 1
        if self._aborts >= MAX_ABORTS:
            raise FatalStreamError(f"{self.name}: {self._aborts} transactions in a row were given up") from error
        return self._hold(error)

    def _hold(self, error: Exception) -> float:
        self._waiting_for = type(error).__name__
        return self._backoff.fail()

    def _abort(self) -> None:
        """Abort and start over with a new producer and the committed positions; rare, so simple beats quick."""
        try:
            if self._producer is not None:
                self._producer.abort()
        except (AbortableError, PassingError, UnknownOutcomeError):
            _log.warning("left a transaction to be ended by the next producer", extra={"loop": self.name})
        self._discard()

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()
