"""`ibalagh triage replay`: what another model or policy would change in a period.

Reads the log with a bare reader: no group, no commit, nothing published. What is printed names reports by their ids and
never a text of theirs.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import RECEIVED, TRIAGED, URGENT
from ibalagh.events.reports import ReportReceivedV1, ReportReviewedV1, ReportTriagedV1
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.kafka import read_topic
from services.triage import policy
from services.triage.embedding import second_opinion
from services.triage.model import versions
from services.triage.replay import AT_A_TIME, Replay, Tally
from services.triage.settings import TriageSettings, models_folder

Report = Callable[[float], None]
_PARTS = ("category", "disposition", "urgency")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--from", dest="first", type=day, default=date.min, help="first civil day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=day, default=date.max, help="last civil day, included")
    parser.add_argument("--model", type=Path, help="model to decide with (default: the current)")
    parser.add_argument("--policy", type=Path, default=policy.FILE, help="policy to decide with (default: the current)")
    parser.add_argument("--list", action="store_true", help="name every report that would be decided otherwise")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")


def main(arguments: argparse.Namespace, progress: Callable[[str], Any]) -> int:
    """Carry the command out; 0. `progress(text)` is a context with a function that takes the share done. Raises
    ValueError and OSError for files that are none, PassingError and FatalStreamError as `read_topic` does."""
    if arguments.first > arguments.last:
        raise ValueError("The first day comes after the last one.")
    settings = TriageSettings()
    tried = policy.load(arguments.policy, arguments.model or versions.in_use(models_folder()))
    replay = Replay(tried, second_opinion())
    with progress("Reading what was decided") as report:
        for event in events(settings, TRIAGED, report):
            data = event.data
            if isinstance(data, ReportTriagedV1 | ReportReviewedV1) and _within(data.facts.received_on, arguments):
                replay.note(event)
    with progress("Deciding anew") as report:
        some: list[ReportReceivedV1] = []
        lanes = (event for topic in (RECEIVED, URGENT) for event in events(settings, topic, report))
        for event in lanes:
            if isinstance(event.data, ReportReceivedV1) and _within(event.data.facts.received_on, arguments):
                some.append(event.data)
            if len(some) == AT_A_TIME:
                replay.decide(some)
                some = []
        replay.decide(some)
    tally = replay.finish()
    if arguments.json:
        print(json.dumps(document(tally, tried.version, listed=arguments.list)))
    else:
        _show(tally, tried.version, listed=arguments.list)
    return 0


def document(tally: Tally, version: str, *, listed: bool) -> dict[str, Any]:
    """What `--json` prints."""
    changes = [
        {"report_id": each.report_id, "before": each.before._asdict(), "after": each.after._asdict()}
        for each in tally.changes
    ]
    return {
        "policy": version,
        "decided_by": dict(tally.policies),
        "compared": tally.compared,
        "changed": len(tally.changes),
        "without_text": tally.without_text,
        "reviewed": {"reports": tally.reviewed, "right_before": tally.people_before, "right_after": tally.people_after},
        **{
            part: [{"before": old, "after": new, "reports": n} for (old, new), n in tally.moves(part).most_common()]
            for part in _PARTS
        },
        **({"reports": changes} if listed else {}),
    }


def _show(tally: Tally, version: str, *, listed: bool) -> None:
    console = Console()
    print(f"{tally.compared} reports decided anew by {version}; {len(tally.changes)} would be decided otherwise.")
    print(f"They were decided by: {', '.join(f'{name} ({count})' for name, count in tally.policies.most_common())}")
    if tally.without_text:
        print(f"Of {tally.without_text} the log has the decision and not the text any more.")
    if tally.reviewed:
        print(
            f"People decided {tally.reviewed} of them: the old category was theirs {tally.people_before} times, "
            f"the new one would be {tally.people_after} times."
        )
    for part in _PARTS:
        moves = tally.moves(part)
        if moves:
            table = Table("before", "after", "reports", title=part)
            for (before, after), count in moves.most_common():
                table.add_row(before, after, str(count))
            console.print(table)
    for each in tally.changes if listed else ():
        print(each.report_id, "/".join(map(str, each.before)), "→", "/".join(map(str, each.after)))


def events(settings: TriageSettings, topic: str, report: Report) -> Iterator[Event[Data]]:
    """All that can be read of a topic, which is named without its prefix; `report` is told the share that is done.
    Raises as `read_topic` does."""
    codec = Codec(settings.topic_prefix)
    for record in read_topic(settings.kafka_bootstrap, codec.topic(topic), progress=report):
        try:
            yield codec.decode(record)
        except InvalidRecordError:
            continue  # in the dead letters, and decided by nobody


def _within(received_on: date, arguments: argparse.Namespace) -> bool:
    return bool(arguments.first <= received_on <= arguments.last)


def day(text: str) -> date:
    """A day of an argument."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day of the form YYYY-MM-DD") from None
