"""Intake's metrics, declared here once, in Prometheus' naming; labels are closed words, never anything of a report.

In: a call per group commit, per refusal or per reconciled batch; out: families `ibalagh_intake_*` for `/metrics`.
"""

from collections import Counter as Count
from collections.abc import Iterable
from functools import cache
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class IntakeMetrics:
    """The metric families, registered in `registry` once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "ibalagh_intake_reports_total", "Reports answered, by what was answered", ("verdict",), registry=registry
        )
        self._group = Histogram(
            "ibalagh_intake_group_size_reports", "Reports in a group commit", buckets=_SIZES, registry=registry
        )
        self._store = Histogram(
            "ibalagh_intake_store_seconds", "Storing a group in the database", buckets=_SECONDS, registry=registry
        )
        self._publish = Histogram(
            "ibalagh_intake_publish_seconds",
            "From handing a group to the broker until it was acknowledged or given up",
            buckets=_SECONDS,
            registry=registry,
        )
        self._waiting = Gauge("ibalagh_intake_waiting_reports", "Reports that wait for a group", registry=registry)
        self._refused = Counter(
            "ibalagh_intake_refused_total",
            "Reports not let in, because very many came or their proof of work was worth nothing",
            ("reason",),
            registry=registry,
        )
        self._reconciled = Counter(
            "ibalagh_intake_reconciled_reports_total",
            "Pending reports settled: found in the log, or published",
            ("how",),
            registry=registry,
        )
        self._refused_files = Counter(
            "ibalagh_intake_refused_files_total", "Files not taken in, by the rule", ("rule",), registry=registry
        )
        self._amended = Counter(
            "ibalagh_intake_amendments_total",
            "Supplements and withdrawals by receipt, by what was answered",
            ("kind", "verdict"),
            registry=registry,
        )
        self._gate = Counter(
            "ibalagh_intake_trusted_requests_total",
            "Requests of trusted reporters, by what the gate decided",
            ("decision",),
            registry=registry,
        )

    def answered(self, verdicts: Iterable[str]) -> None:
        """Reports were answered."""
        for verdict, count in Count(verdicts).items():
            self._answered.labels(verdict).inc(count)

    def amended(self, kind: str, verdict: str) -> None:
        """A supplement or a withdrawal was answered."""
        self._amended.labels(kind, verdict).inc()

    def decided(self, decision: str) -> None:
        """The gate let a trusted reporter in (`admitted`), or refused it, by the code of the problem."""
        self._gate.labels(decision).inc()

    def stored(self, reports: int, seconds: float) -> None:
        """A group was stored."""
        self._group.observe(reports)
        self._store.observe(seconds)

    def published(self, seconds: float) -> None:
        """A group was published, or given up."""
        self._publish.observe(seconds)

    def waiting(self, reports: int) -> None:
        """So many reports wait."""
        self._waiting.set(reports)

    def refused(self, reason: str) -> None:
        """A report was not let in."""
        self._refused.labels(reason).inc()

    def refused_file(self, rule: str) -> None:
        """A file was not taken in."""
        self._refused_files.labels(rule).inc()

    def reconciled(self, found: int, published: int) -> None:
        """Pending reports were settled."""
        self._reconciled.labels("found").inc(found)
        self._reconciled.labels("published").inc(published)


@cache
def intake_metrics() -> IntakeMetrics:
    """The families in the process's own registry."""
    return IntakeMetrics(REGISTRY)
