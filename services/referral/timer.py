"""The durable timer: asks about the clocks of cases that have to be looked at, as commands on `cases.actions`.

In: `cases.clock_strikes_at`. Out: `case.check_clock`, which the worker handles like everything else: what a clock has
to say, its new level and the position in the log are one transaction there, with the outbox. So the timer itself may be
killed, run twice or see a clock jump: it takes a row for `AGAIN_S` before it asks, the row comes again where nothing
came of it, and a question that was asked twice is the same question. No row is locked while the broker is asked.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ibalagh.contracts.codec import Codec
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Producer
from ibalagh.stream.retry import Backoff
from services.referral import store
from services.referral.checks import clock_check
from services.referral.metrics import ClockMetrics, clock_metrics
from services.referral.workdays import newest

_log = logging.getLogger(__name__)
MOST: Final = 500
"""Clocks asked about in a turn."""
AGAIN_S: Final = 30.0
"""When a question that nothing came of is asked again."""
_POLL_S: Final = 1.0
_COUNT_S: Final = 60.0
_PUBLISH_S: Final = 5.0


class _Stop(Protocol):
    @property
    def requested(self) -> bool: ...

    def wait(self, timeout_s: float | None = None) -> bool: ...


class Timer:
    """One thread runs it; several processes may, each asking about other clocks."""

    def __init__(
        self,
        database: Database,
        producer: Producer,
        codec: Codec,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        metrics: ClockMetrics | None = None,
    ) -> None:
        self._database = database
        self._producer = producer
        self._codec = codec
        self._clock = clock
        self._monotonic = monotonic
        self._metrics = metrics or clock_metrics()
        self._backoff = Backoff(first_s=_POLL_S, longest_s=AGAIN_S)
        self._counted_at: float | None = None

    def run(self, shutdown: _Stop) -> None:
        """Turn until a stop is requested. Raises what no retry can cure."""
        while not shutdown.requested:
            try:
                asked = self.step()
                self._count()
            except (PassingError, ConflictError, UnknownOutcomeError) as error:
                _log.warning("the timer waits", extra={"error": type(error).__name__})
                shutdown.wait(self._backoff.fail())
                continue
            self._backoff.reset()
            if asked < MOST:
                shutdown.wait(_POLL_S)

    def step(self) -> int:
        """Ask about what is due now; about how many. Raises `PassingError` when that failed: then it comes again."""
        now = self._clock()
        due = store.claim_strikes(self._database, now=now, again=now + timedelta(seconds=AGAIN_S), limit=MOST)
        if due:
            questions = [self._codec.encode(clock_check(*each, now=now)) for each in due]
            if None in self._producer.publish(questions, _PUBLISH_S):
                raise PassingError("the broker did not take every question")
            self._metrics.asked(len(due))
        return len(due)

    def _count(self) -> None:
        if self._counted_at is None or self._monotonic() - self._counted_at >= _COUNT_S:
            self._metrics.counted(store.clock_counts(self._database), newest())
            self._counted_at = self._monotonic()
