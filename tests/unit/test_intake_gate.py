"""The gate of trusted reporters, without a database: who is let in, for what, how fast, and how long a key is known."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.web.problems import Problem
from services.intake.apikeys import Minted, Reporter, Scope, StoredKey, mint
from services.intake.gate import MOST_CACHED, OPERATOR, Gate
from services.intake.metrics import IntakeMetrics
from services.intake.quota import quota_used_up
from services.intake.settings import IntakeSettings

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SETTINGS = IntakeSettings(api_token=SecretStr("a-token-of-the-tests"))


class Keys:
    """Keys in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredKey] = {}
        self.asked = 0
        self.away = False

    def add(self, key: Minted, reporter: Reporter, ends_at: datetime | None = None) -> str:
        self.kept[key.key_id] = StoredKey(key.key_id, reporter, key.secret_hash, ends_at)
        return f"Bearer {key.shown}"

    def find(self, key_id: str) -> StoredKey | None:
        if self.away:
            raise PassingError("away")
        self.asked += 1
        return self.kept.get(key_id)

    def reserve(self, _name: str, _day: date, _quota: int, wanted: int) -> int:
        return wanted

    def give_back(self, _name: str, _day: date, _unused: int, _doubtful: Sequence[str]) -> None:
        """Nothing is counted."""

    def used_before(self, _key_hashes: Sequence[bytes]) -> frozenset[bytes]:
        return frozenset()


