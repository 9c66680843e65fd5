"""The desk's rows of selections. Raises what `ibalagh.storage.postgres.Database` raises."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.desk import Code
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load

_SQL: Final = load("services.triage")


class BulkDecision(BaseModel):
    """One decision about many reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: ReviewAction
    category: Category | None = Field(None, description="Needed to reclassify")
    organisation: Annotated[ShortText, Field(min_length=1)] | None = None
    reason: Code = ""


class Bulk(NamedTuple):
    """A selection, and what was decided about it; `filter` is the query of the list that was selected from."""

    bulk_id: str
    person: str
    made_at: datetime
    filter: str
    decision: BulkDecision | None
    decided_at: datetime | None
    undone_at: datetime | None


class Frozen(NamedTuple):
    """A report of a selection: its number, from 1, and the version that it had then."""

    number: int
    report_id: str
    version: int


def make(database: Database, bulk: Bulk, report_ids: Sequence[str]) -> int:
    """Freeze a selection; how many of the reports there are."""
    with database.transaction() as tx:
        tx.execute(_SQL["make_bulk"], bulk._asdict())
        given = {"bulk_id": bulk.bulk_id, "report_ids": list(dict.fromkeys(report_ids))}
        return tx.execute(_SQL["freeze_reports"], given)


def one(database: Database, bulk_id: str) -> Bulk | None:
    """A selection; None for one that is unknown."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["one_bulk"], {"bulk_id": bulk_id})
    return None if row is None else _bulk(*row)


def by(database: Database, person: str, limit: int) -> list[Bulk]:
    """A person's latest selections about which something was decided, the newest first."""
    with database.transaction(read_only=True) as tx:
        return [_bulk(*row) for row in tx.fetch_all(_SQL["bulks_by"], {"person": person, "limit": limit})]


def reports(database: Database, bulk_id: str) -> list[Frozen]:
    """The reports of a selection, in order."""
    with database.transaction(read_only=True) as tx:
        return [Frozen(*row) for row in tx.fetch_all(_SQL["frozen_reports"], {"bulk_id": bulk_id})]


def categories(database: Database, bulk_id: str) -> dict[str, int]:
    """How many reports of each category a selection has now."""
    with database.transaction(read_only=True) as tx:
        return dict(tx.fetch_all(_SQL["frozen_categories"], {"bulk_id": bulk_id}))


def decide(database: Database, bulk_id: str, decision: BulkDecision, now: datetime) -> bool:
    """Write down what is decided about a selection; False when something was before."""
    given = {"bulk_id": bulk_id, "decision": decision.model_dump_json(), "decided_at": now}
    with database.transaction() as tx:
        return tx.execute(_SQL["decide_bulk"], given) == 1


def undo(database: Database, bulk_id: str, now: datetime) -> bool:
    """Write down that it is taken back; False when it was before, or nothing was decided."""
    with database.transaction() as tx:
        return tx.execute(_SQL["undo_bulk"], {"bulk_id": bulk_id, "undone_at": now}) == 1


def _bulk(  # noqa: PLR0917 - a row
    bulk_id: str,
    person: str,
    made_at: datetime,
    query: str,
    decision: str | None,
    decided_at: datetime | None,
    undone_at: datetime | None,
) -> Bulk:
    made = None if decision is None else BulkDecision.model_validate_json(decision)
    return Bulk(bulk_id, person, made_at, query, made, decided_at, undone_at)
