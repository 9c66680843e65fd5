"""What intake keeps in PostgreSQL of a dialogue: that a reporter said something, and what analysts wrote.

A wrong receipt is answered after the same statements as a right one. Raises the errors of
`ibalagh.storage.postgres.Database`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ibalagh.contracts.codec import Codec
from ibalagh.events.dialogue import MessageSentV1, ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import AmendmentKind
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.ports import Acknowledgement, Outgoing
from services.intake.store import IntakeStore
from services.intake.supplements import NOWHERE, Amendment

_SQL: Final = load("services.intake")
WINDOW: Final = timedelta(hours=1)
"""So much of a reporter's supplements is counted against the limit."""


class Kept(NamedTuple):
    """An amendment as it is stored: this one or, of a repeat, the first. `open`: its acknowledgement is not noted."""

    amendment_id: str
    kind: AmendmentKind
    at: datetime
    body_hash: bytes | None
    open: bool


class Stored(NamedTuple):
    """What storing an amendment came to. `report_id` is None for a wrong receipt, `kept` for one too many."""

    report_id: str | None
    kept: Kept | None
    record: Outgoing


class DialogueStore:
    """Amendments of reports. `most` supplements of a report are stored within `WINDOW`."""

    def __init__(self, database: Database, codec: Codec, *, most: int) -> None:
        self._database = database
        self._codec = codec
        self._most = most

    def store(self, amendment: Amendment) -> Stored:
        """Store an amendment and what is to be published for it, and erase the identity if that is wanted: together or
        not at all."""
        retry = amendment.retry
        with self._database.transaction() as tx:
            found = tx.fetch_one(_SQL["amended_report"], {"receipt_hash": amendment.receipt_hash})
            report_id = None if found is None else str(found[0])
            record = amendment.record(self._codec, report_id or NOWHERE)
            withdrawal = amendment.kind is AmendmentKind.WITHDRAWAL
            given = {
                "amendment_id": amendment.amendment_id,
                "report_id": report_id,
                "kind": amendment.kind.value,
                "at": amendment.at,
                "since": amendment.at - WINDOW,
                "most": self._most,
                "key_hash": None if retry is None else retry.key_hash,
                "body_hash": None if retry is None else retry.body_hash,
                "value": record.value,
                "event_type": type_of(ReportWithdrawnV1 if withdrawal else ReportSupplementedV1),
                "report_ids": [report_id] if report_id and amendment.erases_identity else [],
            }
            for name in ("store_amendment", "amendment_pending", "vault_withdraw"):
                tx.execute(_SQL[name], given)
            row = tx.fetch_one(_SQL["find_amendment"], given)
        return Stored(report_id, None if row is None else Kept(row[0], AmendmentKind(row[1]), *row[2:]), record)

    def note_published(self, amendment_id: str, position: Acknowledgement) -> None:
        """Note the broker's acknowledgement."""
        IntakeStore(self._database).note_published({amendment_id: position})


def save_messages(tx: Transaction, messages: Sequence[MessageSentV1]) -> None:
    """Keep what analysts wrote, inside the transaction that stores the positions."""
    for message in messages:
        tx.execute(_SQL["save_message"], message.model_dump())