class Door:
    """A gate with clocks that a test moves."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.now = NOW
        self.seconds = 0.0
        self.registry = CollectorRegistry()
        self.gate = Gate(
            SETTINGS,
            self.keys,
            lambda: self.now,
            lambda: self.seconds,
            max_age_s=5,
            metrics=IntakeMetrics(self.registry),
        )

    def admit(self, authorization: str | None, scope: Scope = Scope.BATCH) -> Reporter:
        return asyncio.run(self.gate.admit(authorization, scope))

    def refusal(self, authorization: str | None, scope: Scope = Scope.BATCH) -> Problem:
        with pytest.raises(Problem) as raised:
            self.admit(authorization, scope)
        return raised.value


@pytest.fixture
def door() -> Door:
    return Door()


def reporter(*scopes: Scope, **limits: Any) -> Reporter:
    return Reporter("hotline", frozenset(scopes or {Scope.BATCH}), **limits)


def test_the_operator_has_every_scope_and_needs_no_database(door: Door) -> None:
    door.keys.away = True
    for scope in Scope:
        assert door.admit("Bearer a-token-of-the-tests", scope) == OPERATOR


def test_a_key_opens_what_its_scopes_say(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter(Scope.XARF, Scope.SUBMITTED_AT))
    assert door.admit(key, Scope.XARF).name == "hotline"
    assert door.admit(key.replace("Bearer", "bearer"), Scope.XARF)
    refusal = door.refusal(key, Scope.STIX)
    assert (refusal.status, refusal.code) == (403, "not_allowed")


def test_what_is_no_valid_key_is_401_and_a_mistyped_one_is_not_even_looked_up(door: Door) -> None:
    good = door.keys.add(mint(os.urandom), reporter())
    mistyped = good[:-1] + ("0" if good[-1] != "0" else "1")
    other = mint(os.urandom)
    for authorization in (None, "", "Bearer", "Bearer ", "Basic x", good.replace("Bearer", "Basic"), mistyped, "x" * 9):
        refusal = door.refusal(authorization)
        assert (refusal.status, refusal.code) == (401, "not_signed_in")
        assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
    assert door.keys.asked == 0
    assert door.refusal(f"Bearer {other.shown}").status == 401
    same_id = door.keys.kept[next(iter(door.keys.kept))]
    door.keys.kept[other.key_id] = same_id._replace(key_id=other.key_id)
    door.seconds += 6
    assert door.refusal(f"Bearer {other.shown}").status == 401


def test_a_key_is_asked_for_once_in_its_time_and_a_revoked_one_ends_with_it(door: Door) -> None:
    minted = mint(os.urandom)
    key = door.keys.add(minted, reporter())
    for _ in range(10):
        door.admit(key)
    assert door.keys.asked == 1
    door.keys.add(minted, reporter(), ends_at=NOW)
    door.seconds = 4.99
    assert door.admit(key)
    door.seconds = 5
    assert door.refusal(key).status == 401


def test_the_end_of_a_rotated_key_is_exact_although_it_is_remembered(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter(), ends_at=NOW + timedelta(seconds=1))
    assert door.admit(key)
    door.now += timedelta(seconds=1)
    assert door.refusal(key).status == 401
    assert door.keys.asked == 1


def test_with_the_database_away_a_known_key_works_for_its_time_and_then_nothing_is_guessed(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter())
    door.admit(key)
    door.keys.away = True
    assert door.admit(key)
    door.seconds = 5
    with pytest.raises(PassingError):
        door.admit(key)


def test_wrong_keys_do_not_fill_the_memory(door: Door) -> None:
    async def try_many() -> None:
        for _ in range(MOST_CACHED + 50):
            with pytest.raises(Problem):
                await door.gate.admit(f"Bearer {mint(os.urandom).shown}", Scope.BATCH)

    asyncio.run(try_many())
    assert len(door.gate._remembered) == MOST_CACHED


def test_a_reporter_that_is_too_fast_is_told_when_to_come_back(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter(rate_per_s=10.0))
    asyncio.run(door.gate.tally(door.admit(key), 250))
    refusal = door.refusal(key)
    assert (refusal.status, refusal.code, refusal.headers["Retry-After"]) == (429, "too_many_requests", "15")
    door.seconds += 15
    assert door.admit(key)


def test_requests_that_came_at_the_same_time_share_the_rate(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter(rate_per_s=10.0))
    admitted = [door.admit(key) for _ in range(3)]
    asyncio.run(door.gate.tally(admitted[0], 101))
    with pytest.raises(Problem) as raised:
        asyncio.run(door.gate.tally(admitted[1], 1))
    assert raised.value.code == "too_many_requests"


def test_when_it_is_not_known_whether_reports_were_counted_none_is_taken_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> int:
        raise UnknownOutcomeError("lost")

    monkeypatch.setattr(door.keys, "reserve", lost)
    with pytest.raises(Problem) as raised:
        asyncio.run(door.gate.tally(reporter(daily_quota=5), 1))
    assert raised.value.status == 503


def test_answers_stand_when_the_count_cannot_be_put_right(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise PassingError("away")

    monkeypatch.setattr(door.keys, "give_back", away)
    tally = asyncio.run(door.gate.tally(reporter(daily_quota=5), 1))
    asyncio.run(tally.settle())


def test_the_wait_for_a_new_quota_ends_at_midnight_in_morocco() -> None:
    late = datetime(2026, 7, 1, 22, 59, 30, tzinfo=UTC)
    problem = quota_used_up(late)
    assert problem.headers["Retry-After"] == "30"
    assert problem.body()["retry_after_s"] == 30


def test_what_the_gate_decides_is_counted_by_a_closed_word(door: Door) -> None:
    key = door.keys.add(mint(os.urandom), reporter())
    door.admit(key)
    door.admit("Bearer a-token-of-the-tests")
    door.refusal("Bearer wrong")
    door.refusal(key, Scope.STIX)
    name = "ibalagh_intake_trusted_requests_total"
    counted = {
        decision: door.registry.get_sample_value(name, {"decision": decision})
        for decision in ("admitted", "not_signed_in", "not_allowed")
    }
    assert counted == {"admitted": 2, "not_signed_in": 1, "not_allowed": 1}


def test_without_a_store_of_keys_nobody_but_the_operator_is_let_in(door: Door) -> None:
    gate = Gate(SETTINGS, None, lambda: NOW, lambda: 0.0, max_age_s=5)
    with pytest.raises(Problem) as raised:
        asyncio.run(gate.admit(f"Bearer {mint(os.urandom).shown}", Scope.BATCH))
    assert raised.value.status == 401
