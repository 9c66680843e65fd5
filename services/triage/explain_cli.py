"""`ibalagh triage explain REPORT_ID`: why the machine takes a report for what it does, in words of the report.

Reads the log with a bare reader: no group, no commit, nothing published. It prints what the reporter wrote, word by
word, so it is for those who may read the report.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import json
from collections.abc import Callable
from contextlib import AbstractContextManager

from ibalagh.events.registry import RECEIVED, TRIAGED, URGENT
from ibalagh.events.reports import Decision, ReportReceivedV1, ReportTriagedV1
from services.triage import policy
from services.triage.embedding import second_opinion
from services.triage.explain import Explanation, explain_decision
from services.triage.explain_http import view
from services.triage.model import versions
from services.triage.model_words import MODELS
from services.triage.replay_cli import events
from services.triage.settings import TriageSettings, models_folder

Progress = Callable[[str], AbstractContextManager[Callable[[float], None]]]
_ENGLISH = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("report_id", help="the report")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def main(arguments: argparse.Namespace, progress: Progress) -> int:
    """Carry the command out; 0. Raises ValueError for a report that the log does not hold, PassingError and
    FatalStreamError as `read_topic` does."""
    settings = TriageSettings()
    report = _report(settings, arguments.report_id, progress)
    machine = _machine(settings, arguments.report_id, progress)
    if report is None:
        raise ValueError(f"The log holds no text of {arguments.report_id}.")
    tried = policy.load(model_file=versions.in_use(models_folder()))
    found = explain_decision(report, machine, tried, second_opinion())
    if arguments.json:
        decided = None if machine is None else machine.model_dump(mode="json")
        print(json.dumps({"report_id": arguments.report_id, "machine": decided, **view(found)}, ensure_ascii=False))
    else:
        _show(found, machine)
    return 0


def _report(settings: TriageSettings, report_id: str, progress: Progress) -> ReportReceivedV1 | None:
    for topic in (RECEIVED, URGENT):
        with progress(f"Looking in {topic}") as report:
            for event in events(settings, topic, report):
                if isinstance(event.data, ReportReceivedV1) and event.data.report_id == report_id:
                    return event.data
    return None


def _machine(settings: TriageSettings, report_id: str, progress: Progress) -> Decision | None:
    with progress(f"Looking in {TRIAGED}") as report:
        for event in events(settings, TRIAGED, report):
            if isinstance(event.data, ReportTriagedV1) and event.data.report_id == report_id:
                return event.data.decision
    return None


def _show(found: Explanation, machine: Decision | None) -> None:
    if machine is not None:
        print(f"The machine decided: {machine.category}, {machine.confidence:.2f}, by {machine.policy}")
    print(f"{found.policy} says: {found.category}, {found.confidence:.2f}, before {found.runner_up}")
    print(f"Second opinion: {MODELS[found.second_opinion][_ENGLISH]}")
    print(f"Decisive: {', '.join(found.lead.decisive) or 'nothing alone'}")
    print("Rules: " + (", ".join(rule.name for rule in found.rules) or "none"))
    for title, some in (("For it", found.heat), ("Against it", found.against)):
        print(f"{title}: " + (", ".join(f"{each.text} {each.over_runner_up:+.2f}" for each in some) or "nothing"))
