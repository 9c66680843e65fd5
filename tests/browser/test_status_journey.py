"""Following a report in a real browser without JavaScript: message, answer, change of language, withdrawal; and
files that go with an answer, with scripts and without."""

import uuid
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ibalagh.events.dialogue import MessageSentV1, ReportSupplementedV1
from ibalagh.events.make import root
from ibalagh.events.registry import RECEIVED
from ibalagh.events.reports import Attachment
from ibalagh.stream.kafka import KafkaProducer
from ibalagh.web.words import LANGUAGES
from services.intake.evidence.kinds import Kind
from services.intake.forms import read_texts
from services.intake.status_pages import read_dialogue_texts
from tests.browser.test_evidence_journey import PICTURE, TOOL, file
from tests.browser.test_form_for_everyone import assert_accessible
from tests.support.browser import Visit, visiting
from tests.support.evidence_files import archive, png, sample
from tests.support.intake import IntakeProcess, Place
from tests.support.log import read_all
from tests.support.poll import eventually

TEXTS = read_dialogue_texts()
FORM = read_texts()
MESSAGE = "Le compte est-il encore visible ?\nhttps://a-very-long-name.example/" + "x" * 200
ANSWER = "نعم، ما زال الحساب يعمل. C'est le même."


def asked(intake: IntakeProcess, place: Place) -> str:
    """The receipt of a report about which an analyst has a question."""
    given = intake.http.post("/v1/reports", json={"text": "x"}).json()
    id_, now = str(uuid.uuid4()), datetime.now(UTC)
    data = MessageSentV1(report_id=given["report_id"], message_id=id_, text=MESSAGE, sent_at=now)
    producer = KafkaProducer(place.bootstrap)
    event = root(data, id_=id_, source="/triage", subject=data.report_id, now=now)
    assert producer.publish([place.codec.encode(event)], 10) != [None]
    producer.close()
    body = {"receipt": given["receipt"]}
    eventually(lambda: intake.http.post("/v1/status", json=body).json()["messages"], 20)
    return str(given["receipt"])


def show(visit: Visit, language: str, receipt: str) -> None:
    visit.open(f"/status?lang={language}")
    visit.page.fill("#receipt", receipt.lower())
    visit.press(".btn-primary")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("language", "other"), [("ar", "fr"), ("fr", "ar")])
def test_message_answer_and_withdrawal_without_javascript(
    browser: Browser, intake: IntakeProcess, place: Place, pictures: Path, language: str, other: str, width: int
) -> None:
    receipt = asked(intake, place)
    with visiting(browser, intake.url, script=False, viewport={"width": width, "height": 800}) as visit:
        page, first, second = visit.page, TEXTS[language], TEXTS[other]
        show(visit, language, receipt)
        page.screenshot(path=pictures / f"status-{language}-{width}.png", full_page=True)
        assert MESSAGE.partition("\n")[0] in page.inner_text("main")
        assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
        page.check("#kind-message")
        page.fill("#text", ANSWER)
        page.click(f"button[lang={other}]")
        page.wait_for_selector(f"html[lang={other}]")
        assert page.input_value("#text") == ANSWER
        assert page.is_checked("#kind-message")
        visit.press("#supplement .btn-primary")
        assert second["notices"]["sent"] in page.inner_text("main")
        assert page.input_value("#text") == ""
        assert ANSWER not in page.inner_text("body")
        assert second["kinds"]["message"] in page.inner_text("#yours + ul")
        page.reload()
        assert page.locator("#yours + ul li").count() == 1
        page.click(f"button[lang={language}]")
        page.wait_for_selector(f"html[lang={language}]")
        visit.press("form[action^='/status/withdraw'] button")
        page.screenshot(path=pictures / f"withdraw-{language}-{width}.png", full_page=True)
        page.check("#erase_identity")
        visit.press(".btn-danger[type=submit]")
        assert first["notices"]["withdrawn"] in page.inner_text("main")
        page.screenshot(path=pictures / f"withdrawn-{language}-{width}.png", full_page=True)
        assert page.locator("form[action^='/status/withdraw']").count() == 0
        assert not any(receipt in url or receipt.lower() in url for url in visit.requests)
    found = intake.http.post("/v1/status", json={"receipt": receipt}).json()
    assert [each["kind"] for each in found["amendments"]] == ["message", "withdrawal"]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("language", "other", "script"), [("ar", "fr", False), ("fr", "ar", True)])
def test_files_go_with_an_answer(
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
    receipt, text = asked(intake, place), f"with files {language} {width}"
    words = FORM[language]["form"]
    with visiting(browser, intake.url, script=script, viewport={"width": width, "height": 800}) as visit:
        page = visit.page
        show(visit, language, receipt)
        page.fill("#text", text)
        page.set_input_files(
            "#files", [file(PICTURE, png()), file("letter.docx", sample("docx")), file(TOOL, archive())]
        )
        visit.press("#supplement button[value=stay]")
        assert page.input_value("#text") == text
        assert PICTURE in page.inner_text("main .files")
        refusal = page.inner_text("main .refused-files")
        assert TOOL in refusal
        assert words["file_rules"]["refused_kind"] in refusal
        assert page.locator("[role=alert]:focus").count() == 1
        assert_accessible(page, f"status with files in {language}") if script else None
        page.screenshot(path=pictures / f"status-files-{language}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        visit.press(f".language-chooser button[lang={other}]")
        assert "letter.docx" in page.inner_text("main .files")
        visit.press(f".language-chooser button[lang={language}]")
        visit.press('#supplement button[value="remove-1"]')
        assert PICTURE not in page.inner_text("main .files")
        visit.press("#supplement .btn-primary")
        assert TEXTS[language]["notices"]["sent"] in page.inner_text("main")
        assert page.locator("main .files").count() == 0
        assert not any(receipt in url or receipt.lower() in url for url in visit.requests)

    def supplemented() -> ReportSupplementedV1 | None:
        values = [record.value for record in read_all(place.bootstrap, place.prefix + RECEIVED)]
        found = [
            ReportSupplementedV1.model_validate_json(value) for value in values if value and text.encode() in value
        ]
        return next(iter(found), None)

    letter = sample("docx")
    told = Attachment(sha256=sha256(letter).hexdigest(), size_bytes=len(letter), media_type=Kind.DOCX)
    assert eventually(supplemented).attachments == (told,)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_the_pages_of_a_report_and_all_fits_320_pixels(
    browser: Browser, intake: IntakeProcess, place: Place, language: str, scheme: str
) -> None:
    receipt = asked(intake, place)

    def check(name: str) -> None:
        assert_accessible(visit.page, f"{name} in {language}, {scheme}")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320, name

    size = {"width": 320, "height": 700}
    with visiting(browser, intake.url, script=True, color_scheme=scheme, viewport=size) as visit:
        show(visit, language, "x")
        check("unknown")
        show(visit, language, receipt)
        check("found")
        visit.page.fill("#text", " ")
        visit.press("#supplement .btn-primary")
        check("wrong")
        visit.page.fill("#text", "x")
        visit.press("#supplement .btn-primary")
        check("sent")
        visit.press("form[action^='/status/withdraw'] button")
        check("withdraw")
        visit.press(".btn-danger[type=submit]")
        check("withdrawn")
