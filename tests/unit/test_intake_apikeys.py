"""API keys: their form, their check part, what is kept of them; and the bucket that their rate is held by."""

import os
import string
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import bucket
from services.intake.apikeys import (
    MalformedKeyError,
    Reporter,
    Scope,
    StoredKey,
    is_key_id,
    mint,
    overlap_end,
    parse,
    shown_id,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
REPORTER = Reporter("hotline", frozenset({Scope.BATCH}))
KEY = mint(lambda size: bytes(range(7, 7 + size)))


def test_a_key_is_read_again_as_it_was_made() -> None:
    for _ in range(50):
        key = mint(os.urandom)
        presented = parse(key.shown)
        assert (presented.key_id, presented.secret_hash) == (key.key_id, key.secret_hash)
        assert is_key_id(shown_id(key.key_id)) == key.key_id
        assert key.shown.startswith(shown_id(key.key_id) + "_")


def test_the_form_of_a_key_never_changes_since_keys_are_out_there() -> None:
    assert KEY.shown == "ibk_0w40j2gb_01r81450p30d1r7h048j2ca1a5gq30chm6rw3mf1y81148hj89962c7cmv0"
    body = KEY.shown[:-7]
    number = 0
    for symbol in KEY.shown[-7:]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(symbol)
    assert number == zlib.crc32(body.encode())


@given(st.integers(0, 71), st.sampled_from(string.ascii_lowercase + string.digits + "_-ILO é\n\0"))
def test_any_one_wrong_character_is_noticed(place: int, other: str) -> None:
    wrong = KEY.shown[:place] + other + KEY.shown[place + 1 :]
    if wrong != KEY.shown:
        with pytest.raises(MalformedKeyError):
            parse(wrong)


@given(st.integers(0, 70))
def test_two_neighbours_swapped_and_a_key_cut_off_are_noticed(place: int) -> None:
    shown = KEY.shown
    swapped = shown[:place] + shown[place + 1] + shown[place] + shown[place + 2 :]
    for wrong in ({swapped} - {shown}) | {shown[:place], shown + "0", shown + "\n"}:
        with pytest.raises(MalformedKeyError):
            parse(wrong)


@given(st.text(max_size=100))
def test_whatever_is_presented_is_malformed_or_parsed(text: str) -> None:
    with pytest.raises(MalformedKeyError):
        parse(text)
    assert is_key_id(text) is None


def test_a_key_opens_with_its_own_secret_until_it_ends() -> None:
    other = mint(os.urandom)
    presented = parse(KEY.shown)
    stored = StoredKey(KEY.key_id, REPORTER, KEY.secret_hash)
    assert stored.opens(presented, NOW)
    assert not stored.opens(presented._replace(secret_hash=other.secret_hash), NOW)
    ending = stored._replace(ends_at=NOW)
    assert ending.opens(presented, NOW - timedelta(microseconds=1))
    assert not ending.opens(presented, NOW)


def test_two_ids_never_share_a_hash_even_with_one_secret() -> None:
    same_secret = [mint(lambda size, fill=fill: bytes([fill if size == 5 else 1]) * size) for fill in (1, 2)]
    assert same_secret[0].secret_hash != same_secret[1].secret_hash


def test_a_rotation_never_lengthens_a_key() -> None:
    week = timedelta(days=7)
    assert overlap_end(None, NOW, week) == NOW + week
    assert overlap_end(NOW + timedelta(days=1), NOW, week) == NOW + timedelta(days=1)
    assert overlap_end(NOW + timedelta(days=30), NOW, week) == NOW + week


def test_a_bucket_lets_a_burst_in_and_then_keeps_the_average() -> None:
    rate = 10.0
    level = bucket.full(rate, 0)
    assert bucket.wait_s(level, rate) == 0
    level = bucket.drawn(level, 600)
    assert bucket.wait_s(level, rate) == 50
    assert bucket.wait_s(bucket.filled(level, rate, 49), rate) == 1
    assert bucket.wait_s(bucket.filled(level, rate, 50), rate) == 0
    assert bucket.filled(level, rate, 10_000).level == rate * bucket.BURST_S
    assert bucket.filled(level, rate, -5).level == level.level


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5_000)), max_size=50), st.floats(0.5, 1_000))
def test_whatever_comes_the_average_is_kept_but_for_one_burst_and_one_request(
    requests: list[tuple[float, int]], rate: float
) -> None:
    level = bucket.full(rate, 0)
    now_s, taken, largest = 0.0, 0, 0
    for pause_s, reports in requests:
        now_s += pause_s
        level = bucket.filled(level, rate, now_s)
        if not bucket.wait_s(level, rate):
            level = bucket.drawn(level, reports)
            taken += reports
            largest = max(largest, reports)
    assert taken <= rate * (now_s + bucket.BURST_S) + largest + 1e-6 * (taken + 1)
