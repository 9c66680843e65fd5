"""The life of a case in the hands of officers and prosecutors: (case, action) → events, or a refusal.

In: a `Case`, its suspects, the command, the time. Out: a `Step` (the case as it is then, the events' data in order, a
suspect's new state), or a `Refusal` with a code and what the officer needs to go on. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ibalagh.events.cases import (
    CaseAcceptedV1,
    CaseClosedV1,
    CaseDeclinedV1,
    CaseReroutedV1,
    InvestigationOpenedV1,
    ProsecutionInstructedV1,
    ProsecutionNotifiedV1,
    SearchNoticeIssuedV1,
    SuspectIdentifiedV1,
    SuspectPresentedV1,
)
from ibalagh.events.commands import ActOnCaseV1, ActOnCaseV2
from ibalagh.events.envelope import Data
from ibalagh.events.vocabulary import CaseAction, CaseState, SuspectState
from services.referral import suspects
from services.referral.competence import Competence
from services.referral.model import Case, Closing


class RefusalCode(StrEnum):
    """Why an action was refused."""

    UNKNOWN_CASE = "unknown_case"
    STALE_VERSION = "stale_version"
    NOT_ALLOWED = "not_allowed"
    MISSING_FIELD = "missing_field"
    TIME_WITHOUT_OFFSET = "time_without_offset"
    OCCURRED_IN_FUTURE = "occurred_in_future"
    OCCURRED_BEFORE_REPORT = "occurred_before_report"
    SERVICE_NOT_IN_TABLE = "service_not_in_table"
    SAME_SERVICE = "same_service"
    SUSPECT_NOT_IDENTIFIED = "suspect_not_identified"
    SUSPECT_ALREADY_IDENTIFIED = "suspect_already_identified"
    SUSPECT_ALREADY_PRESENTED = "suspect_already_presented"
    SUSPECT_ALREADY_SEARCHED = "suspect_already_searched"
    CASE_MERGED = "case_merged"
    CASE_CLOSED = "case_closed"
    CASE_NOT_CLOSED = "case_not_closed"
    CASE_WITHOUT_REPORTS = "case_without_reports"
    SAME_CASE = "same_case"
    OTHER_IS_FURTHER = "other_is_further"
    SUSPECT_IN_BOTH = "suspect_in_both"
    REPORT_NOT_IN_CASE = "report_not_in_case"
    NOTHING_TO_UNDO = "nothing_to_undo"


class Refusal(NamedTuple):
    """A refused action: its code and details of codes, numbers and names of fields, never what somebody wrote."""

    code: RefusalCode
    detail: Mapping[str, Any]


class Step(NamedTuple):
    """An applied action: the case afterwards, the events' data in order, the suspect that it concerned, if one."""

    case: Case
    events: tuple[Data, ...]
    suspect: tuple[str, SuspectState] | None = None


ALLOWED: Final[Mapping[CaseState, tuple[CaseAction, ...]]] = {
    CaseState.REFERRED: (CaseAction.ACCEPT, CaseAction.DECLINE, CaseAction.REROUTE),
    CaseState.ACCEPTED: (CaseAction.INSTRUCT, CaseAction.OPEN_INVESTIGATION, CaseAction.REROUTE, CaseAction.CLOSE),
    CaseState.DECLINED: (CaseAction.REROUTE,),
    CaseState.INSTRUCTED: (CaseAction.INSTRUCT, CaseAction.OPEN_INVESTIGATION, CaseAction.REROUTE, CaseAction.CLOSE),
    CaseState.INVESTIGATION: (
        CaseAction.IDENTIFY_SUSPECT,
        CaseAction.PRESENT_SUSPECT,
        CaseAction.ISSUE_SEARCH_NOTICE,
        CaseAction.INSTRUCT,
        CaseAction.REROUTE,
        CaseAction.CLOSE,
    ),
    CaseState.CLOSED: (),
}
"""The actions that each state allows; rerouting sends the case to the new service as if freshly referred. A service may
open an investigation without instructions, as the law lets it for what is flagrant; instructions may come at any time
from the acceptance on."""


def actions_on(case: Case, suspect: SuspectState | None) -> list[CaseAction]:
    """What may be done now about a suspect of a case, None for one that it does not know: both must allow it."""
    return [action for action in suspects.allowed(suspect) if action in ALLOWED[case.state]]


CLOCK_TOLERANCE: Final = timedelta(minutes=1)
"""Two machines' clocks may differ by this much before a stated time counts as being in the future."""

MOROCCO_AHEAD_OF_UTC: Final = timedelta(hours=1)
"""The civil day in Morocco begins at most this much before the day in UTC."""


