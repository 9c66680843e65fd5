"""`ibalagh status [--json]`: processes, topics, consumer groups and dead letters at a glance.

In: the state of the stack that runs here, or the addresses in the environment. Out: tables, or one JSON object. A
record count is offsets from the first to the last stable one: transactions' control records are in it, so it is an
upper bound. A lag of "–" is that of a group that keeps no position in the broker: it reads for its process alone.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ibalagh.cli.topics import DEFAULT_PREFIX
from ibalagh.local import state
from ibalagh.local.paths import home
from ibalagh.local.state import RunningService, StackState

if TYPE_CHECKING:
    from ibalagh.stream.admin import ClusterAdmin

NOT_RUNNING = 3
"""Exit code, as the Linux Standard Base has it for "program is not running"."""
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Process:
    """A process of the stack and what its `/readyz` answers (None: it has none)."""

    name: str
    pid: int
    port: int | None
    ready: bool | None
    restarts: int


@dataclass(frozen=True)
class TopicCount:
    """A topic without its prefix: partitions, and records from its first offset on."""

    topic: str
    partitions: int
    records: int


@dataclass(frozen=True)
class Lag:
    """What a group has still to read of a topic, in offsets; None: it reads and has committed nothing."""

    group: str
    topic: str
    members: int
    lag: int | None


@dataclass(frozen=True)
class Overview:
    """All that the command shows. `dead_letters` are those that wait, not the ones that were replayed; `trouble` is a
    sentence when the broker could not be asked."""

    step: str | None
    processes: tuple[Process, ...]
    topics: tuple[TopicCount, ...]
    groups: tuple[Lag, ...]
    dead_letters: int
    trouble: str | None


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the stack runs and all is ready, 1 when something is not, 3 when nothing runs."""
    parser = argparse.ArgumentParser(prog="ibalagh status", description="The stack at a glance.")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    as_json = parser.parse_args(argv).json
    running = state.running(home())
    bootstrap = running.bootstrap if running is not None else os.environ.get("IBALAGH_KAFKA_BOOTSTRAP")
    if running is None and not bootstrap:
        if as_json:
            print(json.dumps({"running": False}))
        else:
            _say_not_running()
        return NOT_RUNNING
    prefix = (running.topic_prefix if running is not None else None) or os.environ.get("IBALAGH_TOPIC_PREFIX")
    overview = look(running, bootstrap, prefix or DEFAULT_PREFIX)
    if as_json:
        print(json.dumps({"running": running is not None, **asdict(overview)}))
    else:
        _print(overview)
    sound = overview.trouble is None and all(process.ready is not False for process in overview.processes)
    return 0 if sound else 1


def look(running: StackState | None, bootstrap: str | None, prefix: str) -> Overview:
    """Asks every process and the broker, side by side."""
    from ibalagh.stream.admin import ClusterAdmin, TopologyError
    from ibalagh.stream.errors import FatalStreamError, PassingError

    processes: list[Process] = []
    if running is not None:
        processes = [Process(name, pid, None, None, 0) for name, pid in running.embedded.items()]
        with ThreadPoolExecutor(max_workers=8) as pool:
            processes += pool.map(_probe, running.services)
    topics: list[TopicCount] = []
    groups: list[Lag] = []
    dead = 0
    trouble = None
    if bootstrap:
        try:
            admin = ClusterAdmin(bootstrap, timeout_s=5)
            topics = _counts(admin, prefix)
            groups = [
                Lag(lag.group, lag.topic.removeprefix(prefix), lag.members, lag.lag) for lag in admin.lags(prefix)
            ]
            dead = _waiting_letters(bootstrap, prefix, {topic.topic for topic in topics if topic.records})
        except (PassingError, TopologyError, FatalStreamError) as error:
            trouble = f"The broker at {bootstrap} could not be asked: {error}."
        except ValueError as error:
            trouble = f"The dead letters cannot be counted: {error}."
    step = running.step if running is not None else None
    return Overview(step, tuple(processes), tuple(topics), tuple(groups), dead, trouble)


def _counts(admin: "ClusterAdmin", prefix: str) -> list[TopicCount]:
    partitions: dict[str, int] = defaultdict(int)
    records: dict[str, int] = defaultdict(int)
    for end in admin.ends(list(admin.names(prefix))):
        partitions[end.topic] += 1
        records[end.topic] += end.last - end.first
    return [TopicCount(name.removeprefix(prefix), partitions[name], records[name]) for name in sorted(partitions)]


def _waiting_letters(bootstrap: str, prefix: str, not_empty: Collection[str]) -> int:
    """Letters that wait for a replay. Reads the dead-letter topics that hold anything at all."""
    from ibalagh.contracts.codec import Codec
    from ibalagh.events.registry import SERVICES, dead_letter_topic
    from ibalagh.stream.deadletters_cli import read_letters

    services = [service for service in SERVICES if dead_letter_topic(service) in not_empty]
    return sum(len(read_letters(bootstrap, Codec(prefix), service).waiting()) for service in services)


def _probe(service: RunningService) -> Process:
    name = service.name if service.worker == 0 else f"{service.name}-{service.worker}"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/readyz", timeout=PROBE_TIMEOUT_S):
            ready = True
    except (urllib.error.URLError, OSError):
        ready = False
    return Process(name, service.pid, service.port, ready, service.restarts)


def _say_not_running() -> None:
    last = state.read(home())
    print("not running; ./run up starts it")
    if last is not None and last.failure is not None:
        print(f"the last start failed: {last.failure}")
    elif last is not None:
        print("an earlier run was cut off; ./run down clears what it may have left, and so does ./run up")


def _print(overview: Overview) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if overview.step not in (None, "running"):
        console.print(f"step: {overview.step}")
    if overview.processes:
        table = Table("process", "pid", "address", "ready", "restarts", title="Processes", title_justify="left")
        for process in overview.processes:
            address = f"http://127.0.0.1:{process.port}" if process.port else ""
            ready = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[process.ready]
            table.add_row(process.name, str(process.pid), address, ready, str(process.restarts))
        console.print(table)
    table = Table("topic", "partitions", "records", title="Topics", title_justify="left")
    for topic in overview.topics:
        table.add_row(topic.topic, str(topic.partitions), f"{topic.records:,}")
    console.print(table)
    table = Table("group", "topic", "members", "lag", title="Consumer groups", title_justify="left")
    for lag in overview.groups:
        behind = "–" if lag.lag is None else f"{lag.lag:,}" if lag.lag == 0 else f"[yellow]{lag.lag:,}[/]"
        table.add_row(lag.group, lag.topic, str(lag.members), behind)
    console.print(table)
    if overview.dead_letters:
        console.print(f"[red]dead letters: {overview.dead_letters:,}[/] (./run deadletters list)")
    else:
        console.print("dead letters: none")
    if overview.trouble is not None:
        print(overview.trouble, file=sys.stderr)
