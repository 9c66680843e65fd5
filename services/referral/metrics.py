"""What referral reports about clocks, in Prometheus' naming. Labels are closed words: never a case, never a service.

In: what the timer counted. Out: families `ibalagh_referral_*` in a registry, by default the process's own.
"""

from collections.abc import Mapping
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from ibalagh.events.vocabulary import ClockKind
from services.referral.clocks import Level
from services.referral.workdays import Workdays


class ClockMetrics:
    """The metric families, registered in `registry` once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._running = Gauge(
            "ibalagh_referral_clocks",
            "Cases with a clock, by what they wait for and how far it has come",
            ("clock", "level"),
            registry=registry,
        )
        self._asked = Counter(
            "ibalagh_referral_clock_checks_total", "Questions of the timer about clocks", registry=registry
        )
        self._calendar = Gauge(
            "ibalagh_referral_calendar_last_year",
            "The last year whose religious holidays the calendar of working days lists",
            registry=registry,
        )

    def asked(self, questions: int) -> None:
        """The timer asked about so many clocks."""
        self._asked.inc(questions)

    def counted(self, clocks: Mapping[tuple[ClockKind, int], int], workdays: Workdays) -> None:
        """So many clocks run now, by kind and level; a pair that is not named has none."""
        for kind in ClockKind:
            for level in Level:
                self._running.labels(kind.value, level.name.lower()).set(clocks.get((kind, level), 0))
        self._calendar.set(workdays.valid_until)


@cache
def clock_metrics() -> ClockMetrics:
    """The families in the process's own registry."""
    return ClockMetrics(REGISTRY)
