"""Runtime metrics, declared here once: what a loop or a relay reports about itself, in Prometheus' naming.

In: one call per batch, never per record. Out: families `ibalagh_stream_*` and `ibalagh_relay_*` in a registry, by
default the process's own, which `/metrics` renders. Labels are closed words: service, loop, topic, reason; never an id.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Enum, Gauge, Histogram

_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_SHORT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LATENCY_S: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_LOOP: Final = ("service", "loop")


class LoopState(StrEnum):
    """What a loop is doing: `waiting` means that it paused because something is away and tries again."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"


class StreamMetrics:
    """The metric families, registered in `registry` once. `loop` and `relay` give the view of one of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, (*_LOOP, *labels), registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, _LOOP, buckets=buckets, registry=registry)

        self.records = counter("ibalagh_stream_records_consumed_total", "Records read and dealt with", "topic")
        self.effects = counter("ibalagh_stream_events_produced_total", "Events that handling caused")
        self.dead_letters = counter("ibalagh_stream_dead_letters_total", "Records refused for ever", "reason")
        self.retries = counter("ibalagh_stream_retries_total", "Batches tried again", "reason")
        self.aborts = counter("ibalagh_stream_aborts_total", "Batches given up and read again", "reason")
        self.rebalances = counter("ibalagh_stream_rebalances_total", "Times that partitions were taken away")
        self.unknown = counter("ibalagh_stream_unknown_outcomes_total", "Commits of which the end is unknown")
        self.batch_size = histogram("ibalagh_stream_batch_size_records", "Records in a batch", _SIZES)
        self.handle = histogram("ibalagh_stream_handle_seconds", "Handling a batch, without its commit", _SHORT_S)
        self.commit = histogram("ibalagh_stream_commit_seconds", "Committing a batch", _SHORT_S)
        self.latency = histogram(
            "ibalagh_stream_latency_seconds",
            "From the acceptance of a report or command to this loop's commit; a sample of each batch",
            _LATENCY_S,
        )
        self.lag = Gauge(
            "ibalagh_stream_lag_records", "Records not dealt with yet", (*_LOOP, "topic"), registry=registry
        )
        self.state = Enum(
            "ibalagh_stream_loop_state", "What the loop does", _LOOP, states=list(LoopState), registry=registry
        )
        self.relayed = Counter(
            "ibalagh_relay_events_published_total", "Outbox rows published", ("service",), registry=registry
        )
        self.relay_commit = Histogram(
            "ibalagh_relay_commit_seconds",
            "Publishing and committing one read of the outbox",
            ("service",),
            buckets=_SHORT_S,
            registry=registry,
        )

    def loop(self, service: str, loop: str) -> "LoopMetrics":
        """The view of one loop of one service."""
        return LoopMetrics(self, service, loop)

    def relay(self, service: str) -> "RelayMetrics":
        """The view of a service's relay."""
        return RelayMetrics(self, service)


class LoopMetrics:
    """What one loop reports, a call per batch or event of its life."""

    def __init__(self, families: StreamMetrics, service: str, loop: str) -> None:
        self._families = families
        self._labels = (service, loop)
        self._effects = families.effects.labels(service, loop)
        self._batch_size = families.batch_size.labels(service, loop)
        self._handle = families.handle.labels(service, loop)
        self._commit = families.commit.labels(service, loop)
        self._latency = families.latency.labels(service, loop)
        self._rebalances = families.rebalances.labels(service, loop)
        self._unknown = families.unknown.labels(service, loop)
        self._state = families.state.labels(service, loop)
        self._lagging: set[str] = set()

    def committed(self, records_by_topic: Mapping[str, int], effects: int, handle_s: float, commit_s: float) -> None:
        """A batch took effect."""
        for topic, count in records_by_topic.items():
            self._families.records.labels(*self._labels, topic).inc(count)
        self._effects.inc(effects)
        self._batch_size.observe(sum(records_by_topic.values()))
        self._handle.observe(handle_s)
        self._commit.observe(commit_s)

    def latency(self, samples_s: Collection[float]) -> None:
        """A few end-to-end latencies of a batch, in seconds."""
        for sample_s in samples_s:
            self._latency.observe(max(0.0, sample_s))

    def dead_lettered(self, by_reason: Mapping[str, int]) -> None:
        """Records went to the dead letters."""
        for reason, count in by_reason.items():
            self._families.dead_letters.labels(*self._labels, reason).inc(count)

    def retried(self, reason: str) -> None:
        """A batch is tried again; `reason` is the error's class."""
        self._families.retries.labels(*self._labels, reason).inc()

    def aborted(self, reason: str) -> None:
        """A batch was given up, to be read again."""
        self._families.aborts.labels(*self._labels, reason).inc()

    def rebalanced(self) -> None:
        """Partitions were taken away."""
        self._rebalances.inc()

    def unknown_outcome(self) -> None:
        """Nobody knows whether a commit took effect."""
        self._unknown.inc()

    def lag(self, by_topic: Mapping[str, int]) -> None:
        """How far this worker is behind, in offsets, per topic; topics that it no longer reads are set to 0."""
        for topic in self._lagging - by_topic.keys():
            self._families.lag.labels(*self._labels, topic).set(0)
        for topic, lag in by_topic.items():
            self._families.lag.labels(*self._labels, topic).set(lag)
        self._lagging = set(by_topic)

    def state(self, state: LoopState) -> None:
        """What the loop is doing from now on."""
        self._state.state(state)


class RelayMetrics:
    """What a relay reports, a call per transaction."""

    def __init__(self, families: StreamMetrics, service: str) -> None:
        self._relayed = families.relayed.labels(service)
        self._commit = families.relay_commit.labels(service)

    def published(self, events: int, seconds: float) -> None:
        """One transaction of the relay was committed."""
        self._relayed.inc(events)
        self._commit.observe(seconds)


@cache
def stream_metrics() -> StreamMetrics:
    """The families in the process's own registry."""
    return StreamMetrics(REGISTRY)
