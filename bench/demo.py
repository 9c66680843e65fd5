"""`./run demo`: takes a quarter of raw reports through the four services and prints the communiqué at the other end.

In: the figures that the scenario is made from, a seed. Out: tables on standard output, exit code 0 only if the figures
that stats computed equal the scenario's (with `--exit`; without it the stack stays up until Ctrl-C). Services are
spoken to over HTTP alone, and none of them knows a figure.

The demo has a stack of its own in `<home>/demo`, made anew each time; when it cannot start: one sentence, exit code 1.
"""

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.demonstration import comparison, steps, tables
from bench.demonstration.client import Client, RefusedError, UnreachableError
from bench.demonstration.journey import Journey, stage_count
from bench.demonstration.timeline import TooSlowError
from bench.scenario import FiguresError, Scenario, generate, load_figures
from bench.scenario.figures import QUARTER_PATH
from ibalagh.local import paths, state
from ibalagh.local.errors import StackError
from ibalagh.local.stack import Stack, end_leftovers

SERVICES: Final = ("intake", "triage", "referral", "stats")
PAGES: Final = (
    ("intake", "/", "the form for the public"),
    ("triage", "/", "the analysts' queue"),
    ("referral", "/", "the officers' cases"),
    ("stats", "/", "the operators' dashboard"),
    *((name, "/docs", f"the interface of {name}") for name in SERVICES),
)
"""Service, path, what a person finds there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the demo with the command line's arguments; returns the exit code."""
    options = _options(argv)
    console = Console(highlight=False)
    try:
        figures = load_figures(options.figures)
        scenario = generate(figures, options.seed)
        return _run(scenario, options, console)
    except (FiguresError, StackError, TooSlowError, UnreachableError, RefusedError, steps.RefusedCommandError) as error:
        console.print(str(error), style="red")
        return 1
    except KeyboardInterrupt:
        return 130


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run demo", description="The platform's first quarter, end to end.")
    parser.add_argument("--exit", action="store_true", help="stop at the end; exit code 0 only if all figures agree")
    parser.add_argument("--seed", type=int, default=2024, help="another seed writes other reports of the same figures")
    parser.add_argument("--figures", type=Path, default=QUARTER_PATH, help="a figures file other than the quarter's")
    parser.add_argument("--drop", type=int, default=0, metavar="N", help="keep N reports back, to see the demo fail")
    options = parser.parse_args(argv)
    if options.drop < 0:
        parser.error("--drop wants a number of reports")
    return options


def _run(scenario: Scenario, options: argparse.Namespace, console: Console) -> int:
    stack = _fresh_stack()
    started = time.monotonic()
    with _terminable():
        try:
            stack.start(lambda line: console.print(line, style="dim"))
            differences = _show(scenario, stack, options, console, time.monotonic() - started)
            if not options.exit:
                _print_addresses(stack, console)
                console.print("\nThe stack stays up: Ctrl-C ends it.", style="bold")
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
        finally:
            stack.stop()
    return 1 if differences else 0


def _fresh_stack() -> Stack:
    """The demo's own stack, without anything of an earlier demo. Raises `StackError` when one is running."""
    if state.running(paths.home()) is not None:
        raise StackError(
            "A stack is running and holds the demo's ports: ./run down ends it, then start the demo again."
        )
    home = paths.home() / "demo"
    if state.running(home) is not None:
        raise StackError("Another demo is running: end it with Ctrl-C in its terminal, then start this one again.")
    end_leftovers(home)
    shutil.rmtree(home, ignore_errors=True)
    return Stack(home, environ={**os.environ, "IBALAGH_HOME": str(home)})


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that the stack is stopped whoever asks."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(
    scenario: Scenario, stack: Stack, options: argparse.Namespace, console: Console, start_s: float
) -> list[comparison.Difference]:
    """The quarter through the services; prints what came of it, and gives back where it differs from the scenario."""
    token = stack.state.token or ""
    clients = steps.Clients(*(Client(stack.address(name), token) for name in SERVICES))
    try:
        if stage_count(clients.stats, "received") > 0:
            raise StackError("The demo needs an empty system, and this broker or database already holds reports.")
        sent = max(0, len(scenario.reports) - options.drop)
        result = Journey(clients, scenario, f"ibalagh-demo-{options.seed}", sent).travel(console)
    finally:
        clients.close()
    differences = comparison.differences(comparison.expected(scenario.figures), result.computed)
    console.print(tables.communique_table(scenario.figures.name, result.computed))
    console.print(tables.machine_table(result.score, sent))
    console.print(tables.timing_table({"starting the stack": start_s, **result.timings}))
    if differences:
        console.print(tables.difference_table(differences))
    return differences


def _print_addresses(stack: Stack, console: Console) -> None:
    console.print("\nPages", style="bold")
    for name, page, what in PAGES:
        console.print(f"  {stack.address(name) + page:<28} {what}")
    console.print(f"  The consoles ask for this stack's token: {stack.state.token}")


if __name__ == "__main__":
    sys.exit(main())
