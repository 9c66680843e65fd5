"""`ibalagh stats communique|verify|rebuild`: the figures, whether they are right, and how they are made anew.

Exit code 0 when done (verify: nothing differs), 1 with a sentence or the differences, 2 for wrong usage.
"""

import argparse
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import ConflictError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.kafka import KafkaConsumer
from services.stats import communique, press, store, wording
from services.stats.counting import Cell
from services.stats.names import group
from services.stats.reading import CountingCodec
from services.stats.rebuild import RebuildError, rebuild
from services.stats.recount import Progress as Report
from services.stats.recount import Reader, differences, recount
from services.stats.settings import StatsSettings

_SHOWN_DIFFERENCES = 50


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = StatsSettings()
    database = Database(settings.database_url, settings.service)
    try:
        if arguments.action == "communique":
            return _communique(database, arguments)
        return _verify(database, settings) if arguments.action == "verify" else _rebuild(database, settings)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh stats", description="The platform's figures.")
    actions = parser.add_subparsers(dest="action", required=True)
    figures = actions.add_parser("communique", help="the figures of a period, ready to publish")
    figures.add_argument("--from", dest="first", type=_day, help="first civil day, YYYY-MM-DD (default: the beginning)")
    figures.add_argument("--to", dest="last", type=_day, help="last civil day, included (default: today)")
    figures.add_argument("--format", choices=("text", "json"), default="text")
    figures.add_argument("--lang", choices=wording.LANGUAGES, default="en")
    actions.add_parser("verify", help="count again from the log and compare with the database")
    actions.add_parser("rebuild", help="make the counters anew from the log; the workers may go on meanwhile")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day of the form YYYY-MM-DD") from None


def _communique(database: Database, arguments: argparse.Namespace) -> int:
    period = store.Period(arguments.first, arguments.last)
    if period.first and period.last and period.first > period.last:
        return _fail("The first day comes after the last one.")
    with database.transaction(read_only=True) as tx:
        sums = store.read_sums(tx, period, communique.NEEDED)
    figures = communique.compute(sums, *period)
    if arguments.format == "json":
        print(figures.model_dump_json(indent=2))
    else:
        print(press.text(figures, arguments.lang), end="")
    return 0


def _verify(database: Database, settings: StatsSettings) -> int:
    # One snapshot, so that counters and positions belong together while workers go on counting.
    with database.transaction("repeatable read", read_only=True) as tx:
        until = store.read_positions(tx, group(settings.topic_prefix))
        counted = store.read_cells(tx)
    with _reading(settings, "Counting again") as (reader, report):
        found = differences(counted, recount(reader, until, report))
    for cell, has, should in found[:_SHOWN_DIFFERENCES]:
        print(f"{_name(cell)}: the database says {has}, the log says {should}")
    if len(found) > _SHOWN_DIFFERENCES:
        print(f"… and {len(found) - _SHOWN_DIFFERENCES} more")
    if found:
        return _fail(f"{len(found)} of {len(counted)} cells differ: `ibalagh stats rebuild` makes them anew.")
    print(f"{len(counted)} cells agree with the log ({sum(until.values()):,} offsets).")
    return 0


def _rebuild(database: Database, settings: StatsSettings) -> int:
    with _reading(settings, "Rebuilding") as (reader, report):
        offsets = rebuild(database, reader, group(settings.topic_prefix), report)
    print(f"The counters were made anew from {offsets:,} offsets of the log.")
    return 0


@contextmanager
def _reading(settings: StatsSettings, what: str) -> Iterator[tuple[Reader, Report]]:
    """A reader of the whole log, and its progress bar on standard error."""
    name = f"{group(settings.topic_prefix)}.recount.{uuid.uuid4().hex[:12]}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        consumer = KafkaConsumer(settings.kafka_bootstrap, name, client_id=name)
        try:
            reader = Reader(consumer, CountingCodec(settings.topic_prefix))
            yield reader, lambda done, total: bar.update(task, completed=done, total=total)
        finally:
            consumer.close()


def _name(cell: Cell) -> str:
    identified = {True: "identified", False: "anonymous", None: None}[cell.identified]
    parts = (cell.measure, cell.day, cell.category, cell.organisation, identified, cell.country)
    return " ".join(str(part) for part in parts if part is not None)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
