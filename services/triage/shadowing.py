"""A proposed model at work beside the one in use: it decides about each batch too, is counted, and is heard by nobody.

Whatever goes wrong with it is told in a metric and once in the log, and changes nothing of the real decision. Counts
are kept in memory and written by a loop, so that the path of a report waits for no database; what was not written when
a worker is killed is lost, and a batch that is decided again is counted again.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Final

from ibalagh.storage.postgres import Database
from services.triage import shadow_store
from services.triage.decide import Heard
from services.triage.metrics import ModelMetrics
from services.triage.policy import Policy
from services.triage.ruling import Ruling
from services.triage.shadow import Pair, compare

_log: Final = logging.getLogger(__name__)


class Tallies:
    """What was counted and is not written yet. Any thread may call."""

    def __init__(self) -> None:
        self._lock, self._counts = Lock(), Counter[Pair]()

    def add(self, counts: Counter[Pair]) -> None:
        """Add to it."""
        with self._lock:
            self._counts.update(counts)

    def write(self, database: Database, metrics: ModelMetrics, now: datetime) -> None:
        """Write all of it; what cannot be written stays for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            shadow_store.add(database, counts, now)
        except Exception:  # noqa: BLE001 - counts are worth no crash of what decides about reports
            self.add(counts)
            metrics.shadow_failed()
            _log.warning("the shadow's counts cannot be written now", exc_info=True)


class Shadowing:
    """One candidate beside whatever is in use: a `handlers.Shadow`."""

    def __init__(self, candidate: Policy, tallies: Tallies, metrics: ModelMetrics) -> None:
        self.candidate = candidate
        self._tallies, self._metrics = tallies, metrics
        self._told = False

    def compare(self, heard: Sequence[Heard], rulings: Sequence[Ruling | None], policy: Policy) -> None:
        """See `handlers.Shadow`."""
        try:
            pairs = compare(heard, rulings, policy, self.candidate)
        except Exception:  # noqa: BLE001 - whatever it is, the real decision is taken already and stands
            self._metrics.shadow_failed()
            if not self._told:
                self._told = True
                _log.exception("the model in the shadow fails")
            return
        self._tallies.add(pairs)
        self._metrics.compared(pairs)
