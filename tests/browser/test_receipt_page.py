"""The page with the receipt: read, scanned, printed, copied; its signed proof saved and verified; its status."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page

from ibalagh import cli
from ibalagh.web.words import LANGUAGES
from services.intake.forms import read_texts
from services.intake.receipt import is_well_formed, normalise
from tests.support.browser import Visit, visiting
from tests.support.intake import IntakeProcess
from tests.support.qr import read_qr

TEXTS = read_texts()
CODE = ".receipt-text code"


@pytest.fixture
def visit(browser: Browser, intake: IntakeProcess) -> Iterator[Visit]:
    with visiting(browser, intake.url, script=True) as opened:
        yield opened


def reported(visit: Visit, language: str = "fr") -> Page:
    """The page with the receipt of a new report; its reader has touched it, as whoever reads on does."""
    visit.open(f"/?lang={language}")
    visit.page.fill("#text", "A report of the tests")
    while not visit.page.locator(CODE).count():
        visit.press("main .btn-primary")
    visit.page.click("h1")
    return visit.page


def asked_before_leaving(visit: Visit) -> bool:
    """Whether the browser asks when the reader goes on to another page; the answer is to stay."""
    page, asked = visit.page, list[str]()

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.click("main a[href^='/status']", no_wait_after=True)
    visit.wait_until(lambda: asked or "/status" in page.url)
    page.remove_listener("dialog", answer)
    assert asked in ([], ["beforeunload"])
    return bool(asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_receipt_is_read_and_scanned_as_the_same(
    browser: Browser, intake: IntakeProcess, language: str, script: bool, scheme: str
) -> None:
    width = {"viewport": {"width": 320, "height": 640}}
    with visiting(browser, intake.url, script=script, color_scheme=scheme, **width) as visit:
        page = reported(visit, language)
        receipt = page.inner_text(CODE)
        assert is_well_formed(normalise(receipt))
        assert page.locator(".receipt-text").get_attribute("dir") == "ltr"
        assert read_qr(page.locator(".receipt-code svg").screenshot()) == receipt
        assert page.locator("[data-print]").is_visible() == script
        assert page.locator(".language-chooser").count() == 0


def test_a_receipt_is_followed_by_its_status_and_a_wrong_one_tells_nothing(visit: Visit) -> None:
    receipt = reported(visit, "ar").inner_text(CODE)
    visit.open("/status?lang=ar")
    visit.page.fill("#receipt", receipt.lower().replace("-", " "))
    visit.press("main .btn-primary")
    assert TEXTS["ar"]["statuses"]["received"] in visit.page.inner_text("main")
    assert receipt not in visit.page.url
    visit.open("/status?lang=ar")
    visit.page.fill("#receipt", receipt[:-1] + ("0" if receipt[-1] != "0" else "1"))
    visit.press("main .btn-primary")
    assert TEXTS["ar"]["unknown_receipt"] in visit.page.inner_text("main")


@pytest.mark.parametrize("script", [False, True])
def test_the_signed_proof_saved_from_the_page_is_verified(
    browser: Browser, intake: IntakeProcess, tmp_path: Path, script: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with visiting(browser, intake.url, script=script) as visit:
        page = reported(visit)
        receipt = page.inner_text(CODE)
        with page.expect_download() as download:
            page.click("section .btn")
        saved, keys = tmp_path / "saved.json", tmp_path / "keys.json"
        download.value.save_as(saved)
        assert download.value.suggested_filename.startswith("receipt-")
        assert page.inner_text(CODE) == receipt
    keys.write_bytes(intake.http.get("/v1/receipts/keys").content)
    assert cli.main(["receipt", "verify", str(saved), "--keys", str(keys)]) == 0
    assert receipt not in saved.read_text()
    changed = json.loads(saved.read_text())
    changed["document"]["received_sha256"] = "0" * 64
    saved.write_text(json.dumps(changed))
    assert cli.main(["receipt", "verify", str(saved), "--keys", str(keys)]) == 1
    assert capsys.readouterr().err


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_on_paper_is_the_receipt_and_nothing_that_only_a_screen_can_do(
    visit: Visit, pictures: Path, language: str
) -> None:
    page = reported(visit, language)
    page.emulate_media(media="print")
    page.screenshot(path=pictures / f"{language}-receipt-print.png", full_page=True)
    assert page.locator(CODE).is_visible()
    assert page.locator(".receipt-code svg").is_visible()
    assert page.locator(".alert").is_visible()
    for unseen in ("button", "a", "header"):
        assert not any(each.is_visible() for each in page.locator(unseen).all()), unseen
    assert page.pdf().startswith(b"%PDF")


def test_leaving_an_unkept_receipt_is_asked_about_and_one_that_was_printed_is_not(visit: Visit) -> None:
    page = reported(visit)
    assert asked_before_leaving(visit)
    page.click("[data-print]")
    assert not asked_before_leaving(visit)


def test_a_copied_receipt_is_in_the_clipboard_and_may_be_left(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = reported(visit)
    receipt = page.inner_text(CODE)
    page.click("[data-copied]")
    page.wait_for_function("document.querySelector('[data-keep] [role=status]').textContent !== ''")
    assert TEXTS["fr"]["copied"] in page.inner_text("[data-keep] [role=status]")
    assert page.evaluate("navigator.clipboard.readText()") == receipt
    assert not asked_before_leaving(visit)


def test_where_copying_is_refused_the_reader_is_told_and_still_asked(visit: Visit) -> None:
    page = reported(visit)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.click("[data-copied]")
    page.wait_for_function("document.querySelector('[data-keep] [role=status]').textContent !== ''")
    assert TEXTS["fr"]["not_copied"] in page.inner_text("[data-keep] [role=status]")
    assert asked_before_leaving(visit)


def test_saving_the_signed_proof_asks_nothing_and_keeps_no_receipt(visit: Visit) -> None:
    page = reported(visit)
    with page.expect_download():
        page.click("section .btn")
    page.wait_for_function("start => performance.now() > start + 1100", arg=page.evaluate("performance.now()"))
    assert asked_before_leaving(visit)
