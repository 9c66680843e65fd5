"""What a batch of events makes of the cases: the pure core between gathering rows and writing them.

In: a batch as `work.read` sorted it, which says which rows are needed, and these as a `Snapshot`. Out: `decide` gives
a `Decided`: the effects to publish and the rows to write, each row once, whatever the batch did to it. Events are taken
in the order of the batch, in which the outbox keeps their effects, so versions of a case rise in the log.
"""

from collections import ChainMap
from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from ibalagh.events.cases import CaseLeftV1
from ibalagh.events.commands import ActOnCaseV1, ActOnCaseV2, CheckClockV1, ReopenCaseV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect, effects, effects_of_types
from ibalagh.events.registry import type_of
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.events.vocabulary import Category, Disposition, SuspectState
from services.referral import clocks, lifecycle, linking, membership, rearranging
from services.referral.competence import Competence
from services.referral.decided import Answer, Claim, Decided, Snapshot
from services.referral.history import Entry, departure, entry_of
from services.referral.membership import Change
from services.referral.model import SOURCE, Case, Membership
from services.referral.rearranging import Pair, Rows, root_of
from services.referral.referred import ReferredReport
from services.referral.work import ReportWork, Work
from services.referral.workdays import Workdays

_RARE: Final = slice(Case._fields.index("merged"), None)
"""The fields of a case that hardly any change concerns, and that are written by a statement of their own."""


