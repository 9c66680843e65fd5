"""The analysts' desk in a real browser: by keys alone, without JavaScript, for everyone, and on 320 pixels."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.test_form_for_everyone import assert_accessible
from tests.support.browser import Visit, visiting
from tests.support.databases import fresh_database
from tests.support.poll import eventually
from tests.support.serving import serving
from tests.support.triage_service import BEARER, TOKEN, UNSURE, Triage, decision, running, waiting

MINORS = "sexual_exploitation_minors"
LINK = "https://a-very-long-name-of-a-page.example/" + "x" * 200


class Desk:
    """A triage of a test's own, with reports that wait."""

    def __init__(self, triage: Triage, http: httpx.Client) -> None:
        self.triage = triage
        self.http = http
        self.url = str(http.base_url).rstrip("/")

    def put(self, count: int) -> list[str]:
        # Each has a link and a number of its own: copies of a campaign are one item.
        links = [f"{LINK}{number}" for number in range(count)]
        ids = [
            self.triage.report(f"{UNSURE} {link} 061234567{number} {number}", str(number), links=(link,))
            for number, link in enumerate(links)
        ]
        waiting(self.http, count)
        return ids

    def decide(self, id_: str, person: str, **fields: object) -> httpx.Response:
        body = decision(id_, **fields) | {"reviewer": person}  # type: ignore[arg-type]
        return self.http.post("/v1/decisions", json=body, headers=BEARER)


@pytest.fixture
def desk(browser: Browser, postgres: str) -> Iterator[Desk]:
    with (
        fresh_database(postgres, f"test_{uuid.uuid4().hex[:12]}") as database_url,
        running(database_url) as triage,
        serving(triage.app) as http,
    ):
        yield Desk(triage, http)


@contextmanager
def signed_in(browser: Browser, desk: Desk, language: str, *, script: bool, width: int = 1280) -> Iterator[Visit]:
    with visiting(browser, desk.url, script=script, viewport={"width": width, "height": 800}) as visit:
        visit.open(f"/?lang={language}")
        visit.page.fill("[name=token]", TOKEN)
        visit.page.select_option("select[name=pseudonym]", "senior-1")
        visit.press("main .btn-primary")
        yield visit
        visit.press("form[action^='/sign-out'] button")


