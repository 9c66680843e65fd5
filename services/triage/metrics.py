"""What triage reports about its model and the one in its shadow, in Prometheus' naming. Labels are closed words and
versions: never anything of a report.

In: a call a batch or a switch. Out: families `ibalagh_triage_*` in a registry, by default the process's own.
"""

from collections.abc import Mapping
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Info

from services.triage.shadow import Pair


class ModelMetrics:
    """The metric families, registered in `registry` once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._model = Info("ibalagh_triage_model", "Versions that decide, and in the shadow", registry=registry)
        self._switches = counter("ibalagh_triage_model_switches_total", "Models taken over while running", "pointer")
        self._refusals = counter("ibalagh_triage_model_refusals_total", "Models refused while running", "pointer")
        self._reports = counter("ibalagh_triage_shadow_reports_total", "Reports decided twice", "said")
        self._categories = counter(
            "ibalagh_triage_shadow_category_changes_total", "Reports of another category", "before", "after"
        )
        self._dispositions = counter(
            "ibalagh_triage_shadow_disposition_changes_total", "Reports sent elsewhere", "before", "after"
        )
        self._failures = counter("ibalagh_triage_shadow_failures_total", "Batches that the shadow failed on, or counts")

    def in_use(self, policy: str, shadow: str | None) -> None:
        """These versions decide now."""
        self._model.info({"policy": policy, "shadow": shadow or ""})

    def switched(self, pointer: str) -> None:
        """What a pointer names was taken over."""
        self._switches.labels(pointer).inc()

    def refused(self, pointer: str) -> None:
        """What a pointer names cannot be used, and everything stays as it is."""
        self._refusals.labels(pointer).inc()

    def compared(self, pairs: Mapping[Pair, int]) -> None:
        """The shadow decided about a batch too."""
        for pair, count in pairs.items():
            before, after = pair.before, pair.after
            self._reports.labels("same" if before == after else "other").inc(count)
            if before.category is not after.category:
                self._categories.labels(before.category.value, after.category.value).inc(count)
            if before.disposition is not after.disposition:
                self._dispositions.labels(before.disposition.value, after.disposition.value).inc(count)

    def shadow_failed(self) -> None:
        """The shadow failed on a batch, or its counts could not be written."""
        self._failures.inc()


@cache
def model_metrics() -> ModelMetrics:
    """The families in the process's own registry."""
    return ModelMetrics(REGISTRY)
