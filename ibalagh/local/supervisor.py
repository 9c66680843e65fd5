"""The process behind `ibalagh up`: starts a stack, watches it, and ends it on SIGTERM or SIGINT.

In: `--workers NAME=N` and the environment. Out: lines on standard output (a log file, as `up` starts it) and the
state file. Exit code 0 after a stop that was asked for, 1 when the stack could not be started.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType

from ibalagh.local.errors import StackError
from ibalagh.local.paths import home
from ibalagh.local.stack import Stack


def parse_workers(values: Sequence[str]) -> dict[str, int]:
    """`["triage=2"]` -> `{"triage": 2}`. Raises `StackError` for anything else."""
    counts = {}
    for value in values:
        name, _, count = value.partition("=")
        if not count.isdecimal() or not 1 <= int(count) <= 50:
            raise StackError(f"--workers {value}: write NAME=N with N from 1 to 50, e.g. --workers triage=2.")
        counts[name] = int(count)
    return counts


def run(stack: Stack) -> int:
    """Starts `stack` and keeps it up until a signal; the first one stops it in order, whatever step it is at."""
    asked_to_stop = threading.Event()
    started = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        asked_to_stop.set()
        if not started:
            raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        stack.start(_report)
    except StackError as error:
        _report(str(error))
        return 1
    started = True
    asked_to_stop.wait()
    _report("stopping")
    stack.stop()
    _report("stopped")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The supervisor's entry point."""
    parser = argparse.ArgumentParser(prog="ibalagh.local.supervisor")
    parser.add_argument("--workers", action="append", default=[], metavar="NAME=N")
    arguments = parser.parse_args(argv)
    try:
        stack = Stack(home(), workers=parse_workers(arguments.workers))
    except StackError as error:
        _report(str(error))
        return 1
    return run(stack)


def _report(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
