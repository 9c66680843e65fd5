"""Counts of what a proposed model would have decided. Raises what `ibalagh.storage.postgres.Database` raises."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ibalagh.events.vocabulary import Category, Disposition, Urgency
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.triage.replay import Outcome
from services.triage.shadow import Counted, Pair

_SQL: Final = load("services.triage")


def add(database: Database, counts: Mapping[Pair, int], now: datetime) -> None:
    """Add to what was counted; in the order of the keys, so that two workers never wait for each other in a circle."""
    rows = sorted((_flat(pair), count) for pair, count in counts.items())
    columns = list(zip(*(flat for flat, _ in rows), strict=True))
    names = ("policies", "candidates", "categories", "dispositions", "urgencies")
    others = ("other_categories", "other_dispositions", "other_urgencies")
    with database.transaction() as tx:
        tx.execute(
            _SQL["add_shadow_counts"],
            {name: list(column) for name, column in zip((*names, *others), columns, strict=True)}
            | {"reports": [count for _, count in rows], "now": now},
        )


def read(database: Database) -> list[Counted]:
    """Everything that was counted."""
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["shadow_counts"])
    return [Counted(Pair(row[0], row[1], _outcome(*row[2:5]), _outcome(*row[5:8])), *row[8:]) for row in rows]


def _flat(pair: Pair) -> tuple[str | int, ...]:
    before, after = (
        (each.category.value, each.disposition.value, int(each.urgency)) for each in (pair.before, pair.after)
    )
    return (pair.policy, pair.candidate, *before, *after)


def _outcome(category: str, disposition: str, urgency: int) -> Outcome:
    return Outcome(Category(category), Disposition(disposition), Urgency(urgency))
