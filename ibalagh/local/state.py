"""What is known of the stack of a home folder: written by the process that runs it, read by every other command.

`local/stack.json` holds the database's password and is readable by its owner alone.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ibalagh.local.processes import ProcessRecord


@dataclass(frozen=True)
class RunningService:
    """One process of a service: which, on which port, and how often it had to be started again."""

    name: str
    worker: int
    pid: int
    port: int
    restarts: int = 0


@dataclass(frozen=True)
class StackState:
    """A stack as its runner last described it. `failure` is the sentence with which a start ended."""

    runner: ProcessRecord
    step: str
    ready: bool = False
    failure: str | None = None
    bootstrap: str | None = None
    database_url: str | None = None
    token: str | None = None
    topic_prefix: str | None = None
    embedded: Mapping[str, int] = field(default_factory=dict)
    services: tuple[RunningService, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote this still runs."""
        return self.runner.process() is not None

    def environment(self) -> dict[str, str]:
        """The settings with which a command or a service reaches this stack."""
        settings = {
            "IBALAGH_KAFKA_BOOTSTRAP": self.bootstrap,
            "IBALAGH_DATABASE_URL": self.database_url,
            "IBALAGH_API_TOKEN": self.token,
            "IBALAGH_TOPIC_PREFIX": self.topic_prefix,
        }
        return {name: value for name, value in settings.items() if value is not None}


def state_file(home: Path) -> Path:
    """Where the state of the stack of this home folder lies."""
    return home / "local" / "stack.json"


def write(home: Path, state: StackState) -> None:
    """Writes the state in one step, mode 0600."""
    file = state_file(home)
    unfinished = file.with_name("stack.json.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(asdict(state), opened)
    unfinished.replace(file)


def read(home: Path) -> StackState | None:
    """The last state, of a stack that runs or of one that was cut off; None when there is none."""
    try:
        content: dict[str, Any] = json.loads(state_file(home).read_text())
        content["runner"] = ProcessRecord(**content["runner"])
        content["services"] = tuple(RunningService(**service) for service in content["services"])
        return StackState(**content)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def running(home: Path) -> StackState | None:
    """The state of the stack that runs in this home folder, or None."""
    state = read(home)
    return state if state is not None and state.is_running else None
