"""The daily quota of a trusted reporter, kept exactly across workers.

A request counts all its reports against the day before any is taken in, in one short transaction; when they are
answered, those that were not stored (refused ones, repeated ones) are taken off again. So a quota is never exceeded. A
worker that dies in between, or a database that is away just then, leaves at most that request's reports counted for
nothing. A repeated report is let through however little is left: whoever lost an answer gets it.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from starlette.concurrency import run_in_threadpool

from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.web.problems import Problem, unavailable
from services.intake.acceptance import Prepared
from services.intake.apikeys import Reporter
from services.intake.publisher import Outcome, Verdict
from services.intake.submission import MOROCCO

_log = logging.getLogger(__name__)


class Usage(Protocol):
    """Where reports are counted; see `services.intake.keystore.KeyStore`."""

    def reserve(self, name: str, day: date, quota: int, wanted: int) -> int: ...

    def give_back(self, name: str, day: date, unused: int, doubtful: Sequence[str]) -> None: ...

    def used_before(self, key_hashes: Sequence[bytes]) -> frozenset[bytes]: ...


class Tally:
    """What one request may still bring; made by `opened`, ended by `settle`."""

    def __init__(self, usage: Usage | None, reporter: Reporter, day: date, wanted: int, granted: int) -> None:
        self._usage = usage
        self._reporter = reporter
        self._day = day
        self._short = granted < wanted
        self._left = granted
        self._counted: set[str] = set()

    @classmethod
    async def opened(cls, usage: Usage | None, reporter: Reporter, wanted: int, now: datetime) -> "Tally":
        """Count `wanted` reports at `now`, or as many as the quota still has; without a quota nothing is counted.

        Raises `Problem` 503 when it is not known whether they were counted, `PassingError` with the database away.
        """
        day = day_of(now)
        quota = reporter.daily_quota
        if usage is None or quota is None or not wanted:
            return UNCOUNTED
        try:
            granted = await run_in_threadpool(usage.reserve, reporter.name, day, quota, wanted)
        except UnknownOutcomeError:
            raise unavailable() from None
        return cls(usage, reporter, day, wanted, granted)

    async def allow(self, reports: Sequence[Prepared]) -> list[bool]:
        """Which of these may be taken in, in order: as many as are granted, and every one that was sent before."""
        if self._usage is None:
            return [True] * len(reports)
        known: frozenset[bytes] = frozenset()
        if self._short:
            keys = [report.retry.key_hash for report in reports if report.retry is not None]
            known = await run_in_threadpool(self._usage.used_before, keys) if keys else known
        return [self._allows(report, known) for report in reports]

    def refused_by_queue(self, reports: Sequence[Prepared]) -> None:
        """These were allowed and not even queued."""
        for report in reports:
            if report.report_id in self._counted:
                self._counted.discard(report.report_id)
                self._left += 1

    def answered(self, reports: Sequence[Prepared], outcomes: Sequence[Outcome]) -> None:
        """These were answered: what was accepted under its own id is stored, so it stays counted."""
        if not self._counted:
            return
        for report, outcome in zip(reports, outcomes, strict=True):
            if outcome.verdict is Verdict.ACCEPTED and outcome.report_id == report.report_id:
                self._counted.discard(report.report_id)

    async def settle(self) -> None:
        """Take off what was counted and not stored. The answers stand, whether or not this succeeds."""
        if self._usage is None or not (self._left or self._counted):
            return
        try:
            await run_in_threadpool(
                self._usage.give_back, self._reporter.name, self._day, self._left, sorted(self._counted)
            )
        except (PassingError, UnknownOutcomeError) as error:
            _log.warning(
                "reports stay counted against a quota",
                extra={"count": self._left + len(self._counted), "error": type(error).__name__},
            )

    def _allows(self, report: Prepared, known: frozenset[bytes]) -> bool:
        if report.retry is not None and report.retry.key_hash in known:
            return True
        if not self._left:
            return False
        self._left -= 1
        self._counted.add(report.report_id)
        return True


UNCOUNTED: Final = Tally(None, Reporter("", frozenset()), date.min, 0, 0)
"""Of who has no quota: everything is allowed, and nothing is counted or kept."""


def day_of(now: datetime) -> date:
    """The civil day of Morocco that a quota counts by."""
    return now.astimezone(MOROCCO).date()


def quota_used_up(now: datetime) -> Problem:
    """429 until the next civil day; in a line of an answer the wait is the member `retry_after_s`."""
    midnight = datetime.combine(day_of(now) + timedelta(days=1), time(), MOROCCO)
    wait_s = max(1, int(midnight.timestamp() - now.timestamp()))
    return Problem(
        429,
        "quota_used_up",
        "Daily quota used up",
        "The reports that were accepted stay accepted. Send the others tomorrow, with the same keys.",
        retry_after_s=wait_s,
        extra={"retry_after_s": wait_s},
    )
