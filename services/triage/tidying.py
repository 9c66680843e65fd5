"""What the desk keeps for people's convenience is removed when it is old: views, selections, leases that are over.

In: the tables and the time; out: fewer rows. What was decided, by whom, and the audit of who saw what stay: these are
other tables. It runs beside the loops, in statements of so many rows, and what one leaves the next one takes; two
processes at once take different rows. Nothing but the rows' own times tells what is due, so a restart loses nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.stream.errors import AbortableError, PassingError, UnknownOutcomeError

_log = logging.getLogger(__name__)
_SQL: Final = load("services.triage")
_QUERIES: Final = ("remove_claims", "remove_views", "remove_selections")
AT_ONCE: Final = 1_000
"""Rows that one statement removes at most."""
_UNDECIDED_DAYS: Final = 7
"""A selection about which nothing was decided in so many days was left."""


class StopWait(Protocol):
    """A stop that can be waited for."""

    @property
    def requested(self) -> bool: ...

    def wait(self, timeout_s: float) -> bool: ...


class Tidying:
    """`run` removes every `interval_s` what is older than `keep_days`; a lease, once it is over."""

    def __init__(self, database: Database, *, keep_days: int, interval_s: float, clock: Callable[[], datetime]) -> None:
        self._database, self._keep_days = database, keep_days
        self._interval_s, self._clock = interval_s, clock

    def run(self, stop: StopWait) -> None:
        """Until asked to stop, first after a while, since who starts has better things to do. Raises what is not
        passing: crash."""
        stop.wait(self._interval_s)
        while not stop.requested:
            try:
                self.sweep(stop)
            except (PassingError, AbortableError, UnknownOutcomeError) as error:
                _log.warning("the desk will be tidied later", extra={"error": type(error).__name__})
            stop.wait(self._interval_s)

    def sweep(self, stop: StopWait) -> int:
        """Remove what is due now; how many rows."""
        now = self._clock()
        given = {
            "now": now,
            "before": now - timedelta(days=self._keep_days),
            "undecided_before": now - timedelta(days=min(_UNDECIDED_DAYS, self._keep_days)),
            "limit": AT_ONCE,
        }
        removed = 0
        for query in _QUERIES:
            count = AT_ONCE
            while count == AT_ONCE and not stop.requested:
                with self._database.transaction() as tx:
                    count = tx.execute(_SQL[query], given)
                removed += count
        if removed:
            _log.info("old rows of the desk were removed", extra={"count": removed})
        return removed
