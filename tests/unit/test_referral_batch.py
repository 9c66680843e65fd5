"""What a batch makes of the cases: effects, their numbers and versions, and the rows that are left."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from ibalagh.events import make
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState, Category, Disposition, SuspectState, Urgency
from services.referral.batch import Decided, Snapshot, decide
from services.referral.competence import table_for
from services.referral.history import told
from services.referral.linking import case_id_for
from services.referral.model import SOURCE
from services.referral.work import read
from services.referral.workdays import newest
from tests.support.referral import (
    NOW,
    action,
    check_of,
    decision,
    links,
    parsed,
    report_id,
    reviewed,
    short_types,
    triaged,
)

TABLE = table_for(date(2024, 6, 1))
WORKDAYS = newest()
NOTHING = Snapshot({}, {}, {}, {}, frozenset())


class World:
    """Takes batches one after the other and keeps the rows, as the store would."""

    def __init__(self) -> None:
        self.snapshot = NOTHING
        self.competence = TABLE
        self.now = NOW
        self.history: list[Any] = []
        self.answers: dict[str, Any] = {}

    def take(self, *events: Event[Data]) -> Decided:
        decided = decide(read(events), self.snapshot, now=self.now, competence=self.competence, workdays=WORKDAYS)
        decided = decided._replace(effects=[parsed(effect) for effect in decided.effects])
        cases = dict(self.snapshot.cases)
        for case in (*decided.new_cases, *decided.changed_cases):
            cases[case.case_id] = case._replace(number=case.number or len(cases) + 1)
        memberships = dict(self.snapshot.memberships) | {
            each.report_id: each for each in (*decided.new_memberships, *decided.changed_memberships)
        }
        owners = dict(self.snapshot.owners) | {each.key: each.case_id for each in decided.claims}
        suspects = {case_id: dict(each) for case_id, each in self.snapshot.suspects.items()}
        for case_id, reference, state in decided.suspects:
            suspects.setdefault(case_id, {})[reference] = state
        self.answers |= {each.command_id: each for each in decided.answers}
        self.history += decided.history
        self.snapshot = Snapshot(memberships, cases, owners, suspects, frozenset(self.answers))
        return decided

    def case_of(self, name: str) -> Any:
        case_id = self.snapshot.memberships[report_id(name)].case_id
        return None if case_id is None else self.snapshot.cases[case_id]


def versions(effects: Sequence[Event[Data]]) -> list[int]:
    return [event.data.version for event in effects]  # type: ignore[attr-defined]


def test_a_referred_report_opens_a_case_that_is_referred_at_once_and_the_prosecutor_notified() -> None:
    event = triaged("a", "x", urgency=Urgency.HIGH)
    decided = World().take(event)
    assert short_types(decided.effects) == ["case.opened", "case.referred", "prosecution.notified"]
    assert [each.cause.number for each in decided.effects if each.cause] == [0, 1, 2]
    assert versions(decided.effects) == [1, 2, 3]
    case_id = case_id_for(report_id("a"), 1)
    assert {each.subject for each in decided.effects} == {case_id}
    [case] = decided.new_cases
    assert (case.case_id, case.version, case.state, case.service) == (case_id, 3, CaseState.REFERRED, "PJ-RABAT")
    assert case.urgency is Urgency.HIGH


def test_a_report_that_is_unsure_or_set_aside_changes_nothing() -> None:
    events = [triaged("a", "x", disposition=Disposition.REVIEW), triaged("b", disposition=Disposition.DISMISS)]
    events.append(reviewed("a", disposition=Disposition.DISMISS))
    decided = World().take(*events)
    assert not any(decided)


def test_a_reviewed_report_without_a_case_is_placed_as_a_triaged_one() -> None:
    world = World()
    world.take(triaged("a", "x"))
    decided = world.take(reviewed("b", "x", previous=decision(disposition=Disposition.REVIEW)))
    assert short_types(decided.effects) == ["case.joined"]
    assert world.case_of("b") is world.case_of("a")


def test_a_joining_report_names_what_it_shares_and_raises_urgency_but_not_the_category() -> None:
    world = World()
    world.take(triaged("a", "x", received_on=date(2024, 6, 3)))
    event = triaged(
        "b", "x", "y", category=Category.SEXUAL_BLACKMAIL, urgency=Urgency.IMMEDIATE, received_on=date(2024, 6, 1)
    )
    [joined] = world.take(event).effects
    assert joined.data.joined_by == links("x")  # type: ignore[attr-defined]
    case = world.case_of("b")
    assert (case.version, case.urgency, case.category) == (4, Urgency.IMMEDIATE, Category.FRAUD)
    assert (case.reports, case.received_on) == (2, date(2024, 6, 1))


def test_a_batch_gives_the_same_cases_as_its_events_one_by_one() -> None:
    events = [triaged("a", "x"), triaged("b", "x", "y"), triaged("c", "y"), triaged("d"), reviewed("a", "x")]
    whole, single = World(), World()
    whole_effects = whole.take(*events).effects
    single_effects = [effect for event in events for effect in single.take(event).effects]
    assert [(each.id, each.cause) for each in whole_effects] == [(each.id, each.cause) for each in single_effects]
    assert whole.snapshot == single.snapshot


@pytest.mark.parametrize("organisation", [None, "a group", 'caf\u00e9 "\\'])
@pytest.mark.parametrize("province", [None, "04.421", "nowhere"])
def test_events_that_are_written_at_once_are_what_their_models_write(
    organisation: str | None, province: str | None
) -> None:
    world = World()
    how: dict[str, Any] = {"organisation": organisation, "province": province, "urgency": Urgency.SOON}
    opened = world.take(triaged("a", "x", "y", **how)).effects  # `World` compares
    [joined] = world.take(triaged("b", "y", "z", "x", **how)).effects
    assert opened[0].data.indicators == links("x", "y")  # type: ignore[attr-defined]
    assert (opened[0].data.organisation, joined.data.organisation) == (organisation, organisation)  # type: ignore[attr-defined]
    assert joined.data.joined_by == links("y", "x")  # type: ignore[attr-defined]
    assert {each.data.province for each in (*opened, joined)} == {province}  # type: ignore[attr-defined]


def test_effects_have_the_ids_that_every_effect_has() -> None:
    cause = triaged("a", "x")
    effects = World().take(cause).effects
    made = make.effects(cause, [each.data for each in effects], source=SOURCE, subject=effects[0].subject, now=NOW)
    assert effects == made


def test_nothing_follows_from_an_event_that_was_not_read() -> None:
    with pytest.raises(ValueError, match="not read from a topic"):
        World().take(triaged("a")._replace(position=None))


def test_a_repeated_event_is_refused_in_the_same_batch_and_later() -> None:
    world = World()
    event = triaged("a", "x")
    assert len(world.take(event, event).effects) == 3
    assert not any(world.take(event))


def test_an_older_version_of_a_report_is_refused() -> None:
    world = World()
    world.take(reviewed("a", version=2, previous=decision(disposition=Disposition.REVIEW)))
    assert not any(world.take(triaged("a")))


def test_a_confirmation_says_nothing_but_is_remembered() -> None:
    world = World()
    world.take(triaged("a"))
    decided = world.take(reviewed("a"))
    assert not decided.effects
    assert world.snapshot.memberships[report_id("a")].version == 2


def test_reclassifying_moves_the_case_to_the_majority_and_ties_to_what_came_first() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x"), triaged("c", "x"))
    tied = world.take(reviewed("a", category=Category.INSULT_DEFAMATION))
    assert tied.effects[0].data.case_category is Category.FRAUD  # type: ignore[attr-defined]
    moved = world.take(reviewed("b", category=Category.INSULT_DEFAMATION))
    assert short_types(moved.effects) == ["case.reclassified"]
    assert moved.effects[0].data.case_category is Category.INSULT_DEFAMATION  # type: ignore[attr-defined]
    assert world.case_of("c").category is Category.INSULT_DEFAMATION


def test_reclassifying_to_another_branch_reroutes_and_the_new_service_begins_anew() -> None:
    world = World()
    world.take(triaged("a", province="09.001"))
    case_id = world.case_of("a").case_id
    world.take(action(case_id, CaseAction.ACCEPT))
    decided = world.take(reviewed("a", category=Category.TERRORISM_PRAISE, province="09.001"))
    assert short_types(decided.effects) == ["case.reclassified", "case.rerouted", "prosecution.notified"]
    rerouted = decided.effects[1].data
    assert (rerouted.previous_service, rerouted.service, rerouted.reason) == ("PJ-AGADIR", "BCIJ", "reclassified")  # type: ignore[attr-defined]
    assert versions(decided.effects) == [5, 6, 7]
    assert (world.case_of("a").state, world.case_of("a").version) == (CaseState.REFERRED, 7)


def test_an_officers_rerouting_outlives_a_reclassification_that_the_table_answers_alike() -> None:
    world = World()
    world.take(triaged("a"))
    world.take(action(world.case_of("a").case_id, CaseAction.REROUTE, service="PJ-FES", reason="competence"))
    world.take(reviewed("a", category=Category.INSULT_DEFAMATION))
    assert world.case_of("a").service == "PJ-FES"


def test_another_organisation_alone_is_a_reclassification() -> None:
    world = World()
    world.take(triaged("a", category=Category.TERRORISM_PRAISE))
    decided = world.take(reviewed("a", category=Category.TERRORISM_PRAISE, organisation="isis"))
    assert short_types(decided.effects) == ["case.reclassified"]


def test_a_dismissed_report_leaves_and_an_empty_case_is_closed_without_offence() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x"))
    first = world.take(reviewed("a", disposition=Disposition.DISMISS, category=Category.OUT_OF_SCOPE))
    assert short_types(first.effects) == ["case.left"]
    assert first.effects[0].data.category is Category.FRAUD  # type: ignore[attr-defined]
    last = world.take(reviewed("b", disposition=Disposition.DISMISS, category=Category.OUT_OF_SCOPE))
    assert short_types(last.effects) == ["case.left", "case.closed"]
    [case] = last.changed_cases
    assert (case.state, case.result, case.reports) == (CaseState.CLOSED, CaseResult.NO_OFFENCE, 0)
    assert world.case_of("a") is None


def test_a_report_whose_decision_is_taken_back_leaves_until_it_is_decided_again() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x"))
    taken_back = world.take(reviewed("a", disposition=Disposition.REVIEW))
    assert short_types(taken_back.effects) == ["case.left"]
    assert world.case_of("a") is None
    world.take(reviewed("a", "x", version=3, previous=decision(disposition=Disposition.REVIEW)))
    assert world.case_of("a").case_id == world.case_of("b").case_id


def test_a_dismissed_report_that_is_referred_after_all_opens_a_new_case() -> None:
    world = World()
    world.take(triaged("a", "x"))
    world.take(reviewed("a", disposition=Disposition.DISMISS))
    decided = world.take(reviewed("a", "x", version=3, previous=decision(disposition=Disposition.DISMISS)))
    assert short_types(decided.effects)[0] == "case.opened"
    assert world.case_of("a").case_id == case_id_for(report_id("a"), 3)
    assert set(world.snapshot.owners.values()) == {world.case_of("a").case_id}


def test_reports_planned_for_a_case_that_closes_within_the_batch_stay_together_in_its_successor() -> None:
    world = World()
    world.take(triaged("a", "x"))
    world.take(
        reviewed("a", disposition=Disposition.DISMISS),
        triaged("b", "x"),
        triaged("c", "x"),
    )
    assert world.case_of("b") is world.case_of("c")
    assert world.case_of("b").is_open
    assert set(world.snapshot.owners.values()) == {world.case_of("b").case_id}


def test_a_report_that_leaves_and_comes_back_within_a_batch_returns_to_its_open_case() -> None:
    world = World()
    world.take(triaged("a", "x"), triaged("b", "x"))
    dismissed = decision(disposition=Disposition.DISMISS)
    world.take(
        reviewed("b", disposition=Disposition.DISMISS),
        reviewed("b", "x", version=3, previous=dismissed),
    )
    assert world.case_of("b") is world.case_of("a")
    world.take(
        reviewed("a", disposition=Disposition.DISMISS),
        reviewed("b", version=4, disposition=Disposition.DISMISS),
        reviewed("b", "x", version=5, previous=dismissed),
    )
    assert world.case_of("b").case_id == case_id_for(report_id("b"), 5)
    assert set(world.snapshot.owners.values()) == {world.case_of("b").case_id}


def test_reports_of_a_closed_case_open_a_new_one_with_its_indicators() -> None:
    world = World()
    world.take(triaged("a", "x"))
    case_id = world.case_of("a").case_id
    world.take(action(case_id, CaseAction.ACCEPT), action(case_id, CaseAction.CLOSE, result=CaseResult.NO_EVIDENCE))
    decided = world.take(triaged("b", "x"))
    assert short_types(decided.effects)[0] == "case.opened"
    [claim] = decided.claims
    assert (claim.previous, claim.case_id) == (case_id, world.case_of("b").case_id)


def test_actions_on_one_case_apply_in_order_and_each_is_answered_once() -> None:
    world = World()
    world.take(triaged("a"))
    case_id = world.case_of("a").case_id
    accept = action(case_id, CaseAction.ACCEPT, version=3)
    steps = [
        accept,
        action(case_id, CaseAction.OPEN_INVESTIGATION, version=4),
        action(case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref="S-1"),
        action(case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref="S-2"),
        action(case_id, CaseAction.PRESENT_SUSPECT, suspect_ref="S-1"),
        action(case_id, CaseAction.ISSUE_SEARCH_NOTICE, suspect_ref="S-2"),
        accept,
        action(case_id, CaseAction.ACCEPT, version=3),
    ]
    decided = world.take(*steps)
    assert [each.code for each in decided.answers] == [None] * 6 + ["stale_version"]
    assert short_types(decided.effects) == [
        "case.accepted",
        "investigation.opened",
        "suspect.identified",
        "suspect.identified",
        "suspect.presented",
        "search_notice.issued",
    ]
    assert versions(decided.effects) == [4, 5, 6, 7, 8, 9]
    assert world.snapshot.suspects[case_id] == {"S-1": SuspectState.PRESENTED, "S-2": SuspectState.SEARCHED}
    assert not any(world.take(accept))


def test_an_action_on_a_case_that_nobody_knows_is_answered() -> None:
    command = action(report_id("nobody"), CaseAction.ACCEPT)
    [answer] = World().take(command).answers
    assert (answer.command_id, answer.code) == (command.id, "unknown_case")


def test_the_rows_tell_the_whole_past_of_a_case() -> None:
    world = World()
    effects = [
        effect
        for events in (
            [triaged("a", "x"), triaged("b", "x")],
            [action(case_id_for(report_id("a"), 1), CaseAction.REROUTE, service="PJ-FES", reason="competence")],
            [reviewed("b", disposition=Disposition.DISMISS)],
            [reviewed("a", category=Category.INSULT_DEFAMATION)],
        )
        for effect in world.take(*events).effects
    ]
    case = world.case_of("a")
    reports = [each for each in world.snapshot.memberships.values() if each.case_id == case.case_id]
    past = told(case, reports, world.history)
    assert [(each.version, each.type) for each in past] == [(each.data.version, each.type) for each in effects]  # type: ignore[attr-defined]
    assert past[1].detail == {"service": "PJ-RABAT"}


def test_what_could_not_be_stored_or_kept_in_order_is_rejected_with_its_reason() -> None:
    stray = triaged("a")._replace(subject=report_id("b"))
    huge = triaged("c", version=2**31)
    stray_action = action(report_id("case"), CaseAction.ACCEPT)._replace(subject=report_id("b"))
    work = read([stray, huge, stray_action])
    assert work.rejected == [(stray, "bad_subject"), (huge, "bad_version"), (stray_action, "bad_subject")]
    assert not work.reports
    assert not work.actions


def test_a_clock_that_is_looked_at_late_says_all_once_and_an_old_question_says_nothing() -> None:
    world = World()
    world.take(triaged("a", urgency=Urgency.IMMEDIATE))
    case = world.case_of("a")
    question = check_of(case)
    assert not world.take(question).effects
    world.now = NOW + timedelta(hours=3)
    decided = world.take(question, check_of(case))
    assert short_types(decided.effects) == ["case.clock_warned", "case.clock_escalated"]
    assert [each.data.version for each in decided.effects] == [4, 5]  # type: ignore[attr-defined]
    assert not world.take(question).effects
    world.take(action(case.case_id, CaseAction.ACCEPT))
    world.now += timedelta(hours=3)
    assert not world.take(question).effects, "the clock that it asks about has stopped"
    assert short_types(world.take(check_of(world.case_of("a"))).effects) == [
        "case.clock_warned",
        "case.clock_escalated",
    ]
    kept = [entry.type.split(".", 1)[1] for entry in world.history]
    assert kept.count("case.clock_escalated.v1") == 2


def test_a_more_urgent_report_hastens_the_clock_of_the_case_that_it_joins() -> None:
    world = World()
    world.take(triaged("a", "x"))
    world.now = NOW + timedelta(hours=1)
    world.take(triaged("b", "x", urgency=Urgency.IMMEDIATE))
    clock = world.case_of("a").clock
    assert clock is not None
    assert clock.due_at == NOW + timedelta(hours=2)
