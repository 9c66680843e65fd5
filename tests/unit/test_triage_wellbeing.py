"""How little an analyst has to see, and when to pause."""

from datetime import timedelta

import pytest

from ibalagh.events.vocabulary import Category
from services.triage.wellbeing import HARD, Choices, View, asks_first, meter
from tests.support.triage import NOW

EASY, HARD_ONE = Category.FRAUD, Category.SEXUAL_EXPLOITATION_MINORS


def ago(minutes: int, category: Category = EASY) -> View:
    return View(NOW - timedelta(minutes=minutes), category)


def test_a_day_without_views_is_empty() -> None:
    assert meter([], Choices(), NOW) == (0, 0, 0, False, False)


def test_work_is_counted_from_the_last_break() -> None:
    views = [ago(2), ago(9), ago(17), ago(26), ago(40), ago(45)]
    assert meter(views, Choices(), NOW).working_min == 26
    assert meter([ago(11), ago(12)], Choices(), NOW).working_min == 0  # this is a break


def test_a_break_and_enough_are_said_when_the_person_chose() -> None:
    views = [ago(minute * 5, HARD_ONE) for minute in range(7)]
    found = meter(views, Choices(break_after_min=30, most_hard=7), NOW)
    assert (found.shown, found.hard, found.working_min, found.break_due, found.enough_hard) == (7, 7, 30, True, True)
    found = meter(views, Choices(break_after_min=31, most_hard=8), NOW)
    assert (found.break_due, found.enough_hard) == (False, False)


@pytest.mark.parametrize(
    ("category", "seen", "working", "asks"),
    [
        (EASY, False, False, False),
        (EASY, True, False, True),
        (EASY, True, True, False),
        (HARD_ONE, False, False, True),
        (HARD_ONE, False, True, True),
    ],
)
def test_what_is_hard_or_known_is_asked_about(category: Category, seen: bool, working: bool, asks: bool) -> None:
    assert asks_first(Choices(), category, seen=seen, working=working) is asks


def test_a_person_may_choose_to_be_asked_about_nothing() -> None:
    assert HARD_ONE in HARD
    assert not asks_first(Choices(ask_first=frozenset()), HARD_ONE, seen=False, working=False)
