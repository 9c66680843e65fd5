"""Sessions of the pages: what a cookie proves, and what the sign-in form, its refusals and its end answer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import httpx
import pytest
from fastapi import APIRouter
from pydantic import SecretStr

from ibalagh.events.vocabulary import Category, Urgency
from ibalagh.ops.settings import Settings
from ibalagh.web.app import create_app
from ibalagh.web.session import Session, Sessions
from ibalagh.web.signed_in import SignedInPages
from ibalagh.web.words import CATEGORIES, COUNTRIES, LANGUAGES, URGENCIES
from tests.support.serving import serving

TOKEN = "t" * 40
NOW = 1_700_000_000.0
SESSION = Session("ضابط", int(NOW) + 60)


class _Settings(Settings):
    service: ClassVar[str] = "triage"


@contextmanager
def browsing(*, token: str = TOKEN, asks_name: bool = True) -> Iterator[httpx.Client]:
    """A browser before an application that has nothing but a sign-in."""
    settings = _Settings(api_token=SecretStr(token))
    pages = SignedInPages(settings, dict.fromkeys(LANGUAGES, "Desk"), lasts_s=60, asks_name=asks_name)
    router = APIRouter()
    pages.add_routes(router)
    router.add_api_route("/", pages.ask, methods=["GET"], response_model=None)
    app = create_app("Test", settings, [])
    app.include_router(router)
    with serving(app) as browser:
        yield browser


def test_a_cookie_tells_who_signed_in_until_its_end() -> None:
    sessions = Sessions("triage", TOKEN)
    cookie = sessions.issue(SESSION)
    assert sessions.check(cookie, NOW) == SESSION
    assert sessions.check(cookie, NOW + 61) is None


@pytest.mark.parametrize("cookie", [None, "", ".", "é.é", "1.2.3", "nonsense"])
def test_what_is_no_cookie_of_ours_is_no_session(cookie: str | None) -> None:
    assert Sessions("triage", TOKEN).check(cookie, NOW) is None


def test_a_cookie_that_was_altered_is_no_session() -> None:
    sessions = Sessions("triage", TOKEN)
    cookie = sessions.issue(SESSION)
    assert sessions.check(cookie.replace(str(SESSION.ends_at_s), str(SESSION.ends_at_s + 600)), NOW) is None


@pytest.mark.parametrize("other", [Sessions("triage", "another token"), Sessions("referral", TOKEN)])
def test_a_cookie_of_another_token_or_service_is_no_session(other: Sessions) -> None:
    assert other.check(Sessions("triage", TOKEN).issue(SESSION), NOW) is None
    assert not other.form_token_matches(Sessions("triage", TOKEN).form_token("cookie"), "cookie")


def test_without_a_token_in_the_settings_nobody_is_signed_in() -> None:
    sessions = Sessions("triage", "")
    assert sessions.check(sessions.issue(SESSION), NOW) is None
    with browsing(token="") as browser:
        assert browser.post("/sign-in", data={"token": "", "pseudonym": "a"}).status_code == 401


def test_signing_in_sets_a_cookie_and_keeps_the_language() -> None:
    with browsing() as browser:
        answer = browser.post("/sign-in?lang=ar", data={"token": TOKEN, "pseudonym": "analyst-1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=ar")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie


def test_a_name_is_needed_where_decisions_are_recorded_under_it() -> None:
    with browsing() as browser:
        for pseudonym in ("", "  ", "two\nlines"):
            assert browser.post("/sign-in", data={"token": TOKEN, "pseudonym": pseudonym}).status_code == 422
    with browsing(asks_name=False) as browser:
        assert browser.post("/sign-in", data={"token": TOKEN}).status_code == 303


def test_a_wrong_token_shows_the_form_again() -> None:
    with browsing() as browser:
        answer = browser.post("/sign-in?lang=en", data={"token": "wrong", "pseudonym": "a"})
    assert answer.status_code == 401
    assert "The token is not right." in answer.text


def test_signing_out_needs_the_sessions_own_form() -> None:
    with browsing() as browser:
        assert browser.post("/sign-out").status_code == 401
        browser.post("/sign-in", data={"token": TOKEN, "pseudonym": "a"})
        assert browser.post("/sign-out", data={"form_token": "0" * 64}).status_code == 403
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/").text)
        assert found is not None
        assert browser.post("/sign-out", data={"form_token": found[1]}).status_code == 303
        assert 'name="form_token"' not in browser.get("/").text


def test_the_shared_words_cover_their_lists_in_every_language() -> None:
    assert CATEGORIES.keys() == {category.value for category in Category}
    assert URGENCIES.keys() == {f"urgency_{urgency.value}" for urgency in Urgency}
    assert all(len(words) == len(LANGUAGES) and all(words) for words in (*CATEGORIES.values(), *URGENCIES.values()))
    assert all(COUNTRIES[language].keys() == COUNTRIES["en"].keys() for language in LANGUAGES)
