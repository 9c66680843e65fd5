"""The desk's rules: what a person's decision makes of a report, and when it is refused."""

import pytest

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.vocabulary import Category, Disposition, ReviewAction
from services.triage.reviews import (
    Applied,
    Item,
    RefusalCode,
    Refused,
    State,
    decide_item,
    first_state,
)
from tests.support.triage import NOW, report_id, triage

REPORT = triage("arnaque et insultes")
ITEM = Item(State.OPEN, REPORT)


def command(action: ReviewAction, **fields: object) -> DecideReportV1:
    return DecideReportV1.model_validate(
        {"report_id": REPORT.report_id, "action": action, "reviewer": "analyst-1", "decided_at": NOW} | fields
    )


def applied(item: Item, decision: DecideReportV1) -> Applied:
    outcome = decide_item(item, decision)
    assert isinstance(outcome, Applied), outcome
    return outcome


def refused(item: Item | None, decision: DecideReportV1) -> Refused:
    outcome = decide_item(item, decision)
    assert isinstance(outcome, Refused), outcome
    return outcome


def test_a_confirmed_report_is_referred_as_it_was_guessed() -> None:
    item, reviewed = applied(ITEM, command(ReviewAction.CONFIRM, version=1, reason="seen"))
    assert item.state is State.DECIDED
    assert item.report.version == reviewed.version == 2
    assert reviewed.previous == REPORT.decision
    assert reviewed.decision.category is REPORT.decision.category
    assert reviewed.decision.disposition is Disposition.REFER
    assert (reviewed.decision.confidence, reviewed.decision.reasons) == (1.0, ("seen",))
    assert reviewed.indicators == REPORT.indicators


def test_what_the_machine_found_of_minors_and_sums_goes_on_with_a_persons_decision() -> None:
    report = triage("arnaque, mon fils de 14 ans a payé 500 dh")
    _, reviewed = applied(Item(State.OPEN, report), command(ReviewAction.CONFIRM))
    assert reviewed.minor_involved
    assert [(each.value, each.currency) for each in reviewed.amounts] == [(500.0, "MAD")]


def test_a_reclassified_report_takes_the_persons_category_and_organisation() -> None:
    _, reviewed = applied(
        ITEM, command(ReviewAction.RECLASSIFY, category=Category.TERRORISM_PRAISE, organisation="isis")
    )
    assert reviewed.decision.category is Category.TERRORISM_PRAISE
    assert reviewed.decision.organisation == "isis"


def test_reclassifying_to_no_organisation_clears_it() -> None:
    named = Item(State.STRAIGHT, triage("apologie de daech, il glorifie daech"))
    _, reviewed = applied(named, command(ReviewAction.RECLASSIFY, category=Category.TERRORISM_PRAISE))
    assert (reviewed.previous.organisation, reviewed.decision.organisation) == ("isis", None)
    _, confirmed = applied(named, command(ReviewAction.CONFIRM))
    assert confirmed.decision.organisation == "isis"


def test_a_dismissed_report_is_out_of_scope() -> None:
    _, reviewed = applied(ITEM, command(ReviewAction.DISMISS))
    assert reviewed.decision.category is Category.OUT_OF_SCOPE
    assert reviewed.decision.disposition is Disposition.DISMISS


def test_confirming_that_nothing_is_in_scope_dismisses() -> None:
    nothing = Item(State.OPEN, triage("😀"))
    assert applied(nothing, command(ReviewAction.CONFIRM)).reviewed.decision.disposition is Disposition.DISMISS


def test_a_decision_on_an_older_version_is_refused_with_the_current_one() -> None:
    item, _ = applied(ITEM, command(ReviewAction.CONFIRM))
    assert refused(item, command(ReviewAction.DISMISS, version=1)) == (RefusalCode.STALE_VERSION, {"version": 2})
    assert applied(item, command(ReviewAction.DISMISS)).reviewed.version == 3


def test_an_unknown_report_is_refused() -> None:
    assert refused(None, command(ReviewAction.CONFIRM)).code is RefusalCode.UNKNOWN_REPORT


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        (ReviewAction.RECLASSIFY, {}),
        (ReviewAction.RECLASSIFY, {"category": "out_of_scope"}),
        (ReviewAction.RECLASSIFY, {"category": "fraud", "organisation": "isis"}),
        (ReviewAction.CONFIRM, {"category": "violence_threats"}),
        (ReviewAction.DISMISS, {"category": "fraud"}),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(action: ReviewAction, fields: dict[str, object]) -> None:
    assert refused(ITEM, command(action, **fields)).code is RefusalCode.BAD_DECISION


def test_what_the_machine_was_sure_of_goes_straight() -> None:
    assert first_state(REPORT.decision) is State.OPEN
    assert first_state(triage("escroquerie, payé et jamais reçu").decision) is State.STRAIGHT
    assert REPORT.report_id == report_id("a")
