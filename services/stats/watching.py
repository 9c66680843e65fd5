"""Counting the log again in the background, and raising the alarm when the counters say something else.

In: the database and readers of the log. Out: metrics and log lines; nothing is changed, and the service stays ready: a
wrong figure is for a person to look at, and answers go on. One worker at a time counts, and rests after each batch, so
that the counters are not kept from their work. When broker or database are away, it is tried again the next time.
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from prometheus_client import Counter, Gauge

from ibalagh.storage.leadership import Leadership
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import FatalStreamError, PassingError
from services.stats.recount import Reader, differences, read_counted, recount

FIRST_AFTER_S: Final = 300.0
"""A worker that has just started has better things to do."""
_NAMED: Final = 5
_log = logging.getLogger(__name__)

VERIFICATIONS: Final = Counter(
    "ibalagh_stats_verifications_total", "Counts of the whole log, by how they ended", ("outcome",)
)
DIFFERING: Final = Gauge("ibalagh_stats_differing_cells", "Cells that the last count of the log found to be wrong")
VERIFIED_AT: Final = Gauge("ibalagh_stats_verified_timestamp_seconds", "When the counters were last compared")


class Stop(Protocol):
    """The part of `ibalagh.ops.shutdown.Shutdown` that is needed here."""

    @property
    def requested(self) -> bool:
        """Whether to come to an end."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until a stop is requested; False when the time ran out first."""


class _StoppedError(Exception):
    """A stop was requested in the middle of a count."""


class Watch:
    """Compares every `every_s` seconds (0: never); `pause` is how long it rests, in times of its work."""

    def __init__(
        self,
        database: Database,
        consumer: str,
        open_reader: Callable[[], AbstractContextManager[Reader]],
        *,
        every_s: float,
        pause: float,
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._open_reader = open_reader
        self._every_s = every_s
        self._pause = pause

    def run(self, shutdown: Stop) -> None:
        """Compare again and again until a stop is requested."""
        if not self._every_s:
            shutdown.wait()
            return
        wait_s = min(FIRST_AFTER_S, self._every_s)
        while not shutdown.wait(wait_s):
            self.once(shutdown)
            wait_s = self._every_s

    def once(self, shutdown: Stop) -> None:
        """Compare once, unless another worker does."""
        lock = Leadership(self._database, "verify")
        try:
            if not lock.acquire():
                return
            try:
                self._compare(shutdown)
            finally:
                lock.release()
        except _StoppedError:
            return
        except PassingError as error:
            VERIFICATIONS.labels("interrupted").inc()
            _log.warning("the counters could not be compared", extra={"error": type(error).__name__})
        except FatalStreamError as error:
            VERIFICATIONS.labels("impossible").inc()
            _log.warning("the log cannot be counted from its beginning", extra={"error": type(error).__name__})

    def _compare(self, shutdown: Stop) -> None:
        until, counted = read_counted(self._database, self._consumer)
        worked_since = time.monotonic()

        def rest(_done: int, _total: int) -> None:
            nonlocal worked_since
            if shutdown.wait((time.monotonic() - worked_since) * self._pause):
                raise _StoppedError
            worked_since = time.monotonic()

        with self._open_reader() as reader:
            found = differences(counted, recount(reader, until, rest))
        DIFFERING.set(len(found))
        VERIFIED_AT.set_to_current_time()
        VERIFICATIONS.labels("different" if found else "equal").inc()
        if found:
            cells = [f"{each.table}: {each.counted} for {each.recounted}" for each in found[:_NAMED]]
            _log.error("the counters differ from the log", extra={"count": len(found), "cells": cells})
        else:
            _log.info("the counters agree with the log", extra={"count": sum(until.values())})
