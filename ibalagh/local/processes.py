"""Processes of the stack: in sessions of their own, found again by pid *and* start time, ended under one deadline.

A pid alone is reused by the system; a record whose process began at another moment is another program and is
never signalled.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ibalagh.local.errors import StackError

START_TIME_TOLERANCE_S = 2.0
"""How far the start time read back may be off: clocks are adjusted, but no pid is reused within two seconds."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process as it was when it started: its pid and its start time (seconds since the epoch)."""

    pid: int
    started_s: float

    @classmethod
    def of(cls, pid: int) -> "ProcessRecord":
        """The record of a running process. Raises `psutil.NoSuchProcess`."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def read(cls, file: Path) -> "ProcessRecord | None":
        """The record in a pid file, or None when there is none or it was half written."""
        try:
            content = json.loads(file.read_text())
            return cls(int(content["pid"]), float(content["started_s"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Writes the pid file in one step, so that a reader sees all of it or nothing."""
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(file)

    def process(self) -> psutil.Process | None:
        """The running process, or None if it ended, is a zombie, or its pid belongs to another program by now."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started_s) > START_TIME_TOLERANCE_S:
                return None
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    directory: Path,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a command in a session of its own (no Ctrl-C of the terminal reaches it), output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
        )


def end(records: Iterable[ProcessRecord], timeout_s: float, first: signal.Signals = signal.SIGTERM) -> int:
    """Ends processes under one deadline: `first` to all, then SIGKILL to what is left; returns how many were killed."""
    processes = [process for record in records if (process := record.process()) is not None]
    for process in processes:
        _signal(process, first)
    left = wait_gone(processes, timeout_s)
    for process in left:
        _signal(process, signal.SIGKILL)
    wait_gone(left, 5.0)
    return len(left)


def wait_gone(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Waits until the processes have ended (a zombie has); returns those that had not when the time was up."""
    deadline = time.monotonic() + timeout_s
    left = list(processes)
    while True:
        left = [process for process in left if _runs(process)]
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.02)  # psutil's own wait would reap children whose exit code their Popen still has to read


def ensure_port_free(port: int, what: str) -> None:
    """Raises `StackError`, naming who holds it, when a loopback port that `what` needs is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"Port {port}, which {what} needs, is taken{_holder(port)}: stop that program, or move all ports of "
                "this stack with IBALAGH_PORT_SHIFT=1000."
            ) from error


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that are free now.

    Taken from below the range that the system gives to outgoing connections, so that none of these takes one meanwhile.
    """
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.laddr
                and connection.laddr.port == port
                and connection.status == psutil.CONN_LISTEN
                and connection.pid
            ):
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.Error, OSError):
        return ""
    return ""


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
