"""`ibalagh stats`: the figures, whether they are right, how they are made anew, and what is published of them.

Exit code 0 when done (verify: nothing differs), 1 with a sentence or the differences, 2 for wrong usage.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import ConflictError, FatalStreamError, PassingError, UnknownOutcomeError
from services.stats import communique_cli
from services.stats.names import group
from services.stats.rebuild import RebuildError, rebuild
from services.stats.recount import Difference, Reader, differences, log_reader, read_counted, recount
from services.stats.recount import Progress as Report
from services.stats.settings import StatsSettings

_SHOWN_DIFFERENCES = 50


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = StatsSettings()
    database = Database(settings.database_url, settings.service)
    try:
        return _carry_out(database, settings, arguments)
    except (PassingError, UnknownOutcomeError) as error:
        return _fail(f"The broker or the database does not answer ({error}): is the stack running?")
    except ConflictError:
        return _fail("The counters were busy for too long; nothing was changed. Run it again.")
    except FatalStreamError as error:
        return _fail(f"The log cannot be counted from its beginning: {error}. Nothing was changed.")
    except RebuildError as error:
        return _fail(str(error))
    finally:
        database.close()


def _carry_out(database: Database, settings: StatsSettings, arguments: argparse.Namespace) -> int:
    actions: dict[str, Callable[[], int]] = {
        "communique": lambda: communique_cli.communique(database, settings, arguments),
        "publish": lambda: communique_cli.publish(database, settings, arguments),
        "releases": lambda: communique_cli.releases(database),
        "check": lambda: communique_cli.check(settings, arguments),
        "verify": lambda: _verify(database, settings),
        "rebuild": lambda: _rebuild(database, settings),
    }
    return actions[arguments.action]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh stats", description="The platform's figures.")
    actions = parser.add_subparsers(dest="action", required=True)
    communique_cli.add_parsers(actions)
    actions.add_parser("verify", help="count again from the log and compare with the database")
    actions.add_parser("rebuild", help="make the counters anew from the log; the workers may go on meanwhile")
    return parser


def _verify(database: Database, settings: StatsSettings) -> int:
    until, counted = read_counted(database, group(settings.topic_prefix))
    with _reading(settings, "Counting again") as (reader, report):
        found = differences(counted, recount(reader, until, report))
    for each in found[:_SHOWN_DIFFERENCES]:
        print(f"{_name(each)}: the database says {each.counted}, the log says {each.recounted}")
    if len(found) > _SHOWN_DIFFERENCES:
        print(f"… and {len(found) - _SHOWN_DIFFERENCES} more")
    cells = sum(len(table) for table in counted)
    if found:
        return _fail(f"{len(found)} of {cells} cells differ: `ibalagh stats rebuild` makes them anew.")
    print(f"{cells} cells agree with the log ({sum(until.values()):,} offsets).")
    return 0


def _rebuild(database: Database, settings: StatsSettings) -> int:
    with _reading(settings, "Rebuilding") as (reader, report):
        offsets = rebuild(database, reader, group(settings.topic_prefix), report)
    print(f"The counters were made anew from {offsets:,} offsets of the log.")
    return 0


@contextmanager
def _reading(settings: StatsSettings, what: str) -> Iterator[tuple[Reader, Report]]:
    """A reader of the whole log, and its progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        with log_reader(settings.kafka_bootstrap, settings.topic_prefix) as reader:
            yield reader, lambda done, total: bar.update(task, completed=done, total=total)


def _name(difference: Difference) -> str:
    identified = {True: "identified", False: "anonymous"}
    parts = [identified[part] if isinstance(part, bool) else part for part in difference.cell]
    table = [] if difference.table == "counters" else [f"{difference.table}:"]
    return " ".join(str(part) for part in (*table, *parts) if part is not None)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
