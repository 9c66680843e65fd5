"""The whole form in a real browser, with JavaScript and without, with nothing but the keyboard, up to a receipt."""

import re

import pytest
from playwright.sync_api import Browser, Page

from ibalagh.events.registry import RECEIVED
from ibalagh.events.reports import ReportReceivedV1
from services.intake.forms import read_texts
from tests.support.browser import Visit, visiting
from tests.support.intake import IntakeProcess, Place
from tests.support.log import read_all
from tests.support.poll import eventually

TEXTS = read_texts()
WORDS = {"ar": "هددني بنشر صوري إن لم أدفع", "fr": "Il menace de publier mes photos si je ne paie pas"}
_MOST_TABS = 60


def press_on(page: Page, wanted: str) -> None:
    """Tab to the element that matches `wanted`; a person who sees where the focus is would do the same."""
    for _ in range(_MOST_TABS):
        if page.locator(f"{wanted}:focus").count():
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by the keyboard")


def fill(page: Page, field: str, words: str) -> None:
    press_on(page, f"#{field}")
    page.keyboard.type(words)


def step_is(page: Page, step: str) -> None:
    assert page.locator('input[name="step"]').get_attribute("value") == step


def enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def through_the_form(visit: Visit, language: str) -> None:
    """Blackmail, in a closed messenger, by somebody who stays anonymous."""
    page = visit.page
    visit.open("/")
    assert page.locator("html").get_attribute("lang") == language
    page.keyboard.press("Tab")
    assert page.locator(".quick-exit a:focus").count() == 1
    fill(page, "text", WORDS[language])
    press_on(page, "#category_hint")
    for _ in range(list(TEXTS[language]["categories"]).index("sexual_blackmail") + 1):
        page.keyboard.press("ArrowDown")
    press_on(page, "#messenger")
    page.keyboard.press("Space")
    press_on(page, ".btn-primary")
    enter(page)
    step_is(page, "details")
    assert TEXTS[language]["form"]["advice"]["sexual_blackmail"][0] in page.inner_text("main")
    press_on(page, "#q_incontact")
    page.keyboard.press("Space")
    fill(page, "q_account", "nobody.invented")
    fill(page, "q_closedapp", "Telegram")
    enter(page)
    step_is(page, "where")
    fill(page, "platform", "Instagram")
    enter(page)
    step_is(page, "evidence")
    press_on(page, ".btn-primary")
    enter(page)
    step_is(page, "place")
    press_on(page, "#place")
    enter(page)
    step_is(page, "who")
    press_on(page, "#who")
    page.keyboard.press("Space")
    assert not page.locator("#name").is_visible()
    enter(page)
    step_is(page, "check")
    assert TEXTS[language]["form"]["stays_anonymous"] in page.inner_text("main")


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("language", ["ar", "fr"])
def test_a_report_is_made_with_the_keyboard_alone(
    browser: Browser, intake: IntakeProcess, place: Place, language: str, script: bool
) -> None:
    with visiting(browser, intake.url, script=script, locale=language) as visit:
        through_the_form(visit, language)
        press_on(visit.page, ".btn-primary")
        enter(visit.page)
        assert TEXTS[language]["receipt_title"] in visit.page.inner_text("main")
        assert re.fullmatch(r"[A-Z0-9-]{20,}", visit.page.inner_text("code"))

    def received() -> ReportReceivedV1 | None:
        values = [record.value for record in read_all(place.bootstrap, place.prefix + RECEIVED)]
        reports = [ReportReceivedV1.model_validate_json(value) for value in values if value]
        return next((report for report in reports if report.text.startswith(WORDS[language])), None)

    report = eventually(received)
    answers = "-- form 1 --\nincontact: yes\naccount: @nobody.invented\nclosedapp: Telegram"
    assert report.text == f"{WORDS[language]}\n\n{answers}"
    assert (report.category_hint, report.platform) == ("sexual_blackmail", "Instagram")
    assert report.facts.identified is False


@pytest.mark.parametrize("script", [False, True])
def test_the_language_changes_midway_and_the_draft_stays(browser: Browser, intake: IntakeProcess, script: bool) -> None:
    awkward = '\n first "line" <b>&amp;\nسطر ثان\n'
    with visiting(browser, intake.url, script=script, locale="fr") as visit:
        page = visit.page
        visit.open("/")
        page.fill("#text", awkward)
        visit.press(".btn-primary")
        page.fill("#q_account", "nobody.invented")
        visit.press('.language-chooser button[lang="ar"]')
        assert page.locator("html").get_attribute("dir") == "rtl"
        step_is(page, "details")
        assert page.input_value("#q_account") == "nobody.invented"
        visit.press('button[value="back"]')
        visit.press('.language-chooser button[lang="es"]')
        assert page.locator("html").get_attribute("dir") == "ltr"
        assert page.input_value("#text") == awkward


def test_an_error_is_where_it_belongs_and_the_focus_is_on_its_summary(browser: Browser, intake: IntakeProcess) -> None:
    with visiting(browser, intake.url, script=False, locale="en") as visit:
        page = visit.page
        visit.open("/")
        press_on(page, ".btn-primary")
        enter(page)
        step_is(page, "what")
        assert page.locator("[role=alert]:focus").count() == 1
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator("#category_hint:focus").count() == 1


def test_a_change_from_the_summary_comes_back_to_it(browser: Browser, intake: IntakeProcess) -> None:
    with visiting(browser, intake.url, script=False, locale="fr") as visit:
        through_the_form(visit, "fr")
        page = visit.page
        visit.press('button[value="to-place"]')
        page.fill("#place", "Ville inventée")
        visit.press(".btn-primary")
        step_is(page, "check")
        assert "Ville inventée" in page.inner_text("main")


def test_the_way_out_leads_to_a_page_that_says_nothing_of_this_one(browser: Browser, intake: IntakeProcess) -> None:
    with visiting(browser, intake.url, script=False, locale="fr") as visit:
        visit.open("/")
        visit.page.keyboard.press("Tab")
        enter(visit.page)
        assert visit.page.url == f"{intake.url}/leave"
        assert "balagh" not in visit.page.title() + visit.page.inner_text("body")
