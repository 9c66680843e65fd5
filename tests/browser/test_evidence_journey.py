"""Files with a report in a real browser, with scripts and without: chosen, refused for a reason, kept through a change
of language, taken out again, and named by the event."""

from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload

from ibalagh.events.registry import RECEIVED
from ibalagh.events.reports import Attachment, ReportReceivedV1
from ibalagh.web.words import LANGUAGES
from services.intake.forms import read_texts
from tests.browser.test_form_for_everyone import assert_accessible
from tests.browser.test_form_journey import step_is
from tests.support.browser import Visit, visiting
from tests.support.evidence_files import archive, jpeg, png
from tests.support.intake import IntakeProcess, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

TEXTS = read_texts()
PICTURE, PHOTO, TOOL = "لقطة شاشة.png", "IMG_0001 (1).jpg", "tool.zip"
_ADD = "main button[value=stay]"


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def to_the_files(visit: Visit, language: str, text: str) -> None:
    visit.open(f"/?lang={language}")
    visit.page.fill("#text", text)
    for _ in ("details", "where", "evidence"):
        visit.press("main .btn-primary")
    step_is(visit.page, "evidence")


def shown(visit: Visit) -> str:
    return " ".join(visit.page.inner_text("main .files").split())


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("language", "other", "script"), [("ar", "fr", False), ("fr", "ar", True)])
def test_files_come_along_to_the_receipt(
    browser: Browser,
    intake: IntakeProcess,
    place: Place,
    pictures: Path,
    *,
    language: str,
    other: str,
    script: bool,
    width: int,
) -> None:
    text = f"files {language} {width}"
    own = TEXTS[language]["form"]
    with visiting(browser, intake.url, script=script, viewport={"width": width, "height": 800}) as visit:
        page = visit.page
        to_the_files(visit, language, text)
        page.set_input_files("#files", [file(PICTURE, png()), file(TOOL, archive()), file(PHOTO, jpeg())])
        visit.press(_ADD)
        step_is(page, "evidence")
        assert any("/v1/attachments" in url for url in visit.requests) is script
        assert PICTURE in shown(visit)
        assert PHOTO in shown(visit)
        assert TOOL not in shown(visit)
        refusal = page.inner_text("main .refused-files")
        assert TOOL in refusal
        assert own["file_rules"]["refused_kind"] in refusal
        assert page.locator("[role=alert]:focus").count() == 1
        page.screenshot(path=pictures / f"evidence-{language}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        visit.press(f'.language-chooser button[lang="{other}"]')
        assert PICTURE in shown(visit)
        visit.press(f'.language-chooser button[lang="{language}"]')
        visit.press('main button[value="remove-1"]')
        assert PICTURE not in shown(visit)
        for _ in ("place", "who"):
            visit.press("main .btn-primary")
        step_is(page, "who")
        page.check('input[name="who"][value="anonymous"]')
        visit.press("main .btn-primary")
        assert PHOTO in page.inner_text("main")
        visit.press("main .btn-primary")
        assert TEXTS[language]["receipt_title"] in page.inner_text("main")

    def received() -> ReportReceivedV1 | None:
        values = [record.value for record in read_all(place.bootstrap, place.prefix + RECEIVED)]
        reports = [ReportReceivedV1.model_validate_json(value) for value in values if value and b'"facts"' in value]
        return next((report for report in reports if report.text == text), None)

    photo = jpeg()
    told = Attachment(sha256=sha256(photo).hexdigest(), size_bytes=len(photo), media_type="image/jpeg")
    assert eventually(received).attachments == (told,)


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_a_film_that_is_far_too_large_costs_nobody_the_draft(
    browser: Browser, place: Place, tmp_path: Path, language: str
) -> None:
    """Larger than all files of a report together may be, without scripts: nothing can be said before it was sent."""
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(40_000_000))
    with (
        running(place, INTAKE_EVIDENCE_FILE_BYTES="100000", INTAKE_EVIDENCE_FILES="2") as intake,
        visiting(browser, intake.url, script=False) as visit,
    ):
        to_the_files(visit, language, "written before")
        visit.page.set_input_files("#files", film)
        visit.press("main .btn-primary")
        step_is(visit.page, "evidence")
        refusal = visit.page.inner_text("main .refused-files")
        assert "film.mp4" in refusal
        assert TEXTS[language]["form"]["file_rules"]["too_large"] in refusal
        assert visit.page.input_value("input[type=hidden][name=text]") == "written before"


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_the_page_with_files(browser: Browser, intake: IntakeProcess, language: str) -> None:
    with visiting(browser, intake.url, script=True) as visit:
        to_the_files(visit, language, "x")
        visit.page.set_input_files("#files", [file(PICTURE, png()), file(TOOL, archive())])
        visit.press(_ADD)
        assert_accessible(visit.page, f"files in {language}")
