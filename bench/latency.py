"""`ibalagh bench pipeline --rate`: how long a report takes from its acceptance to each stage, at a given offered rate.

In: reports a second and seconds. Single reports go to intake's HTTP interface on a fixed schedule. Out: p50 and p99 in
milliseconds of accepted → triaged, → referred, → counted. Triaged and referred are read afterwards from the events' own
times; the moment of counting from the times of the `counters.changed` events, matched first in, first out, since these
carry sums.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import quantiles
from typing import Final, NamedTuple

from bench.platform import Platform
from bench.sender import Sender, report_request
from bench.topics import read_all
from bench.workload import bodies
from ibalagh.contracts.codec import Codec
from ibalagh.events.cases import CaseJoinedV1, CaseOpenedV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import DELTAS, REFERRED, TRIAGED
from ibalagh.events.statistics import CountersChangedV1

SETTLE_S: Final = 30.0


class Percentiles(NamedTuple):
    """Of a list of latencies, in milliseconds."""

    p50: float
    p99: float
    reports: int


def run(running: Platform, rate_per_s: int, seconds: int, seed: int) -> dict[str, Percentiles]:
    """Offer the load, wait until all is counted, read the latencies. Raises RuntimeError when a report was refused."""
    before = running.counters()["totals"].get("triaged", 0)
    accepted = asyncio.run(_offer(running, rate_per_s, seconds, seed))
    deadline = time.monotonic() + SETTLE_S
    while running.counters()["totals"].get("triaged", 0) < before + accepted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all of {accepted} accepted reports were counted within {SETTLE_S:.0f} s")
        time.sleep(0.2)
    time.sleep(1)
    codec = Codec()
    events = {
        topic: read_all(running.stores.bootstrap, codec.topic(topic), codec) for topic in (TRIAGED, REFERRED, DELTAS)
    }
    warm = min(event.origin_time.timestamp() for event in events[TRIAGED]) + seconds * 0.2
    return stage_latencies(events, warm)


async def _offer(running: Platform, rate_per_s: int, seconds: int, seed: int) -> int:
    """Send on schedule; the number accepted."""
    requests = [
        report_request(running.token, f"latency-{seed}-{number:012d}", body)
        for number, body in zip(range(rate_per_s * seconds), bodies(seed), strict=False)
    ]
    await Sender(running.addresses["intake"]).at_a_rate(requests, rate_per_s)
    return len(requests)


def stage_latencies(events: Mapping[str, Sequence[Event[Data]]], since: float) -> dict[str, Percentiles]:
    """Percentiles by stage of reports accepted after `since` (seconds since the epoch): the warm-up stays out."""
    in_cases = sorted(
        (event for event in events[REFERRED] if isinstance(event.data, CaseOpenedV1 | CaseJoinedV1)),
        key=lambda event: event.time,
    )
    counted = [(event.origin_time, at) for event, at in zip(in_cases, _counting_times(events[DELTAS]), strict=False)]
    return {
        "triaged": _percentiles([(e.origin_time, e.time) for e in events[TRIAGED]], since),
        "referred": _percentiles([(e.origin_time, e.time) for e in in_cases], since),
        "counted": _percentiles(counted, since),
    }


def _counting_times(deltas: Sequence[Event[Data]]) -> list[datetime]:
    """For every report counted as referred, in order, when it was."""
    times: list[datetime] = []
    for event in sorted(deltas, key=lambda event: event.time):
        if isinstance(event.data, CountersChangedV1):
            referred = sum(cell.count for cell in event.data.increments if cell.measure == "referred")
            times += [event.data.counted_at] * referred
    return times


def _percentiles(pairs: Sequence[tuple[datetime, datetime]], since: float) -> Percentiles:
    spans = [(end - start).total_seconds() * 1000 for start, end in pairs if start.timestamp() >= since]
    if len(spans) < 100:
        raise RuntimeError(f"{len(spans)} reports are too few for a percentile")
    cuts = quantiles(spans, n=100)
    return Percentiles(cuts[49], cuts[98], len(spans))
