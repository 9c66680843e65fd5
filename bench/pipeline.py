"""`ibalagh bench pipeline`: raw reports in, all of them referred in PostgreSQL and counted, everything on one machine.

In: how many reports. They are written to `reports.received` before any service starts, in a transaction that is
committed when all are ready; the clock runs from that commit to the moment when stats has counted every one, and every
referred one's case. Out: reports a second, CPU microseconds per report and peak memory by process; memory over time
shows whether it stays flat.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import Progress

from bench.platform import Platform, platform
from bench.sampling import Sampler, Usage
from bench.stores import Stores
from bench.topics import preload_hidden
from bench.workload import raw_reports
from ibalagh.contracts.codec import Codec

POLL_S: Final = 0.2
STALL_S: Final = 60.0


class PipelineResult(NamedTuple):
    """What the whole pipeline reached."""

    reports: int
    elapsed_s: float
    reports_per_s: float
    totals: Mapping[str, int]
    usage: Mapping[str, Usage]

    def cpu_us_per_report(self) -> dict[str, float]:
        """CPU microseconds per report, by process."""
        return {name: usage.cpu_s / self.reports * 1e6 for name, usage in self.usage.items()}


def run(reports: int, seed: int, console: Console) -> PipelineResult:
    """Load, start, measure. Raises RuntimeError when nothing moves for a minute or the counters are not exact."""
    with Progress(console=console, transient=True) as progress:
        loading = progress.add_task("loading raw reports", total=reports)
        show_them: list[Callable[[], None]] = []

        def load(stores: Stores) -> None:
            records = raw_reports(reports, seed, Codec(), datetime.now(UTC))
            show_them.append(preload_hidden(stores.bootstrap, records, lambda count: progress.advance(loading, count)))

        with platform(load) as running, Sampler(running.pids) as sampler:
            task = progress.add_task("through the pipeline", total=reports)
            began = time.monotonic()
            show_them.pop()()
            totals = _watch(running, reports, lambda done: progress.update(task, completed=done))
            elapsed_s = time.monotonic() - began
        return PipelineResult(reports, elapsed_s, reports / elapsed_s, totals, sampler.usage())


def _watch(running: Platform, reports: int, show: Callable[[int], None]) -> Mapping[str, int]:
    """Wait until all are counted; the counters then."""
    moved = time.monotonic()
    done = -1
    while True:
        totals: Mapping[str, int] = running.counters()["totals"]
        now = time.monotonic()
        decided = totals.get("triaged", 0)
        waiting = totals.get("to_review", 0) + totals.get("dismissed", 0)
        finished = min(decided, totals.get("referred", 0) + waiting)
        if finished != done:
            done, moved = finished, now
            show(done)
        if done >= reports:
            if totals["received"] != reports or decided != reports:
                raise RuntimeError(f"the counters are not exact: {totals} for {reports} reports")
            return totals
        if now - moved > STALL_S:
            raise RuntimeError(f"nothing moved for {STALL_S:.0f} s: {totals} of {reports} reports")
        time.sleep(POLL_S)
