"""`ibalagh bench intake`: one intake process, its broker and its database on this machine, reports over HTTP.

In: how many reports. Out: single reports accepted a second with so many connections, their p99 at an offered rate, and
lines a second of the batch interface; CPU microseconds a report by process. The mix is the scenario's, so most reports
are identified: sealed, and stored in the vault. The sender shares the processors with what it measures.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import quantiles
from typing import Any, Final, NamedTuple

from rich.console import Console

from bench.platform import platform
from bench.sampling import Sampler
from bench.sender import Sender, batch_request, report_request
from bench.workload import bodies

AT_ONCE: Final = 64
BATCH_LINES: Final = 1_000
BATCHES_AT_ONCE: Final = 2


class IntakeResult(NamedTuple):
    """What one intake process reached."""

    accepted_per_s: float
    p99_ms: float
    batch_lines_per_s: float
    cpu_us_per_report: dict[str, float]
    cpu_us_per_line: dict[str, float]
    peak_memory_mb: dict[str, float]


def run(reports: int, rate_per_s: int, seconds: int, seed: int, console: Console) -> IntakeResult:
    """Send `reports` singly and as many again by batch, and offer the rate. Raises RuntimeError for a refusal."""
    with platform(services=("intake",)) as running:
        address, token = running.addresses["intake"], running.token
        source = bodies(seed)
        some, many = islice(source, rate_per_s * seconds), islice(source, reports)
        singly = [
            report_request(token, f"bench-singly-{n:09d}", body) for n, body in enumerate(islice(source, reports))
        ]
        paced = [report_request(token, f"bench-paced-{n:010d}", body) for n, body in enumerate(some)]
        lines = [batch_request(token, f"bench-batch-{n:010d}", chunk) for n, chunk in enumerate(_chunks(many))]
        warm_up = reports // 10
        asyncio.run(Sender(address).at_full_speed(singly[:warm_up], AT_ONCE))
        console.print("sending single reports at full speed")
        with Sampler(running.pids) as sampler:
            began_s = time.monotonic()
            asyncio.run(Sender(address).at_full_speed(singly[warm_up:], AT_ONCE))
            singly_s = time.monotonic() - began_s
        sent = len(singly) - warm_up
        console.print(f"offering {rate_per_s} a second")
        spans_s = asyncio.run(Sender(address).at_a_rate(paced, rate_per_s))
        console.print("sending batches")
        with Sampler(running.pids) as batch_sampler:
            began_s = time.monotonic()
            asyncio.run(Sender(address, 200).at_full_speed(lines, BATCHES_AT_ONCE))
            batch_s = time.monotonic() - began_s
    usage = sampler.usage()
    return IntakeResult(
        sent / singly_s,
        quantiles(spans_s, n=100)[98] * 1e3,
        reports / batch_s,
        {name: each.cpu_s / sent * 1e6 for name, each in usage.items()},
        {name: each.cpu_s / reports * 1e6 for name, each in batch_sampler.usage().items()},
        {name: each.peak_memory_mb for name, each in usage.items()},
    )


def _chunks(bodies_of_lines: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(bodies_of_lines)
    while chunk := list(islice(remaining, BATCH_LINES)):
        yield chunk
