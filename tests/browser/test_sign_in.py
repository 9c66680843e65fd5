"""Signing in with a browser, in Arabic by a provider and in French as one of the demonstration's people; and what the
pages look like and say to a screen reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ibalagh.contracts.codec import Codec
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.processes import free_ports
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.memory import MemoryBroker
from ibalagh.web.commands import Commands
from services.referral import app as application
from services.referral.settings import ReferralSettings
from tests.support import sign_in
from tests.support.serving import serving

TOKEN = "t" * 40
NARROW = {"width": 320, "height": 640}


@pytest.fixture
def database(browser: Browser, database_url: str) -> Iterator[Database]:
    apply(database_url, "referral")
    made = Database(database_url, "referral")
    yield made
    made.close()


@contextmanager
def site(database: Database, **given: Any) -> Iterator[str]:
    """Referral's pages; their address."""
    (port,) = free_ports(1)
    address, codec = f"http://127.0.0.1:{port}", Codec()
    settings = ReferralSettings(api_token=TOKEN, site_url=address, **given)
    commands = Commands(MemoryBroker().producer(), codec, database)
    with serving(application.create(settings, database, commands, []), port):
        yield address


@contextmanager
def window(browser: Browser, **given: Any) -> Iterator[tuple[Page, list[str]]]:
    """A fresh window without JavaScript, and what the browser says of it."""
    context = browser.new_context(java_script_enabled=False, **given)
    context.set_default_timeout(20_000)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(f"{said.location['url']} {said.text}"))
    try:
        yield page, complaints
    finally:
        context.close()


@pytest.fixture
def shot() -> Any:
    folder = PROJECT_ROOT / "artifacts" / "sign-in"
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png", full_page=True)


def test_in_arabic_an_officer_signs_in_by_the_provider_sees_the_cases_and_signs_out_of_both(
    browser: Browser, database: Database, tmp_path: Path, shot: Any
) -> None:
    (port,) = free_ports(1)
    with (
        sign_in.provider(port, tmp_path / "log") as there,
        window(browser, locale="ar", viewport=NARROW) as (page, said),
    ):
        there.set_person("karim", name="كريم الناصري", roles=["officer"])
        settings = {"oidc_issuer": there.issuer, "oidc_client_id": "ibalagh", **sign_in.secret_files(tmp_path)}
        with site(database, **settings) as address:
            page.goto(f"{address}/?lang=ar&state=referred")
            assert page.get_attribute("html", "dir") == "rtl"
            shot(page, "provider-ar")
            page.get_by_role("link", name="الدخول بحسابك المهني").click()
            page.fill("input[name=sub]", "karim")
            page.get_by_role("button", name="Authorize").click()
            page.wait_for_url(f"{address}/?state=referred&lang=ar")
            assert page.get_by_text("كريم الناصري").is_visible()
            assert page.get_by_text("ضابط").is_visible()
            shot(page, "officer-ar")
            page.goto(f"{address}/audit?lang=ar")
            assert page.get_by_role("alert").is_visible()
            shot(page, "not-allowed-ar")
            page.goto(f"{address}/?lang=ar")
            page.get_by_role("button", name="الخروج").click()
            page.wait_for_url(f"{there.issuer}/oauth2/end_session**")
            page.goto(f"{address}/?lang=ar")
            assert page.get_by_role("link", name="الدخول بحسابك المهني").is_visible()
    # The provider's own pages are not ours to judge, and a page that refuses is one with 403.
    assert [line for line in said if line.startswith(address) and "403" not in line] == []


def test_in_french_an_auditor_signs_in_by_keyboard_reads_the_record_and_signs_out(
    browser: Browser, database: Database, shot: Any
) -> None:
    with window(browser, locale="fr", viewport=NARROW) as (page, said), site(database) as address:
        page.goto(f"{address}/audit?lang=fr")
        assert page.get_by_role("note").inner_text() == "Comptes de démonstration : personnes inventées."
        shot(page, "demo-fr")
        page.get_by_label("Qui êtes-vous").focus()
        page.keyboard.type("Auditeur")
        page.keyboard.press("Tab")
        page.keyboard.type(TOKEN)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.get_by_role("heading", name="Journal des accès").is_visible()
        assert page.get_by_role("cell", name="signed_in").is_visible()
        shot(page, "audit-fr")
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url(f"{address}/?lang=fr")
        assert page.get_by_label("Jeton d’accès").is_visible()
    assert said == []


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_axe_finds_nothing_on_these_pages_and_they_fit_320_pixels(
    browser: Browser, database: Database, language: str
) -> None:
    context = browser.new_context(viewport=NARROW)
    page = context.new_page()
    try:
        with site(database) as address:
            page.goto(f"{address}/?lang={language}")
            check(page)
            page.select_option("select[name=pseudonym]", "auditor-1")
            page.fill("input[name=token]", TOKEN)
            page.click("main button")
            check(page)  # not allowed: an auditor sees no cases
            page.goto(f"{address}/audit?lang={language}")
            check(page)
    finally:
        context.close()


def check(page: Page) -> None:
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
