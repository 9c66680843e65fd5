"""The demo's people: analysts who put the machine right, officers whose actions add up to the plan."""

from collections import Counter
from datetime import datetime
from typing import Any

from bench.demonstration import analysts, officers
from bench.scenario import Fate, SuspectPlan, Truth
from ibalagh.events.vocabulary import Category


def _truth(category: Category, organisation: str | None = None) -> Truth:
    return Truth(category, organisation, urgent=False, campaign=None, province=None)


def _item(report_id: str, category: Category, **more: Any) -> dict[str, Any]:
    return {"report_id": report_id, "version": 1, "category": category.value, **more}


def test_an_analyst_confirms_what_is_right_and_reclassifies_what_is_not() -> None:
    truths = {"a": _truth(Category.FRAUD), "b": _truth(Category.TERRORISM_PRAISE, "isis")}
    score = analysts.Score()
    queue = [_item("a", Category.FRAUD), _item("b", Category.INSULT_DEFAMATION), _item("stranger", Category.FRAUD)]
    confirm, reclassify = analysts.decide_queue(queue, truths, "run", score)
    assert (confirm["action"], "category" in confirm) == ("confirm", False)
    assert (reclassify["action"], reclassify["category"], reclassify["organisation"]) == (
        "reclassify",
        "terrorism_praise",
        "isis",
    )
    assert (score.to_review, score.review_confirmed) == (2, 1)


def test_what_the_machine_decided_alone_is_checked_once_and_only_the_wrong_is_corrected() -> None:
    truths = {name: _truth(Category.FRAUD) for name in "abc"}
    score = analysts.Score()
    decided = [_item("a", Category.FRAUD), _item("b", Category.OUT_OF_SCOPE), _item("c", Category.VIOLENCE_THREATS)]
    corrections = analysts.check_decided(decided, truths, {"c"}, "run", score)
    assert [correction["report_id"] for correction in corrections] == ["b"]
    assert (score.right_alone, score.corrected_later) == (1, 1)


def test_a_missed_or_invented_organisation_is_wrong_where_the_service_tells_it() -> None:
    praise = _truth(Category.TERRORISM_PRAISE, "isis")
    assert analysts.is_right(_item("a", Category.TERRORISM_PRAISE, organisation="isis"), praise)
    assert not analysts.is_right(_item("a", Category.TERRORISM_PRAISE, organisation=None), praise)
    assert not analysts.is_right(_item("a", Category.FRAUD, organisation="isis"), _truth(Category.FRAUD))


def test_keys_of_decisions_differ_by_report_and_by_occasion() -> None:
    truths = {"a": _truth(Category.FRAUD)}
    wrong = [_item("a", Category.OUT_OF_SCOPE)]
    first = analysts.decide_queue(wrong, truths, "run", analysts.Score())
    second = analysts.check_decided(wrong, truths, set(), "run", analysts.Score())
    assert first[0]["idempotency_key"] != second[0]["idempotency_key"]


def _plan(ref: str, fate: Fate, hour: int) -> SuspectPlan:
    moment = datetime.fromisoformat(f"2024-07-01T{hour:02d}:00:00+01:00")
    return SuspectPlan(0, ref, fate, moment, moment.replace(day=9))


def _cases(count: int) -> list[dict[str, Any]]:
    return [{"case_id": f"case-{number}", "service": "ABC"[number % 3]} for number in range(count)]


def test_officers_carry_out_the_plan_of_each_case_in_the_order_of_time() -> None:
    plans = {
        "case-1": [_plan("S-1", Fate.PRESENTED, 9), _plan("S-2", Fate.SEARCHED, 8)],
        "case-2": [_plan("S-3", Fate.UNDER_INVESTIGATION, 7)],
    }
    acts = list(officers.actions(_cases(3), plans, "run"))
    mine = [act for act in acts if act["case_id"] == "case-1"]
    assert [(act["action"], act.get("suspect_ref")) for act in mine] == [
        ("accept", None),
        ("open_investigation", None),
        ("identify_suspect", "S-2"),
        ("identify_suspect", "S-1"),
        ("issue_search_notice", "S-2"),
        ("present_suspect", "S-1"),
    ]
    moments = [datetime.fromisoformat(act["occurred_at"]) for act in mine]
    assert moments == sorted(moments)
    assert [act["action"] for act in acts if act["case_id"] == "case-2"][-1] == "identify_suspect"


def test_a_few_cases_are_passed_on_and_every_action_has_a_key_of_its_own() -> None:
    acts = list(officers.actions(_cases(100), {}, "run"))
    counts = Counter(act["action"] for act in acts)
    assert counts == {"accept": 25, "decline": officers.PASSED_ON, "reroute": officers.PASSED_ON}
    assert len({act["idempotency_key"] for act in acts}) == len(acts)
    for act in acts:
        if act["action"] == "reroute":
            case = next(case for case in _cases(100) if case["case_id"] == act["case_id"])
            assert act["service"] != case["service"]


def test_with_a_single_service_nothing_is_passed_on() -> None:
    cases = [{"case_id": str(number), "service": "A"} for number in range(8)]
    assert {act["action"] for act in officers.actions(cases, {}, "run")} == {"accept"}
