"""`ibalagh triage train --with-decisions`: a model that has learnt from people too, proposed and put in use by nobody.

Reads the log with a bare reader: no group, no commit, nothing published. Writes one file, and prints counts and
figures; no text of a report is in either.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from ibalagh.events.registry import OUTCOMES, RECEIVED, REFERRED, TRIAGED, URGENT
from ibalagh.events.reports import ReportReceivedV1
from services.triage.decide import Embedder
from services.triage.evaluation.form import Labelled
from services.triage.evaluation.proposal import LABELLED, PEOPLE, Both, Comparison, comparison
from services.triage.learning import examples, said_by, with_lessons
from services.triage.lessons import Lesson, Lessons
from services.triage.model import files, versions
from services.triage.model.training import train
from services.triage.policy import compiled_rules, load
from services.triage.replay_cli import events
from services.triage.settings import PROPOSED, TriageSettings, models_folder

Progress = Callable[[str], AbstractContextManager[Callable[[float], None]]]
_MODES = {"fast": "alone, as under load", "asked": "with the second opinion"}


def main(arguments: argparse.Namespace, reports: Sequence[Labelled], embed: Embedder, progress: Progress) -> int:
    """Carry the command out; 0. Raises ValueError where there is nothing to learn, PassingError and FatalStreamError as
    `read_topic` does, OSError."""
    run = _read(arguments.since, progress)
    lessons = run.finish()
    if not lessons:
        raise ValueError(f"No decision to learn from since {arguments.since} (left out: {dict(run.left_out)}).")
    rules, in_use = compiled_rules(), load(model_file=versions.in_use(models_folder()))
    committed = files.load()
    with progress(f"Asking for second opinions about {len(reports)} labelled reports") as report:
        learnt = examples(reports, rules, embed, report, committed)
    with progress(f"Asking for second opinions about {len(lessons)} reports that people decided") as report:
        learnt = with_lessons(learnt, lessons, rules, embed, report)
    with progress("Training") as report:
        model, left_out, untaught = train(learnt, report)
    # A model has seen the labelled reports that it was made of: only one like it, which has not, can be compared.
    fair = in_use.model.version == committed.version
    current = untaught if fair else said_by(in_use.model, learnt)
    out = arguments.out or models_folder() / PROPOSED
    out.parent.mkdir(parents=True, exist_ok=True)
    files.save(model, out)
    figures = comparison(learnt, current, left_out, in_use.judge.thresholds)
    told = {
        "file": str(out),
        "version": model.version,
        "current": in_use.model.version,
        "current_may_have_seen_them": not fair,
        "learnt_from": {
            "reports": len(lessons),
            "campaigns": len({each.campaign for each in lessons}),
            **Counter(each.source for each in lessons),
        },
        "left_out": dict(run.left_out),
    }
    if arguments.json:
        print(json.dumps(told | {kind: _as_json(figures[kind]) for kind in figures}))
    else:
        _show(told, lessons, figures)
    return 0


def _read(since: date, progress: Progress) -> Lessons:
    settings, lessons = TriageSettings(), Lessons(since)
    for topic, text in ((TRIAGED, "Reading decisions"), (REFERRED, "Reading cases"), (OUTCOMES, "Reading outcomes")):
        with progress(text) as report:
            for event in events(settings, topic, report):
                lessons.note(event.data)
    for topic in (RECEIVED, URGENT):
        with progress(f"Reading {topic}") as report:
            for event in events(settings, topic, report):
                if isinstance(event.data, ReportReceivedV1):
                    lessons.take(event.data)
    return lessons


def _as_json(by_mode: Any) -> dict[str, Any]:
    return {
        mode: {"current": both.current.as_json(), "proposed": both.proposed.as_json()} for mode, both in by_mode.items()
    }


def _show(told: dict[str, Any], lessons: Sequence[Lesson], figures: Comparison) -> None:
    console = Console()
    print(f"{told['file']}: version {told['version']}, beside the current {told['current']}")
    print(f"Learnt from what people decided: {_counts(told['learnt_from'])}")
    if told["left_out"]:
        print(f"Left out: {_counts(told['left_out'])}")
    print(f"Categories: {_counts(dict(Counter(each.category.value for each in lessons).most_common()))}")
    if told["current_may_have_seen_them"]:
        print("The current model may have learnt from these very reports: its figures are better than it is.")
    names = {PEOPLE: "what people decided", LABELLED: "labelled reports"}
    for kind, by_mode in figures.items():
        for mode, both in by_mode.items():
            console.print(_table(f"{names[kind]}, {_MODES[mode]} ({both.current.reports})", both))
    print(f"Nothing decides by it yet. To let it, beside the current one: ibalagh triage shadow start {told['file']}")


def _table(title: str, both: Both) -> Table:
    table = Table("figure", "current", "proposed", title=title)
    current, proposed = both
    rows = [
        ("macro-F1", current.macro_f1, proposed.macro_f1),
        ("straight on, share", current.straight_share, proposed.straight_share),
        ("straight on, rightly", current.straight_accuracy, proposed.straight_accuracy),
    ]
    if current.urgent is not None and proposed.urgent is not None:
        rows += [("urgent, recall", current.urgent.recall, proposed.urgent.recall)]
        rows += [("urgent, precision", current.urgent.precision, proposed.urgent.precision)]
    names = sorted(current.categories.keys() | proposed.categories.keys())
    for name in names:
        old, new = (each.categories[name].f1 if name in each.categories else 0.0 for each in both)
        rows += [(f"F1 of {name}", old, new)]
    for name, old, new in rows:
        table.add_row(name, f"{old:.3f}", f"{new:.3f}")
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
