"""`ibalagh down`: stops the stack and everything that an unfinished run left; the data stays."""

import argparse
import signal
from collections.abc import Sequence

from ibalagh.local import processes, state
from ibalagh.local.paths import home
from ibalagh.local.stack import STOP_TIMEOUT_S, end_leftovers

#: The services' deadline, then the stores', and some time to spare: only a runner that hangs is killed.
RUNNER_TIMEOUT_S = STOP_TIMEOUT_S + 35.0


def main(argv: Sequence[str] | None = None) -> int:
    """0 when nothing runs afterwards, whether or not something did before."""
    argparse.ArgumentParser(prog="ibalagh down", description="Stop the stack; its data stays.").parse_args(argv)
    running = state.running(home())
    if running is not None:
        killed = processes.end([running.runner], RUNNER_TIMEOUT_S, signal.SIGTERM)
        if killed:
            print("The supervisor did not stop in time and was killed.")
    left = end_leftovers(home())
    state.state_file(home()).unlink(missing_ok=True)
    if running is None and not left:
        print("Nothing was running.")
    else:
        print("Stopped." if not left else f"Stopped; {left} processes of an unfinished run were ended.")
    return 0