def current(command: ActOnCaseV1 | ActOnCaseV2) -> ActOnCaseV2:
    """A command in its latest version."""
    if isinstance(command, ActOnCaseV2):
        return command
    return ActOnCaseV2.model_construct(**{**dict(command), "action": CaseAction(command.action)})


def act(
    case: Case, known: Mapping[str, SuspectState], command: ActOnCaseV2, *, now: datetime, competence: Competence
) -> Step | Refusal:
    """Apply one action to one case. `known`: the case's suspects by reference; `now` aware, UTC."""
    if case.merged is not None:
        return Refusal(RefusalCode.CASE_MERGED, {"case_id": case.merged.into})
    refusal = _refusal(case, command, now)
    if refusal is not None:
        return refusal
    return _DEEDS[command.action](case, known, command, min(command.occurred_at, now), competence)


def _refusal(case: Case, command: ActOnCaseV2, now: datetime) -> Refusal | None:
    """What forbids any action at all, before the action's own conditions."""
    allowed = ALLOWED[case.state]
    if command.version is not None and command.version != case.version:
        detail = {"version": case.version, "state": case.state.value, "allowed": _values(allowed)}
        return Refusal(RefusalCode.STALE_VERSION, detail)
    if command.action not in allowed:
        return Refusal(RefusalCode.NOT_ALLOWED, {"state": case.state.value, "allowed": _values(allowed)})
    if command.occurred_at.tzinfo is None:
        return Refusal(RefusalCode.TIME_WITHOUT_OFFSET, {"field": "occurred_at"})
    if command.occurred_at > now + CLOCK_TOLERANCE:
        return Refusal(RefusalCode.OCCURRED_IN_FUTURE, {"latest": now.isoformat()})
    if command.occurred_at + MOROCCO_AHEAD_OF_UTC < datetime.combine(case.received_on, time(), UTC):
        return Refusal(RefusalCode.OCCURRED_BEFORE_REPORT, {"earliest": case.received_on.isoformat()})
    missing = next((field for field in NEEDS.get(command.action, ()) if not getattr(command, field)), None)
    return Refusal(RefusalCode.MISSING_FIELD, {"field": missing}) if missing else None


NEEDS: Final[Mapping[CaseAction, tuple[str, ...]]] = {
    CaseAction.DECLINE: ("reason",),
    CaseAction.REROUTE: ("service", "reason"),
    CaseAction.INSTRUCT: ("reason",),
    CaseAction.IDENTIFY_SUSPECT: ("suspect_ref",),
    CaseAction.PRESENT_SUSPECT: ("suspect_ref",),
    CaseAction.ISSUE_SEARCH_NOTICE: ("suspect_ref",),
    CaseAction.CLOSE: ("result",),
}
"""The fields that an action needs besides the actor and the time."""

_Suspects = Mapping[str, SuspectState]


def _values(actions: Sequence[CaseAction]) -> list[str]:
    return [action.value for action in actions]


def _common(case: Case, command: ActOnCaseV2, at: datetime) -> dict[str, Any]:
    return case.told(at) | {"actor": command.actor}


def _accept(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, _c: Competence) -> Step:
    case = case._replace(version=case.version + 1, state=CaseState.ACCEPTED)
    return Step(case, (CaseAcceptedV1(**_common(case, command, at)),))


def _decline(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, competence: Competence) -> Step | Refusal:
    if command.service and competence.prosecutor_of(command.service) is None:
        return Refusal(RefusalCode.SERVICE_NOT_IN_TABLE, {"field": "service"})
    case = case._replace(version=case.version + 1, state=CaseState.DECLINED)
    data = CaseDeclinedV1(
        **_common(case, command, at), reason=command.reason or "", suggested_service=command.service or None
    )
    return Step(case, (data,))


def _reroute(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, competence: Competence) -> Step | Refusal:
    service = command.service or ""
    prosecutor = competence.prosecutor_of(service)
    if prosecutor is None:
        return Refusal(RefusalCode.SERVICE_NOT_IN_TABLE, {"field": "service"})
    if service == case.service:
        return Refusal(RefusalCode.SAME_SERVICE, {"field": "service"})
    return Step(*rerouted(case, service, prosecutor, reason=command.reason or "", at=at))


