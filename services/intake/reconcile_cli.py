"""`ibalagh intake reconcile`: settle at once what was stored and perhaps never published; docs/runbooks/intake.md.

It does what the service's own reconciler does, by the same claim, so it may run beside any number of them: a report
that one of them holds is left to it. `--dry-run` looks and changes nothing.

Exit code 0: nothing that is due is pending any more; 1: broker or database are away, nothing more could be done;
2: wrong usage; 3: something that is due is still pending (after `--dry-run`: all of it).
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ibalagh.contracts.codec import Codec
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, probe
from services.intake.publisher import close_producer
from services.intake.reconciler import Reconciler
from services.intake.settings import IntakeSettings
from services.intake.store import Backlog, IntakeStore

_CLIENT: Final = "ibalagh.intake.reconcile"
_PROBE_TIMEOUT_S: Final = 5.0
_STILL_PENDING: Final = 3


class Result(NamedTuple):
    """What was pending before, how many of these were looked for, how many the log had and how many were published, and
    what is pending now."""

    before: Backlog
    looked_for: int
    found: int
    published: int
    after: Backlog


def main(argv: Sequence[str] | None = None) -> int:
    """Carry the command out; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = IntakeSettings()
    database = Database(settings.database_url, settings.service, pool_size=1)
    try:
        probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)
        result = _reconcile(settings, IntakeStore(database), publish=not arguments.dry_run)
    except (PassingError, UnknownOutcomeError) as error:
        print(f"Broker or database are away ({error}). What is pending stays so; try again.", file=sys.stderr)
        return 1
    finally:
        database.close()
    if arguments.json:
        print(orjson.dumps(_document(result, dry_run=arguments.dry_run)).decode())
    else:
        _show(result, settings, dry_run=arguments.dry_run)
    return _STILL_PENDING if result.after.due else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh intake", description="Reports that were taken in.")
    actions = parser.add_subparsers(dest="action", required=True)
    reconcile = actions.add_parser(
        "reconcile", help="look in the log for reports that are pending, and publish those that it does not have"
    )
    reconcile.add_argument("--dry-run", action="store_true", help="look only, change nothing")
    reconcile.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def _reconcile(settings: IntakeSettings, store: IntakeStore, *, publish: bool) -> Result:
    producer = KafkaProducer(settings.kafka_bootstrap, _CLIENT, delivery_timeout_s=settings.publish_timeout_s)
    reconciler = Reconciler(
        store,
        Codec(settings.topic_prefix),
        producer,
        lambda group: KafkaConsumer(settings.kafka_bootstrap, group, client_id=_CLIENT),
        age_s=settings.reconcile_after_s,
        interval_s=settings.reconcile_interval_s,
        publish_timeout_s=settings.publish_timeout_s,
    )
    before = store.backlog(settings.reconcile_after_s)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Looking in the log", total=before.due)
            totals = _all_batches(reconciler, publish=publish, advance=lambda by: bar.advance(task, by))
    finally:
        close_producer(producer)
    return Result(before, *totals, store.backlog(settings.reconcile_after_s))


def _all_batches(reconciler: Reconciler, *, publish: bool, advance: Callable[[int], None]) -> tuple[int, int, int]:
    """Look for every report that is due once, the oldest first: how many, and how many were found and published."""
    looked_for, found, published, last = 0, 0, 0, None
    while True:
        step = reconciler.step(last, publish=publish)
        if step.last is None:
            return looked_for, found, published
        looked_for, found, last = looked_for + step.looked_for, found + step.found, step.last
        published += step.published
        advance(step.looked_for)


def _document(result: Result, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "pending_before": result.before.pending,
        "due_before": result.before.due,
        "oldest_before": result.before.oldest,
        "found": result.found,
        "missing": result.looked_for - result.found,
        "published": result.published,
        "left": result.after.pending,
        "left_due": result.after.due,
        "oldest_left": result.after.oldest,
    }


def _show(result: Result, settings: IntakeSettings, *, dry_run: bool) -> None:
    before, after = result.before, result.after
    table = Table("reports", "number", "the oldest")
    table.add_row("pending", f"{before.pending:,}", _age(before.oldest))
    table.add_row(f"  for more than {settings.reconcile_after_s:g} s, so due", f"{before.due:,}", "")
    table.add_row("found in the log", f"{result.found:,}", "")
    table.add_row("not in the log", f"{result.looked_for - result.found:,}", "")
    table.add_row("published", f"{result.published:,}", "")
    table.add_row("left", f"{after.pending:,}", _age(after.oldest))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if dry_run:
        print("Nothing was changed.")
    elif after.due:
        print("Some are held by a running intake, or the broker did not acknowledge them in time: look again.")


def _age(since: datetime | None) -> str:
    """Since when, in hours, minutes and seconds."""
    if since is None:
        return ""
    minutes, seconds = divmod(max(0, int((datetime.now(UTC) - since).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02} ago"
