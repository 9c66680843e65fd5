"""`ibalagh up`: the stack in the background; returns when every service is ready, or with the sentence why not."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from ibalagh.local import processes, state
from ibalagh.local.errors import StackError
from ibalagh.local.paths import PROJECT_ROOT, home
from ibalagh.local.state import StackState
from ibalagh.local.supervisor import parse_workers


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all is up, 1 when it is not. Raises `StackError` before anything was started."""
    parser = argparse.ArgumentParser(prog="ibalagh up", description="Start the stack in the background.")
    parser.add_argument(
        *("--workers", "-w"),
        action="append",
        default=[],
        metavar="NAME=N",
        help="processes of a service, e.g. triage=2",
    )
    arguments = parser.parse_args(argv)
    parse_workers(arguments.workers)
    if state.running(home()) is not None:
        raise StackError("The stack is already running: ./run status shows it, ./run down ends it.")
    log = home() / "local" / "logs" / "supervisor.log"
    state.state_file(home()).unlink(missing_ok=True)
    started = processes.start(
        [sys.executable, "-m", "ibalagh.local.supervisor", *(f"--workers={value}" for value in arguments.workers)],
        environment=os.environ,
        log=log,
        directory=PROJECT_ROOT,
    )
    step = ""
    while True:
        code = started.poll()
        now = state.read(home())
        if now is not None and now.step != step and now.failure is None:
            step = now.step
            print(f"  {step}")
        if now is not None and now.ready:
            _print_addresses(now)
            return 0
        if code is not None:
            last = log.read_text().splitlines()[-1:]
            sentence = now.failure if now is not None and now.failure else "".join(last).partition(" ")[2]
            print(sentence, file=sys.stderr)
            return 1
        time.sleep(0.1)


def _print_addresses(now: StackState) -> None:
    for service in now.services:
        print(f"  {service.name:<14} http://127.0.0.1:{service.port}")
    print(f"  {'broker':<14} {now.bootstrap}")
    print(f"  {'token':<14} {home() / 'local' / 'token'}")
    print("The stack is up: ./run status shows it, ./run down ends it.")
