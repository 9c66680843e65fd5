"""The page of communiqués: from right to left in Arabic, on a narrow screen, for a screen reader, without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import APIRouter
from playwright.sync_api import Browser
from pydantic import SecretStr

from ibalagh.signing import SigningKey
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.web.app import create_app
from ibalagh.web.signed_in import SignedInPages
from services.stats import communique_pages
from services.stats.publishing import Publisher
from services.stats.release import Days
from services.stats.settings import StatsSettings
from services.stats.store import Store
from services.stats.summing import Sums
from services.stats.wording import LANGUAGES
from tests.support.browser import Visit, visiting
from tests.support.serving import serving
from tests.support.sign_in import as_demo_person
from tests.unit.test_stats_communique import INVENTED

JUNE = Days(first=date(2031, 6, 1), last=date(2031, 6, 30))
TOKEN = "token-of-a-test"


@pytest.fixture
def base(database_url: str) -> Iterator[str]:
    """The address of a stats that serves the page, with a published June."""
    apply(database_url, "stats")
    database = Database(database_url, "stats")
    settings = StatsSettings(api_token=SecretStr(TOKEN))
    publisher = Publisher(SigningKey(bytes(32)), "test", 5)
    with database.transaction() as tx:
        Store(tx).add(Sums(INVENTED, {}, {}))
        publisher.publish(tx, JUNE, datetime(2031, 7, 2, tzinfo=UTC))
    app = create_app("test", settings, [])
    router = APIRouter()
    SignedInPages(settings, dict.fromkeys(LANGUAGES, "test"), database).add_routes(router)
    app.include_router(router)
    communique_pages.add_routes(app, settings, database, publisher)
    with serving(app) as client:
        yield str(client.base_url)
    database.close()


@contextmanager
def signed_in(browser: Browser, base: str, *, script: bool) -> Iterator[Visit]:
    """Somebody who is signed in, at a screen of 320 pixels."""
    with httpx.Client(base_url=base) as client:
        as_demo_person(client, TOKEN, "operator-1")
        cookies = [{"name": name, "value": value, "url": base} for name, value in client.cookies.items()]
    with visiting(browser, base, script=script, viewport={"width": 320, "height": 900}) as opened:
        opened.page.context.add_cookies(cookies)
        yield opened
        opened.page.context.clear_cookies()


@pytest.mark.parametrize("language", ["ar", "fr", "en", "es"])
def test_the_communique_is_shown_on_a_narrow_screen(browser: Browser, base: str, language: str, pictures: Path) -> None:
    with signed_in(browser, base, script=False) as visit:
        visit.open(f"/communique?from=2031-06-01&to=2031-06-30&lang={language}")
        page = visit.page
        page.screenshot(path=pictures / f"communique-{language}.png", full_page=True)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("table caption").count() == 4
        assert page.get_by_text("1.112" if language == "ar" else "112").first.is_visible()
        assert page.locator("a[href^='/v1/public/releases/2031-06-01_2031-06-30/1']").count() == 1


def test_axe_finds_nothing(browser: Browser, base: str) -> None:
    with signed_in(browser, base, script=True) as visit:
        visit.open("/communique?from=2031-06-01&to=2031-06-30&lang=ar")
        found = Axe().run(visit.page)
        assert not found.response["violations"], found.generate_report()
