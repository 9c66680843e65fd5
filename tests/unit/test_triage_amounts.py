"""Sums of money have one value, however they are written, in all varieties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.entities.amounts import MAX_AMOUNTS, amounts
from services.triage.entities.money_words import money_words
from services.triage.normalise import clean
from tests.support.linear import assert_linear


def found(text: str) -> list[tuple[float, str]]:
    return [tuple(amount) for amount in amounts(clean(text))]


@pytest.mark.parametrize(
    ("written", "value", "currency"),
    [
        ("500 dh", 500, "MAD"),
        ("500dh", 500, "MAD"),
        ("500 DHS", 500, "MAD"),
        ("٥٠٠ درهم", 500, "MAD"),
        ("ب200 درهم", 200, "MAD"),
        ("80 درهما", 80, "MAD"),
        ("400 drahem", 400, "MAD"),
        ("1800 MAD", 1800, "MAD"),
        ("MAD 1800", 1800, "MAD"),
        ("12.000 dh", 12_000, "MAD"),
        ("6 500,00 dh", 6_500, "MAD"),
        ("2k dh", 2_000, "MAD"),
        ("5k dirham", 5_000, "MAD"),
        ("50 mil dh", 50_000, "MAD"),
        ("9 mille dh", 9_000, "MAD"),
        ("30 alf derhem", 30_000, "MAD"),
        ("25 ألف درهم", 25_000, "MAD"),
        ("deux mille dirhams", 2_000, "MAD"),
        ("deux mille cinq cents dirhams", 2_500, "MAD"),
        ("quatre-vingt-dix dirhams", 90, "MAD"),
        ("dos mil cuatrocientos dirhams", 2_400, "MAD"),
        ("two hundred dirhams", 200, "MAD"),
        ("ألفي درهم", 2_000, "MAD"),
        ("بأربعة آلاف ومئتي درهم", 4_200, "MAD"),
        ("ثمانية وأربعين ألف درهم", 48_000, "MAD"),
        ("ألف وخمسمية درهم", 1_500, "MAD"),
        ("السبعون درهما", 70, "MAD"),
        ("درهمين", 2, "MAD"),
        ("alf o khmesmyat dirham", 1_500, "MAD"),
        ("3 د المليون", 30_000, "MAD"),
        ("3 d lmlayn", 30_000, "MAD"),
        ("3 d lmelyoun 3la lvisa", 30_000, "MAD"),
        ("ربعة د الملاين", 40_000, "MAD"),
        ("10 الملاين", 100_000, "MAD"),
        ("مليون", 10_000, "MAD"),
        ("مليونين سنتيم", 20_000, "MAD"),
        ("مليون ونص", 15_000, "MAD"),
        ("جوج مليون و نص", 25_000, "MAD"),
        ("1.5 مليون سنتيم", 15_000, "MAD"),
        ("مليون و 200 الف درهم", 1_200_000, "MAD"),
        ("3 millions de centimes", 30_000, "MAD"),
        ("50 centimes", 0.5, "MAD"),
        ("alf ryal", 50, "MAD"),
        ("100 alf ryal", 5_000, "MAD"),
        ("ميتين ألف ريال", 10_000, "MAD"),
        ("1200 ريال سعودي", 1_200, "SAR"),
        ("1.500,00 €", 1_500, "EUR"),
        ("€1,500.00", 1_500, "EUR"),
        ("49,90€", 49.9, "EUR"),
        ("3k euros", 3_000, "EUR"),
        ("50e", 50, "EUR"),
        ("بألف وخمسمئة يورو", 1_500, "EUR"),
        ("2 millions de euros", 2_000_000, "EUR"),
        ("4 millones de dolares", 4_000_000, "USD"),
        ("$ 300", 300, "USD"),
        ("300$", 300, "USD"),
        ("£180", 180, "GBP"),
        ("usdt 200", 200, "USDT"),
        ("0,02 BTC", 0.02, "BTC"),
        ("0.5 eth", 0.5, "ETH"),
    ],
)
def test_a_sum_has_one_value(written: str, value: float, currency: str) -> None:
    assert found(written) == [(value, currency)]
    assert found(f"xx {written} xx") == [(value, currency)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "😀",
        "2 million followers",
        "medio millon de visitas",
        "le 05/06/2024 à 10h30",
        "06 12 34 56 78",
        "3e fois",
        "مليون مشاهدة",
        "500 personnes",
        "0 dh",
        "dh dh dh",
        "chf_7ay_98",
    ],
)
def test_what_is_no_sum_of_money_is_none(text: str) -> None:
    assert found(text) == []


def test_sums_stand_in_order_and_each_once() -> None:
    text = "6000 dh 7000 dh puis 300€, et encore 6000dh; 0.1 btc"
    assert found(text) == [(6_000, "MAD"), (7_000, "MAD"), (300, "EUR"), (0.1, "BTC")]


def test_a_price_list_is_cut() -> None:
    assert len(found(" ".join(f"{number} dh," for number in range(1, 500)))) == MAX_AMOUNTS


@given(
    value=st.integers(1, 999_999),
    gap=st.sampled_from(["", " ", ".", ","]),
    cents=st.sampled_from(["", ",00", ".00"]),
    unit=st.sampled_from(["dh", " dh", " DH", " درهم", " dirhams", "dhs"]),
)
def test_any_spelling_of_a_sum_is_the_same(value: int, gap: str, cents: str, unit: str) -> None:
    if gap and cents[:1] == gap:
        cents = ""
    written = f"{value:,}".replace(",", gap) + cents + unit
    assert found(f"j'ai payé {written} hier") == [(value, "MAD")]


@given(st.integers(1, 500))
def test_millions_are_of_centimes_in_all_varieties(number: int) -> None:
    for written in (f"{number} مليون", f"{number} د الملاين", f"{number} d lmlayn", f"{number} millions de centimes"):
        assert found(written) == [(number * 10_000, "MAD")]


@given(
    st.text(max_size=200) | st.lists(st.sampled_from(sorted(money_words() | {"3", "2k", "و", "d", "€"}))).map(" ".join)
)
def test_no_text_breaks_it_and_every_sum_is_one(text: str) -> None:
    for value, currency in amounts(clean(text)):
        assert 0 < value < 10**12
        assert currency.isalpha()


@pytest.mark.parametrize("piece", ["1", "1 ", "1.", "1 000 ", "مليون ", "و ", "dh ", "3 d ", "€", "mille ", "1,1 dh "])
def test_time_is_linear(piece: str) -> None:
    assert_linear(amounts, piece)
