"""What a reporter is told about a report: one plain word, and which event makes it which.

In: events of triage and referral, as batches; out: the changes of the projection, one per report or case, the latest
winning. A referral by the machine alone changes nothing: the case that it leads to follows within moments, and a row
for it would double the projection's cost.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ibalagh.events import cases, reports
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import Disposition

StorableVersion = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A version that a row can hold."""


class Status(StrEnum):
    """Where a report stands, in the reporter's terms."""

    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    EXAMINED = "examined"
    SET_ASIDE = "set_aside"
    REFERRED = "referred"
    ACCEPTED = "accepted"
    INVESTIGATION_OPENED = "investigation_opened"
    OUTCOME = "outcome"


class Triaged(NamedTuple):
    """What triage made of a report, as of a version of its decision."""

    report_id: str
    version: int
    status: Status
    at: datetime


class Linked(NamedTuple):
    """The case that a report is in since `at`; None when it has left it."""

    report_id: str
    case_id: str | None
    at: datetime


class CaseStanding(NamedTuple):
    """Where a case stands, as of a version of it."""

    case_id: str
    version: int
    status: Status
    at: datetime


class Changes(NamedTuple):
    """What a batch changes; no report and no case twice in one list, each list sorted by id."""

    triaged: list[Triaged]
    linked: list[Linked]
    cases: list[CaseStanding]


class SlimDecision(Data):
    """The part of a decision that the projection reads."""

    disposition: Disposition


class SlimTriage(Data):
    """The part of `report.triaged` and `report.reviewed` that the projection reads."""

    report_id: Uuid
    version: StorableVersion = 1
    decision: SlimDecision


class SlimMember(Data):
    """The part of `case.opened`, `case.joined` and `case.left` that the projection reads."""

    case_id: Uuid
    report_id: Uuid


class SlimCase(Data):
    """The part of a case's other events that the projection reads."""

    case_id: Uuid
    version: StorableVersion


_TRIAGED: Final = type_of(reports.ReportTriagedV1)
_REVIEWED: Final = type_of(reports.ReportReviewedV1)
_JOINING: Final = frozenset({type_of(cases.CaseOpenedV1), type_of(cases.CaseJoinedV1)})
_LEFT: Final = type_of(cases.CaseLeftV1)
_CASE: Final = {
    type_of(cases.CaseDeclinedV1): Status.REFERRED,
    type_of(cases.CaseReroutedV1): Status.REFERRED,
    type_of(cases.CaseAcceptedV1): Status.ACCEPTED,
    type_of(cases.InvestigationOpenedV1): Status.INVESTIGATION_OPENED,
    type_of(cases.SuspectPresentedV1): Status.OUTCOME,
    type_of(cases.CaseClosedV1): Status.OUTCOME,
}

SLIM_MODELS: Final[dict[str, type[Data]]] = {
    _TRIAGED: SlimTriage,
    _REVIEWED: SlimTriage,
    **dict.fromkeys((*_JOINING, _LEFT), SlimMember),
    **dict.fromkeys(_CASE, SlimCase),
}
"""By event type, what to read of it; other types change no status."""


_READ: Final = frozenset({SlimTriage, SlimMember, SlimCase})


def changes(events: Iterable[Event[Data]]) -> Changes:
    """What `events`, read with `SLIM_MODELS`, change in the projection."""
    triaged: dict[str, Triaged] = {}
    linked: dict[str, Linked] = {}
    standing: dict[str, CaseStanding] = {}
    for event in events:
        data = event.data
        if type(data) not in _READ:  # most are not, and isinstance asks pydantic about each of them
            continue
        if isinstance(data, SlimMember):
            link = Linked(data.report_id, None if event.type == _LEFT else data.case_id, event.time)
            known = linked.get(data.report_id)
            if known is None or link.at >= known.at:
                linked[data.report_id] = link
        elif isinstance(data, SlimTriage):
            status = _after_triage(event.type, data.decision.disposition)
            before = triaged.get(data.report_id)
            if status is not None and (before is None or data.version > before.version):
                triaged[data.report_id] = Triaged(data.report_id, data.version, status, event.time)
        elif isinstance(data, SlimCase):
            case = standing.get(data.case_id)
            if case is None or data.version > case.version:
                standing[data.case_id] = CaseStanding(data.case_id, data.version, _CASE[event.type], event.time)
    return Changes(sorted(triaged.values()), sorted(linked.values(), key=_report_id), sorted(standing.values()))


def _report_id(link: Linked) -> str:
    return link.report_id


def _after_triage(type_: str, disposition: Disposition) -> Status | None:
    if disposition is Disposition.REVIEW:
        return Status.UNDER_REVIEW
    if disposition is Disposition.DISMISS:
        return Status.SET_ASIDE
    return Status.EXAMINED if type_ == _REVIEWED else None
