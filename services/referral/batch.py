"""What a batch of events makes of the cases: the pure core between gathering rows and writing them.

In: a batch as `work.read` sorted it, which says which rows are needed, and these as a `Snapshot`. Out: `decide` gives
a `Decided`: the effects to publish and the rows to write, each row once, whatever the batch did to it. Events are taken
in the order of the batch, in which the outbox keeps their effects, so versions of a case rise in the log.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from ibalagh.events.cases import CaseLeftV1
from ibalagh.events.commands import ActOnCaseV1, ActOnCaseV2, CheckClockV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effects, effects_of_types
from ibalagh.events.registry import type_of
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.events.vocabulary import Disposition, SuspectState
from services.referral import clocks, lifecycle, linking, membership
from services.referral.competence import Competence
from services.referral.history import Entry, departure, entry_of
from services.referral.membership import Change
from services.referral.model import SOURCE, Case, Membership
from services.referral.referred import ReferredReport
from services.referral.work import ReportWork, Work
from services.referral.workdays import Workdays


class Snapshot(NamedTuple):
    """The rows that a batch touches, its cases locked. By report id, case id, key, case id and reference."""

    memberships: Mapping[str, Membership]
    cases: Mapping[str, Case]
    owners: Mapping[str, str]
    suspects: Mapping[str, Mapping[str, SuspectState]]
    answered: Collection[str]


class Answer(NamedTuple):
    """How a command ended; `code` is None when it was applied."""

    command_id: str
    code: str | None
    detail: Mapping[str, Any]


class Claim(NamedTuple):
    """A key for a case; `previous` is the closed case that had it, None for a key that was never seen."""

    key: str
    case_id: str
    previous: str | None


class Decided(NamedTuple):
    """What to publish and what to write."""

    effects: Sequence[Event[Data]]
    new_cases: Sequence[Case]
    changed_cases: Sequence[Case]
    claims: Sequence[Claim]
    new_memberships: Sequence[Membership]
    changed_memberships: Sequence[Membership]
    suspects: Sequence[tuple[str, str, SuspectState]]
    history: Sequence[Entry]
    answers: Sequence[Answer]


def decide(work: Work, snapshot: Snapshot, *, now: datetime, competence: Competence, workdays: Workdays) -> Decided:
    """The effects and the rows of a batch. `now` aware, UTC."""
    ledger = _Ledger(work, snapshot, now, competence, workdays)
    for step in work.steps:
        if isinstance(step, ReportWork):
            ledger.take_report(step)
        elif isinstance(step.data, CheckClockV1):
            ledger.take_check(step, step.data)
        else:
            ledger.take_action(step)
    return ledger.decided()


class _Ledger:
    """The rows as the batch has changed them so far."""

    def __init__(
        self, work: Work, snapshot: Snapshot, now: datetime, competence: Competence, workdays: Workdays
    ) -> None:
        self._snapshot = snapshot
        self._now = now
        self._competence = competence
        self._workdays = workdays
        self._cases = dict(snapshot.cases)
        self._memberships = dict(snapshot.memberships)
        self._suspects = {case_id: dict(suspects) for case_id, suspects in snapshot.suspects.items()}
        self._answered = set(snapshot.answered)
        self._plan = self._planned(work.reports)
        self._claims = dict(self._plan.claims)
        self._successors: dict[str, str] = {}
        self._effects: list[Event[Data]] = []
        self._changed_suspects: dict[tuple[str, str], SuspectState] = {}
        self._history: list[Entry] = []
        self._answers: list[Answer] = []

    def take_report(self, work: ReportWork) -> None:
        """A report was referred, or reviewed again: place it, move it, or take it out of its case."""
        known = self._memberships.get(work.report_id)
        if known is not None and known.version >= work.version:
            return
        if known is not None and known.case_id is not None:
            if work.review is not None:
                self._review(work.event, work.review, known, self._cases[known.case_id])
        elif work.referred is not None:
            self._place(work.event, work.referred)

    def take_action(self, event: Event[Data]) -> None:
        """A person acted on a case; a command that was answered before is not handled again."""
        if event.id in self._answered:
            return
        self._answered.add(event.id)
        command = lifecycle.current(cast(ActOnCaseV1 | ActOnCaseV2, event.data))
        case = self._cases.get(command.case_id)
        if case is None:
            self._answers.append(Answer(event.id, lifecycle.RefusalCode.UNKNOWN_CASE, {}))
            return
        suspects = self._suspects.setdefault(case.case_id, {})
        step = lifecycle.act(case, suspects, command, now=self._now, competence=self._competence)
        if isinstance(step, lifecycle.Refusal):
            self._answers.append(Answer(event.id, step.code, step.detail))
            return
        if step.suspect is not None:
            reference, state = step.suspect
            suspects[reference] = state
            self._changed_suspects[case.case_id, reference] = state
        self._say(event, Change(step.case, step.events))
        self._history += map(entry_of, step.events)
        allowed = [each.value for each in lifecycle.ALLOWED[step.case.state]]
        detail = {"case_id": case.case_id, "version": step.case.version, "state": step.case.state, "allowed": allowed}
        self._answers.append(Answer(event.id, None, detail))

    def take_check(self, event: Event[Data], check: CheckClockV1) -> None:
        """The timer asked to look at a clock; one that has stopped or was started again since has nothing to say."""
        case = self._cases.get(check.case_id)
        clock = None if case is None else case.clock
        if case is None or clock is None or (clock.kind, clock.started_at) != (check.clock, check.started_at):
            return
        case, events = clocks.struck(case, self._now)
        if events:
            self._say(event, Change(case, events))
            self._history += map(entry_of, events)

    def decided(self) -> Decided:
        """Everything, each row once; what upserts touch is sorted, so that two workers never wait for each other."""
        before, before_memberships = self._snapshot.cases, self._snapshot.memberships
        owners = self._snapshot.owners
        changed = [each for key, each in self._cases.items() if key in before and each is not before[key]]
        memberships = self._memberships.items()
        return Decided(
            self._effects,
            [each for key, each in self._cases.items() if key not in before],
            sorted(changed),
            [Claim(key, case_id, owners.get(key)) for key, case_id in sorted(self._claims.items())],
            [each for key, each in memberships if key not in before_memberships],
            sorted(
                each for key, each in memberships if key in before_memberships and each is not before_memberships[key]
            ),
            [(*key, state) for key, state in sorted(self._changed_suspects.items())],
            self._history,
            self._answers,
        )

    def _planned(self, reports: Sequence[ReportWork]) -> linking.Plan:
        applicants: dict[str, linking.Applicant] = {}
        memberships = self._memberships
        for _, report_id, version, referred, _ in reports:
            if referred is None or report_id in applicants:
                continue
            known = memberships.get(report_id)
            if known is None or (known.case_id is None and known.version < version):
                applicants[report_id] = linking.Applicant(report_id, version, referred.keys)
        opened = {case.case_id: case.number or 0 for case in self._snapshot.cases.values() if case.is_open}
        return linking.plan(list(applicants.values()), self._snapshot.owners, opened)

    def _place(self, event: Event[Data], report: ReferredReport) -> None:
        now = self._now
        case_id = self._target(report)
        case = self._cases.get(case_id)
        if case is None:
            growth = membership.opened(
                report, case_id=case_id, now=now, competence=self._competence, workdays=self._workdays
            )
            joined_version = 1
        else:
            shared = self._plan.shared
            joined_by = [form for form, key in zip(report.indicators, report.keys, strict=True) if key in shared]
            growth = membership.joined(case, report, joined_by=joined_by, now=now)
            if growth.case.urgency > case.urgency:
                growth = growth._replace(case=clocks.after(case, growth.case, now, self._workdays))
            joined_version = growth.case.version
            if report.province != case.province:
                growth = self._crossed(growth, report)
        self._cases[case_id] = growth.case
        self._effects += effects_of_types(event, growth.said, source=SOURCE, subject=case_id, now=now)
        self._memberships[report.report_id] = Membership(
            report.report_id, case_id, report.version, joined_version, report.category, report.received_on, now
        )

    def _crossed(self, growth: membership.Growth, report: ReferredReport) -> membership.Growth:
        """The case that a report of another place has joined, where that makes another service competent."""
        change = membership.crossed(growth.case, report, now=self._now, competence=self._competence)
        if change is None:
            return growth
        self._history += map(entry_of, change.events)
        case = clocks.after(growth.case, change.case, self._now, self._workdays)
        return membership.Growth(case, (*growth.said, *[(type_of(type(each)), each) for each in change.events]))

    def _target(self, report: ReferredReport) -> str:
        """The planned case; where that closed within this very batch, the one that follows it."""
        planned = self._plan.case_of.get(report.report_id) or self._open_owner(report.keys)
        if planned is not None and self._may_take(planned):
            return planned
        own = linking.case_id_for(report.report_id, report.version)
        target = own if planned is None else self._successors.setdefault(planned, own)
        for key in report.keys:
            owner = self._owner(key)
            if owner is None or not self._may_take(owner):
                self._claims[key] = target
        return target

    def _owner(self, key: str) -> str | None:
        return self._claims.get(key) or self._snapshot.owners.get(key)

    def _open_owner(self, keys: tuple[str, ...]) -> str | None:
        """The first open case that owns one of the keys: for a report that left and came back within the batch."""
        owners = [owner for key in keys if (owner := self._owner(key)) is not None and self._may_take(owner)]
        return owners[0] if owners else None

    def _may_take(self, case_id: str) -> bool:
        """Whether a report may be put there: the case is open, or is about to be opened by that report."""
        case = self._cases.get(case_id)
        return case is None or case.is_open

    def _review(self, event: Event[Data], data: ReportReviewedV1, known: Membership, case: Case) -> None:
        now, decision = self._now, data.decision
        if decision.disposition is not Disposition.REFER:  # dismissed, or taken back and before a person again
            change = membership.left(case, data, known.category, now=now)
            self._memberships[data.report_id] = known._replace(version=data.version, case_id=None)
            self._history += departure(cast(CaseLeftV1, change.events[0]), known)
            self._history += map(entry_of, change.events[1:])
            self._say(event, change)
            return
        self._memberships[data.report_id] = known._replace(version=data.version, category=decision.category)
        if decision.category is known.category and decision.organisation == data.previous.organisation:
            return
        change = membership.reclassified(case, data, known.category, now=now, competence=self._competence)
        self._history += map(entry_of, change.events)
        self._say(event, change)

    def _say(self, cause: Event[Data], change: Change) -> None:
        case_id, now = change.case.case_id, self._now
        self._cases[case_id] = clocks.after(self._cases[case_id], change.case, now, self._workdays)
        self._effects += effects(cause, change.events, source=SOURCE, subject=case_id, now=now)
