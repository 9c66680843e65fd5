"""Retention runs by itself: at times, one process of intake reads what was decided and erases what is due.

In: `reports.triaged` from where the last sweep ended, the vault's times, the policy; out: erasures, each with a row of
the audit by the actor `retention`. Reading in sweeps costs the report path nothing: no status waits for a category, and
what has no identity is passed over by its bytes.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol, cast

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import TRIAGED
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.errors import AbortableError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Consumer, Positions
from ibalagh.stream.unit import Batch, Handled
from services.intake.publisher import Stop
from services.intake.reconciler import StopWait
from services.intake.retention_policy import ANONYMOUS, Finding, Limits, Policy, finding, latest, limits, reason_for

_log = logging.getLogger(__name__)
_SQL: Final = load("services.intake")
_BATCH: Final = 500
_FIRST_AFTER_S: Final = 600.0
"""A process that just started has better things to do, and one that lives shorter leaves it to the next."""


class Leadership(Protocol):
    """The right to sweep. Raises `PassingError`."""

    def acquire(self) -> bool: ...

    def held(self) -> bool: ...

    def release(self) -> None: ...


class Retention:
    """`run` sweeps every `interval_s`. `consumer_of` makes a consumer of a group that leaves out what it is told to."""

    def __init__(
        self,
        database: Database,
        leadership: Leadership,
        codec: Codec,
        consumer_of: Callable[[str], Consumer],
        policy: Policy,
        *,
        interval_s: float,
        clock: Callable[[], datetime],
        batch: int = _BATCH,
    ) -> None:
        self._database = database
        self._leadership = leadership
        self._codec = codec
        self._consumer_of = consumer_of
        self._policy = policy
        self._interval_s = interval_s
        self._clock = clock
        self._batch = batch

    def run(self, stop: StopWait) -> None:
        """Until asked to stop. Raises what is not passing: crash."""
        stop.wait(min(self._interval_s, _FIRST_AFTER_S))
        while not stop.requested:
            try:
                self.sweep(stop)
            except (PassingError, AbortableError, UnknownOutcomeError) as error:
                _log.warning("retention will be tried again", extra={"error": type(error).__name__})
            finally:
                self._leadership.release()
            stop.wait(self._interval_s)

    def sweep(self, stop: Stop) -> int:
        """Learn what was decided, then erase what is due; how many identities. 0 where another process sweeps."""
        if not self._leadership.acquire():
            return 0
        self._learn(stop)
        times = limits(self._policy, self._clock())
        erased = 0
        while not stop.requested and self._leadership.held():
            count = self._expire(times)
            if not count:
                break
            erased += count
        if erased:
            _log.info("identities were erased, since their time was over", extra={"count": erased})
        return erased

    def _expire(self, times: Limits) -> int:
        categories = sorted(times.by_category)
        due = {
            "categories": categories,
            "limits": [times.by_category[category] for category in categories],
            "other": times.other,
            "newest": times.newest,
            "limit": self._batch,
        }
        with self._database.transaction() as tx:
            rows = tx.fetch_all(_SQL["vault_due"], due)
            by_reason: defaultdict[str, list[str]] = defaultdict(list)
            for report_id, category in rows:
                by_reason[reason_for(self._policy, category)].append(report_id)
            for reason, report_ids in by_reason.items():
                tx.execute(_SQL["vault_expire"], {"report_ids": _ids(report_ids), "reason": reason})
            tx.execute(_SQL["forget_categories"], {"report_ids": _ids(row[0] for row in rows)})
        return len(rows)

    def _learn(self, stop: Stop) -> None:
        """Read `reports.triaged` to its present end; positions and findings are stored together."""
        group = f"{self._codec.topic_prefix}intake.retention"
        unit = PostgresUnit(self._database, group, _save, codec=self._codec)
        consumer = self._consumer_of(group)
        ends: Positions = {}
        stored: Positions = {}
        try:
            consumer.subscribe([self._codec.topic(TRIAGED)], start_positions=unit.start_positions)
            while not stop.requested and not _reached(consumer.positions(), ends):
                records = consumer.consume(5_000, 0.02, 0.1)
                if not ends and consumer.assignment():
                    ends = consumer.end_offsets(consumer.assignment())
                moved = {place: at for place, at in consumer.positions().items() if stored.get(place) != at}
                if moved and self._leadership.held():
                    found = [each for each in map(finding, records) if each is not None]
                    # The unit hands them to `_save`, which alone looks at them.
                    unit.process(Batch(records, cast(Sequence[Event[Data]], found), [], moved))
                    stored = {**stored, **moved}
        finally:
            consumer.close()


def passes_over(_topic: str, value: bytes | None) -> bool:
    """Whether it is known by its bytes that there is no identity to keep."""
    return value is not None and ANONYMOUS in value


def _reached(positions: Positions, ends: Positions) -> bool:
    return bool(ends) and all(positions.get(place, 0) >= end for place, end in ends.items())


def _save(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    found = latest(cast(list[Finding], list(events)))
    tx.execute(
        _SQL["save_categories"],
        {
            "report_ids": _ids(each.report_id for each in found),
            "versions": [each.version for each in found],
            "categories": [each.category for each in found],
        },
    )
    return Handled(())


def _ids(report_ids: Iterable[str]) -> str:
    """UUIDs as PostgreSQL's array literal: a list of texts would have to be cast, an empty one even to be typed."""
    return "{" + ",".join(report_ids) + "}"
