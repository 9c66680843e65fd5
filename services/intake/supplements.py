"""What a reporter may say after the report, and the records that it becomes. Pure.

In: the JSON of a request with a receipt; out: an `Amendment`, which knows its record once the report is known. As for a
report, the text is in the record alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ibalagh.contracts.codec import Codec
from ibalagh.events.dialogue import ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.envelope import NIL_UUID, Data
from ibalagh.events.make import root
from ibalagh.events.reports import MAX_ATTACHMENTS
from ibalagh.events.vocabulary import AmendmentKind, SupplementKind
from ibalagh.stream.ports import Outgoing
from services.intake.acceptance import SOURCE, in_its_lane
from services.intake.attached import Upload
from services.intake.submission import MAX_LINKS, AttachmentId, Link, StatusQuestion, Text

NOWHERE: Final = NIL_UUID
"""The report of a wrong receipt: a record is made for it too, so that it costs as much, and goes nowhere."""


class Supplement(StatusQuestion):
    """More about a report, a correction of it, or a message to the analyst."""

    kind: SupplementKind = Field(SupplementKind.ADDITION, description="What it is")
    text: Text = Field(description="In the reporter's own words")
    links: Annotated[tuple[Link, ...], Field(max_length=MAX_LINKS)] = Field((), description="Where it can be seen")
    attachments: Annotated[tuple[AttachmentId, ...], Field(max_length=MAX_ATTACHMENTS)] = Field(
        (), description="Files sent before: the ids that `POST /v1/attachments` answered with, each for one report"
    )


class Withdrawal(StatusQuestion):
    """The reporter takes the report back. It stays in the log; what follows of it is decided by an analyst."""

    erase_identity: bool = Field(False, description="Also erase the name and whatever else was stated of the reporter")


class Retry(NamedTuple):
    """What recognises a supplement that is sent again: hashes of its idempotency key, for this receipt, and of what was
    sent."""

    key_hash: bytes
    body_hash: bytes


class Amendment(NamedTuple):
    """A supplement or a withdrawal, ready to be stored and published for the report whose receipt has this hash.
    `uploads` are the files that a supplement names."""

    amendment_id: str
    kind: AmendmentKind
    receipt_hash: bytes
    said: Supplement | Withdrawal
    at: datetime
    retry: Retry | None
    uploads: Sequence[Upload] = ()

    @property
    def erases_identity(self) -> bool:
        """Whether the reporter wants the identity erased."""
        return isinstance(self.said, Withdrawal) and self.said.erase_identity

    def record(self, codec: Codec, report_id: str) -> Outgoing:
        """The record to publish; its event has the amendment's id, and is of the report."""
        data = self._data(report_id)
        event = root(data, id_=self.amendment_id, source=SOURCE, subject=report_id, now=self.at)
        record = codec.encode(event)
        return in_its_lane(record, self.said.text, codec) if isinstance(self.said, Supplement) else record

    def _data(self, report_id: str) -> Data:
        if isinstance(self.said, Withdrawal):
            return ReportWithdrawnV1(report_id=report_id, withdrawn_at=self.at)
        return ReportSupplementedV1(
            report_id=report_id,
            supplement_id=self.amendment_id,
            kind=self.said.kind,
            supplemented_at=self.at,
            text=self.said.text,
            links=self.said.links,
            attachments=tuple(each.told for each in self.uploads),
        )


def kind_of(said: Supplement | Withdrawal) -> AmendmentKind:
    """Which kind of amendment a request asks for."""
    return AmendmentKind.WITHDRAWAL if isinstance(said, Withdrawal) else AmendmentKind(said.kind)