def every_page(visit: Visit, desk: Desk, language: str) -> Iterator[str]:
    """Every page of the desk, by name, with what is most on it."""
    first, second, third = desk.put(3)
    desk.decide(first, "senior-2", action="reclassify", category=MINORS)
    desk.decide(second, "senior-2", action="confirm")
    claim = {"person": "senior-2"}
    desk.http.put(f"/v1/reports/{third}/claim", json=claim, headers=BEARER)
    escalation = claim | {"report_id": first, "reason": "danger"}
    desk.http.post("/v1/escalations", json=escalation, headers=BEARER)
    visit.open(f"/?lang={language}&category=insult_defamation&notice=pending")
    visit.open(f"/?lang={language}&category=fraud&notice=applied")
    yield "queue"
    visit.open(f"/reports/{first}?lang={language}&show=1")
    yield "report-proposed"
    desk.triage.report(f"{UNSURE} {LINK}1 encore", "copy", links=(f"{LINK}1",))
    eventually(lambda: len(desk.http.get("/v1/reports", headers=BEARER).json()["items"]) == 4, 20)
    visit.open(f"/reports/{second}?lang={language}&show=1&why=1")
    yield "report-why"
    visit.open(f"/reports/{second}?lang={language}&show=1&notice=stale_version&since=1")
    yield "report-changed"
    visit.open(f"/reports/{third}?lang={language}")
    yield "report-held"
    visit.open(f"/choices?lang={language}&notice=kept")
    yield "choices"
    selected = {"person": "senior-1", "report_ids": [first, third], "filter": "category=fraud&held=nobody"}
    made = desk.http.post("/v1/selections", json=selected, headers=BEARER).json()
    visit.open(f"/selections/{made['bulk_id']}?lang={language}")
    yield "selection"
    decided = {"person": "senior-1", "action": "dismiss", "reason": "not_online", "count": 2}
    desk.http.post(f"/v1/selections/{made['bulk_id']}/decision", json=decided, headers=BEARER)

    def settled() -> bool:
        found = desk.http.get(f"/v1/selections/{made['bulk_id']}", headers=BEARER).json()
        return bool(found["progress"]["pending"] == 0)

    visit.wait_until(settled)
    visit.open(f"/selections/{made['bulk_id']}?lang={language}")
    yield "selection-progress"


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_axe_finds_nothing_and_all_fits_320_pixels(browser: Browser, desk: Desk, pictures: Path, language: str) -> None:
    with signed_in(browser, desk, language, script=True) as visit:
        page = visit.page
        for name in every_page(visit, desk, language):
            assert_accessible(page, f"{name} in {language}")
            assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
            for width in (1280, 320):
                page.set_viewport_size({"width": width, "height": 800})
                page.screenshot(path=pictures / f"desk-{name}-{language}-{width}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"


def test_a_report_is_found_taken_and_decided_by_keys_alone(browser: Browser, desk: Desk) -> None:
    ids = desk.put(2)
    with signed_in(browser, desk, "en", script=True) as visit:
        page = visit.page
        page.keyboard.press("?")
        assert page.locator("dialog#keys").is_visible()
        page.keyboard.press("n")  # of no effect while the dialog is open
        page.keyboard.press("Escape")
        assert page.locator("dialog#keys").is_hidden()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("x")
        assert page.locator("input[name=selected]:checked").count() == 1
        page.keyboard.press("k")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        opened = page.url.partition("/reports/")[2].partition("?")[0]
        assert opened in ids
        with page.expect_navigation():
            page.keyboard.press("t")
        assert "Yours until" in page.inner_text("#held")
        page.keyboard.press("m")
        page.keyboard.type("c? d")
        assert page.input_value("#message") == "c? d"
        page.fill("#message", "")
        page.locator("h1").click()
        page.keyboard.press("c")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert "/reports/" in page.url
        assert opened not in page.url
        assert "The decision was taken" in page.inner_text("main")
        with page.expect_navigation():
            page.keyboard.press("u")
        assert "You work on" in page.inner_text("main")
    assert desk.http.get(f"/v1/reports/{opened}", headers=BEARER).json()["state"] == "decided"


def test_keys_do_nothing_for_who_chose_so(browser: Browser, desk: Desk) -> None:
    desk.put(1)
    desk.http.put("/v1/people/senior-1/choices", json={"keys": False}, headers=BEARER)
    with signed_in(browser, desk, "en", script=True) as visit:
        visit.page.keyboard.press("n")
        visit.page.keyboard.press("j")
        assert visit.page.evaluate("document.activeElement.tagName") == "BODY"
        assert visit.page.locator("dialog").count() == 0


def test_a_claim_that_somebody_else_has_now_is_said_to_be_lost(browser: Browser, desk: Desk) -> None:
    [id_] = desk.put(1)
    with signed_in(browser, desk, "en", script=True) as visit:
        page = visit.page
        page.clock.install()
        visit.open(f"/reports/{id_}?lang=en")
        visit.press("button[data-key=t]")
        desk.http.delete(f"/v1/reports/{id_}/claim", params={"person": "senior-1"}, headers=BEARER)
        taken = desk.http.put(f"/v1/reports/{id_}/claim", json={"person": "senior-2"}, headers=BEARER)
        assert taken.status_code == 200
        page.clock.run_for(101_000)
        visit.wait_until(lambda: "yours no longer" in page.inner_text("#held"))
        visit.complaints.clear()  # the browser notes the 409


def test_a_claim_is_renewed_while_the_page_is_open(browser: Browser, desk: Desk) -> None:
    [id_] = desk.put(1)

    def until() -> str:
        return str(desk.http.get(f"/v1/reports/{id_}", headers=BEARER).json()["claim"]["until"])

    with signed_in(browser, desk, "en", script=True) as visit:
        visit.page.clock.install()
        visit.open(f"/reports/{id_}?lang=en")
        visit.press("button[data-key=t]")
        before = until()
        visit.page.clock.run_for(101_000)
        visit.wait_until(lambda: until() > before)


def test_hard_content_is_blurred_until_it_is_wanted_clearly(browser: Browser, desk: Desk) -> None:
    [id_] = desk.put(1)
    desk.http.put("/v1/people/senior-1/choices", json={"ask_first": ["fraud"]}, headers=BEARER)
    with signed_in(browser, desk, "en", script=False) as visit:
        visit.open(f"/reports/{id_}?lang=en")
        assert visit.page.locator("blockquote").count() == 0
        visit.press("a[data-key=s]")
        shown = visit.page.locator("section blockquote")
        assert "blur" in str(shown.evaluate("it => getComputedStyle(it).filter"))
        visit.page.check("#unblur")
        assert shown.evaluate("it => getComputedStyle(it).filter") == "none"


def test_without_javascript_many_are_decided_about_and_taken_back(browser: Browser, desk: Desk) -> None:
    ids = desk.put(3)
    with signed_in(browser, desk, "fr", script=False) as visit:
        page = visit.page
        for box in page.locator("input[name=selected]").all()[:2]:
            box.check()
        visit.press("button[value=ticked]")
        page.select_option("#reason", "not_online")
        visit.press("button[value=dismiss]")
        visit.wait_until(lambda: "Appliquée: 2" in page.inner_text("main"))
        states = [desk.http.get(f"/v1/reports/{id_}", headers=BEARER).json()["state"] for id_ in ids]
        assert sorted(states) == ["decided", "decided", "open"]
        visit.press("button.btn-outline-danger")
        waiting(desk.http, 3)
