"""Commands: what people do, put on a topic by a console or an API, answered with events by the owning service."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ibalagh.events.dialogue import MessageText
from ibalagh.events.envelope import Data, Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import CaseAction, CaseActionV1, CaseResult, Category, ClockKind, ReviewAction

AmendmentsSeen = Annotated[
    Annotated[int, Field(ge=0)] | None,
    Field(description="How many amendments of the reporter were shown to the person; null: all that there are"),
]


class DecideReportV1(Data):
    """An analyst's decision about a report, taken on `version`. The command's id is the event's id."""

    report_id: Uuid
    version: Annotated[int, Field(ge=1)] | None = Field(None, description="Null: whatever is current")
    action: ReviewAction
    category: Category | None = Field(None, description="Needed to reclassify")
    organisation: ShortText | None = None
    reason: ShortText = ""
    reviewer: ShortText
    decided_at: datetime
    amendments_seen: AmendmentsSeen = None


class DecideCampaignV1(Data):
    """An analyst's decision about reports of a campaign that wait: those with a number above `after` and up to `upto`,
    as they were when the person looked. Who came later waits on. The command's id is the event's id."""

    campaign_id: Uuid = Field(description="The first report of the campaign")
    after: Annotated[int, Field(ge=0)] = 0
    upto: Annotated[int, Field(ge=1)]
    action: ReviewAction
    category: Category | None = Field(None, description="Needed to reclassify")
    organisation: ShortText | None = None
    reason: ShortText = ""
    reviewer: ShortText
    decided_at: datetime


class SendMessageV1(Data):
    """An analyst's message to the reporter of a report. The command's id is the event's id."""

    report_id: Uuid
    text: MessageText
    sender: ShortText = Field(description="Pseudonym of the analyst; the reporter is not told")
    sent_at: datetime
    amendments_seen: AmendmentsSeen = None


class ActOnCaseV1(Data):
    """An officer's or a prosecutor's action on a case as it was asked for before `case.act.v2`; still read."""

    case_id: Uuid
    version: Annotated[int, Field(ge=1)] | None = Field(None, description="Null: whatever is current")
    action: CaseActionV1
    actor: ShortText
    occurred_at: datetime
    service: ShortText | None = Field(None, description="The service to re-route to, or suggested when declining")
    reason: ShortText | None = None
    suspect_ref: ShortText | None = None
    result: CaseResult | None = None


class ActOnCaseV2(Data):
    """An officer's or a prosecutor's action on a case, taken on `version`. The command's id is the event's id."""

    case_id: Uuid
    version: Annotated[int, Field(ge=1)] | None = Field(None, description="Null: whatever is current")
    action: CaseAction
    actor: ShortText
    occurred_at: datetime
    service: ShortText | None = Field(None, description="The service to re-route to, or suggested when declining")
    reason: ShortText | None = Field(None, description="Why, or what the prosecutor instructs")
    suspect_ref: ShortText | None = None
    result: CaseResult | None = None


class CheckClockV1(Data):
    """The timer asks to look at a case's clock, since it may have reached its next level. Asked twice, it is one."""

    case_id: Uuid
    clock: ClockKind
    started_at: datetime = Field(description="Which of the case's clocks: one that was started again is another")
    level: Annotated[int, Field(ge=0, description="The clock's level as the timer saw it")]


class _Regroup(Data):
    case_id: Uuid = Field(description="The case that stays")
    version: Annotated[int, Field(ge=1)] | None = Field(None, description="Null: whatever is current")
    actor: ShortText
    reason: ShortText


class MergeCasesV1(_Regroup):
    """Merge another case into this one. The command's id is the event's id."""

    other_case_id: Uuid
    other_version: Annotated[int, Field(ge=1)] | None = Field(None, description="Null: whatever is current")


class DivideCaseV1(_Regroup):
    """Make some reports of a case a case of their own. The command's id is the event's id."""

    report_ids: Annotated[tuple[Uuid, ...], Field(min_length=1, max_length=200)]


class UndoRegroupingV1(_Regroup):
    """Undo the merge of the other case into this one, or the split of the other case off this one."""

    other_case_id: Uuid


class ReopenCaseV1(_Regroup):
    """Open a closed case again. The command's id is the event's id."""
