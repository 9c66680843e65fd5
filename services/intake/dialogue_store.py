"""What intake keeps in PostgreSQL of a dialogue: that a reporter said something, and what analysts wrote.

A wrong receipt is answered after the same statements as a right one. The files of a supplement become the report's in
the transaction that stores it, all or none, numbered on from those that the report has. Raises the errors of
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
from services.intake.attached import MOST_FILES, Upload, claims_of
from services.intake.attachments.records import claim, free_among, next_number
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
    """What storing an amendment came to. `report_id` is None for a wrong receipt, `kept` for one too many, or with the
    rule of `ATTACHMENT_RULES` that its files break."""

    report_id: str | None
    kept: Kept | None
    record: Outgoing
    broken: str | None = None


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
            place = _place(tx, report_id, amendment.uploads)
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
                "files": place.broken is None,
                "report_ids": [report_id] if report_id and amendment.erases_identity else [],
            }
            new = tx.execute(_SQL["store_amendment"], given)
            for name in ("amendment_pending", "vault_withdraw"):
                tx.execute(_SQL[name], given)
            if amendment.uploads:
                claim(tx, claims_of(report_id, amendment.uploads, place.first) if new and report_id else [])
            row = tx.fetch_one(_SQL["find_amendment"], given)
        kept = None if row is None else Kept(row[0], AmendmentKind(row[1]), *row[2:])
        return Stored(report_id, kept, record, place.broken)

    def note_published(self, amendment_id: str, position: Acknowledgement) -> None:
        """Note the broker's acknowledgement."""
        IntakeStore(self._database).note_published({amendment_id: position})


class _Place(NamedTuple):
    """The number of the first of the files that a supplement brings, or the rule that they break."""

    first: int
    broken: str | None


def _place(tx: Transaction, report_id: str | None, uploads: Sequence[Upload]) -> _Place:
    if not uploads:
        return _Place(1, None)
    wanted = claims_of(NOWHERE, uploads)
    free, first = free_among(tx, wanted), next_number(tx, report_id)
    if not free.issuperset(each.capability_hash for each in wanted):
        return _Place(first, "unknown_attachment")
    return _Place(first, "attachments_full" if first + len(uploads) - 1 > MOST_FILES else None)


def save_messages(tx: Transaction, messages: Sequence[MessageSentV1]) -> None:
    """Keep what analysts wrote, inside the transaction that stores the positions."""
    for message in messages:
        tx.execute(_SQL["save_message"], message.model_dump())
