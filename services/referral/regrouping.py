"""Merging cases, splitting one, undoing both, opening a closed case again: cases in, cases and events out. Pure.

In: the cases, their suspects or reports, the command, the time. Out: each case as it is then beside what is said of it,
or a `Refusal`. Reports and suspects are only ever regrouped: no decision here makes one more or one fewer.

A merged case keeps its rows and points to the case that it is merged into (`Case.merged`). That one takes the stricter
of both urgencies and deadlines, so that no merge buys time; both cases are as they were after an undo. What happened to
the surviving case in between stays with it, and it then also keeps the stricter deadline.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ibalagh.events.cases import (
    CaseMergedV1,
    CaseMergeUndoneV1,
    CaseReopenedV1,
    CaseSplitUndoneV1,
    CaseSplitV1,
)
from ibalagh.events.commands import DivideCaseV1, MergeCasesV1, ReopenCaseV1, UndoRegroupingV1
from ibalagh.events.envelope import Data
from ibalagh.events.vocabulary import CasePart, CaseState, Category
from services.referral import clocks
from services.referral.lifecycle import Refusal, RefusalCode
from services.referral.model import Case, Membership, Merged
from services.referral.workdays import Workdays

RANK: Final[Mapping[CaseState, int]] = {
    CaseState.REFERRED: 0,
    CaseState.DECLINED: 0,
    CaseState.ACCEPTED: 1,
    CaseState.INSTRUCTED: 2,
    CaseState.INVESTIGATION: 3,
}
"""How far along an open case is: the one that is further must be the one that stays."""


class Whole(NamedTuple):
    """A case with the references of all its suspects, those of cases merged into it included."""

    case: Case
    suspects: frozenset[str]


class Said(NamedTuple):
    """A case as it is now, and the event that says so."""

    case: Case
    event: Data


Command = MergeCasesV1 | DivideCaseV1 | UndoRegroupingV1 | ReopenCaseV1
Result = tuple[Said, ...] | Refusal


def merge(kept: Whole, other: Whole, command: MergeCasesV1, *, now: datetime, workdays: Workdays) -> Result:
    """Merge `other` into `kept`. Refused for closed and merged cases, for one that is further along than the one that
    stays, and where both know a suspect by one reference: nobody could say whether that is one person."""
    refusal = _not_standing(kept.case, command.version) or _not_standing(other.case, command.other_version)
    return refusal or _merged(CaseMergedV1, kept, other, command, now, workdays=workdays)


def needs_second_person(kept: Case, other: Case) -> bool:
    """Whether a merge takes a case from one service and gives it to another: then two people have to ask for it."""
    return kept.service != other.service


def undo_merge(kept: Case, other: Case, command: UndoRegroupingV1, *, now: datetime) -> Result:
    """Let `other`, which is merged into `kept`, stand for itself again. Refused where one would have no report."""
    merged = other.merged
    refusal = _not_standing(kept, command.version)
    if refusal is not None:
        return refusal
    if merged is None or merged.into != kept.case_id:
        return Refusal(RefusalCode.NOTHING_TO_UNDO, {"case_id": other.case_id})
    tally = less(kept.tally, other.tally)
    if not tally or not other.tally:
        return Refusal(RefusalCode.CASE_WITHOUT_REPORTS, {})
    before = kept._replace(version=kept.version + 1, tally=tally)
    if kept.version == merged.version:
        clock = None if merged.clock is None else clocks.resumed(merged.clock)
        before = before._replace(urgency=merged.urgency, received_on=merged.received_on, clock=clock)
    clock = None if other.clock is None else clocks.resumed(other.clock)
    free = other._replace(version=other.version + 1, merged=None, clock=clock)
    return _both(CaseMergeUndoneV1, before, free, command, now)


def split(case: Case, chosen: Sequence[Membership], new_id: str, command: DivideCaseV1, *, now: datetime) -> Result:
    """Make `chosen`, reports of the case, a case of their own with the id `new_id`: at the same service, as far along,
    as urgent and with the same deadline, since nobody knows which report made the case urgent. Suspects stay."""
    refusal = _not_standing(case, command.version)
    if refusal is not None:
        return refusal
    tally = Counter(each.category for each in chosen)
    left = less(case.tally, tally)
    if not left:
        return Refusal(RefusalCode.CASE_WITHOUT_REPORTS, {})
    first = {each.category: None for each in chosen}
    new = case._replace(
        case_id=new_id,
        number=None,
        version=1,
        category=max(first, key=tally.__getitem__),
        received_on=min(each.received_on for each in chosen),
        opened_at=now,
        tally={category: tally[category] for category in first},
        split_from=case.case_id,
        opened_as=None,
    )
    smaller = case._replace(version=case.version + 1, tally=left)
    report_ids = tuple(each.report_id for each in chosen)
    return _both(CaseSplitV1, smaller, new, command, now, report_ids=report_ids)


def undo_split(kept: Whole, other: Whole, command: UndoRegroupingV1, *, now: datetime, workdays: Workdays) -> Result:
    """Merge `other`, which was split off `kept`, back into it; refused as a merge is."""
    refusal = _not_standing(kept.case, command.version) or _not_standing(other.case, None)
    if refusal is not None:
        return refusal
    if other.case.split_from != kept.case.case_id:
        return Refusal(RefusalCode.NOTHING_TO_UNDO, {"case_id": other.case.case_id})
    return _merged(CaseSplitUndoneV1, kept, other, command, now, workdays=workdays)


def reopen(case: Case, command: ReopenCaseV1, *, now: datetime) -> Result:
    """Open a closed case again, where it stood; its clock starts anew (`clocks.after`). One without reports stays."""
    refusal = _stale(case, command.version) or _merged_away(case)
    if refusal is not None:
        return refusal
    if case.state is not CaseState.CLOSED:
        return Refusal(RefusalCode.CASE_NOT_CLOSED, {"state": case.state.value})
    if not case.tally:
        return Refusal(RefusalCode.CASE_WITHOUT_REPORTS, {})
    closing = case.closing
    state = CaseState.ACCEPTED if closing is None else closing.state
    opened = case._replace(version=case.version + 1, state=state, result=None, closing=None)
    event = CaseReopenedV1(
        **_acted(opened, command, now),
        state=state,
        closed_at=None if closing is None else closing.at,
        closed_as=None if closing is None else closing.category,
    )
    return (Said(opened, event),)


def less(tally: Mapping[Category, int], lost: Mapping[Category, int]) -> dict[Category, int]:
    """A tally without the reports of another; what falls to nothing is left out."""
    left = {category: count - lost.get(category, 0) for category, count in tally.items()}
    return {category: count for category, count in left.items() if count > 0}


def together(tallies: Iterable[Mapping[Category, int]]) -> dict[Category, int]:
    """Tallies added up, the categories in the order in which they come."""
    total: dict[Category, int] = {}
    for tally in tallies:
        for category, count in tally.items():
            total[category] = total.get(category, 0) + count
    return total


def _not_standing(case: Case, version: int | None) -> Refusal | None:
    """What forbids to regroup a case: it is merged, it has changed, or it is closed."""
    if case.state is CaseState.CLOSED and case.merged is None:
        return Refusal(RefusalCode.CASE_CLOSED, {"case_id": case.case_id})
    return _merged_away(case) or _stale(case, version)


def _merged_away(case: Case) -> Refusal | None:
    return None if case.merged is None else Refusal(RefusalCode.CASE_MERGED, {"case_id": case.merged.into})


def _stale(case: Case, version: int | None) -> Refusal | None:
    if version is None or version == case.version:
        return None
    return Refusal(RefusalCode.STALE_VERSION, {"case_id": case.case_id, "version": case.version})


def _merged(
    type_: type[CaseMergedV1 | CaseSplitUndoneV1],
    kept: Whole,
    other: Whole,
    command: MergeCasesV1 | UndoRegroupingV1,
    now: datetime,
    *,
    workdays: Workdays,
) -> Result:
    stays, goes = kept.case, other.case
    if stays.case_id == goes.case_id:
        return Refusal(RefusalCode.SAME_CASE, {})
    if RANK[goes.state] > RANK[stays.state]:
        return Refusal(RefusalCode.OTHER_IS_FURTHER, {"state": stays.state.value, "other_state": goes.state.value})
    both = kept.suspects & other.suspects
    if both:
        return Refusal(RefusalCode.SUSPECT_IN_BOTH, {"suspect_refs": sorted(both)})
    grown = stays._replace(
        version=stays.version + 1,
        urgency=max(stays.urgency, goes.urgency),
        received_on=min(stays.received_on, goes.received_on),
        tally=together((stays.tally, goes.tally)),
    )
    grown = _with_stricter_clock(clocks.after(stays, grown, now, workdays), goes)
    gone = goes._replace(
        version=goes.version + 1,
        merged=Merged(stays.case_id, grown.version, stays.urgency, stays.received_on, stays.clock),
        clock=None if goes.clock is None else clocks.stopped(goes.clock),
    )
    return _both(type_, grown, gone, command, now)


def _with_stricter_clock(case: Case, other: Case) -> Case:
    mine, theirs = case.clock, other.clock
    if mine is None or theirs is None or mine.kind is not theirs.kind or mine.due_at <= theirs.due_at:
        return case
    return case._replace(clock=theirs)


def _both(
    type_: type[CaseMergedV1 | CaseMergeUndoneV1 | CaseSplitV1 | CaseSplitUndoneV1],
    kept: Case,
    other: Case,
    command: MergeCasesV1 | UndoRegroupingV1 | DivideCaseV1,
    now: datetime,
    **further: Any,
) -> tuple[Said, ...]:
    """What is said of the case that stays and of the other one, in this order."""
    of_other = {
        "reports": other.reports,
        "opened_at": other.opened_at,
        "opened_as": other.opened_as or other.category,
        **further,
    }
    sides = ((kept, other, CasePart.KEPT), (other, kept, CasePart.OTHER))
    return tuple(
        Said(
            case,
            type_(
                **_acted(case, command, now),
                part=part,
                other_case_id=across.case_id,
                state=case.state,
                **of_other,
            ),
        )
        for case, across, part in sides
    )


def _acted(case: Case, command: Command, now: datetime) -> dict[str, Any]:
    return case.told(now) | {"actor": command.actor, "reason": command.reason}
