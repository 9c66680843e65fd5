"""What people type to find a case, as what is looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.referral.linking import key_of
from services.referral.searching import MAX_NUMBER, search_of
from tests.support.referral import report_id


def key(kind: IndicatorKind, value: str) -> str:
    return key_of(Indicator(kind=kind, value=value))


@pytest.mark.parametrize(
    ("typed", "kind", "canonical"),
    [
        ("https://shop.example/x", IndicatorKind.URL, "https://shop.example/x"),
        ("shop.example", IndicatorKind.URL, "https://shop.example/"),
        ("https://Shop.example", IndicatorKind.URL, "https://shop.example/"),
        ("+212 6 00-00.00(00)", IndicatorKind.PHONE, "+212600000000"),
        ("@Someone", IndicatorKind.HANDLE, "someone"),
        ("Some.One@mail.example", IndicatorKind.EMAIL, "some.one@mail.example"),
        ("ma64 0110", IndicatorKind.IBAN, "MA640110"),
    ],
)
def test_an_indicator_is_tried_in_the_forms_that_people_copy(typed: str, kind: IndicatorKind, canonical: str) -> None:
    assert key(kind, canonical) in search_of(typed).keys


@pytest.mark.parametrize("typed", ["Rabat", "RABAT", "الرباط", "04.421"])
def test_a_place_is_found_by_its_name_or_code(typed: str) -> None:
    assert search_of(typed).places == ("04.421",)


def test_names_are_compared_without_accents_and_a_region_and_its_namesake_are_both_looked_up() -> None:
    assert search_of("Fes").places == search_of("Fès").places == ("03.231",)
    assert search_of("04").places == ("04",)


def test_an_id_is_looked_up_as_nothing_else() -> None:
    assert search_of(f" {report_id('a').upper()} ") == (None, (report_id("a"),), (), ())


@pytest.mark.parametrize(("typed", "number"), [("12", 12), ("#12", 12), ("١٢", None), ("1" * 30, None), ("x", None)])
def test_a_number_is_one_that_a_row_can_hold(typed: str, number: int | None) -> None:
    assert search_of(typed).number == number


@given(st.text(max_size=200))
def test_whatever_is_typed_can_be_looked_up(text: str) -> None:
    search = search_of(text)
    assert search.number is None or 0 <= search.number <= MAX_NUMBER
    assert len(search.keys) <= 60
