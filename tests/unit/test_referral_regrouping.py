"""Merging and splitting cases, undoing both, opening closed ones again: by example, and whatever the order."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ibalagh.events.cases import CaseMergedV1, CaseSplitV1
from ibalagh.events.commands import DivideCaseV1, MergeCasesV1, ReopenCaseV1, UndoRegroupingV1
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import CaseAction, CasePart, CaseResult, CaseState, Category, Disposition, Urgency
from services.referral.linking import key_of
from services.referral.model import Case
from services.referral.rearranging import root_of
from services.stats.counting import COUNTED, Measure, fold, moves_of
from tests.support.referral import NOW, action, check_of, command, decision, links, report_id, reviewed, triaged
from tests.support.referral import short_types as types
from tests.support.referral_world import World

BY = {"actor": "officer-1", "reason": "one seller under two names"}
CASABLANCA = "06.141"


def two_cases(**how: Any) -> tuple[World, Case, Case]:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x"))
    world.take(triaged("c", "y", **how))
    return world, world.case_of("a"), world.case_of("c")


def merge(kept: Case, other: Case, **fields: Any) -> MergeCasesV1:
    return MergeCasesV1(case_id=kept.case_id, other_case_id=other.case_id, **{**BY, **fields})


def undo(kept: Case, other: Case, **fields: Any) -> UndoRegroupingV1:
    return UndoRegroupingV1(case_id=kept.case_id, other_case_id=other.case_id, **{**BY, **fields})


def divide(case: Case, *names: str) -> DivideCaseV1:
    return DivideCaseV1(case_id=case.case_id, report_ids=tuple(report_id(name) for name in names), **BY)


def reopen(case: Case) -> ReopenCaseV1:
    return ReopenCaseV1(case_id=case.case_id, **BY)


def refused(world: World, data: Any) -> str | None:
    event = command(data)
    world.take(event)
    code: str | None = world.answers[event.id].code
    return code


def now_of(world: World, case: Case) -> Case:
    return world.snapshot.cases[case.case_id]


def counted(world: World) -> dict[Measure, int]:
    """What stats counts of all that was said, by measure."""
    cells = fold(
        (moves_of(each.type, COUNTED[each.type].view.model_validate(each.data.model_dump())), 1) for each in world.taken
    )
    assert all(count > 0 for count in cells.values())
    totals: Counter[Measure] = Counter()
    for cell, count in cells.items():
        totals[cell.measure] += count
    return totals


def without_versions(world: World) -> object:
    """Cases, reports and suspects, but for what an event must change."""
    cases = {case_id: case._replace(version=0) for case_id, case in world.snapshot.cases.items()}
    homes = {each.report_id: each.case_id for each in world.snapshot.memberships.values()}
    return cases, homes, world.snapshot.suspects, world.snapshot.owners


def test_a_merge_is_said_of_both_cases_and_the_survivor_holds_all_reports() -> None:
    world, kept, other = two_cases()
    decided = world.take(command(merge(kept, other)))
    assert types(decided.effects) == ["case.merged", "case.merged"]
    assert [each.subject for each in decided.effects] == [kept.case_id, other.case_id]
    assert [each.cause.number for each in decided.effects if each.cause] == [0, 1]
    parts = [each.data.part for each in decided.effects if isinstance(each.data, CaseMergedV1)]
    assert parts == [CasePart.KEPT, CasePart.OTHER]
    assert now_of(world, kept).reports == 3
    assert now_of(world, kept).version == kept.version + 1
    assert not now_of(world, other).is_open


def test_merge_and_undo_is_the_identity_on_reports_suspects_and_clocks() -> None:
    world, kept, other = two_cases(urgency=Urgency.HIGH)
    before = without_versions(world)
    world.take(command(merge(kept, other)))
    assert now_of(world, kept).urgency is Urgency.HIGH
    assert now_of(world, kept).clock != kept.clock
    decided = world.take(command(undo(kept, other)))
    assert types(decided.effects) == ["case.merge_undone", "case.merge_undone"]
    assert without_versions(world) == before


def test_no_merge_buys_time_and_a_survivor_to_which_something_happened_keeps_the_stricter_deadline() -> None:
    world, kept, other = two_cases(urgency=Urgency.IMMEDIATE)
    world.take(command(merge(kept, other)))
    clock = now_of(world, kept).clock
    assert clock is not None
    assert other.clock is not None
    assert clock.due_at == other.clock.due_at
    world.take(triaged("d", "y"))
    world.take(command(undo(kept, other)))
    assert now_of(world, kept).urgency is Urgency.IMMEDIATE
    assert now_of(world, kept).clock == clock


def test_the_clock_of_a_merged_case_stands_still_and_says_what_it_reached_after_an_undo() -> None:
    world, kept, other = two_cases()
    check = check_of(other)
    world.take(command(merge(kept, other)))
    world.now = NOW + timedelta(days=30)
    assert world.take(check).effects == []
    world.take(command(undo(kept, other)))
    assert types(world.take(check).effects) == ["case.clock_warned", "case.clock_escalated"]


def test_a_report_with_an_indicator_of_a_merged_case_joins_the_survivor_and_after_an_undo_the_case_itself() -> None:
    world, kept, other = two_cases()
    world.take(command(merge(kept, other)), triaged("same-batch", "y"))
    world.take(triaged("later", "y"))
    assert world.case_of("same-batch").case_id == world.case_of("later").case_id == kept.case_id
    world.take(command(undo(kept, other)))
    world.take(triaged("after", "y"))
    assert world.case_of("after").case_id == other.case_id


def test_a_review_of_a_merged_cases_report_is_said_of_the_survivor_and_holds_after_an_undo() -> None:
    world, kept, other = two_cases()
    world.take(triaged("d", "y"))
    world.take(command(merge(kept, other)))
    dismissed = decision(disposition=Disposition.DISMISS)
    decided = world.take(reviewed("d", **{"disposition": dismissed.disposition}))
    assert [(each.subject, each.type) for each in decided.effects] == [(kept.case_id, "ibalagh.case.left.v1")]
    assert now_of(world, kept).reports == 3
    world.take(reviewed("c", category=Category.SEXUAL_BLACKMAIL))
    world.take(command(undo(kept, other)))
    assert dict(now_of(world, other).tally) == {Category.SEXUAL_BLACKMAIL: 1}
    assert dict(now_of(world, kept).tally) == {Category.FRAUD: 2}


def test_a_case_merged_into_a_merged_one_is_led_to_the_one_that_stands() -> None:
    world, first, second = two_cases()
    world.take(triaged("z", "z"))
    third = world.case_of("z")
    world.take(command(merge(second, third)), command(merge(first, second)))
    world.take(triaged("late", "z"))
    assert world.case_of("late").case_id == first.case_id
    assert now_of(world, first).reports == 5
    assert refused(world, undo(second, third)) == "case_merged"


def test_suspects_of_a_merged_case_are_acted_on_in_the_survivor_and_go_back_with_it() -> None:
    world, kept, other = two_cases()
    for case, suspect in ((kept, "K-1"), (other, "O-1")):
        world.take(action(case.case_id, CaseAction.ACCEPT), action(case.case_id, CaseAction.OPEN_INVESTIGATION))
        world.take(action(case.case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref=suspect))
    world.take(command(merge(kept, other)))
    presented = action(kept.case_id, CaseAction.PRESENT_SUSPECT, suspect_ref="O-1")
    assert types(world.take(presented).effects) == ["suspect.presented"]
    assert refused_action(world, kept, CaseAction.IDENTIFY_SUSPECT, suspect_ref="O-1") == "suspect_already_identified"
    world.take(command(undo(kept, other)))
    assert world.snapshot.suspects[other.case_id] == {"O-1": "presented"}
    assert world.snapshot.suspects[kept.case_id] == {"K-1": "identified"}


def refused_action(world: World, case: Case, what: CaseAction, **fields: Any) -> str | None:
    event = action(case.case_id, what, **fields)
    world.take(event)
    code: str | None = world.answers[event.id].code
    return code


def test_illegal_merges_are_refused_with_the_reason() -> None:
    world, kept, other = two_cases()
    unknown = merge(kept, other).model_copy(update={"other_case_id": report_id("nobody")})
    assert refused(world, unknown) == "unknown_case"
    assert refused(world, merge(kept, kept)) == "same_case"
    assert refused(world, merge(kept, other, version=1)) == "stale_version"
    assert refused(world, merge(kept, other, other_version=1)) == "stale_version"
    assert refused(world, undo(kept, other)) == "nothing_to_undo"
    world.take(action(other.case_id, CaseAction.ACCEPT))
    assert refused(world, merge(kept, other)) == "other_is_further"
    world.take(action(kept.case_id, CaseAction.ACCEPT))
    world.take(command(merge(kept, other)))
    assert refused(world, merge(kept, other)) == "case_merged"
    assert refused_action(world, other, CaseAction.CLOSE, result=CaseResult.NO_EVIDENCE) == "case_merged"
    world.take(action(kept.case_id, CaseAction.CLOSE, result=CaseResult.NO_EVIDENCE))
    assert refused(world, undo(kept, other)) == "case_closed"


def test_one_suspect_reference_in_both_cases_is_refused_since_nobody_could_tell_them_apart() -> None:
    world, kept, other = two_cases()
    for case in (kept, other):
        world.take(action(case.case_id, CaseAction.ACCEPT), action(case.case_id, CaseAction.OPEN_INVESTIGATION))
        world.take(action(case.case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref="S-1"))
    assert refused(world, merge(kept, other)) == "suspect_in_both"


def test_a_merge_across_services_needs_a_second_person_and_not_the_same_twice() -> None:
    world, kept, other = two_cases(province=CASABLANCA)
    assert kept.service != other.service
    event = command(merge(kept, other))
    assert world.take(event).effects == []
    assert world.answers[event.id].detail["waits_for_second_person"] is True
    assert world.take(command(merge(kept, other))).effects == []
    assert types(world.take(command(merge(kept, other, actor="officer-2"))).effects) == ["case.merged"] * 2


def test_a_repeated_command_is_handled_once() -> None:
    world, kept, other = two_cases()
    event = command(merge(kept, other))
    world.take(event)
    assert world.take(event).effects == []


def test_a_split_takes_its_reports_and_the_indicators_that_only_they_carry() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x", "mine"), triaged("c", "x", "mine"))
    case = world.case_of("a")
    decided = world.take(command(divide(case, "b", "c")))
    assert types(decided.effects) == ["case.split", "case.split"]
    new = world.case_of("b")
    assert new.case_id != case.case_id
    assert (new.reports, now_of(world, case).reports) == (2, 1)
    assert (new.state, new.service, new.clock, new.version) == (case.state, case.service, case.clock, 1)
    assert {claim.key for claim in decided.claims} == {key_of(links("mine")[0])}
    world.take(triaged("d", "mine"), triaged("e", "x"))
    assert world.case_of("d").case_id == new.case_id
    assert world.case_of("e").case_id == case.case_id
    split = [each.data for each in decided.effects if isinstance(each.data, CaseSplitV1)]
    assert {each.report_ids for each in split} == {(report_id("b"), report_id("c"))}


def test_undoing_a_split_leads_back_to_the_case_that_it_came_from() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x", "mine"))
    case = world.case_of("a")
    world.take(command(divide(case, "b")))
    new = world.case_of("b")
    decided = world.take(command(undo(case, new)))
    assert types(decided.effects) == ["case.split_undone", "case.split_undone"]
    assert now_of(world, case).reports == 2
    assert now_of(world, case)._replace(version=0) == case._replace(version=0)
    world.take(triaged("c", "mine"))
    assert world.case_of("c").case_id == case.case_id
    assert counted(world)[Measure.CASES_OPENED] == 1


def test_illegal_splits_are_refused_with_the_reason() -> None:
    world, case, other = two_cases()
    assert refused(world, divide(case, "a", "b")) == "case_without_reports"
    assert refused(world, divide(case, "c")) == "report_not_in_case"
    assert refused(world, divide(case, "nobody")) == "report_not_in_case"
    world.take(command(merge(case, other)))
    assert refused(world, divide(case, "c", "a")) is None
    assert refused(world, undo(case, other)) == "case_without_reports"


def test_a_closed_case_is_opened_again_where_it_stood_with_a_new_clock_and_counts_as_open() -> None:
    world, case, _ = two_cases()
    assert refused(world, reopen(case)) == "case_not_closed"
    world.take(action(case.case_id, CaseAction.ACCEPT))
    world.take(action(case.case_id, CaseAction.CLOSE, result=CaseResult.AUTHOR_UNKNOWN))
    assert counted(world)[Measure.CASES_CLOSED] == 1
    world.now = NOW + timedelta(days=3)
    decided = world.take(command(reopen(case)))
    assert types(decided.effects) == ["case.reopened"]
    opened = now_of(world, case)
    assert (opened.state, opened.result, opened.closing) == (CaseState.ACCEPTED, None, None)
    assert opened.clock is not None
    assert opened.clock.started_at == world.now
    assert Measure.CASES_CLOSED not in counted(world)


def test_a_case_that_its_last_report_left_is_not_opened_again() -> None:
    world, _, case = two_cases()
    world.take(reviewed("c", disposition=Disposition.DISMISS))
    assert now_of(world, case).state is CaseState.CLOSED
    assert refused(world, reopen(case)) == "case_without_reports"


def test_a_merged_case_counts_once_by_what_it_was_opened_as() -> None:
    world, kept, other = two_cases()
    world.take(reviewed("c", category=Category.SEXUAL_BLACKMAIL))
    world.take(command(merge(kept, other)))
    once = counted(world)
    assert (once[Measure.CASES_OPENED], once[Measure.CASES_REFERRED], once[Measure.REFERRED]) == (1, 1, 3)
    world.take(command(undo(kept, other)))
    assert counted(world)[Measure.CASES_OPENED] == 2


class Regrouped(RuleBasedStateMachine):
    """Reports, reviews, merges, splits and undoings in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.names: list[str] = []

    def _case(self, number: int) -> Case | None:
        cases = list(self.world.snapshot.cases.values())
        return cases[number % len(cases)] if cases else None

    @rule(link=st.sampled_from("uvwxyz"), own=st.booleans(), urgency=st.sampled_from(Urgency))
    def report(self, link: str, own: bool, urgency: Urgency) -> None:
        name = f"r{len(self.names)}"
        self.names.append(name)
        self.world.take(triaged(name, link, *([name] if own else []), urgency=urgency))

    @rule(number=st.integers(0, 99))
    def dismiss(self, number: int) -> None:
        if self.names:
            name = self.names[number % len(self.names)]
            self.world.take(reviewed(name, disposition=Disposition.DISMISS))

    @rule(number=st.integers(0, 99), what=st.sampled_from([CaseAction.ACCEPT, CaseAction.OPEN_INVESTIGATION]))
    def act(self, number: int, what: CaseAction) -> None:
        if case := self._case(number):
            self.world.take(action(case.case_id, what))

    @rule(number=st.integers(0, 99), reference=st.sampled_from(["S-1", "S-2", "S-3"]))
    def identify(self, number: int, reference: str) -> None:
        if case := self._case(number):
            self.world.take(action(case.case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref=reference))

    @rule(one=st.integers(0, 99), other=st.integers(0, 99))
    def merge_and_undo(self, one: int, other: int) -> None:
        kept, gone = self._case(one), self._case(other)
        if kept and gone:
            before = without_versions(self.world)
            event = command(merge(kept, gone))
            self.world.take(event)
            if self.world.answers[event.id].code is None:
                assert refused(self.world, undo(kept, gone)) is None
                assert without_versions(self.world) == before

    @rule(one=st.integers(0, 99), other=st.integers(0, 99))
    def merge(self, one: int, other: int) -> None:
        kept, gone = self._case(one), self._case(other)
        if kept and gone:
            self.world.take(command(merge(kept, gone)))

    @rule(one=st.integers(0, 99), other=st.integers(0, 99))
    def undo(self, one: int, other: int) -> None:
        kept, gone = self._case(one), self._case(other)
        if kept and gone:
            self.world.take(command(undo(kept, gone)))

    @rule(number=st.integers(0, 99), chosen=st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True))
    def split(self, number: int, chosen: list[int]) -> None:
        case = self._case(number)
        if case and self.names:
            self.world.take(command(divide(case, *(self.names[each % len(self.names)] for each in chosen))))

    @invariant()
    def every_report_is_counted_in_the_case_that_stands_and_in_no_other(self) -> None:
        cases = self.world.snapshot.cases
        held: dict[str, Counter[Category]] = {case_id: Counter() for case_id in cases}
        for report in self.world.snapshot.memberships.values():
            if report.case_id is not None:
                held[root_of(cases, report.case_id)][report.category] += 1
        for case_id, case in cases.items():
            if case.merged is None:
                assert dict(case.tally) == dict(held[case_id])

    @invariant()
    def stats_count_each_case_that_stands_once_and_each_report_and_suspect_once(self) -> None:
        totals = counted(self.world)
        standing = [case for case in self.world.snapshot.cases.values() if case.merged is None]
        assert totals.get(Measure.CASES_OPENED, 0) == len(standing)
        assert totals.get(Measure.CASES_REFERRED, 0) == len(standing)
        placed = [each for each in self.world.snapshot.memberships.values() if each.case_id is not None]
        assert totals.get(Measure.REFERRED, 0) == len(placed)
        suspects = sum(len(each) for each in self.world.snapshot.suspects.values())
        assert totals.get(Measure.SUSPECTS_IDENTIFIED, 0) == suspects

    @invariant()
    def versions_of_a_case_rise_by_one(self) -> None:
        said: dict[str, int] = {}
        for event in self.world.taken:
            version: int = event.data.version  # type: ignore[attr-defined]
            assert version == said.get(event.subject, 0) + 1, event.type
            said[event.subject] = version

    @invariant()
    def entries_of_the_past_are_one_a_version(self) -> None:
        places = [(each.case_id, each.version) for each in self.world.history]
        assert len(places) == len(set(places))


TestRegrouped = Regrouped.TestCase
TestRegrouped.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("model", [CaseMergedV1, CaseSplitV1])
def test_the_topic_of_regroupings_is_the_one_of_referrals_so_that_readers_meet_them_in_order(model: Any) -> None:
    from ibalagh.events.registry import EVENT_TYPES, REFERRED

    assert EVENT_TYPES[type_of(model)].topic == REFERRED
