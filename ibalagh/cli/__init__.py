"""The command line: `ibalagh <command>`, each command in a module that is loaded only when it is asked for.

In: arguments. Out: an exit code; 0 is done, 1 a failure said in one sentence on standard error, 2 wrong usage, 3
(status) nothing runs, 130 Ctrl-C. A command that talks to the system takes the addresses from the environment, else
from the stack that runs in this checkout.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command: the module whose `main(argv) -> int` carries it out, and what `--help` says about it."""

    module: str
    summary: str
    uses_stack: bool = False


COMMANDS = {
    "demo": Command("bench.demo", "take the platform's first quarter through the whole system"),
    "up": Command("ibalagh.cli.up", "start the stack in the background"),
    "down": Command("ibalagh.cli.down", "stop it"),
    "status": Command("ibalagh.cli.status", "processes, topics, lag and dead letters at a glance"),
    "settings": Command("ibalagh.cli.settings", "every setting of the services, with default and purpose"),
    "serve": Command("ibalagh.cli.serve", "run one service in the foreground", uses_stack=True),
    "topics": Command("ibalagh.cli.topics", "apply or list the topics of schemas/topics", uses_stack=True),
    "db": Command("ibalagh.storage.cli", "apply the database's migrations", uses_stack=True),
    "schemas": Command("ibalagh.contracts.cli", "generate and check the contract in schemas/"),
    "deadletters": Command("ibalagh.stream.deadletters_cli", "list, show and replay dead letters", uses_stack=True),
    "intake": Command("services.intake.reconcile_cli", "settle reports that are pending", uses_stack=True),
    "triage": Command("services.triage.cli", "make triage's model, judge it, decide a period anew", uses_stack=True),
    "receipt": Command("services.intake.receipt_cli", "check a signed receipt, print the published keys"),
    "vault": Command("services.intake.vault_cli", "open, erase, audit identities; master keys", uses_stack=True),
    "people": Command("ibalagh.cli.people", "who signs in: list, revoke, restore; what roles may do", uses_stack=True),
    "audit": Command("ibalagh.cli.audit", "who saw and did what on the pages; check that record", uses_stack=True),
    "postings": Command("services.referral.access_cli", "who sees which cases; keys of services", uses_stack=True),
    "competence": Command("services.referral.competence_cli", "who is competent, and why", uses_stack=True),
    "case": Command("services.referral.casefile.cli", "export a case as a signed PDF, verify one", uses_stack=True),
    "stats": Command("services.stats.cli", "print the communiqué, rebuild or verify the counters", uses_stack=True),
    "keys": Command("services.intake.keys_cli", "API keys of trusted reporters: make, rotate, revoke", uses_stack=True),
    "bench": Command("bench.cli", "measure the pipeline and single hops"),
    "test": Command("ibalagh.cli.test", "every tier of the tests; further arguments go to pytest"),
    "check": Command("ibalagh.cli.check", "ruff lint and format, mypy --strict"),
    "lock": Command("ibalagh.cli.lock", "rebuild the locks of requirements/ (maintainers)"),
}


def help_text() -> str:
    """The list of commands."""
    lines = [f"  {name:<12} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: ibalagh <command> [arguments]      (./run <command> from a checkout)", "", *lines])


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
        print(f"There is no command {arguments[0]}: ./run --help lists them.", file=sys.stderr)
        return 2
    return _run(command, arguments[1:])


def _run(command: Command, arguments: list[str]) -> int:
    from ibalagh.local.errors import StackError

    try:
        if command.uses_stack:
            _point_at_running_stack()
        return int(importlib.import_module(command.module).main(arguments) or 0)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _point_at_running_stack() -> None:
    """Gives the command the addresses of the stack that runs here, where the environment does not name others."""
    if os.environ.get("IBALAGH_KAFKA_BOOTSTRAP") and os.environ.get("IBALAGH_DATABASE_URL"):
        return
    from ibalagh.local import state
    from ibalagh.local.paths import home

    running = state.running(home())
    if running is not None:
        for name, value in running.environment().items():
            os.environ.setdefault(name, value)
