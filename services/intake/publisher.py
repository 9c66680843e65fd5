"""The group commit: requests of many senders become one database transaction and one publication.

In: groups of `Prepared` reports, from the event loop; out: an `Outcome` for each, in order, through an asyncio future.
A report is answered as accepted only when it is stored and the broker has acknowledged it. What was stored but not
acknowledged stays pending, and the reconciler publishes it: publishing it here once more could put it into the log
twice, since the broker may have it already.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Acknowledgement, Producer
from services.intake.acceptance import Prepared, Retry
from services.intake.groups import Group, resolve
from services.intake.metrics import IntakeMetrics, intake_metrics
from services.intake.signing import Facts
from services.intake.store import Known, Stored

_log = logging.getLogger(__name__)
_CONFLICT_ATTEMPTS: Final = 3
_AWAY_S: Final = 1.0
_KEPT_FREE: Final = 0.2
"""The share of the places that only pressing reports may take."""
BEGINS_WITHIN_S: Final = 3.0
"""A publication that has not begun so soon after the report was going to be stored does not begin at all: by the time
that it ends, a reconciler may have taken the report over. So it is with a process that was paused in between."""
_DELIVERY_MARGIN_S: Final = 0.5
"""So much longer than a delivery may last is its acknowledgement, or its failure, waited for."""


class Verdict(StrEnum):
    """What became of a report."""

    ACCEPTED = "accepted"
    KEY_REUSED = "idempotency_key_reused"
    FILE_GONE = "unknown_attachment"
    UNAVAILABLE = "unavailable"


class Outcome(NamedTuple):
    """A verdict; the rest is empty unless it is `ACCEPTED`. `facts` are to be signed; only a report that was answered
    before receipts were signed has none."""

    verdict: Verdict
    report_id: str = ""
    receipt: str = ""
    facts: Facts | None = None


class OverloadedError(Exception):
    """So many reports wait already that this one is better sent again later."""


class Store(Protocol):
    """What the publisher needs of the store; see `IntakeStore`."""

    def store(self, reports: Sequence[Prepared], published: Mapping[str, Acknowledgement]) -> Stored: ...

    def note_published(self, published: Mapping[str, Acknowledgement]) -> None: ...


class Stop(Protocol):
    """Whether the process is asked to stop."""

    @property
    def requested(self) -> bool: ...


_UNAVAILABLE = Outcome(Verdict.UNAVAILABLE)


class Publisher:
    """Stores and publishes what is offered to it, from a thread of its own (`run`).

    `receipt_of` gives the receipt of an earlier report to whoever repeats its request.
    """

    def __init__(
        self,
        store: Store,
        producer: Producer,
        receipt_of: Callable[[str, Retry], str],
        *,
        max_batch: int,
        linger_s: float,
        capacity: int,
        publish_timeout_s: float,
        metrics: IntakeMetrics | None = None,
    ) -> None:
        self._metrics = metrics or intake_metrics()
        self._store = store
        self._producer = producer
        self._receipt_of = receipt_of
        self._max_batch = max_batch
        self._linger_s = linger_s
        self._capacity = capacity
        self._publish_timeout_s = publish_timeout_s
        self._arrived = threading.Condition()
        self._pressing: deque[Group] = deque()
        self._waiting: deque[Group] = deque()
        self._waiting_reports = 0
        self._closed = False
        self._unnoted: dict[str, Acknowledgement] = {}
        self._away_until = 0.0

    def offer(self, reports: Sequence[Prepared], *, pressing: bool = False) -> "asyncio.Future[list[Outcome]]":
        """Queue reports that share one answer; call it from a running event loop. Raises `OverloadedError`.

        Those that are `pressing` are handled before all others, and a fifth of the places is kept for them.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Outcome]] = loop.create_future()
        with self._arrived:
            capacity = self._capacity if pressing else self._capacity * (1 - _KEPT_FREE)
            if self._closed or self._waiting_reports + len(reports) > capacity:
                raise OverloadedError
            (self._pressing if pressing else self._waiting).append(Group(reports, loop, answer))
            self._waiting_reports += len(reports)
            self._arrived.notify()
        return answer

    def run(self, stop: Stop) -> None:
        """Serve until asked to stop and nothing waits. Raises what is neither passing nor a conflict: crash."""
        try:
            while not stop.requested or self._waiting or self._pressing:
                groups = self._take()
                if groups:
                    self._serve(groups)
                elif self._unnoted:
                    self._note()
        finally:
            self._close()

    def _take(self, idle_s: float = 0.1) -> list[Group]:
        """What waits, up to a batch: the first within `idle_s`, what comes after it within the linger time."""
        with self._arrived:
            if not (self._waiting or self._pressing):
                self._arrived.wait(0.005 if self._unnoted else idle_s)
                if not (self._waiting or self._pressing):
                    return []
            deadline = time.monotonic() + self._linger_s
            while self._waiting_reports < self._max_batch:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    break
                self._arrived.wait(left_s)
            groups: list[Group] = []
            taken = 0
            for lane in (self._pressing, self._waiting):
                while lane and (not groups or taken + len(lane[0].reports) <= self._max_batch):
                    groups.append(lane.popleft())
                    taken += len(groups[-1].reports)
            self._waiting_reports -= taken
        self._metrics.waiting(self._waiting_reports)
        return groups

    def _serve(self, groups: Sequence[Group]) -> None:
        reports = [report for group in groups for report in group.reports]
        outcomes = [_UNAVAILABLE] * len(reports)
        try:
            if time.monotonic() >= self._away_until:
                outcomes = self._accept(reports)
        except (PassingError, UnknownOutcomeError) as error:
            self._away(reports, "the database is away", error)
        finally:
            resolve(groups, outcomes)
            self._metrics.answered(outcome.verdict for outcome in outcomes)

    def _away(self, reports: Sequence[Prepared], what: str, error: Exception | None = None) -> None:
        """Refuse at once for a while, so that nobody waits in a queue behind time-outs."""
        self._away_until = time.monotonic() + _AWAY_S
        kind = type(error).__name__ if error is not None else "timeout"
        _log.warning(what, extra={"count": len(reports), "error": kind})

    def _accept(self, reports: Sequence[Prepared]) -> list[Outcome]:
        """1. store, noting earlier acknowledgements; 2. publish what is new, unless late; 3. answer as acknowledged."""
        first, started = _first_by_key(reports), time.monotonic()
        stored = self._stored([report for report in reports if _is_first(report, first)])
        new = [report for report in reports if report.report_id in stored.new]
        acknowledged = self._publish(new) if time.monotonic() - started < BEGINS_WITHIN_S else self._too_late(new)
        self._unnoted.update(acknowledged)
        known = dict(stored.known)
        for report in new:
            if report.retry is not None:
                position = acknowledged.get(report.report_id)
                hashes = (report.retry.body_hash, report.accepted_at, report.record_sha256)
                known[report.retry.key_hash] = Known(report.report_id, *hashes, position, position is None)
        return [self._outcome(report, known, acknowledged, stored.without_files) for report in reports]

    def _too_late(self, reports: Sequence[Prepared]) -> dict[str, Acknowledgement]:
        if reports:
            self._away(reports, "the database took too long")
        return {}

    def _stored(self, reports: Sequence[Prepared]) -> Stored:
        started = time.perf_counter()
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                stored = self._store.store(reports, self._unnoted)
            except ConflictError:
                if attempt == _CONFLICT_ATTEMPTS - 1:
                    raise
            else:
                self._unnoted = {}
                self._metrics.stored(len(reports), time.perf_counter() - started)
                return stored
        raise AssertionError("unreachable")

    def _publish(self, reports: Sequence[Prepared]) -> dict[str, Acknowledgement]:
        if not reports:
            return {}
        started = time.perf_counter()
        try:
            answers = self._producer.publish(
                [report.record for report in reports], self._publish_timeout_s + _DELIVERY_MARGIN_S
            )
        except PassingError as error:
            self._away(reports, "the broker is away", error)
            return {}
        finally:
            self._metrics.published(time.perf_counter() - started)
        found = {
            report.report_id: answer for report, answer in zip(reports, answers, strict=True) if answer is not None
        }
        if len(found) < len(reports):
            self._away(reports, "the broker did not acknowledge in time")
        return found

    def _outcome(
        self,
        report: Prepared,
        known: Mapping[bytes, Known],
        acknowledged: Mapping[str, Acknowledgement],
        without_files: Collection[str],
    ) -> Outcome:
        earlier = None if report.retry is None else known.get(report.retry.key_hash)
        if earlier is None and report.report_id in without_files:
            return Outcome(Verdict.FILE_GONE)
        if report.retry is None or earlier is None:
            # A second one with its key, which came at the same time as the first and that was refused, has neither.
            position = acknowledged.get(report.report_id)
            if position is None:
                return _UNAVAILABLE
            return Outcome(Verdict.ACCEPTED, report.report_id, report.receipt, report.facts(position))
        if earlier.body_hash != report.retry.body_hash:
            return Outcome(Verdict.KEY_REUSED)
        if earlier.pending:
            return _UNAVAILABLE
        first = earlier.report_id == report.report_id
        shown = report.receipt if first else self._receipt_of(earlier.report_id, report.retry)
        return Outcome(Verdict.ACCEPTED, earlier.report_id, shown, earlier.facts(report.received_sha256))

    def _note(self) -> None:
        """Note acknowledgements while nothing else is to be done; left for later when the database is away."""
        noted, self._unnoted = self._unnoted, {}
        try:
            self._store.note_published(noted)
        except (PassingError, UnknownOutcomeError) as error:
            self._unnoted = noted
            _log.warning("acknowledgements could not be noted", extra={"error": type(error).__name__})
            time.sleep(0.1)

    def _close(self) -> None:
        with self._arrived:
            self._closed = True
            left = [*self._pressing, *self._waiting]
            self._pressing.clear()
            self._waiting.clear()
            self._waiting_reports = 0
        resolve(left, [_UNAVAILABLE] * sum(len(group.reports) for group in left))
        if self._unnoted:
            self._note()
        close_producer(self._producer)


def close_producer(producer: Producer) -> None:
    """Close at the end of a loop; what no broker acknowledged is pending, so it is published at the next start."""
    try:
        producer.close()
    except PassingError as error:
        _log.warning("the broker is away at the end", extra={"error": type(error).__name__})


def _first_by_key(reports: Sequence[Prepared]) -> dict[bytes, str]:
    """Per idempotency key, the id of the first report with it: the others follow what becomes of that one."""
    first: dict[bytes, str] = {}
    for report in reports:
        if report.retry is not None:
            first.setdefault(report.retry.key_hash, report.report_id)
    return first


def _is_first(report: Prepared, first: Mapping[bytes, str]) -> bool:
    return report.retry is None or first[report.retry.key_hash] == report.report_id
