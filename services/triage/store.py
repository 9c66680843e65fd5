"""The desk's rows in PostgreSQL: whole batches in, pages out. Inside the unit's transaction unless a page asks."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.events.envelope import Position
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.storage.commands import CommandResult, known_results, record_results
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from services.triage import packing
from services.triage.dialogue import SILENT, Standing
from services.triage.filters import Filter, parameters
from services.triage.packing import Arrival
from services.triage.reviews import Item, State

_SQL: Final = load("services.triage")
_QUEUE_PAGE, _QUEUE_COUNT = (
    _SQL[name].replace(":queue_wanted", _SQL["queue_wanted"]) for name in ("queue_page", "queue_count")
)


class Shown(NamedTuple):
    """A report as a page shows it; `urgency` is its decision's, or that of something more urgent that its reporter said
    since. `rank` is when it was received, in UTC without saying so, moved back for the reach of its campaign."""

    item: Item
    received_at: datetime
    source: Position
    urgency: int
    rank: datetime
    dialogue: Standing


class QueuePlace(NamedTuple):
    """A place in the queue's order."""

    urgency: int
    rank: datetime
    report_id: str


def add(
    tx: Transaction,
    arrivals: Sequence[Arrival],
    place: Callable[[Transaction, Collection[Arrival]], Collection[Arrival]] = lambda _, new: new,
) -> Collection[Arrival]:
    """Take new reports in, as `place` says that they stand, and return them; one that the desk has already is left as
    it is, since people may have decided about it."""
    first = {arrival.report_id: arrival for arrival in reversed(arrivals)}
    if not first:
        return ()
    # One text, since the driver would quote every id of a list by itself.
    for (known,) in tx.fetch_all(_SQL["known_items"], {"report_ids": f"{{{','.join(first)}}}"}):
        del first[known]
    new = place(tx, first.values()) if first else ()
    if new:
        tx.copy_binary("items", packing.COLUMNS, packing.arrivals(new))
    return new


def answered(tx: Transaction, command_ids: Collection[str]) -> Collection[str]:
    """Which of these commands have a result already."""
    return known_results(tx, command_ids)


def lock(tx: Transaction, report_ids: Collection[str]) -> dict[str, Item]:
    """These reports as far as the desk has them, locked until the transaction ends."""
    rows = tx.fetch_all(_SQL["lock_items"], {"report_ids": list(report_ids)})
    return {item.report.report_id: item for item in map(_item, rows)}


def update(tx: Transaction, items: Collection[Item]) -> None:
    """Write what changed in reports that are locked; each report once."""
    if not items:
        return
    changed = sorted(items, key=lambda item: item.report.report_id)
    tx.execute(
        _SQL["update_items"],
        {
            "report_ids": [item.report.report_id for item in changed],
            "states": [item.state.value for item in changed],
            "urgencies": [int(item.report.decision.urgency) for item in changed],
            "reports": [_json(item.report) for item in changed],
        },
    )


def record(tx: Transaction, results: Sequence[CommandResult]) -> None:
    """Write how the commands of a batch ended."""
    record_results(tx, results)


def queue(
    database: Database, wanted: Filter, *, limit: int, after: QueuePlace | None, person: str = "", now: datetime
) -> list[Shown]:
    """Reports that a filter wants of the point of view of a person, at `now`: the most urgent first, then the longest
    waiting, copies counting as waiting. Raises PassingError."""
    return _shown(
        database,
        _QUEUE_PAGE,
        **parameters(wanted, person, now),
        limit=limit,
        after_urgency=after and after.urgency,
        after_rank=after and after.rank,
        after_id=after and after.report_id,
    )


def count(database: Database, wanted: Filter, *, most: int, person: str = "", now: datetime) -> int:
    """How many reports a filter wants; `most` where there are more. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_QUEUE_COUNT, {**parameters(wanted, person, now), "limit": most})
    return int(row[0]) if row is not None else 0


def reports(database: Database, *, limit: int, after: str | None) -> list[Shown]:
    """All reports, in the order of their ids. Raises PassingError."""
    return _shown(database, _SQL["report_page"], limit=limit, after=after)


def one(database: Database, report_id: str) -> Shown | None:
    """One report; None for one that is unknown. Raises PassingError."""
    return next(iter(_shown(database, _SQL["one_report"], report_id=report_id)), None)


def news(database: Database, *, limit: int) -> list[Shown]:
    """Reports in any state with something new from their reporters, the most urgent first. Raises PassingError."""
    return _shown(database, _SQL["news_page"], limit=limit)


def count_open(database: Database) -> dict[int, int]:
    """How many reports wait for a person, by urgency. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        return dict(tx.fetch_all(_SQL["count_open"]))


def _shown(database: Database, query: str, **parameters: object) -> list[Shown]:
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(query, parameters)
    return [Shown(_item(row), row[2], Position(*row[3:6]), row[6], row[7], _standing(row[8:])) for row in rows]


def _standing(row: Row) -> Standing:
    return SILENT if row[0] is None else Standing(*row)


def _item(row: Row) -> Item:
    return Item(State(row[0]), ReportTriagedV1.model_validate_json(row[1]))


def _json(report: ReportTriagedV1) -> str:
    return report.to_json().decode()
