"""Which cases are merged into which, in the status projection: written inside the unit's transaction."""

from collections.abc import Collection
from typing import Final

from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.intake.status import MergedCase

_SQL: Final = load("services.intake")


def save_merged_cases(tx: Transaction, merged: Collection[MergedCase]) -> None:
    """Write what a batch says of merges and of their undoing, where it says anything."""
    if not merged:
        return
    values = {
        "ids": [each.case_id for each in merged],
        "versions": [each.version for each in merged],
        "into": [each.into for each in merged],
    }
    tx.execute(_SQL["save_merged_cases"], values)
