"""The scenario generator: exact counts by truth, determinism, bodies that intake's contract accepts, nothing leaked."""

import json
import re
from collections import Counter
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.scenario import Figures, FiguresError, Scenario, generate, load_figures
from bench.scenario.figures import QUARTER_PATH, SMALL_PATH
from ibalagh.events.vocabulary import Category

FIELDS = {
    "text",
    "language",
    "category_hint",
    "links",
    "platform",
    "seen_at",
    "place",
    "origin_country",
    "identity",
    "submitted_at",
}


@cache
def _quarter() -> Scenario:
    return generate(load_figures(QUARTER_PATH), seed=7)


@pytest.fixture(scope="module", params=[QUARTER_PATH, SMALL_PATH], ids=["quarter", "small"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return generate(load_figures(request.param), seed=7)


def _identified(body: dict[str, Any]) -> bool:
    identity = body.get("identity", {})
    return "name" in identity and bool({"phone", "email", "national_id"} & identity.keys())


def test_the_quarter_is_the_press_releases() -> None:
    figures = load_figures(QUARTER_PATH)
    assert figures.reports == 7_083
    assert sum(figures.cybercrime.values()) == 6_788
    assert sum(figures.terrorism.values()) == 295
    assert (figures.naming_isis, figures.identified, figures.abroad) == (85, 4_117, 564)
    assert figures.suspects.model_dump() == {
        "identified": 82,
        "presented": 23,
        "searched": 9,
        "under_investigation": 50,
    }


def test_reports_add_up_to_the_figures_exactly(scenario: Scenario) -> None:
    figures = scenario.figures
    assert len(scenario.reports) == figures.reports
    assert Counter(report.truth.category for report in scenario.reports) == Counter(figures.by_category)
    isis = [report.truth for report in scenario.reports if report.truth.organisation == "isis"]
    assert [truth.category for truth in isis] == [Category.TERRORISM_PRAISE] * figures.naming_isis
    assert sum(_identified(report.body) for report in scenario.reports) == figures.identified
    assert sum(report.body.get("origin_country", "MA") != "MA" for report in scenario.reports) == figures.abroad


def test_suspects_add_up_to_the_figures_and_follow_their_reports(scenario: Scenario) -> None:
    suspects = scenario.figures.suspects
    fates = Counter(plan.fate.value for plan in scenario.outcomes)
    assert fates == {
        "presented": suspects.presented,
        "searched": suspects.searched,
        "under_investigation": suspects.under_investigation,
    }
    assert len({plan.suspect_ref for plan in scenario.outcomes}) == suspects.identified
    for plan in scenario.outcomes:
        reported = datetime.fromisoformat(scenario.reports[plan.report].body["submitted_at"])
        assert reported <= plan.identified_at <= plan.ended_at
        assert plan.ended_at.date() <= scenario.figures.last_day


def test_two_anchors_of_the_plan_never_speak_of_one_campaign(scenario: Scenario) -> None:
    anchors = {plan.report for plan in scenario.outcomes}
    campaigns = Counter(scenario.reports[anchor].truth.campaign for anchor in anchors)
    del campaigns[None]
    assert set(campaigns.values()) <= {1}


def test_days_lie_in_the_quarter_in_order_and_alike_in_utc(scenario: Scenario) -> None:
    moments = [datetime.fromisoformat(report.body["submitted_at"]) for report in scenario.reports]
    assert moments == sorted(moments)
    assert scenario.figures.first_day <= moments[0].date()
    assert moments[-1].date() <= scenario.figures.last_day
    for moment in moments:
        assert (moment - moment.utcoffset()).date() == moment.date()  # type: ignore[operator]


def test_the_same_seed_gives_the_same_scenario_and_another_seed_another() -> None:
    figures = load_figures(SMALL_PATH)
    assert generate(figures, 3) == generate(figures, 3)
    assert generate(figures, 3).reports != generate(figures, 4).reports


def test_texts_are_hardly_ever_the_same() -> None:
    texts = [report.body["text"] for report in _quarter().reports]
    assert len(set(texts)) >= 0.95 * len(texts)


def test_bodies_hold_what_intake_takes_and_nothing_of_the_truth(scenario: Scenario) -> None:
    for report in scenario.reports:
        body = json.loads(json.dumps(report.body))
        assert body.keys() <= FIELDS
        assert 1 <= len(body["text"]) <= 20_000
        assert "\x01" not in body["text"]
        assert "{" not in body["text"]
        assert body.get("language", "ar") in {"ar", "fr", "en", "es"}
        assert body.get("category_hint", "fraud") in set(Category)
        assert re.fullmatch("[A-Z]{2}", body.get("origin_country", "MA"))


def test_no_text_holds_the_name_of_a_category(scenario: Scenario) -> None:
    names = re.compile("|".join(rf"\b{re.escape(category)}\b" for category in Category), re.IGNORECASE)
    assert [report.body["text"] for report in scenario.reports if names.search(report.body["text"])] == []


def test_reports_that_name_isis_say_so() -> None:
    reports = _quarter().reports
    spelled = re.compile(r"da.{0,4}[ei3]?.{0,2}[sc]h|isi|sis|islam|\bei\b|داع|اعش|دعش|داش|\bai\b", re.IGNORECASE)
    silent = [r.body["text"] for r in reports if r.truth.organisation == "isis" and not spelled.search(r.body["text"])]
    assert len(silent) <= 4, silent  # a typo may hide the name from this pattern


def test_hints_are_few_and_at_times_wrong() -> None:
    reports = _quarter().reports
    hinted = [report for report in reports if "category_hint" in report.body]
    right = sum(report.body["category_hint"] == report.truth.category for report in hinted)
    assert 0.25 < len(hinted) / len(reports) < 0.45
    assert 0.7 < right / len(hinted) < 0.95


def _figures(**changed: object) -> dict[str, object]:
    return {**load_figures(SMALL_PATH).model_dump(mode="json"), **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"reports": 151},
        {"naming_isis": 12},
        {"identified": 151},
        {"abroad": -1},
        {"last_day": "2024-09-30"},
        {"suspects": {"identified": 9, "presented": 4, "searched": 2, "under_investigation": 2}},
        {"terrorism": {"fraud": 16}},
        {"unknown": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_figures_that_do_not_add_up_are_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    path = tmp_path / "figures.yaml"
    path.write_text(json.dumps(_figures(**changed)))
    with pytest.raises(FiguresError, match=r"figures\.yaml is wrong at"):
        load_figures(path)


def test_a_missing_figures_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FiguresError, match=r"nowhere\.yaml cannot be read"):
        load_figures(tmp_path / "nowhere.yaml")


def test_figures_without_suspects_or_terrorism_are_possible() -> None:
    figures = Figures(
        name="one",
        first_day=date(2024, 1, 1),
        last_day=date(2024, 1, 1),
        reports=1,
        cybercrime={Category.FRAUD: 1},
        terrorism={},
        naming_isis=0,
        identified=0,
        abroad=1,
        suspects={"identified": 0, "presented": 0, "searched": 0, "under_investigation": 0},
    )
    scenario = generate(figures, 1)
    assert scenario.outcomes == []
    assert scenario.reports[0].body["origin_country"] != "MA"
