"""CPU and memory of a set of processes between two moments, as the operating system accounts them.

In: the processes by name. Out: CPU seconds each one spent (with its children, ended ones included) and the largest
resident memory seen, in megabytes, sampled twice a second.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

import psutil

SAMPLE_INTERVAL_S = 0.5


class Usage(NamedTuple):
    """What one named process, with its children, used while it was sampled."""

    cpu_s: float
    peak_memory_mb: float
    memory_series_mb: tuple[float, ...]


class Sampler:
    """Context manager: `with Sampler({"triage": pid}) as sampler: …; sampler.usage()`."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._cpu_at_start: dict[str, float] = {}
        self._cpu_at_end: dict[str, float] = {}
        self._memory: dict[str, list[float]] = {name: [] for name in pids}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._cpu_at_start = {name: _cpu_s(process) for name, process in self._processes.items()}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._cpu_at_end = {name: _cpu_s(process) for name, process in self._processes.items()}

    def usage(self) -> dict[str, Usage]:
        """Per name, what was used; call it after the context has ended."""
        return {
            name: Usage(
                self._cpu_at_end[name] - self._cpu_at_start[name],
                max(self._memory[name], default=0.0),
                tuple(self._memory[name]),
            )
            for name in self._processes
        }

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_INTERVAL_S):
            for name, process in self._processes.items():
                self._memory[name].append(_memory_mb(process))


def _cpu_s(process: psutil.Process) -> float:
    try:
        total = 0.0
        for one in (process, *process.children(recursive=True)):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    except psutil.NoSuchProcess:
        return 0.0
    return total


def _memory_mb(process: psutil.Process) -> float:
    """The process's own resident memory; children share most of it (PostgreSQL's buffers) and are not added."""
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0
