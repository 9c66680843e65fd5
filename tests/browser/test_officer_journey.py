"""An officer's morning in a real browser, by keyboard alone: the inbox, several cases accepted, one investigated."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ibalagh.events.vocabulary import Urgency
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from services.referral.words import WORDS
from tests.integration.test_referral_http import CASE, TOKEN, Referral
from tests.support.poll import eventually
from tests.support.referral import triaged


@pytest.fixture
def referral(database_url: str) -> Iterator[Referral]:
    """With a case in high urgency, one that is immediate, and a routine one."""
    apply(database_url, "referral")
    database = Database(database_url, "referral")
    running = Referral(database)
    events = [triaged("a", urgency=Urgency.HIGH), triaged("b", urgency=Urgency.IMMEDIATE), triaged("c")]
    running.producer.publish([running.codec.encode(event) for event in events], 5.0)
    running.start()
    eventually(lambda: len(running.client.get("/v1/cases").json()["items"]) == 3, timeout_s=20)
    yield running
    running.stop()
    database.close()


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_cases_are_accepted_and_investigated_by_keyboard_at_the_width_of_a_phone(
    browser: Browser, referral: Referral, language: str
) -> None:
    say = WORDS[language]
    context = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=True)
    page = context.new_page()
    page.goto(f"{referral.client.base_url}/inbox?lang={language}")
    page.select_option("select[name=pseudonym]", "officer-1")
    page.fill("input[name=token]", TOKEN)
    page.press("input[name=token]", "Enter")
    page.goto(f"{referral.client.base_url}/inbox?lang={language}")
    urgencies = page.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert urgencies == [say["urgency_3"], say["urgency_2"], say["urgency_0"]], "the nearest deadline first"
    for number in (1, 2):
        reach(page, f"tbody tr:nth-child({number}) input[type=checkbox]")
        page.keyboard.press("Space")
    reach(page, "form[action^='/inbox/accept'] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert "2 / 2" in page.locator("[role=status]").inner_text()
    assert page.locator("input[type=checkbox]").count() == 1, "what is accepted waits for its first action"

    page.goto(f"{referral.client.base_url}/cases/{CASE}?lang={language}")
    reach(page, "details:has(input[value=open_investigation]) summary")
    page.keyboard.press("Enter")
    reach(page, "form:has(input[value=open_investigation]) button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert say["applied"] in page.locator("[role=status]").inner_text()
    assert page.locator("input[value=present_suspect]").count() == 0, "there is nobody to present yet"
    for path in ("/", "/inbox", f"/cases/{CASE}"):
        page.goto(f"{referral.client.base_url}{path}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
        assert [each["id"] for each in Axe().run(page).response["violations"]] == []
    context.close()
