"""Leases on reports: taken, renewed, given back, and the next report of the queue with one.

In: a report's or a person's name, the time and how long a lease lasts; out: `Claim`s. One statement each, so of two who
ask at once exactly one gets it. Raises what `ibalagh.storage.postgres.Database` raises.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from ibalagh.events.vocabulary import Category
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.triage import desk_store
from services.triage.filters import category_patterns
from services.triage.proceedings import Claim

_SQL: Final = load("services.triage")
_TRIES: Final = 20
"""So often may somebody else be quicker; with so many at once another press of the key helps."""


def take(database: Database, report_id: str, person: str, *, now: datetime, lasts_s: int) -> Claim | None:
    """Hold a report, or hold it on: the claim that holds now, which is somebody else's where they were first; None for
    a report that is unknown."""
    wanted = {"report_id": report_id, "person": person, "now": now, "until": now + timedelta(seconds=lasts_s)}
    for _ in range(_TRIES):
        with database.transaction() as tx:
            row = tx.fetch_one(_SQL["take_claim"], wanted)
            if row is not None:
                return Claim(*row)
            holder = desk_store.claims(tx, [report_id], now).get(report_id)
            if holder is not None or not tx.fetch_all(_SQL["known_items"], {"report_ids": [report_id]}):
                return holder
    return None  # given back between the two statements, every time


def release(database: Database, report_id: str, person: str) -> None:
    """Hold a report no longer; nothing changes where this person does not hold it."""
    with database.transaction() as tx:
        tx.execute(_SQL["release_claim"], {"report_id": report_id, "person": person})


def held_by(database: Database, person: str, now: datetime) -> list[Claim]:
    """What a person holds at `now`, what ends first in front."""
    with database.transaction(read_only=True) as tx:
        return [Claim(*row) for row in tx.fetch_all(_SQL["claims_by"], {"person": person, "now": now})]


def take_next(
    database: Database, person: str, kept_away: Collection[Category], *, now: datetime, lasts_s: int
) -> Claim | None:
    """Hold the first report of the queue that is for this person: nobody's now, not shown to them before, not proposed
    about by them, and of none of the categories that are `kept_away`. None when there is none."""
    wanted = {
        "person": person,
        "now": now,
        "until": now + timedelta(seconds=lasts_s),
        "kept_away": category_patterns(kept_away),
    }
    for _ in range(_TRIES):
        with database.transaction() as tx:
            row = tx.fetch_one(_SQL["claim_next"], wanted)
            if row is not None:
                return Claim(*row)
            if tx.fetch_one(_SQL["is_one_next"], wanted) is None:
                return None
    return None