def decide(work: Work, snapshot: Snapshot, *, now: datetime, competence: Competence, workdays: Workdays) -> Decided:
    """The effects and the rows of a batch. `now` aware, UTC."""
    ledger = _Ledger(work, snapshot, now, competence, workdays)
    for step in work.steps:
        if isinstance(step, ReportWork):
            ledger.take_report(step)
        elif isinstance(step.data, CheckClockV1):
            ledger.take_check(step, step.data)
        elif isinstance(step.data, rearranging.COMMANDS):
            ledger.take_regrouping(step, step.data)
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
        self._merged = self._merged_cases()
        self._plan = self._planned(work.reports)
        self._claims = dict(self._plan.claims)
        self._successors: dict[str, str] = {}
        self._effects: list[Event[Data]] = []
        self._changed_suspects: dict[tuple[str, str], SuspectState] = {}
        self._history: list[Entry] = []
        self._answers: list[Answer] = []
        self._marked: set[str] = set()
        self._proposals: dict[Pair, str] = {}

    def take_report(self, work: ReportWork) -> None:
        """A report was referred, or reviewed again: place it, move it, or take it out of its case."""
        known = self._memberships.get(work.report_id)
        if known is not None and known.version >= work.version:
            return
        if known is not None and known.case_id is not None:
            if work.review is not None:
                self._review(work.event, work.review, known, known.case_id)
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
        known = rearranging.suspects_of(self._rows(event.id), case.case_id)
        states = {reference: state for reference, (_, state) in known.items()}
        step = lifecycle.act(case, states, command, now=self._now, competence=self._competence)
        if isinstance(step, lifecycle.Refusal):
            self._answers.append(Answer(event.id, step.code, step.detail))
            return
        if step.suspect is not None:
            reference, state = step.suspect
            home = known[reference][0] if reference in known else case.case_id
            self._suspects.setdefault(home, {})[reference] = state
            self._changed_suspects[home, reference] = state
        self._say(event, Change(step.case, step.events))
        self._history += map(entry_of, step.events)
        allowed = [each.value for each in lifecycle.ALLOWED[step.case.state]]
        detail = {"case_id": case.case_id, "version": step.case.version, "state": step.case.state, "allowed": allowed}
        self._answers.append(Answer(event.id, None, detail))

    def take_regrouping(self, event: Event[Data], command: rearranging.Command) -> None:
        """A person merges or splits cases, undoes that, or opens a closed one again."""
        if event.id in self._answered:
            return
        self._answered.add(event.id)
        result = rearranging.rearrange(command, event.id, self._rows(event.id), now=self._now, workdays=self._workdays)
        if isinstance(result, lifecycle.Refusal):
            self._answers.append(Answer(event.id, result.code, result.detail))
            return
        if result.waits is not None:
            self._proposals[result.waits] = command.actor
        for number, (case, data) in enumerate(result.said):
            before = self._cases.get(case.case_id)
            if before is not None and isinstance(command, ReopenCaseV1):
                self._cases[case.case_id] = clocks.after(before, case, self._now, self._workdays)
            else:
                self._cases[case.case_id] = case
            self._marked.add(case.case_id)
            self._effects.append(effect(event, data, source=SOURCE, subject=case.case_id, number=number, now=self._now))
        self._cases.update((case.case_id, case) for case in result.others)
        self._merged = self._merged_cases()
        self._memberships.update((report.report_id, report) for report in result.memberships)
        self._claims.update(result.claims)
        self._history += result.history
        cases = [case.case_id for case, _ in result.said]
        waits = {"waits_for_second_person": True} if result.waits is not None else {}
        case = self._cases[command.case_id]
        detail = {"case_id": case.case_id, "version": case.version, "state": case.state, "cases": cases, **waits}
        self._answers.append(Answer(event.id, None, detail))

    def take_check(self, event: Event[Data], check: CheckClockV1) -> None:
        """The timer asked to look at a clock; one that has stopped or was started again since has nothing to say."""
        case = self._cases.get(check.case_id)
        clock = None if case is None else case.clock
        if (
            case is None
            or case.merged is not None
            or clock is None
            or (clock.kind, clock.started_at) != (check.clock, check.started_at)
        ):
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
            [self._cases[case_id] for case_id in sorted(self._marked)],
            [(*pair, actor) for pair, actor in sorted(self._proposals.items())],
        )

    def _rows(self, command_id: str) -> Rows:
        known = self._snapshot
        return Rows(
            self._cases,
            self._merged,
            self._memberships,
            self._suspects,
            ChainMap(self._claims, cast(dict[str, str], known.owners)),
            ChainMap(self._proposals, cast(dict[Pair, str], known.proposals)),
            known.staying.get(command_id, frozenset()),
        )

    def _merged_cases(self) -> list[str]:
        return [case_id for case_id, case in self._cases.items() if case.merged is not None]

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
        owners = self._snapshot.owners
        if self._merged:
            owners = {key: root_of(self._cases, owner) for key, owner in owners.items()}
        return linking.plan(list(applicants.values()), owners, opened)

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
            report.report_id,
            case_id,
            report.version,
            joined_version,
            report.category,
            report.received_on,
            now,
            report.keys,
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
        if planned is not None and self._may_take(root := root_of(self._cases, planned)):
            return root
        own = linking.case_id_for(report.report_id, report.version)
        target = own if planned is None else self._successors.setdefault(planned, own)
        for key in report.keys:
            owner = self._owner(key)
            if owner is None or not self._may_take(root_of(self._cases, owner)):
                self._claims[key] = target
        return target

    def _owner(self, key: str) -> str | None:
        return self._claims.get(key) or self._snapshot.owners.get(key)

    def _open_owner(self, keys: tuple[str, ...]) -> str | None:
        """The first open case that owns one of the keys: for a report that left and came back within the batch."""
        owners = [root_of(self._cases, owner) for key in keys if (owner := self._owner(key)) is not None]
        return next(filter(self._may_take, owners), None)

    def _may_take(self, case_id: str) -> bool:
        """Whether a report may be put there: the case is open, or is about to be opened by that report."""
        case = self._cases.get(case_id)
        return case is None or case.is_open

    def _review(self, event: Event[Data], data: ReportReviewedV1, known: Membership, home: str) -> None:
        now, decision = self._now, data.decision
        *merged, standing = rearranging.chain(self._cases, home)
        case = self._cases[standing]
        if decision.disposition is not Disposition.REFER:  # dismissed, or taken back and before a person again
            change = membership.left(case, data, known.category, now=now)
            self._memberships[data.report_id] = known._replace(version=data.version, case_id=None)
            self._history += departure(cast(CaseLeftV1, change.events[0]), self._cases[home], known)
            self._history += map(entry_of, change.events[1:])
            self._recount(merged, lost=known.category)
            self._say(event, change)
            return
        self._memberships[data.report_id] = known._replace(version=data.version, category=decision.category)
        if decision.category is known.category and decision.organisation == data.previous.organisation:
            return
        change = membership.reclassified(case, data, known.category, now=now, competence=self._competence)
        self._recount(merged, lost=known.category, gained=decision.category)
        self._history += map(entry_of, change.events)
        self._say(event, change)

    def _recount(self, merged: Sequence[str], *, lost: Category, gained: Category | None = None) -> None:
        """The merged cases that a report is counted in too, for an undo."""
        for case_id in merged:
            case = self._cases[case_id]
            self._cases[case_id] = case._replace(tally=membership.recounted(case.tally, lost=lost, gained=gained))

    def _say(self, cause: Event[Data], change: Change) -> None:
        case_id, now = change.case.case_id, self._now
        before = self._cases[case_id]
        if change.case[_RARE] != before[_RARE]:
            self._marked.add(case_id)
        self._cases[case_id] = clocks.after(self._cases[case_id], change.case, now, self._workdays)
        self._effects += effects(cause, change.events, source=SOURCE, subject=case_id, now=now)
