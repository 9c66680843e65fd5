"""The loop of every service: consume → decode → handle and commit → account, in batches bounded by count and by time.

In: a consumer, a codec and a unit of work. Out: the unit's effects, once each. What happens to an error:

- a record that cannot be read, or an event that the handler refuses: a dead letter, in the same unit;
- `PassingError`: partitions are paused, polling goes on, the same batch is tried again with growing waits until it
  passes; `check` (readiness) shows it meanwhile;
- `ConflictError`, `AbortableError`, `UnknownOutcomeError`, or a partition of the batch was revoked: the batch is given
  up, every partition rewound to its stored position and read again; at once the first time, then with growing waits;
- anything else comes out of `run`: the process must crash and be restarted.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final, Protocol

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.ops.metrics import LoopState, StreamMetrics, stream_metrics
from ibalagh.stream.errors import (
    AbortableError,
    ConflictError,
    FatalStreamError,
    InvalidRecordError,
    PassingError,
    UnknownOutcomeError,
)
from ibalagh.stream.ports import Consumer, Positions, Record, TopicPartition
from ibalagh.stream.retry import Backoff
from ibalagh.stream.unit import Batch, Committed, Handled, Rejected, Undecodable, Unit

__all__ = ["Batch", "Committed", "Handled", "Processor", "Rejected", "Stop", "Undecodable", "Unit"]

MAX_ABORTS: Final = 10
"""Aborts in a row of what is the same batch before the loop gives up: a record that the broker never takes, say."""
_POSITIONS_ALONE_AFTER_S: Final = 0.25
"""Quiet time before positions that only passed control records are stored: lag goes to 0, at few extra commits."""
_LAG_EVERY_S: Final = 5.0
_MIRROR_EVERY_S: Final = 1.0
_LATENCY_SAMPLES: Final = 5
_TOPIC_OF: Final = attrgetter("topic")
_log = logging.getLogger(__name__)


class Stop(Protocol):
    """The part of `ibalagh.ops.shutdown.Shutdown` that a loop needs."""

    @property
    def requested(self) -> bool:
        """Whether to come to an end."""


class Processor:
    """Runs one unit of work over the topics of one consumer, in one thread.

    `max_records` and `linger_s` (seconds) bound a batch; `idle_s` bounds the wait for its first record, and so how
    soon a stop is noticed. `name` is the loop's name in metrics and logs. `topics` are names without the prefix.
    `on_commit` is called after a batch of records took effect (to wake a relay).
    The processor closes the consumer and the unit when `run` ends.
    """

    def __init__(
        self,
        *,
        name: str,
        service: str,
        topics: Sequence[str],
        consumer: Consumer,
        codec: Codec,
        unit: Unit,
        max_records: int = 5_000,
        linger_s: float = 0.005,
        idle_s: float = 0.05,
        on_commit: Callable[[], None] | None = None,
        backoff: Backoff | None = None,
        metrics: StreamMetrics | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._topics = [codec.topic(topic) for topic in topics]
        self._consumer = consumer
        self._codec = codec
        self._unit = unit
        self._max_records = max_records
        self._linger_s = linger_s
        self._idle_s = idle_s
        self._on_commit = on_commit
        self._backoff = backoff or Backoff()
        self._metrics = (metrics or stream_metrics()).loop(service, name)
        self._clock = clock
        self._monotonic = monotonic
        self._subscribed = False
        self._state = LoopState.STARTING
        self._waiting_for = "its first look at the broker"
        self._pending: Batch | None = None
        self._must_rewind = False
        self._wait_until = 0.0
        self._aborts = 0
        self._revoked: set[TopicPartition] = set()
        self._stored: dict[TopicPartition, int] = {}
        self._mirrored: dict[TopicPartition, int] = {}
        self._last_commit = self._last_mirror = self._last_lag = monotonic()
        self._metrics.state(self._state)

    def run(self, shutdown: Stop) -> None:
        """Step until a stop is requested; then the batch in hand is finished, one that waits for its retry is left
        (nothing of it was committed), and consumer and unit are closed. Raises what no retry can cure."""
        try:
            while not shutdown.requested:
                self.step()
            if self._pending is not None:
                _log.warning("left a batch that could not be committed", extra={"loop": self.name})
        finally:
            self._set_state(LoopState.STOPPED)
            try:
                self._unit.close()
            finally:
                self._consumer.close()

    def check(self) -> None:
        """For readiness. Raises `PassingError` naming what the loop waits for, unless it is running."""
        if self._state is not LoopState.RUNNING:
            raise PassingError(f"{self.name} is {self._state}: {self._waiting_for}")

    def step(self) -> int:
        """One turn; the number of records committed:

        1. while a wait is on, only poll (everything is paused) and return;
        2. if the last batch was given up, rewind;
        3. take the batch that waits for its retry, or consume and decode a new one;
        4. let the unit handle and commit it;
        5. note what is stored, and report.
        """
        try:
            if not self._subscribed:
                self._subscribe()
            if self._monotonic() < self._wait_until:
                self._poll()
                return 0
            if self._must_rewind:
                self._consumer.rewind()
                self._must_rewind = False
                # Nothing is known about these now: a store may have been set back, to be filled anew.
                self._stored.clear()
            batch = self._pending or self._next_batch()
            if batch is None:
                self._running()
                return 0
            self._pending = batch
            self._process(batch)
        except (ConflictError, AbortableError, UnknownOutcomeError) as error:
            self._give_up(error)
            return 0
        except PassingError as error:
            self._hold(error)
            return 0
        return len(batch.records)

    def _subscribe(self) -> None:
        self._consumer.subscribe(self._topics, start_positions=self._unit.start_positions, on_revoked=self._on_revoked)
        self._subscribed = True

    def _poll(self) -> None:
        """Stay in the group while waiting; a batch of which a partition goes away meanwhile is given up."""
        self._consumer.consume(1, 0.0, self._idle_s)
        if self._pending is not None and not self._revoked.isdisjoint(self._pending.positions):
            self._metrics.aborted("revoked")
            self._pending = None
            self._must_rewind = True

    def _next_batch(self) -> Batch | None:
        """Consume and decode; None when there is nothing to do. What may fail comes before `consume`, since what that
        returned must not be lost."""
        self._report_lag()
        self._revoked.clear()
        records = self._consumer.consume(self._max_records, self._linger_s, self._idle_s)
        if not records and self._monotonic() - self._last_commit < _POSITIONS_ALONE_AFTER_S:
            return None
        moved = {
            partition: offset
            for partition, offset in self._consumer.positions().items()
            if self._stored.get(partition) != offset
        }
        if not moved:
            self._mirror()
            return None
        events, undecodable = self._decode(records)
        return Batch(records, events, undecodable, moved)

    def _decode(self, records: Sequence[Record]) -> tuple[list[Event[Data]], list[Undecodable]]:
        decode = self._codec.decode
        events: list[Event[Data]] = []
        undecodable: list[Undecodable] = []
        for record in records:
            try:
                events.append(decode(record))
            except InvalidRecordError as error:
                undecodable.append(Undecodable(record, error.reason))
        return events, undecodable

    def _process(self, batch: Batch) -> None:
        started = time.perf_counter()
        committed = self._unit.process(batch)
        took_s = time.perf_counter() - started
        self._pending = None
        self._stored.update(batch.positions)
        self._last_commit = self._monotonic()
        self._aborts = 0
        self._backoff.reset()
        self._running()
        self._mirror()
        if batch.records:
            if self._on_commit is not None:
                self._on_commit()
            self._report(batch, committed, took_s)

    def _give_up(self, error: Exception) -> None:
        """Read everything again from the stored positions; at once the first time, later after a growing wait."""
        if isinstance(error, UnknownOutcomeError):
            self._metrics.unknown_outcome()
        self._metrics.aborted(type(error).__name__)
        _log.warning("gave a batch up, to read it again", extra={"loop": self.name, "error": type(error).__name__})
        self._pending = None
        self._must_rewind = True
        if not isinstance(error, ConflictError):
            self._aborts += 1
        if self._aborts >= MAX_ABORTS:
            raise FatalStreamError(f"{self.name}: the same batch was aborted {self._aborts} times in a row") from error
        wait_s = self._backoff.fail()
        if self._backoff.failures > 1:
            self._wait(error, wait_s)

    def _hold(self, error: PassingError) -> None:
        """Keep the batch, if there is one, and try again after a growing wait."""
        self._metrics.retried(type(error).__name__)
        self._wait(error, self._backoff.fail())

    def _wait(self, error: Exception, wait_s: float) -> None:
        self._wait_until = self._monotonic() + wait_s
        self._consumer.pause()
        if self._state is not LoopState.WAITING:
            _log.warning("waiting, will try again", extra={"loop": self.name, "error": type(error).__name__})
        self._waiting_for = f"{type(error).__name__}, tried {self._backoff.failures} times"
        self._set_state(LoopState.WAITING)

    def _running(self) -> None:
        if self._state is LoopState.RUNNING:
            return
        if self._state is LoopState.WAITING:
            _log.info("going on", extra={"loop": self.name})
            self._consumer.resume()
        self._set_state(LoopState.RUNNING)

    def _on_revoked(self, partitions: Collection[TopicPartition]) -> None:
        self._revoked.update(partitions)
        for partition in partitions:
            self._stored.pop(partition, None)
        self._metrics.rebalanced()

    def _set_state(self, state: LoopState) -> None:
        self._state = state
        self._metrics.state(state)

    def _mirror(self) -> None:
        """Show the group's tools where the store stands; the store is the truth, so a failure here is no matter."""
        if not self._unit.keeps_positions or self._mirrored == self._stored:
            return
        now = self._monotonic()
        if now - self._last_mirror >= _MIRROR_EVERY_S:
            self._last_mirror = now
            self._mirrored = dict(self._stored)
            self._consumer.commit(self._mirrored)

    def _report(self, batch: Batch, committed: Committed, took_s: float) -> None:
        topics = Counter(map(_TOPIC_OF, batch.records))
        self._metrics.committed(topics, committed.effects, took_s - committed.commit_s, committed.commit_s)
        if batch.undecodable or committed.rejected:
            reasons = Counter(reason for _, reason in batch.undecodable)
            reasons.update(reason for _, reason in committed.rejected)
            self._metrics.dead_lettered(reasons)
            _log.warning("put records to the dead letters", extra={"loop": self.name, "reasons": dict(reasons)})
        if batch.events:
            now = self._clock()
            every = max(1, len(batch.events) // _LATENCY_SAMPLES)
            sample = [*batch.events[:-1:every], batch.events[-1]]
            self._metrics.latency([(now - event.origin_time).total_seconds() for event in sample])

    def _report_lag(self) -> None:
        now = self._monotonic()
        if now - self._last_lag < _LAG_EVERY_S:
            return
        self._last_lag = now
        lag: Counter[str] = Counter()
        positions: Positions = self._consumer.positions()
        for partition, end in self._consumer.end_offsets(self._consumer.assignment()).items():
            lag[partition.topic] += max(0, end - positions.get(partition, 0))
        self._metrics.lag(lag)
