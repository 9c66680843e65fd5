"""`ibalagh bench hop`: one hop, reports.received → reports.triaged, ours and its peers in turn on the same machine.

In: the number of reports. Every contender reads the same records with the same domain function and writes a topic of
its own, alone on the machine but for the broker. Out: per contender the events a second between the first and the last
tenth of its output, by the broker's own time stamps (so neither start-up nor the tail counts), and its CPU and memory.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import Progress

from bench.peers.contender import Settings
from bench.peers.environment import peers_python
from bench.sampling import Sampler
from bench.stores import embedded_stores
from bench.topics import create_topics, preload, timestamps
from bench.workload import raw_reports
from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import TRIAGED

SOURCE_PREFIX: Final = "hop."
TIMEOUT_S: Final = 300.0
PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]


class Contender(NamedTuple):
    """A way to do the hop. `share` of the reports is enough to measure a slow one; `extra` goes to its environment."""

    key: str
    module: str
    share: float
    own_environment: bool = False
    arguments: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


CONTENDERS: Final = (
    Contender("ours", "bench.peers.ours", 1.0),
    Contender("passthrough", "bench.peers.passthrough", 1.0),
    Contender("quix", "bench.peers.quix", 1.0, own_environment=True),
    Contender(
        "faust",
        "bench.peers.faust_app",
        0.25,
        arguments=("worker", "-l", "warn"),
        extra=(("BENCH_GUARANTEE", "exactly_once"),),
    ),
    Contender(
        "faust_at_least_once",
        "bench.peers.faust_app",
        0.25,
        arguments=("worker", "-l", "warn"),
        extra=(("BENCH_GUARANTEE", "at_least_once"),),
    ),
)


class HopResult(NamedTuple):
    """What one contender reached."""

    per_s: float
    cpu_us_per_report: float
    peak_memory_mb: float


def run(reports: int, seed: int, console: Console, only: frozenset[str] = frozenset()) -> dict[str, HopResult]:
    """Every contender in turn (or those of `only`). Raises RuntimeError naming one that stopped or never finished."""
    chosen = [contender for contender in CONTENDERS if not only or contender.key in only]
    results = {}
    with embedded_stores() as stores, Progress(console=console, transient=True) as progress:
        codec = Codec(SOURCE_PREFIX)
        create_topics(stores.bootstrap, SOURCE_PREFIX)
        task = progress.add_task("loading raw reports", total=reports)
        records = raw_reports(reports, seed, codec, datetime.now(UTC))
        preload(stores.bootstrap, records, lambda count: progress.advance(task, count))
        for contender in chosen:
            expected = int(reports * contender.share)
            task = progress.add_task(contender.key, total=expected)
            for result in _measure(contender, stores.bootstrap, expected):
                if isinstance(result, HopResult):
                    results[contender.key] = result
                else:
                    progress.update(task, completed=min(result, expected))
    return results


def _measure(contender: Contender, bootstrap: str, expected: int) -> Iterator[int | HopResult]:
    settings = Settings(bootstrap, f"hop-{contender.key}", SOURCE_PREFIX, f"hop.{contender.key}.")
    create_topics(bootstrap, settings.target_prefix)
    python = peers_python() if contender.own_environment else Path(sys.executable)
    command = [str(python), "-m", contender.module, *contender.arguments]
    process = subprocess.Popen(  # noqa: S603
        command, env=_environment(settings, contender), cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL
    )
    written: list[int] = []
    try:
        with Sampler({contender.key: process.pid}) as sampler:
            deadline = time.monotonic() + TIMEOUT_S
            for batch in timestamps(bootstrap, settings.target_prefix + TRIAGED):
                written += batch
                if len(written) >= expected:
                    break
                if process.poll() is not None:
                    raise RuntimeError(f"{contender.key} ended with exit code {process.returncode}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{contender.key} wrote {len(written)} of {expected} in {TIMEOUT_S:.0f} s")
                yield len(written)
    finally:
        process.kill()
        process.wait()
    usage = sampler.usage()[contender.key]
    yield HopResult(rate_per_s(written), usage.cpu_s / len(written) * 1e6, usage.peak_memory_mb)


def _environment(settings: Settings, contender: Contender) -> dict[str, str]:
    import os

    return {**os.environ, **settings.environment(), **dict(contender.extra)}


def rate_per_s(timestamps_ms: list[int]) -> float:
    """Records a second between the tenth and the ninetieth part of the records, in order of their time stamps."""
    ordered = sorted(timestamps_ms)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    elapsed_s = (ordered[last] - ordered[first]) / 1000
    return (last - first) / elapsed_s if elapsed_s > 0 else float("inf")
