"""What a command to regroup cases makes of the rows at hand: between `batch`, which keeps them, and `regrouping`. Pure.

In: a command, the rows as the batch has changed them so far. Out: a `Rearranged` or a refusal. A command that is known
as `waits` needs a second person first: a merge across two services takes the case from one of them.
"""

from collections.abc import Collection, Iterable, Mapping, Set
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.events.commands import DivideCaseV1, MergeCasesV1, ReopenCaseV1, UndoRegroupingV1
from ibalagh.events.envelope import derived_id
from ibalagh.events.vocabulary import SuspectState
from services.referral import regrouping
from services.referral.history import Entry, entry_of, kept_arrival
from services.referral.lifecycle import Refusal, RefusalCode
from services.referral.membership import recounted
from services.referral.model import Case, Membership
from services.referral.regrouping import Said, Whole
from services.referral.workdays import Workdays

COMMANDS: Final = (MergeCasesV1, DivideCaseV1, UndoRegroupingV1, ReopenCaseV1)
Command = MergeCasesV1 | DivideCaseV1 | UndoRegroupingV1 | ReopenCaseV1
Pair = tuple[str, str]
"""A case that stays, and one that somebody proposes to merge into it."""


class Rows(NamedTuple):
    """The rows of cases (`merged`: the ids of those that are), reports and suspects, by id; suspects by the case that
    they were identified in. `proposals`: who proposed a merge across services. `staying`: keys that reports of the case
    carry which a split leaves there."""

    cases: Mapping[str, Case]
    merged: Collection[str]
    memberships: Mapping[str, Membership]
    suspects: Mapping[str, Mapping[str, SuspectState]]
    owners: Mapping[str, str]
    proposals: Mapping[Pair, str]
    staying: Set[str]


class Rearranged(NamedTuple):
    """What a command changes: `said` in order, with the cases that are said to have changed; `others` changed without a
    word of their own; reports that moved; keys for another case; what to keep of the past; a proposal to remember."""

    said: tuple[Said, ...] = ()
    others: tuple[Case, ...] = ()
    memberships: tuple[Membership, ...] = ()
    claims: Mapping[str, str] = {}
    history: tuple[Entry, ...] = ()
    waits: Pair | None = None


def root_of(cases: Mapping[str, Case], case_id: str) -> str:
    """The case that is meant where this one is named: itself, or the one that it is merged into in the end."""
    return chain(cases, case_id)[-1]


def chain(cases: Mapping[str, Case], case_id: str) -> list[str]:
    """A case, the one that it is merged into, and so on up to the one that stands."""
    steps = [case_id]
    while (case := cases.get(steps[-1])) is not None and case.merged is not None:
        steps.append(case.merged.into)
    return steps


def suspects_of(rows: Rows, case_id: str) -> dict[str, tuple[str, SuspectState]]:
    """The suspects of a case and of those merged into it, by reference: the case of their row, and their state."""
    homes = [case_id, *(each for each in rows.merged if each != case_id and case_id in chain(rows.cases, each))]
    return {reference: (home, state) for home in homes for reference, state in rows.suspects.get(home, {}).items()}


def rearrange(
    command: Command, command_id: str, rows: Rows, *, now: datetime, workdays: Workdays
) -> Rearranged | Refusal:
    """What a command makes of the rows."""
    case = rows.cases.get(command.case_id)
    if case is None:
        return Refusal(RefusalCode.UNKNOWN_CASE, {})
    if isinstance(command, ReopenCaseV1):
        return _told(regrouping.reopen(case, command, now=now))
    if isinstance(command, DivideCaseV1):
        return _split(case, command, command_id, rows, now)
    other = rows.cases.get(command.other_case_id)
    if other is None:
        return Refusal(RefusalCode.UNKNOWN_CASE, {})
    if isinstance(command, UndoRegroupingV1) and other.merged is not None:
        return _told(regrouping.undo_merge(case, other, command, now=now))
    return _together(case, other, command, rows, now=now, workdays=workdays)


def _together(
    case: Case,
    other: Case,
    command: MergeCasesV1 | UndoRegroupingV1,
    rows: Rows,
    *,
    now: datetime,
    workdays: Workdays,
) -> Rearranged | Refusal:
    kept, gone = (Whole(each, frozenset(suspects_of(rows, each.case_id))) for each in (case, other))
    if isinstance(command, UndoRegroupingV1):
        return _told(regrouping.undo_split(kept, gone, command, now=now, workdays=workdays))
    result = regrouping.merge(kept, gone, command, now=now, workdays=workdays)
    pair = (case.case_id, other.case_id)
    if not isinstance(result, Refusal) and _needs_second(case, other, rows.proposals.get(pair), command.actor):
        return Rearranged(waits=pair)
    return _told(result)


def _needs_second(case: Case, other: Case, proposed_by: str | None, actor: str) -> bool:
    return regrouping.needs_second_person(case, other) and proposed_by in (None, actor)


def _told(result: regrouping.Result) -> Rearranged | Refusal:
    if isinstance(result, Refusal):
        return result
    return Rearranged(result, history=tuple(entry_of(each.event) for each in result))


def _split(case: Case, command: DivideCaseV1, command_id: str, rows: Rows, now: datetime) -> Rearranged | Refusal:
    chosen = [rows.memberships.get(each) for each in dict.fromkeys(command.report_ids)]
    mine = [each for each in chosen if each is not None and _root(each, rows) == case.case_id]
    if len(mine) < len(chosen):
        return Refusal(RefusalCode.REPORT_NOT_IN_CASE, {"missing": len(chosen) - len(mine)})
    new_id = derived_id(command_id, "case", case.case_id)
    result = regrouping.split(case, mine, new_id, command, now=now)
    if isinstance(result, Refusal):
        return result
    going = {each.report_id for each in mine}
    staying = set(rows.staying).union(
        *(
            each.keys
            for each in rows.memberships.values()
            if each.report_id not in going and _root(each, rows) == case.case_id
        )
    )
    keys = {key for each in mine for key in each.keys} - staying
    claims = {key: new_id for key in keys if root_of(rows.cases, rows.owners.get(key, "")) == case.case_id}
    arrivals = [entry for each in mine for entry in kept_arrival(rows.cases[each.case_id or ""], each)]
    return Rearranged(
        result,
        tuple(_without(rows.cases, mine, case.case_id)),
        tuple(each._replace(case_id=new_id, joined_version=1, joined_at=now) for each in mine),
        claims,
        (*arrivals, *(entry_of(each.event) for each in result)),
    )


def _root(report: Membership, rows: Rows) -> str | None:
    return None if report.case_id is None else root_of(rows.cases, report.case_id)


def _without(cases: Mapping[str, Case], going: Iterable[Membership], root: str) -> list[Case]:
    """The merged cases on the way from the reports' rows to the case that stands, each without those of its reports."""
    changed: dict[str, Case] = {}
    for report in going:
        for case_id in chain(cases, report.case_id or root)[:-1]:
            case = changed.get(case_id, cases[case_id])
            changed[case_id] = case._replace(tally=recounted(case.tally, lost=report.category))
    return list(changed.values())
