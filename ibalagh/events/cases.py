"""Events about one case: opened, joined, referred, and what police and prosecution made of it. Key: case id."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ibalagh.events.envelope import Data, Uuid
from ibalagh.events.reports import Indicator, ReportFacts, ShortText
from ibalagh.events.vocabulary import CasePart, CaseResult, CaseState, Category, ClockKind, Urgency

Version = Annotated[int, Field(ge=1, description="The case's version after this event")]


class _CaseEvent(Data):
    case_id: Uuid
    version: Version
    occurred_at: datetime = Field(description="When it happened, as stated by whoever acted; never in the future")


class _ReportInCase(_CaseEvent):
    report_id: Uuid
    facts: ReportFacts
    category: Category
    urgency: Urgency
    province: ShortText | None = None
    organisation: ShortText | None = None


class CaseOpenedV1(_ReportInCase):
    """A report that shares no hard indicator with an open case opened one of its own."""

    indicators: tuple[Indicator, ...]


class CaseJoinedV1(_ReportInCase):
    """A report joined the case that holds one of its hard indicators; `joined_by` are the shared ones."""

    joined_by: tuple[Indicator, ...]


class CaseLeftV1(_ReportInCase):
    """A report left its case, because a person found it to be out of scope."""


class CaseReclassifiedV1(_ReportInCase):
    """A report of the case was reclassified by a person; `case_category` is what the case is now."""

    previous_category: Category
    previous_organisation: ShortText | None = None
    case_category: Category


class _CaseAtService(_CaseEvent):
    category: Category
    service: ShortText = Field(description="Code of the judicial police service, from the competence table")
    province: ShortText | None = None


class CaseReferredV1(_CaseAtService):
    """The case was referred to the competent judicial police service."""

    urgency: Urgency
    prosecutor: ShortText
    competence_table: ShortText = Field(description="Version of the competence table that named the service")
    competence_rule: ShortText = Field(description="The line of the table that decided")


class CaseReroutedV1(_CaseAtService):
    """The case went from `previous_service` to `service`."""

    previous_service: ShortText
    prosecutor: ShortText
    reason: ShortText


class ProsecutionNotifiedV1(_CaseAtService):
    """The public prosecutor was notified of the case."""

    prosecutor: ShortText


class _OfficersAct(_CaseAtService):
    actor: ShortText = Field(description="Pseudonym of the officer or prosecutor")


class CaseAcceptedV1(_OfficersAct):
    """The service accepted the case."""


class CaseDeclinedV1(_OfficersAct):
    """The service declined the case, with the service that it thinks competent, if it named one."""

    reason: ShortText
    suggested_service: ShortText | None = None


class ProsecutionInstructedV1(_OfficersAct):
    """The public prosecutor instructed the service."""

    prosecutor: ShortText
    instruction: ShortText


class InvestigationOpenedV1(_OfficersAct):
    """A judicial investigation was opened under the prosecutor's instructions."""


class _SuspectEvent(_OfficersAct):
    suspect_ref: ShortText = Field(description="The service's own reference for the suspect; never a name")


class SuspectIdentifiedV1(_SuspectEvent):
    """A suspect was identified."""


class SuspectPresentedV1(_SuspectEvent):
    """An identified suspect was brought before justice."""


class SearchNoticeIssuedV1(_SuspectEvent):
    """A national search notice was issued for an identified suspect."""


class CaseClosedV1(_OfficersAct):
    """The case was closed."""

    result: CaseResult


class _ClockEvent(_CaseAtService):
    clock: ClockKind
    urgency: Urgency
    prosecutor: ShortText
    started_at: datetime
    due_at: datetime = Field(description="When the time is up, by the calendar of working days")


class CaseClockWarnedV1(_ClockEvent):
    """Most of the time that a service has to accept a case, or to act on it first, is gone."""


class CaseClockEscalatedV1(_ClockEvent):
    """The time that a service has to accept a case, or to act on it first, is up: the prosecutor is to know."""


class CaseReopenedV1(_OfficersAct):
    """A closed case was opened again; it stands where it stood when it was closed."""

    reason: ShortText
    state: CaseState
    closed_at: datetime | None = Field(None, description="When it had been closed; null where that is not known")
    closed_as: Category | None = Field(None, description="The category that its closing was said with")


class _Regrouping(_OfficersAct):
    """Said of both cases, each with its own version. The other case is the one that was merged or split off: as what
    and when it was opened is how it had been counted."""

    part: CasePart = Field(description="Whether `case_id` is the case that stays or the other one")
    other_case_id: Uuid = Field(description="The case on the other side")
    reason: ShortText
    reports: Annotated[int, Field(ge=0, description="How many reports the other case has")]
    opened_at: datetime = Field(description="When the other case was opened")
    opened_as: Category = Field(description="The category that the other case was opened with")
    state: CaseState = Field(description="Where `case_id` stands in its own life; a merged case is led on all the same")


class CaseMergedV1(_Regrouping):
    """A case was merged into another, which from now on is meant wherever the merged one is named."""


class CaseMergeUndoneV1(_Regrouping):
    """A merge was undone: the other case stands for itself again, with the reports that it had brought."""


class CaseSplitV1(_Regrouping):
    """Some reports of a case became a case of their own, at the same service and as far along."""

    report_ids: Annotated[tuple[Uuid, ...], Field(min_length=1, max_length=200)]


class CaseSplitUndoneV1(_Regrouping):
    """A split was undone: the case that was split off is merged back into the one that it came from."""
