"""In a real browser: a scam pasted with all its odd characters, and refusals as pages, without JavaScript."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ibalagh.events.registry import RECEIVED
from ibalagh.events.reports import ReportReceivedV1
from ibalagh.web.words import LANGUAGES
from services.intake.forms import read_texts
from tests.support.browser import visiting
from tests.support.intake import IntakeProcess, Place
from tests.support.log import read_all

SCAM = "Votre\u202e siloc\u202c est\u200b bloqué\x1b\x07 : payez ici \u2066maintenant\u2069"
LINK = "https://p\u0430y.example/\u200bsuivi"


def test_a_scam_is_shown_with_marks_and_reaches_the_log_as_it_was_pasted(
    browser: Browser, intake: IntakeProcess, place: Place, pictures: Path
) -> None:
    with visiting(browser, intake.url, script=False, viewport={"width": 320, "height": 900}) as visit:
        visit.open("/?lang=fr")
        visit.page.fill("#text", SCAM)
        visit.press(".btn-primary")
        visit.press(".btn-primary")
        visit.page.fill("#links", LINK)
        for _ in range(4):
            visit.press(".btn-primary")
        shown = visit.page.text_content(".summary") or ""
        assert "⟦U+202E⟧ siloc⟦U+202C⟧ est⟦U+200B⟧" in shown
        assert not set(SCAM + LINK) & set(shown) & set("\u202e\u202c\u200b\x1b\x07\u2066\u2069")
        visit.page.screenshot(path=pictures / "odd-characters-320.png", full_page=True)
        visit.press(".btn-primary")
        assert visit.page.locator(".receipt-text").count() == 1
    values = [record.value or b"" for record in read_all(place.bootstrap, place.prefix + RECEIVED)]
    events = [ReportReceivedV1.model_validate_json(value) for value in values if b"siloc" in value]
    assert [(event.text, event.links) for event in events] == [(SCAM, (LINK,))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_is_a_page_for_everyone(
    browser: Browser, intake: IntakeProcess, pictures: Path, language: str
) -> None:
    said = read_texts()[language]["form"]["refusals"]
    with visiting(browser, intake.url, script=True, viewport={"width": 320, "height": 900}) as visit:
        visit.open(f"/nowhere?lang={language}")
        assert visit.page.text_content("h1") == said["not_found"]["title"]
        assert Axe().run(visit.page).violations_count == 0
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
        visit.press("main a")
        visit.page.fill("#text", SCAM)
        # In a field that is not drawn: a browser takes long to lay out so long a line.
        visit.page.evaluate("document.querySelector('[name=patience]').value = 'x'.repeat(2_200_000)")
        visit.press(".btn-primary")
        assert visit.page.text_content("h1") == said["too_large"]["title"]
        assert Axe().run(visit.page).violations_count == 0
        visit.page.screenshot(path=pictures / f"refusal-{language}-320.png", full_page=True)
        visit.press("main a")
        assert visit.page.locator("#text").count() == 1
