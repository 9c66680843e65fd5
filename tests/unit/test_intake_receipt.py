"""Receipts: enough randomness, readable, a check symbol that notices typing errors, the same for a retry."""

import hmac
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import receipt

SECRETS = receipt.Secrets.from_root(bytes(range(32)))
receipts = st.binary(min_size=1, max_size=40).map(lambda part: receipt.derive(SECRETS.receipt, part))


def test_a_receipt_has_nine_groups_of_three_and_130_random_bits() -> None:
    shown = receipt.derive(SECRETS.receipt, b"a")
    assert [len(group) for group in shown.split("-")] == [3] * 9
    assert receipt.SYMBOLS * 5 == 130
    assert receipt.is_well_formed(shown)


def test_the_same_parts_give_the_same_receipt_and_other_parts_another() -> None:
    assert receipt.derive(SECRETS.receipt, b"a", b"bc") == receipt.derive(SECRETS.receipt, b"a", b"bc")
    assert receipt.derive(SECRETS.receipt, b"a", b"bc") != receipt.derive(SECRETS.receipt, b"ab", b"c")
    assert receipt.derive(SECRETS.receipt, b"a") != receipt.derive(SECRETS.pepper, b"a")


def test_the_five_keys_of_a_root_differ_from_it_and_from_each_other() -> None:
    assert len({bytes(range(32)), *SECRETS}) == 6


def test_a_short_root_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        receipt.Secrets.from_root(b"short")


def test_every_symbol_appears_at_every_place_over_many_receipts() -> None:
    shown = [receipt.normalise(receipt.derive(SECRETS.receipt, b"%d" % number)) for number in range(2_000)]
    for place in range(receipt.SYMBOLS + 1):
        assert {each[place] for each in shown} == set(receipt.ALPHABET)


@given(receipts, st.integers(0, receipt.SYMBOLS), st.sampled_from(receipt.ALPHABET))
def test_one_wrong_symbol_is_noticed(shown: str, place: int, symbol: str) -> None:
    text = receipt.normalise(shown)
    wrong = text[:place] + symbol + text[place + 1 :]
    assert receipt.is_well_formed(wrong) == (wrong == text)


@given(receipts, st.integers(0, receipt.SYMBOLS - 1))
def test_two_neighbours_swapped_are_noticed(shown: str, place: int) -> None:
    text = receipt.normalise(shown)
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert receipt.is_well_formed(wrong) == (wrong == text)


def with_check(body: str) -> str:
    return body + receipt.check_symbol(body)


def test_the_check_symbol_notices_every_wrong_symbol_and_every_swap_of_neighbours() -> None:
    """At every place, with every pair of symbols. The sum is linear, so what holds beside zeros holds beside any."""
    zeros = receipt.ALPHABET[0] * receipt.SYMBOLS
    for place, first in product(range(receipt.SYMBOLS), receipt.ALPHABET[1:]):
        assert receipt.check_symbol(zeros[:place] + first + zeros[place + 1 :]) != receipt.check_symbol(zeros)
    for place, first, second in product(range(receipt.SYMBOLS - 1), receipt.ALPHABET, receipt.ALPHABET):
        body, after = zeros[:place], zeros[place + 2 :]
        swapped = receipt.check_symbol(body + second + first + after)
        assert (receipt.check_symbol(body + first + second + after) == swapped) == (first == second)
    for first, second in product(receipt.ALPHABET, repeat=2):
        whole = with_check(zeros[2:] + first + second)
        swapped = whole[:-2] + whole[-1] + whole[-2]
        assert receipt.is_well_formed(swapped) == (swapped == whole)


@given(receipts)
def test_however_it_is_typed_the_stored_hash_is_the_same(shown: str) -> None:
    stored = receipt.stored_hash(SECRETS.pepper, shown)
    arabic_digits = shown.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    look_alikes = shown.replace("0", "O").replace("1", "l")
    for typed in (shown.lower(), f"  {shown.replace('-', ' ')} ", arabic_digits, look_alikes):
        assert receipt.stored_hash(SECRETS.pepper, typed) == stored


@given(st.text(max_size=60))
def test_any_text_can_be_asked_with(typed: str) -> None:
    assert len(receipt.stored_hash(SECRETS.pepper, typed)) == 32
    receipt.is_well_formed(typed)


@pytest.mark.parametrize("key_bytes", [0, 1, 32, 64, 65, 200])
def test_the_keyed_hash_is_the_librarys_hmac(key_bytes: int) -> None:
    key = bytes(range(200))[:key_bytes]
    for message in (b"", b"x", bytes(1_000)):
        assert receipt.keyed_hash(key, message) == hmac.digest(key, message, "sha256")