def rerouted(case: Case, service: str, prosecutor: str, *, reason: str, at: datetime) -> tuple[Case, tuple[Data, ...]]:
    """The case at another service, as if freshly referred, and the events' data; another prosecutor is notified."""
    moved = case._replace(version=case.version + 1, state=CaseState.REFERRED, service=service, prosecutor=prosecutor)
    place = {"case_id": case.case_id, "occurred_at": at, "category": case.category, "province": case.province}
    data = CaseReroutedV1(
        **place,
        version=moved.version,
        service=service,
        previous_service=case.service,
        prosecutor=prosecutor,
        reason=reason,
    )
    if prosecutor == case.prosecutor:
        return moved, (data,)
    notified = moved._replace(version=moved.version + 1)
    return notified, (
        data,
        ProsecutionNotifiedV1(**place, version=notified.version, service=service, prosecutor=prosecutor),
    )


def _instruct(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, _c: Competence) -> Step:
    """An investigation that is open stays so: it then has instructions more."""
    state = CaseState.INVESTIGATION if case.state is CaseState.INVESTIGATION else CaseState.INSTRUCTED
    case = case._replace(version=case.version + 1, state=state)
    data = ProsecutionInstructedV1(
        **_common(case, command, at), prosecutor=case.prosecutor, instruction=command.reason or ""
    )
    return Step(case, (data,))


def _open_investigation(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, _c: Competence) -> Step:
    case = case._replace(version=case.version + 1, state=CaseState.INVESTIGATION)
    return Step(case, (InvestigationOpenedV1(**_common(case, command, at)),))


def _about_suspect(case: Case, known: _Suspects, command: ActOnCaseV2, at: datetime, _c: Competence) -> Step | Refusal:
    reference = command.suspect_ref or ""
    before = known.get(reference)
    state = suspects.after(before, command.action)
    if state is None:
        allowed = _values(suspects.allowed(before))
        return Refusal(_NOT_OF_SUSPECT[before, command.action], {"field": "suspect_ref", "allowed": allowed})
    case = case._replace(version=case.version + 1)
    data = _SAYS_OF_SUSPECT[command.action](**_common(case, command, at), suspect_ref=reference)
    return Step(case, (data,), (reference, state))


def _close(case: Case, _s: _Suspects, command: ActOnCaseV2, at: datetime, _c: Competence) -> Step:
    closing = Closing(case.state, at, case.category)
    case = case._replace(version=case.version + 1, state=CaseState.CLOSED, result=command.result, closing=closing)
    return Step(case, (CaseClosedV1(**_common(case, command, at), result=command.result),))


_SAYS_OF_SUSPECT: Final[Mapping[CaseAction, type[SuspectIdentifiedV1 | SuspectPresentedV1 | SearchNoticeIssuedV1]]] = {
    CaseAction.IDENTIFY_SUSPECT: SuspectIdentifiedV1,
    CaseAction.PRESENT_SUSPECT: SuspectPresentedV1,
    CaseAction.ISSUE_SEARCH_NOTICE: SearchNoticeIssuedV1,
}
_NOT_OF_SUSPECT: Final[Mapping[tuple[SuspectState | None, CaseAction], RefusalCode]] = {
    (None, CaseAction.PRESENT_SUSPECT): RefusalCode.SUSPECT_NOT_IDENTIFIED,
    (None, CaseAction.ISSUE_SEARCH_NOTICE): RefusalCode.SUSPECT_NOT_IDENTIFIED,
    (SuspectState.IDENTIFIED, CaseAction.IDENTIFY_SUSPECT): RefusalCode.SUSPECT_ALREADY_IDENTIFIED,
    (SuspectState.SEARCHED, CaseAction.IDENTIFY_SUSPECT): RefusalCode.SUSPECT_ALREADY_IDENTIFIED,
    (SuspectState.SEARCHED, CaseAction.ISSUE_SEARCH_NOTICE): RefusalCode.SUSPECT_ALREADY_SEARCHED,
    (SuspectState.PRESENTED, CaseAction.IDENTIFY_SUSPECT): RefusalCode.SUSPECT_ALREADY_IDENTIFIED,
    (SuspectState.PRESENTED, CaseAction.PRESENT_SUSPECT): RefusalCode.SUSPECT_ALREADY_PRESENTED,
    (SuspectState.PRESENTED, CaseAction.ISSUE_SEARCH_NOTICE): RefusalCode.SUSPECT_ALREADY_PRESENTED,
}
"""Why an action is not possible, for every pair of a state and an action that has no transition."""

_DEEDS: Final[Mapping[CaseAction, Callable[[Case, _Suspects, ActOnCaseV2, datetime, Competence], Step | Refusal]]] = {
    CaseAction.ACCEPT: _accept,
    CaseAction.DECLINE: _decline,
    CaseAction.REROUTE: _reroute,
    CaseAction.INSTRUCT: _instruct,
    CaseAction.OPEN_INVESTIGATION: _open_investigation,
    **dict.fromkeys(suspects.ACTIONS, _about_suspect),
    CaseAction.CLOSE: _close,
}
