"""`ibalagh serve SERVICE [--workers N]`: one service in the foreground, N processes in one consumer group.

Worker i listens on the service's port + i. SIGTERM and SIGINT are passed on; when one worker ends by itself the
others are stopped and its exit code is returned, so that whoever runs this (systemd, a container engine) restarts
the whole.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from ibalagh.local.errors import StackError
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.services import SERVICES


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the first worker that ended. Does not return for one worker: the process becomes the service."""
    table = {service.name: service for service in SERVICES}
    parser = argparse.ArgumentParser(prog="ibalagh serve", description="Run one service in the foreground.")
    parser.add_argument("service", choices=table)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes in one group (default 1)")
    arguments = parser.parse_args(argv)
    if arguments.workers < 1:
        parser.error("--workers must be at least 1")
    if not (os.environ.get("IBALAGH_KAFKA_BOOTSTRAP") and os.environ.get("IBALAGH_DATABASE_URL")):
        raise StackError(
            "There is no broker and database to use: ./run up starts them, or set IBALAGH_KAFKA_BOOTSTRAP and "
            "IBALAGH_DATABASE_URL."
        )
    service = table[arguments.service]
    command = [sys.executable, "-m", service.module]
    first_port = int(os.environ.get("IBALAGH_HTTP_PORT", service.port))
    os.chdir(PROJECT_ROOT)
    if arguments.workers == 1:
        os.execve(command[0], command, {**os.environ, "IBALAGH_HTTP_PORT": str(first_port)})  # noqa: S606
    workers = [
        subprocess.Popen(  # noqa: S603
            command, env={**os.environ, "IBALAGH_HTTP_PORT": str(first_port + i), "IBALAGH_WORKER_INDEX": str(i)}
        )
        for i in range(arguments.workers)
    ]
    return _wait(workers)


def _wait(workers: list[subprocess.Popen[bytes]]) -> int:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        for worker in workers:
            worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    for worker in workers:
        if worker.pid == pid:
            worker.returncode = code
        else:
            worker.terminate()
    for worker in workers:
        worker.wait()
    return code if code >= 0 else 128 - code
