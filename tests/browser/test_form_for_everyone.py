"""Every page of the form for everyone: axe finds nothing in any language, light or dark, and all fits 320 px."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ibalagh.web.words import LANGUAGES
from services.intake.steps import Step
from tests.support.browser import Visit, visiting
from tests.support.intake import IntakeProcess

LONG = "https://a-very-long-name-of-a-page.example/" + "x" * 300
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def every_page(visit: Visit, language: str) -> Iterator[tuple[str, Page]]:
    """Every page that the form has, by name, with what is longest on it."""
    page = visit.page
    visit.open(f"/?lang={language}")
    visit.press(".btn-primary")
    yield "what-wrong", page
    page.fill("#text", f"{LONG}\nنص ")
    page.select_option("#category_hint", "sexual_blackmail")
    page.check("#messenger")
    for step in Step:
        yield step.value, page
        if step is Step.WHERE:
            page.fill("#links", LONG)
            page.evaluate("document.querySelector('#seen_at').value = '1999-01-01T10:00'")
            visit.press(".btn-primary")
            yield "where-wrong", page
            page.evaluate("document.querySelector('#seen_at').value = ''")
        if step is Step.WHO:
            page.fill("#name", "x" * 200)
        if step is Step.CHECK:
            page.evaluate("document.querySelector('#website').value = 'x'")
        visit.press(".btn-primary")
    yield "check-honeypot", page
    page.check("#confirmed")
    visit.press(".btn-primary")
    yield "receipt", page
    receipt = page.inner_text(".receipt-text code")
    visit.open(f"/status?lang={language}")
    yield "status", page
    for name, words in (("status-unknown", "x"), ("status-known", receipt)):
        page.fill("#receipt", words)
        visit.press("main .btn-primary")
        yield name, page


def assert_accessible(page: Page, name: str) -> None:
    results = Axe().run(page, options=_RULES)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_any_page(browser: Browser, intake: IntakeProcess, language: str, scheme: str) -> None:
    names = []
    with visiting(browser, intake.url, script=True, color_scheme=scheme) as visit:
        for name, page in every_page(visit, language):
            assert_accessible(page, f"{name} in {language}, {scheme}")
            names.append(name)
    assert len(set(names)) == len(Step) + 7


def test_axe_would_find_a_field_without_a_label(browser: Browser, intake: IntakeProcess) -> None:
    with visiting(browser, intake.url, script=True) as visit:
        visit.open("/?lang=en")
        visit.page.evaluate("document.querySelector('label[for=text]').remove()")
        with pytest.raises(AssertionError, match="label"):
            assert_accessible(visit.page, "what")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_needs_scrolling_sideways_at_320_px(browser: Browser, intake: IntakeProcess, language: str) -> None:
    with visiting(browser, intake.url, script=True, viewport={"width": 320, "height": 640}) as visit:
        for name, page in every_page(visit, language):
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
            # What is wider than its box is cut off where it cannot be scrolled; fields scroll by themselves.
            cut = page.evaluate(
                """[...document.querySelectorAll('body *:not(.off-page):not(.off-page *):not(.skip-link)')]
                .filter(each => each.getBoundingClientRect().right > 321 || each.getBoundingClientRect().left < -1)
                .map(each => each.outerHTML.slice(0, 100))"""
            )
            assert cut == [], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_pressed_is_large_enough(browser: Browser, intake: IntakeProcess, language: str) -> None:
    with visiting(browser, intake.url, script=True, viewport={"width": 390, "height": 844}) as visit:
        for name, page in every_page(visit, language):
            small = page.evaluate(
                """[...document.querySelectorAll('button, input, select, .btn, .language-chooser a')]
                .filter(each => each.type !== 'hidden' && !each.closest('.off-page'))
                .filter(each => each.offsetWidth && (each.offsetWidth < 24 || each.offsetHeight < 24))
                .map(each => each.outerHTML.slice(0, 100))"""
            )
            assert small == [], name


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
@pytest.mark.parametrize(
    ("device", "width", "height"), [("phone", 390, 844), ("narrow", 320, 640), ("desktop", 1280, 800)]
)
def test_pictures_of_every_page_are_taken_for_who_looks_at_them(
    browser: Browser, intake: IntakeProcess, pictures: Path, language: str, device: str, width: int, height: int
) -> None:
    with visiting(browser, intake.url, script=True, viewport={"width": width, "height": height}) as visit:
        for number, (name, page) in enumerate(every_page(visit, language)):
            picture = pictures / f"{language}-{device}-{number:02d}-{name}.png"
            page.screenshot(path=picture, full_page=True)
            assert picture.stat().st_size > 5_000
