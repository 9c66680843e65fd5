"""The services' processes: which there are, and how one is started, and started again after a crash."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibalagh.local import processes
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.processes import ProcessRecord

STABLE_AFTER_S = 60.0
"""A process that ran this long is taken as sound: its next crash is restarted at once."""
MAX_BACKOFF_S = 30.0
MAX_LOG_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A process that the stack runs: `python -m <module>`; worker i listens on `port` + i."""

    name: str
    module: str
    port: int


SERVICES = (
    Service("intake", "services.intake", 8100),
    Service("triage", "services.triage", 8200),
    Service("referral", "services.referral", 8300),
    Service("stats", "services.stats", 8400),
    Service("stats-windows", "services.stats.windows_worker", 8450),
)


def backoff_s(crashes: int) -> float:
    """Pause before start number `crashes` + 1: 0.5 s, doubled with each crash in a row, at most `MAX_BACKOFF_S`."""
    return min(MAX_BACKOFF_S, 0.5 * 2.0 ** max(0, crashes - 1))


class Worker:
    """One process of a service under supervision. Times are seconds of a monotonic clock, given by the caller."""

    def __init__(
        self, service: Service, number: int, *, environment: Mapping[str, str], port: int, directory: Path
    ) -> None:
        """`directory` takes `logs/<name>.log` and `pids/<name>`."""
        self.service = service
        self.number = number
        self.port = port
        self.restarts = 0
        self.name = service.name if number == 0 else f"{service.name}-{number}"
        self._environment = {
            # Many threads, batches of thousands of objects: with glibc's arena per thread, memory that was freed by one
            # stays unusable for the others.
            "MALLOC_ARENA_MAX": "2",
            **environment,
            "IBALAGH_HTTP_PORT": str(port),
            "IBALAGH_WORKER_INDEX": str(number),
            "PYTHONUNBUFFERED": "1",
        }
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._crashes = 0
        self._start_at_s: float | None = None

    @property
    def log(self) -> Path:
        """Where the process writes."""
        return self._directory / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, now_s: float) -> None:
        """Starts the process and notes its pid and start time."""
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._process = processes.start(
            [sys.executable, "-m", self.service.module],
            environment=self._environment,
            log=self.log,
            directory=PROJECT_ROOT,
        )
        self._started_s = now_s
        self._start_at_s = None
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        ProcessRecord.of(self._process.pid).write(self._pid_file)

    def watch(self, now_s: float) -> str | None:
        """Starts the process again if it ended and its pause is over. Returns a sentence when something happened."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        if self._start_at_s is None:
            self._crashes = 1 if now_s - self._started_s > STABLE_AFTER_S else self._crashes + 1
            pause_s = backoff_s(self._crashes)
            self._start_at_s = now_s + pause_s
            return f"{self.name} ended with exit code {code}; it starts again in {pause_s:.1f} s (log: {self.log})"
        if now_s >= self._start_at_s:
            self.restarts += 1
            self.start(now_s)
            return f"{self.name} started again (restart {self.restarts})"
        return None

    def record(self) -> ProcessRecord | None:
        """The process as something that can be ended."""
        return ProcessRecord.read(self._pid_file) if self._process is not None else None

    def forget(self) -> None:
        """Reaps the ended process and removes its pid file."""
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._directory / "pids" / self.name


def end_leftovers(directory: Path, timeout_s: float) -> int:
    """Ends service processes that a dead run left; returns how many there were."""
    files = list((directory / "pids").glob("*"))
    records = [record for file in files if (record := ProcessRecord.read(file)) is not None]
    alive = [record for record in records if record.process() is not None]
    processes.end(alive, timeout_s)
    for file in files:
        file.unlink(missing_ok=True)
    return len(alive)
