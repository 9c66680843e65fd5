"""In a flood the form gets through by itself where scripts run, by a proof of work; where none do, by patience."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from ibalagh.web.words import LANGUAGES
from services.intake.admission import PATIENCE_S
from services.intake.forms import read_texts
from services.intake.proof import Proofs
from tests.browser.test_form_for_everyone import assert_accessible
from tests.support.browser import INSECURE_HOST, Visit, visiting
from tests.support.intake import IntakeProcess
from tests.support.poll import eventually

TEXTS = read_texts()
FOR_EVER = "addEventListener('message', () => postMessage({ tries: 3000 }));"
"""A worker that never finds anything."""
TYPED = 'A threat\nwith a "second" line'


def send(visit: Visit, language: str) -> Page:
    """Fill in what is needed, and press on up to the sending."""
    visit.open(f"/?lang={language}")
    visit.page.fill("#text", TYPED)
    while not visit.page.locator('button[value="to-what"]').count():
        visit.press(".btn-primary")
    visit.press(".btn-primary")
    return visit.page


def never_done(route: Route) -> None:
    route.fulfill(body=FOR_EVER, content_type="text/javascript")


def has_receipt(page: Page, language: str) -> bool:
    return TEXTS[language]["receipt_title"] in page.inner_text("main")


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_with_script_the_report_gets_through_at_once_by_itself(
    browser: Browser, flooded: IntakeProcess, language: str
) -> None:
    with visiting(browser, flooded.url, script=True) as visit:
        page = send(visit, language)
        page.wait_for_selector(".receipt-text", timeout=(PATIENCE_S - 3) * 1000)
        assert has_receipt(page, language)


def test_where_browsers_refuse_webcrypto_the_work_is_done_too(browser: Browser, flooded: IntakeProcess) -> None:
    with visiting(browser, flooded.url.replace("127.0.0.1", INSECURE_HOST), script=True) as visit:
        page = send(visit, "fr")
        assert page.evaluate("isSecureContext || !!crypto.subtle") is False
        page.wait_for_selector(".receipt-text", timeout=(PATIENCE_S - 1) * 1000)
        # That a policy counts for nothing without https is all that the browser has to say.
        visit.complaints = [each for each in visit.complaints if "Cross-Origin-Opener-Policy" not in each]


def test_without_script_the_report_gets_through_by_patience(browser: Browser, flooded: IntakeProcess) -> None:
    with visiting(browser, flooded.url, script=False) as visit:
        page = send(visit, "ar")
        assert page.locator("#patience:focus").inner_text() == TEXTS["ar"]["busy"]
        assert not page.locator("[data-challenge]").is_visible()

        def pressed_again() -> bool:
            visit.press("main .btn-primary")
            return has_receipt(page, "ar")

        eventually(pressed_again, PATIENCE_S + 10, every_s=1)


def test_who_stops_the_work_is_told_to_be_patient_and_nothing_is_lost(browser: Browser, flooded: IntakeProcess) -> None:
    with visiting(browser, flooded.url, script=True) as visit:
        visit.context.route("**/work-worker.js", never_done)
        page = send(visit, "fr")
        panel = page.locator("[data-challenge]")
        assert panel.evaluate("each => each === document.activeElement")
        assert TEXTS["fr"]["work"]["text"] in panel.inner_text()
        assert not page.locator("#patience").is_visible()
        eventually(lambda: page.locator(".work progress").evaluate("each => each.value") > 0.5)
        page.click(".work button")
        assert page.locator("#patience:focus").is_visible()
        assert not panel.is_visible()
        assert TYPED in page.inner_text(".summary")


def test_where_no_worker_can_run_patience_is_asked_for(browser: Browser, flooded: IntakeProcess) -> None:
    with visiting(browser, flooded.url, script=True) as visit:
        visit.context.route("**/pbkdf2.js", lambda route: route.fulfill(status=404))
        page = send(visit, "fr")
        page.wait_for_selector("#patience", state="visible")
        visit.complaints.clear()


def test_work_that_is_worth_nothing_is_not_asked_for_again(flooded: IntakeProcess) -> None:
    for proof in ("x", Proofs(bytes(32)).challenge()["signature"]):
        answer = flooded.http.post("/?lang=en", data={"text": "x", "proof": proof})
        assert answer.status_code == 503
        assert "data-challenge" not in answer.text
        assert "retry-after" in answer.headers
    assert "data-challenge" in flooded.http.post("/?lang=en", data={"text": "x"}).text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_while_the_work_is_done_and_after(
    browser: Browser, flooded: IntakeProcess, language: str, scheme: str
) -> None:
    with visiting(browser, flooded.url, script=True, color_scheme=scheme) as visit:
        visit.context.route("**/work-worker.js", never_done)
        page = send(visit, language)
        assert_accessible(page, f"work in {language}, {scheme}")
        page.click(".work button")
        assert_accessible(page, f"patience in {language}, {scheme}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("device", "width", "height"), [("narrow", 320, 640), ("desktop", 1280, 800)])
def test_pictures_of_a_flood_are_taken_and_nothing_is_wider_than_the_page(
    browser: Browser, flooded: IntakeProcess, pictures: Path, language: str, device: str, width: int, height: int
) -> None:
    with visiting(browser, flooded.url, script=True, viewport={"width": width, "height": height}) as visit:
        visit.context.route("**/work-worker.js", never_done)
        page = send(visit, language)
        page.screenshot(path=pictures / f"{language}-{device}-busy-work.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click(".work button")
        page.screenshot(path=pictures / f"{language}-{device}-busy-patience.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
