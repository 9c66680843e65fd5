"""Events about one report after it was received: what its reporter adds or takes back, what the desk answers.

Key: report id, so that all of it keeps its order with the report itself.
"""

from datetime import datetime
from operator import not_
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from ibalagh.events.envelope import Data, Uuid
from ibalagh.events.reports import MAX_ATTACHMENTS, Attachment, Indicator, ShortText
from ibalagh.events.vocabulary import AmendmentKind, SupplementKind, Urgency

MAX_MESSAGE_CHARS: Final = 4_000
MessageText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_MESSAGE_CHARS)]
"""What an analyst writes to a reporter."""


class ReportSupplementedV1(Data):
    """What a reporter sent after the report, with its receipt. The text is here alone, as a report's is in its own
    event."""

    report_id: Uuid
    supplement_id: Uuid
    kind: SupplementKind
    supplemented_at: datetime
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    links: tuple[Annotated[str, StringConstraints(max_length=2_048)], ...] = ()
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=MAX_ATTACHMENTS)] = Field(
        (),
        exclude_if=not_,
        description="Further files of the report, kept as evidence, in the order in which they were named",
    )


class ReportWithdrawnV1(Data):
    """The reporter takes the report back. What follows of it is an analyst's decision, since someone may have been
    forced to."""

    report_id: Uuid
    withdrawn_at: datetime


class ReportAmendedV1(Data):
    """What the machine finds in a supplement alone, or that a report was withdrawn. It moves no counter: a person
    decides. The text stands at the position of the cause."""

    report_id: Uuid
    amendment_id: Uuid = Field(description="The id of the event of the supplement or withdrawal")
    kind: AmendmentKind
    amended_at: datetime = Field(description="When intake took it in")
    urgency: Urgency
    reasons: tuple[ShortText, ...] = Field(description="Names of the rules that fired")
    indicators: tuple[Indicator, ...]


class MessageSentV1(Data):
    """An analyst wrote to the reporter, who sees it when asking with the receipt. It does not say who wrote it."""

    report_id: Uuid
    message_id: Uuid = Field(description="The id of the command")
    text: MessageText
    sent_at: datetime
