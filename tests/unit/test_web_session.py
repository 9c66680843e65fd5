"""Sessions without the world: what a cookie's secret gives, and what becomes of a session at a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from ibalagh.web import session
from ibalagh.web.roles import Permission, Role
from ibalagh.web.session import Fate, Session, Times, fate

NOW = datetime(2024, 8, 1, 12, tzinfo=UTC)
SECRET = "s" * 43
OTHER = "o" * 43


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def times(*, seen: float = 0, ends: float = 3600, check: float | None = 60, confirmed: float = 0) -> Times:
    return Times(after(seen), after(ends), None if check is None else after(check), after(confirmed))


@pytest.mark.parametrize(
    ("kept", "at", "expected"),
    [
        (times(), 0, Fate.GOES_ON),
        (times(), 59.9, Fate.GOES_ON),
        (times(), 60, Fate.ASK),
        (times(check=0), 0, Fate.ASK),
        (times(check=None), 1199, Fate.GOES_ON),
        (times(check=None), 1200, Fate.OVER),
        (times(check=None, seen=1000, ends=1100), 1100, Fate.OVER),
        (times(seen=1000), 1300, Fate.ASK),
        (times(seen=1000, check=1100), 1050, Fate.UNCONFIRMED),
        (times(seen=1000, check=1100, confirmed=900), 1050, Fate.GOES_ON),
    ],
)
def test_a_session_ends_by_age_or_rest_and_asks_before_it_goes_on(kept: Times, at: float, expected: Fate) -> None:
    assert fate(kept, after(at), idle_s=1200, unconfirmed_s=660) is expected


def test_the_last_request_is_noted_now_and_then() -> None:
    assert not session.needs_touch(times(), after(29), 1800)
    assert session.needs_touch(times(), after(30), 1800)
    assert session.needs_touch(times(), after(15), 60)


def test_what_the_server_keeps_does_not_give_the_cookie_and_forms_are_of_one_session() -> None:
    assert SECRET.encode() not in session.id_of(SECRET)
    assert session.form_token_matches(session.form_token(SECRET), SECRET)
    assert not session.form_token_matches(session.form_token(SECRET), OTHER)
    assert not session.form_token_matches("", SECRET)
    assert not session.form_token_matches("é", SECRET)


def test_tokens_are_opened_by_their_own_session_only() -> None:
    sealed = session.seal(b"token", SECRET, b"n" * session.NONCE_BYTES)
    assert b"token" not in sealed
    assert session.unseal(sealed, SECRET) == b"token"
    for secret, value in ((OTHER, sealed), (SECRET, sealed[:-1]), (SECRET, b"")):
        with pytest.raises(ValueError, match="not sealed"):
            session.unseal(value, secret)


def test_a_pseudonym_is_stable_and_tells_nothing_without_the_key() -> None:
    one = session.pseudonym_of("https://id.example", "salma", b"k" * 32)
    assert one == session.pseudonym_of("https://id.example", "salma", b"k" * 32)
    others = {
        session.pseudonym_of("https://id.example", "salma", b"x" * 32),
        session.pseudonym_of("https://other.example", "salma", b"k" * 32),
        session.pseudonym_of("https://id.example", "omar", b"k" * 32),
        session.pseudonym_of("https://id.example|s", "alma", b"k" * 32),
    }
    assert len(others | {one}) == 5
    assert "salma" not in one


def test_over_https_cookies_are_bound_to_their_host() -> None:
    assert session.cookie_name("triage", https=True) == "__Host-ibalagh_triage"
    assert session.cookie_name("triage", https=False) == "ibalagh_triage"


def test_someone_may_what_one_of_the_roles_may() -> None:
    both = Session("p", "P", frozenset({Role.OPERATOR, Role.OFFICER}))
    assert both.may(Permission.FIGURES_READ)
    assert both.may(Permission.CASES_ACT)
    assert not both.may(Permission.REPORTS_READ)
    assert not Session("p", "P", frozenset()).may(Permission.FIGURES_READ)
