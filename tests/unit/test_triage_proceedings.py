"""The rules between people at the desk: order, claims, two persons, what changed meanwhile, taking back."""

from datetime import timedelta
from typing import Any

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.desk import EscalateReportV1, RejectProposalV1, UndoDecisionV1
from ibalagh.events.vocabulary import Category, Disposition, ReviewAction
from services.triage.proceedings import (
    Claim,
    Decided,
    Dropped,
    HandedOn,
    Past,
    Proposed,
    Result,
    Situation,
    carry_out,
)
from services.triage.reviews import Item, RefusalCode, Refused, State
from tests.support.triage import NOW, triage

REPORT = triage("arnaque et insultes")
ID = REPORT.report_id
OPEN = Situation({ID: Item(State.OPEN, REPORT)})
MINORS = Category.SEXUAL_EXPLOITATION_MINORS


def decide(action: str = "dismiss", person: str = "a", **fields: Any) -> DecideReportV1:
    return DecideReportV1(report_id=ID, action=ReviewAction(action), reviewer=person, decided_at=NOW, **fields)


def minors(person: str, **fields: Any) -> DecideReportV1:
    return decide("reclassify", person, category=MINORS, **fields)


def undo(version: int, person: str = "a") -> UndoDecisionV1:
    return UndoDecisionV1(report_id=ID, version=version, person=person, undone_at=NOW)


def reject(proposal_id: str, person: str) -> RejectProposalV1:
    return RejectProposalV1(report_id=ID, proposal_id=proposal_id, person=person, rejected_at=NOW)


P = "3f0f4a52-8d43-4a0a-8f4e-0b0c5a7e1d21"


def outcomes(*commands: Any, situation: Situation = OPEN) -> list[Result]:
    ids = [P, *(f"c{number}" for number in range(len(commands)))]
    return [outcome for _, outcome in carry_out(situation, list(zip(ids, commands, strict=False)), ())]


def codes(results: list[Result]) -> list[str]:
    return [each.code.value if isinstance(each, Refused) else type(each).__name__ for each in results]


def test_commands_apply_in_order_and_repeats_are_left_out() -> None:
    first, second = decide("reclassify", category=Category.FRAUD, version=1), decide(version=2)
    late = decide("confirm", version=1)
    commands = [("a", first), ("a", late), ("b", second), ("c", late), ("known", late)]
    found = carry_out(OPEN, commands, {"known"})
    assert [(id_, type(outcome)) for id_, outcome in found] == [("a", Decided), ("b", Decided), ("c", Refused)]
    assert isinstance(found[1][1], Decided)
    assert found[1][1].applied.reviewed.previous.category is Category.FRAUD


def test_a_stale_decision_is_told_what_changed_who_did_it_and_what_the_reporter_said_since() -> None:
    reclassified = decide("reclassify", "b", category=Category.TERRORISM_PRAISE, organisation="isis", version=1)
    situation = OPEN._replace(amendments={ID: 2})
    _, stale = outcomes(reclassified, decide(version=1, amendments_seen=1), situation=situation)
    assert isinstance(stale, Refused)
    assert stale.code is RefusalCode.STALE_VERSION
    assert stale.detail == {
        "version": 2,
        "changed": {
            "disposition": {"before": "review", "now": "refer"},
            "category": {"before": "fraud", "now": "terrorism_praise"},
            "organisation": {"before": None, "now": "isis"},
        },
        "person": "b",
        "decided_at": NOW.isoformat(),
        "amendments": {"before": 1, "now": 2},
    }


def test_a_version_that_never_was_is_refused_with_the_current_one_alone() -> None:
    [stale] = outcomes(decide(version=7))
    assert stale == Refused(RefusalCode.STALE_VERSION, {"version": 1})


def test_only_who_holds_a_report_decides_about_it() -> None:
    held = OPEN._replace(claims={ID: Claim(ID, "a", NOW + timedelta(minutes=5))})
    refused, taken_back, applied, again = outcomes(
        decide(person="b"), undo(2, "b"), decide(), decide(person="b"), situation=held
    )
    assert codes([refused, taken_back, applied]) == ["claimed", "claimed", "Decided"]
    assert isinstance(refused, Refused)
    assert refused.detail == {"person": "a", "until": (NOW + timedelta(minutes=5)).isoformat()}
    assert isinstance(again, Decided)  # with the decision the claim is over


