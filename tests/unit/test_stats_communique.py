"""The communiqué: computed figures, honest words, and a text whose form is fixed."""

from datetime import date

import pytest

from ibalagh.events.vocabulary import Category
from services.stats import crosstab
from services.stats.communique import Figures, compute, in_words, share
from services.stats.counting import Cell, Measure
from services.stats.press import lines, number
from services.stats.tables import Facets, build
from services.stats.wording import LANGUAGES, MEASURES, WORDS
from tests.unit.test_stats_counting import SMALL, count

DAY = date(2031, 6, 3)


def reports(
    category: str, number: int, *, organisation: str | None = None, identified: bool = True, country: str = "MA"
) -> dict[Cell, int]:
    return {Cell(Measure.REFERRED, DAY, Category(category), organisation, identified, country): number}


def acts(measure: Measure, number: int) -> dict[Cell, int]:
    return {Cell(measure, DAY, Category.FRAUD): number}


INVENTED = {
    **reports("fraud", 1_060),
    **reports("fraud", 30, identified=False),
    **reports("violence_threats", 7, country="FR"),
    **reports("incitement_against_persons", 1),
    **reports("trafficking_prohibited_material", 2, identified=False),
    **reports("sexual_exploitation_minors", 4, identified=False, country="BE"),
    **reports("terrorism_praise", 5, organisation="isis"),
    **reports("terrorism_praise", 1, organisation="other"),
    **reports("terrorism_incitement_recruitment", 2, organisation="isis", identified=False),
    **acts(Measure.SUSPECTS_IDENTIFIED, 9),
    **acts(Measure.SUSPECTS_PRESENTED, 3),
    **acts(Measure.SEARCH_NOTICES, 2),
    Cell(Measure.RECEIVED, DAY, None, None, True, "MA"): 9_999,
}


def figures() -> Figures:
    return compute(INVENTED, date(2031, 6, 1), date(2031, 6, 30))


def test_the_figures_of_a_small_log() -> None:
    computed = compute(count([SMALL]))
    assert computed.reports_processed == 2
    assert computed.by_category["fraud"].count == 1
    assert (computed.terrorism.count, computed.isis_praise) == (1, 1)
    assert (computed.identified.count, computed.anonymous.count) == (1, 1)
    assert (computed.domestic.count, computed.abroad.count, computed.by_country) == (1, 1, {"FR": 1, "MA": 1})
    assert (computed.outcomes.suspects_identified, computed.outcomes.under_investigation) == (1, 0)


def test_parts_add_up_to_their_whole() -> None:
    computed = figures()
    assert sum(each.count for each in computed.by_category.values()) == computed.technology_crime.count
    assert sum(each.count for each in computed.terrorism_by_category.values()) == computed.terrorism.count
    whole = computed.technology_crime.count + computed.terrorism.count + computed.out_of_scope
    assert whole == computed.reports_processed == sum(computed.by_country.values())


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (4_117, 7_083, "more_than_half"),
        (2, 3, "about_two_thirds"),
        (68, 100, "more_than_two_thirds"),
        (66, 100, "about_two_thirds"),
        (1, 2, "about_half"),
        (499, 1000, "about_half"),
        (8, 100, "less_than_a_quarter"),
        (3, 10, "more_than_a_quarter"),
        (0, 5, "none"),
        (5, 5, "all"),
        (999, 1000, "more_than_three_quarters"),
    ],
)
def test_a_share_is_put_into_words_that_it_deserves(part: int, whole: int, words: str) -> None:
    assert in_words(part, whole) == words


def test_shares_are_rounded_half_up_to_one_decimal() -> None:
    assert share(4_117, 7_083).percent == 58.1
    assert share(1, 2_000).percent == 0.1
    assert share(0, 0).percent is None


def test_an_empty_period_has_a_communique_too() -> None:
    assert compute({}).reports_processed == 0
    empty = build(compute({}), Facets({}, {}, {}), k=5)
    assert all(row.count == 0 for table in empty for row in table.rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_and_every_measure_has_words_in_every_language(language: str) -> None:
    assert all(WORDS[line.name][LANGUAGES.index(language)] for line in lines(figures()))
    assert MEASURES.keys() == set(Measure)
    assert all(len(words) == len(LANGUAGES) and all(words) for words in (*WORDS.values(), *MEASURES.values()))


def test_a_french_count_keeps_its_thousands_together() -> None:
    assert "1\u00a0112" in " ".join(number(line.value, "fr") for line in lines(figures()))


def test_a_cross_tab_sums_over_what_nobody_asked_for() -> None:
    referred = {cell: n for cell, n in INVENTED.items() if cell.measure is Measure.REFERRED}
    assert crosstab.rows(referred, ["abroad"]) == [
        {"measure": "referred", "abroad": False, "count": 1_101},
        {"measure": "referred", "abroad": True, "count": 11},
    ]
    with pytest.raises(KeyError):
        crosstab.rows(referred, ["name"])
