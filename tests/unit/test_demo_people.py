"""The demo's people: analysts who put the machine right, officers whose actions add up to the plan."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bench.demonstration import analysts, casefinder, officers
from bench.scenario import Fate, SuspectPlan, Truth, generate, load_figures
from bench.scenario.figures import SMALL_PATH
from ibalagh.events.vocabulary import Category


def _truth(category: Category, organisation: str | None = None) -> Truth:
    return Truth(category, organisation, urgent=False, campaign=None, province=None)


def _item(report_id: str, category: Category, **more: Any) -> dict[str, Any]:
    return {"report_id": report_id, "version": 1, "category": category.value, **more}


def test_an_analyst_confirms_what_is_right_and_reclassifies_what_is_not() -> None:
    truths = {"a": _truth(Category.FRAUD), "b": _truth(Category.TERRORISM_PRAISE, "isis")}
    score = analysts.Score()
    queue = [_item("a", Category.FRAUD), _item("b", Category.INSULT_DEFAMATION), _item("stranger", Category.FRAUD)]
    confirm, reclassify = analysts.decide_queue(queue, truths, score)
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
    corrections = analysts.check_decided(decided, truths, {"c"}, score)
    assert [correction["report_id"] for correction in corrections] == ["b"]
    assert (score.right_alone, score.corrected_later) == (1, 1)


def test_a_missed_or_invented_organisation_is_wrong_where_the_service_tells_it() -> None:
    praise = _truth(Category.TERRORISM_PRAISE, "isis")
    assert analysts.is_right(_item("a", Category.TERRORISM_PRAISE, organisation="isis"), praise)
    assert not analysts.is_right(_item("a", Category.TERRORISM_PRAISE, organisation=None), praise)
    assert not analysts.is_right(_item("a", Category.FRAUD, organisation="isis"), _truth(Category.FRAUD))


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
    acts = list(officers.actions(_cases(3), plans))
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


def test_a_few_cases_are_passed_on_to_another_service() -> None:
    acts = list(officers.actions(_cases(100), {}))
    counts = Counter(act["action"] for act in acts)
    assert counts == {"accept": 25, "decline": officers.PASSED_ON, "reroute": officers.PASSED_ON}
    for act in acts:
        if act["action"] == "reroute":
            case = next(case for case in _cases(100) if case["case_id"] == act["case_id"])
            assert act["service"] != case["service"]


def test_with_a_single_service_nothing_is_passed_on() -> None:
    cases = [{"case_id": str(number), "service": "A"} for number in range(8)]
    assert {act["action"] for act in officers.actions(cases, {})} == {"accept"}


def _case(name: str, day: str, category: str, count: int) -> dict[str, Any]:
    return {"case_id": name, "received_on": day, "category": category, "report_count": count}


def test_a_case_is_found_by_what_its_entry_looks_like_and_else_by_asking_all() -> None:
    cases = [
        _case("a", "2024-06-01", "fraud", 1),
        _case("b", "2024-06-02", "fraud", 3),
        _case("c", "2024-06-02", "fraud", 1),
    ]
    asked: list[str] = []

    def reports_of(holder: str) -> Callable[[str], frozenset[str]]:
        def ask(case_id: str) -> frozenset[str]:
            asked.append(case_id)
            return frozenset({"wanted"} if case_id == holder else set())

        return ask

    wanted = casefinder.Sought("wanted", "2024-06-02", "fraud", 3)
    assert casefinder.find(wanted, cases, reports_of("b")) == "b"
    assert asked == ["b"]
    assert casefinder.find(wanted, cases, reports_of("a")) == "a"
    assert casefinder.find(wanted, cases, reports_of("nowhere")) is None


def test_what_is_sought_tells_the_campaigns_first_day_and_size_among_the_sent_reports() -> None:
    scenario = generate(load_figures(SMALL_PATH), 5)
    report_ids = [f"r{place}" for place in range(len(scenario.reports))]
    wanted = casefinder.sought(scenario, report_ids)
    assert wanted.keys() == {plan.report for plan in scenario.outcomes}
    for place, each in wanted.items():
        truth = scenario.reports[place].truth
        members = [r for r in scenario.reports if truth.campaign is not None and r.truth.campaign == truth.campaign]
        assert each.report_count == max(1, len(members))
        assert each.report_id == f"r{place}"
    assert casefinder.sought(scenario, []) == {}


def test_plans_of_reports_without_a_case_are_left_out() -> None:
    plan = _plan("S-1", Fate.PRESENTED, 9)
    assert casefinder.plans_by_case([plan], {0: "case-1"}) == {"case-1": [plan]}
    assert casefinder.plans_by_case([plan], {0: None}) == {}
    assert casefinder.plans_by_case([plan], {}) == {}


def test_what_concerns_minors_is_decided_by_two_analysts() -> None:
    minors = Category.SEXUAL_EXPLOITATION_MINORS
    for guess, truth in ((minors, Category.FRAUD), (Category.FRAUD, minors), (minors, minors)):
        first, second = analysts.decision(_item("a", guess), _truth(truth))
        assert first["reviewer"] != second["reviewer"]
        assert first == second | {"reviewer": first["reviewer"]}
