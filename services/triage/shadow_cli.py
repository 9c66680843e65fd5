"""`ibalagh triage shadow start|stop|status`: a proposed model decides beside the one in use, and is heard by nobody."""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ibalagh.storage.postgres import Database
from services.triage import shadow_store
from services.triage.model import versions
from services.triage.settings import PROPOSED, TriageSettings, models_folder
from services.triage.shadow import Summary, summaries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="shadow", required=True)
    start = actions.add_parser("start", help="let a proposed model decide beside the one in use")
    start.add_argument("file", type=Path, nargs="?", help="as `train` wrote it (default: the latest proposed)")
    actions.add_parser("stop", help="let none decide beside it any more")
    status = actions.add_parser("status", help="which one does, and what it would decide otherwise")
    status.add_argument("--json", action="store_true", help="one JSON object instead of tables")


def main(arguments: argparse.Namespace) -> int:
    """Carry the command out; 0. Raises ValueError for a file that is no model, OSError, PassingError."""
    folder = models_folder()
    if arguments.shadow == "start":
        version = versions.start_shadow(folder, arguments.file or folder / PROPOSED)
        print(f"Decides beside the one in use within seconds, and is heard by nobody: version {version}")
    elif arguments.shadow == "stop":
        versions.stop_shadow(folder)
        print("No model decides beside the one in use any more.")
    else:
        _status(folder, as_json=arguments.json)
    return 0


def _status(folder: Path, *, as_json: bool) -> None:
    file = versions.shadowed(folder)
    version = None if file is None else file.stem
    settings = TriageSettings()
    database = Database(settings.database_url, settings.service, pool_size=1)
    try:
        compared = summaries(shadow_store.read(database))
    finally:
        database.close()
    if as_json:
        print(json.dumps(document(version, compared)))
        return
    print("No model is in the shadow." if version is None else f"In the shadow: version {version}")
    console = Console()
    for each in compared:
        print(f"{each.candidate} beside {each.policy}: {each.changed} of {each.reports} reports decided otherwise,")
        print(f"from {each.first_at:%Y-%m-%d %H:%M} to {each.last_at:%Y-%m-%d %H:%M} UTC")
        for part, moves in each.moves.items():
            if moves:
                table = Table("in use", "proposed", "reports", title=part)
                for (before, after), count in moves.most_common():
                    table.add_row(before, after, str(count))
                console.print(table)


def document(version: str | None, compared: list[Summary]) -> dict[str, Any]:
    """What `--json` prints."""
    return {"shadow": version, "compared": [each.as_json() for each in compared]}
