"""What was published, in PostgreSQL. In: values and an open transaction; out: rows.

Raises what `ibalagh.storage.postgres.Database.transaction` raises.
"""

from datetime import date, datetime
from typing import Final

from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from services.stats.counting import Measure
from services.stats.store import Period

_QUERIES: Final = load("services.stats")


def read_days(tx: Transaction, measure: Measure, last: date) -> list[tuple[date, int]]:
    """A measure by civil day, up to a day; days without any are left out."""
    return [(day, count) for day, count in tx.fetch_all(_QUERIES["days"], {"measure": measure.value, "last": last})]


def read_releases(tx: Transaction) -> list[Row]:
    """(first day, last day, number, made at, document, cells) of what was published, the newest period first."""
    return tx.fetch_all(_QUERIES["releases"])


def lock_releases(tx: Transaction) -> None:
    """Let nobody else publish before this transaction ends."""
    tx.execute(_QUERIES["lock_releases"])


def keep_release(
    tx: Transaction, period: Period, number: int, *, made_at: datetime, document: bytes, cells_json: str
) -> None:
    """Publish."""
    tx.execute(
        _QUERIES["release"],
        {
            "first": period.first,
            "last": period.last,
            "number": number,
            "made_at": made_at,
            "document": document,
            "cells": cells_json,
        },
    )


def keep_snapshot(tx: Transaction, day: date, document: bytes) -> None:
    """Keep the public days of a day, unless somebody did."""
    tx.execute(_QUERIES["keep_snapshot"], {"day": day, "document": document})


def read_snapshot(tx: Transaction, day: date) -> bytes | None:
    """The public days of a day."""
    row = tx.fetch_one(_QUERIES["snapshot"], {"day": day})
    return None if row is None else bytes(row[0])
