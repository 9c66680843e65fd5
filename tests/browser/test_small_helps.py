"""What the form does better where scripts run: leaving by Escape, sending once, counting what still fits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from ibalagh.web.words import LANGUAGES
from services.intake.forms import TEXT_MAX_CHARS, read_texts
from tests.support.browser import Visit, visiting
from tests.support.intake import IntakeProcess
from tests.support.poll import eventually

TEXTS = read_texts()
PATHS = ["/", "/status"]


@pytest.fixture
def visit(browser: Browser, intake: IntakeProcess) -> Iterator[Visit]:
    with visiting(browser, intake.url, script=True) as opened:
        yield opened


def is_left(page: Page) -> bool:
    return page.evaluate("document.documentElement.hidden") or page.url.endswith("/leave")


def passed(page: Page, since_ms: float, wait_ms: float) -> None:
    page.wait_for_function("until => performance.now() > until", arg=since_ms + wait_ms)


@pytest.mark.parametrize("path", PATHS)
def test_escape_three_times_leaves_and_leaves_no_way_back(visit: Visit, path: str) -> None:
    page = visit.page
    page.goto("about:blank")
    visit.open(f"{path}?lang=fr")
    page.focus("main textarea, main input:not([type=hidden])")
    with page.expect_navigation(url="**/leave"):
        for _ in range(3):
            page.keyboard.press("Escape")
    page.go_back()
    assert page.url == "about:blank"


def test_the_page_is_hidden_at_once_and_not_when_the_next_one_comes(visit: Visit) -> None:
    visit.open("/?lang=fr")
    with visit.page.expect_navigation(url="**/leave"):
        seen = visit.page.evaluate(
            """() => {
                for (let i = 0; i < 3; i++) dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
                return [document.documentElement.getBoundingClientRect().height, document.title];
            }"""
        )
    assert seen == [0, ""]


def test_the_button_replaces_the_page_too(visit: Visit) -> None:
    visit.page.goto("about:blank")
    visit.open("/?lang=fr")
    visit.press(".quick-exit a")
    assert visit.page.url.endswith("/leave")
    visit.page.go_back()
    assert visit.page.url == "about:blank"


def test_ordinary_escapes_leave_nothing(visit: Visit) -> None:
    page = visit.page
    visit.open("/?lang=fr")
    page.keyboard.press("Escape")
    began_ms = page.evaluate("performance.now()")
    page.keyboard.press("Escape")
    passed(page, began_ms, 2100)
    page.keyboard.press("Escape")
    assert not is_left(page)
    for _ in range(5):
        page.keyboard.down("Escape")  # held down: the browser says that it repeats
    assert not is_left(page)
    passed(page, page.evaluate("performance.now()"), 2100)  # else it would be the third
    assert page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', cancelable: true}))") is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_does_not_see_the_page_is_told_of_the_way_out(browser: Browser, visit: Visit, language: str) -> None:
    visit.open(f"/?lang={language}")
    described = visit.page.locator(".quick-exit a").get_attribute("aria-describedby")
    assert visit.page.locator(f"#{described}").inner_text()
    with visiting(browser, visit.base_url, script=False) as without:
        without.open(f"/?lang={language}")
        assert without.page.locator(".quick-exit a").get_attribute("aria-describedby") is None
        assert not without.page.locator("#leave-keys").is_visible()


def test_a_form_is_sent_once_and_can_be_sent_again_after_it_was_stopped(visit: Visit) -> None:
    page = visit.page
    visit.open("/?lang=fr")
    # Counted and held back, so that the page stays as it is while an answer is waited for.
    page.evaluate(
        """() => {
            window.sent = 0;
            addEventListener("submit", (event) => {
                if (!event.defaultPrevented) window.sent += 1;
                event.preventDefault();
            });
        }"""
    )
    button = page.locator("main .btn-primary")
    for _ in range(3):
        button.click(force=True)
    assert page.evaluate("sent") == 1
    assert button.inner_text() == TEXTS["fr"]["one_moment"]
    page.keyboard.press("Escape")
    assert button.inner_text() == TEXTS["fr"]["form"]["next"]
    assert button.get_attribute("aria-disabled") is None
    button.click()
    assert page.evaluate("sent") == 2
    page.evaluate("() => { dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})); }")
    assert button.inner_text() == TEXTS["fr"]["form"]["next"]


def test_what_still_fits_is_said_when_little_does_and_aloud_in_a_pause(visit: Visit) -> None:
    page = visit.page
    visit.open("/?lang=ar")
    seen = page.locator("[data-counter=text]")
    page.fill("#text", "x" * (TEXT_MAX_CHARS // 2))
    assert not seen.is_visible()
    page.fill("#text", "x" * (TEXT_MAX_CHARS - 1234))
    words = TEXTS["ar"]["left"].format(left="1,234")
    assert seen.inner_text() == words
    aloud = page.locator("[data-counter=text] + [role=status]")
    assert aloud.text_content() == ""
    eventually(lambda: aloud.text_content() == words)


def test_a_telephone_shows_the_keys_that_a_field_needs(visit: Visit) -> None:
    page = visit.page
    visit.open("/?lang=fr")
    page.fill("#text", "x")
    kinds = {}
    for _ in range(5):
        visit.press("main .btn-primary")
        for field in page.locator("main input[type=tel], main input[type=email], main [inputmode]").all():
            kinds[field.get_attribute("id")] = field.get_attribute("inputmode") or field.get_attribute("type")
    assert kinds == {"links": "url", "phone": "tel", "email": "email"}
