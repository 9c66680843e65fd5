"""The demo's comparison and tables: every line of the communiqué is expected, shown, and able to differ."""

import io
from datetime import date

from rich.console import Console
from rich.table import Table

from bench.demonstration import comparison, tables
from bench.demonstration.analysts import Score
from bench.scenario import load_figures
from bench.scenario.figures import QUARTER_PATH, SMALL_PATH
from ibalagh.events.vocabulary import Category
from services.stats.communique import compute
from services.stats.counting import Cell, Measure

DAY = date(2024, 7, 1)


def _printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_every_line_is_expected_and_every_base_is_a_line() -> None:
    wanted = comparison.expected(load_figures(QUARTER_PATH))
    assert wanted.keys() == comparison.ALL_LINES
    assert {line.base for line in comparison.LINES if line.base} <= wanted.keys()
    assert {
        "suspects identified",
        "brought before justice",
        "under search notice",
        "still under investigation",
    } == comparison.SUSPECT_LINES


def test_the_quarters_communique_has_the_press_releases_figures_and_shares() -> None:
    printed = _printed(tables.communique_table("Q", comparison.expected(load_figures(QUARTER_PATH))))
    for words in ("7,083", "6,788", "60.0 %", "20.0 %", "10.0 %", "5.0 %", "295", "85", "4,117", "58.1 %", "564", "82"):
        assert words in printed


def test_equal_figures_have_no_difference_and_any_changed_line_is_one() -> None:
    wanted = comparison.expected(load_figures(SMALL_PATH))
    assert comparison.differences(wanted, dict(wanted)) == []
    for name in wanted:
        changed = {**wanted, name: wanted[name] - 1}
        assert comparison.differences(wanted, changed) == [(name, wanted[name], wanted[name] - 1)]
    assert comparison.differences({"fraud": 2}, {}) == [("fraud", 2, 0)]


def test_differences_are_printed_with_name_and_size() -> None:
    printed = _printed(tables.difference_table([comparison.Difference("fraud", 47, 46)]))
    assert "fraud" in printed
    assert "-1" in printed


def test_the_machines_score_is_told_in_reports_and_shares() -> None:
    score = Score(right_alone=80, to_review=15, review_confirmed=9, corrected_later=5)
    printed = _printed(tables.machine_table(score, 100))
    assert all(words in printed for words in ("80.0 %", "15.0 %", "9.0 %", "5.0 %"))


def test_nothing_sent_is_told_without_shares() -> None:
    assert "0" in _printed(tables.machine_table(Score(), 0))
    assert "1.5" in _printed(tables.timing_table({"a": 1.0, "b": 0.5}))


def test_what_stats_computes_becomes_the_same_lines() -> None:
    cells = {
        Cell(Measure.REFERRED, DAY, Category.FRAUD, None, True, "FR"): 3,
        Cell(Measure.REFERRED, DAY, Category.SEXUAL_EXPLOITATION_MINORS, None, False, "MA"): 2,
        Cell(Measure.REFERRED, DAY, Category.TERRORISM_PRAISE, "isis", False, "MA"): 1,
        Cell(Measure.SUSPECTS_IDENTIFIED, DAY, Category.FRAUD): 4,
        Cell(Measure.SUSPECTS_PRESENTED, DAY, Category.FRAUD): 1,
    }
    lines = comparison.computed(compute(cells).model_dump(mode="json"))
    assert lines.keys() == comparison.ALL_LINES
    assert {name: count for name, count in lines.items() if count} == {
        "reports processed": 6,
        "technology crime": 5,
        "fraud": 3,
        comparison.OTHER: 2,
        "terrorism and extremism": 1,
        "praise of terrorism": 1,
        "of these praise of ISIS": 1,
        "with full identity": 3,
        "anonymous": 3,
        "from abroad": 3,
        "domestic": 3,
        "suspects identified": 4,
        "brought before justice": 1,
        "still under investigation": 3,
    }