def test_what_concerns_minors_takes_two_people_of_one_mind() -> None:
    assert codes(outcomes(minors("a"), minors("a"))) == ["Proposed", "Proposed"]
    proposed, decided = outcomes(minors("a"), minors("b", version=1))
    assert isinstance(proposed, Proposed)
    assert isinstance(decided, Decided)
    reviewed = decided.applied.reviewed
    assert (reviewed.version, reviewed.proposer, reviewed.reviewer) == (2, "a", "b")
    assert reviewed.decision.category is MINORS


def test_another_decision_of_a_second_person_is_a_proposal_in_the_place_of_the_first() -> None:
    machine = REPORT.model_copy(update={"decision": REPORT.decision.model_copy(update={"category": MINORS})})
    situation = Situation({ID: Item(State.OPEN, machine)})
    dismissed, confirmed, seconded = outcomes(
        decide(person="a"), decide("confirm", "b"), decide("confirm", "a"), situation=situation
    )
    assert codes([dismissed, confirmed, seconded]) == ["Proposed", "Proposed", "Decided"]
    assert isinstance(seconded, Decided)
    assert (seconded.applied.reviewed.proposer, seconded.applied.reviewed.reviewer) == ("b", "a")


def test_a_proposal_is_rejected_by_another_person_only_and_once() -> None:
    results = outcomes(minors("a"), reject(P, "a"), reject(ID, "b"), reject(P, "b"), reject(P, "b"))
    assert codes(results) == ["Proposed", "needs_another_person", "no_proposal", "Dropped", "no_proposal"]
    assert isinstance(results[3], Dropped)


def test_a_proposal_on_an_older_version_is_not_seconded() -> None:
    results = outcomes(minors("a"), decide("reclassify", "b", category=Category.FRAUD), minors("b"))
    assert codes(results) == ["Proposed", "Decided", "Proposed"]


def test_a_decision_is_taken_back_to_what_held_before_and_once() -> None:
    decided, undone, again = outcomes(decide(), undo(2, "b"), undo(2))
    assert isinstance(decided, Decided)
    assert isinstance(undone, Decided)
    item, reviewed = undone.applied
    assert (item.state, item.report.version, item.report.decision) == (State.OPEN, 3, REPORT.decision)
    assert (reviewed.undoes, reviewed.previous, reviewed.reviewer) == (2, decided.applied.reviewed.decision, "b")
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.STALE_VERSION
    assert again.detail["changed"]["disposition"] == {"before": "dismiss", "now": "review"}


def test_what_the_machine_sent_on_is_sent_on_again_and_what_a_person_decided_stays_decided() -> None:
    sure = triage("escroquerie, payé et jamais reçu")
    situation = Situation({ID: Item(State.STRAIGHT, sure)})
    results = outcomes(
        decide(), undo(2), decide("reclassify", category=Category.FRAUD), decide(), undo(5), situation=situation
    )
    assert [each.applied.item.state for each in results if isinstance(each, Decided)] == [
        State.DECIDED,
        State.STRAIGHT,
        State.DECIDED,
        State.DECIDED,
        State.DECIDED,
    ]


def test_what_two_people_decided_is_not_taken_back_by_one() -> None:
    results = outcomes(minors("a"), minors("b"), undo(2, "c"))
    assert codes(results)[2] == "needs_another_person"


def test_a_version_of_which_nothing_is_remembered_is_not_taken_back() -> None:
    item = Item(State.DECIDED, REPORT.model_copy(update={"version": 2}))
    assert codes(outcomes(undo(2), situation=Situation({ID: item}))) == ["nothing_to_undo"]
    past = Past(2, "a", NOW, REPORT.decision.model_copy(update={"disposition": Disposition.REFER}), REPORT.decision)
    [undone] = outcomes(undo(2), situation=Situation({ID: item}, past={(ID, 2): past}))
    assert isinstance(undone, Decided)


def test_a_report_is_handed_on_whatever_its_state() -> None:
    escalate = EscalateReportV1(report_id=ID, person="a", reason="needs_senior", escalated_at=NOW)
    assert isinstance(outcomes(escalate)[0], HandedOn)
    assert codes(outcomes(escalate, situation=Situation({}))) == ["unknown_report"]
