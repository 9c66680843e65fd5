"""What a reporter is told about a report: one plain word, and which event makes it which.

In: what single events of triage and referral say about a report or a case; out: the changes of the projection, one per
report or case, the latest winning. A referral by the machine alone changes nothing: the case that it leads to follows
within moments, and a row for it would double the projection's cost.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Final, NamedTuple, TypeVar

from pydantic import Field

from ibalagh.events import cases, reports
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import CasePart, CaseState, Disposition

T = TypeVar("T")
_ID: Final = itemgetter(0)
MAX_VERSION: Final = 2**31 - 1
StorableVersion = Annotated[int, Field(ge=1, le=MAX_VERSION)]
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
    """What triage made of a report, as of a version of its decision; said `at` a time, by an event of `origin_time`."""

    report_id: str
    version: int
    status: Status
    at: datetime
    origin_time: datetime


class Linked(NamedTuple):
    """The case that a report is in since `at`; None when it has left it."""

    report_id: str
    case_id: str | None
    at: datetime
    origin_time: datetime


class CaseStanding(NamedTuple):
    """Where a case stands, as of a version of it."""

    case_id: str
    version: int
    status: Status
    at: datetime
    origin_time: datetime


class MergedCase(NamedTuple):
    """The case that another is merged into, as of a version of that other one; None once that is undone."""

    case_id: str
    version: int
    into: str | None


class Changes(NamedTuple):
    """What a batch changes, by the id of the report or case, in the order of the ids."""

    triaged: Mapping[str, Triaged]
    linked: Mapping[str, Linked]
    cases: Mapping[str, CaseStanding]
    merged: Mapping[str, MergedCase]


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
LEFT: Final = type_of(cases.CaseLeftV1)
AFTER_ACT: Final = {
    type_of(cases.CaseDeclinedV1): Status.REFERRED,
    type_of(cases.CaseReroutedV1): Status.REFERRED,
    type_of(cases.CaseAcceptedV1): Status.ACCEPTED,
    type_of(cases.InvestigationOpenedV1): Status.INVESTIGATION_OPENED,
    type_of(cases.SuspectPresentedV1): Status.OUTCOME,
    type_of(cases.CaseClosedV1): Status.OUTCOME,
}
"""By event type; other acts say nothing to the reporter."""

_AS_FAR_AS: Final = {
    CaseState.REFERRED: Status.REFERRED,
    CaseState.DECLINED: Status.REFERRED,
    CaseState.ACCEPTED: Status.ACCEPTED,
    CaseState.INSTRUCTED: Status.ACCEPTED,
    CaseState.INVESTIGATION: Status.INVESTIGATION_OPENED,
    CaseState.CLOSED: Status.OUTCOME,
}
REGROUPINGS: Final = (
    cases.CaseMergedV1,
    cases.CaseMergeUndoneV1,
    cases.CaseSplitV1,
    cases.CaseSplitUndoneV1,
)

SLIM_MODELS: Final[dict[str, type[Data]]] = {
    _TRIAGED: SlimTriage,
    _REVIEWED: SlimTriage,
    **dict.fromkeys((*_JOINING, LEFT), SlimMember),
    **dict.fromkeys(AFTER_ACT, SlimCase),
}
"""By event type, what to read of it; other types change no status."""


AFTER_TRIAGE: Final[dict[tuple[str, str], Status]] = {
    (_TRIAGED, Disposition.REVIEW): Status.UNDER_REVIEW,
    (_TRIAGED, Disposition.DISMISS): Status.SET_ASIDE,
    (_REVIEWED, Disposition.REVIEW): Status.UNDER_REVIEW,
    (_REVIEWED, Disposition.DISMISS): Status.SET_ASIDE,
    (_REVIEWED, Disposition.REFER): Status.EXAMINED,
}
"""By event type and disposition; what is not here says nothing to the reporter."""


def said(event: Event[Data]) -> Triaged | Linked | CaseStanding | None:
    """What an event, read with `SLIM_MODELS`, says; None when that is nothing."""
    data, at, origin_time = event.data, event.time, event.origin_time
    if isinstance(data, SlimMember):
        return Linked(data.report_id, None if event.type == LEFT else data.case_id, at, origin_time)
    if isinstance(data, SlimTriage):
        status = AFTER_TRIAGE.get((event.type, data.decision.disposition))
        return None if status is None else Triaged(data.report_id, data.version, status, at, origin_time)
    if isinstance(data, SlimCase):
        return CaseStanding(data.case_id, data.version, AFTER_ACT[event.type], at, origin_time)
    return None


def said_of_regrouping(event: Event[Data]) -> list[Linked | CaseStanding | MergedCase]:
    """What an event says of cases that were merged, split or opened again; nothing for any other event. Of a merge and
    a split, which are said of both cases, the other case's event says all that a reporter's status depends on."""
    data, at, origin = event.data, event.time, event.origin_time
    if isinstance(data, cases.CaseReopenedV1):
        return [CaseStanding(data.case_id, data.version, _AS_FAR_AS[data.state], at, origin)]
    if not isinstance(data, REGROUPINGS) or data.part is CasePart.KEPT:
        return []
    if isinstance(data, cases.CaseSplitV1):
        standing = CaseStanding(data.case_id, data.version, _AS_FAR_AS[data.state], at, origin)
        return [standing, *(Linked(report_id, data.case_id, at, origin) for report_id in data.report_ids)]
    into = data.other_case_id if isinstance(data, cases.CaseMergedV1 | cases.CaseSplitUndoneV1) else None
    return [MergedCase(data.case_id, data.version, into)]


def changes(sayings: Iterable[object]) -> Changes:
    """What `Triaged`, `Linked` and `CaseStanding` change in the projection; anything else changes nothing."""
    triaged: dict[str, Triaged] = {}
    linked: dict[str, Linked] = {}
    standing: dict[str, CaseStanding] = {}
    merged: dict[str, MergedCase] = {}
    for each in sayings:
        if isinstance(each, Linked):
            link = linked.get(each.report_id)
            if link is None or each.at >= link.at:
                linked[each.report_id] = each
        elif isinstance(each, Triaged):
            before = triaged.get(each.report_id)
            if before is None or each.version > before.version:
                triaged[each.report_id] = each
        elif isinstance(each, CaseStanding):
            case = standing.get(each.case_id)
            if case is None or each.version > case.version:
                standing[each.case_id] = each
        elif isinstance(each, MergedCase):
            known = merged.get(each.case_id)
            if known is None or each.version > known.version:
                merged[each.case_id] = each
    return Changes(_by_id(triaged), _by_id(linked), _by_id(standing), _by_id(merged))


def _by_id(changed: dict[str, T]) -> dict[str, T]:
    return dict(sorted(changed.items(), key=_ID))
