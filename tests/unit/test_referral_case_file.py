"""A case file: what it says, that it is the same for the same version, and that no byte of it can be changed unseen."""

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pikepdf
import pytest

from ibalagh.events.reports import Attachment, ReportFacts, ReportReceivedV1
from ibalagh.events.vocabulary import CaseState, Category, Channel, SuspectState, Urgency
from ibalagh.signing import PublicKeys, SigningKey
from ibalagh.storage.audit import Entry as AuditRow
from services.referral.casefile import sealing
from services.referral.casefile.cli import main
from services.referral.casefile.drawing import Sheets
from services.referral.casefile.manifest import Found, latest, manifest, written_between
from services.referral.casefile.pages import MANIFEST_NAME, pdf
from services.referral.casefile.sealing import BrokenSealError, Check
from services.referral.casefile.words import WORDS, event
from services.referral.competence import table_named
from services.referral.history import CaseFile, Entry
from services.referral.model import Case, Membership

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
DAY = date(2026, 11, 19)
CASE_ID = "5b0f2f6e-2c1d-5a43-8f0e-b1d9c7a4e210"
KEY = SigningKey(b"k" * 32)
KEYS = PublicKeys([KEY.public])
REPORTS = [f"7e1d0d7e-9c0a-4c43-8d8a-3b6f2d1e00{number:02}" for number in range(3)]
TEXTS = ("Payez 250 000 DH \U0001f600", "توصلت برسالة\u202e من شخص", None)
SHA256 = "ab" * 32


def case(**changes: Any) -> Case:
    """A case of three reports under investigation."""
    made = Case(
        CASE_ID,
        42,
        7,
        CaseState.INVESTIGATION,
        Category.FRAUD,
        "01.511",
        Urgency.HIGH,
        "ECO-RABAT",
        "PGR-RABAT",
        "2026-11",
        "amount:01.511",
        DAY,
        NOW,
        {Category.FRAUD: 3},
    )
    return made._replace(**changes)


def file_of(of: Case) -> CaseFile:
    """Its reports and its past, as the database has them."""
    reports = [
        Membership(report_id, CASE_ID, 1, 1 if place == 0 else 3 + place, Category.FRAUD, DAY, NOW)
        for place, report_id in enumerate(REPORTS)
    ]
    history = [
        Entry(CASE_ID, 1, "ibalagh.case.opened.v1", NOW, None, {"report_id": REPORTS[0]}),
        Entry(CASE_ID, 6, "ibalagh.case.accepted.v1", NOW + timedelta(hours=5), "officer-17", {"category": "fraud"}),
        Entry(CASE_ID, 7, "ibalagh.suspect.identified.v1", NOW + timedelta(hours=6), "officer-17", {}),
    ]
    return CaseFile(of, reports, [("S-1", SuspectState.IDENTIFIED)], history)


def received(report_id: str, text: str) -> ReportReceivedV1:
    return ReportReceivedV1(
        report_id=report_id,
        received_at=NOW,
        facts=ReportFacts(received_on=DAY, identified=False, country="MA", channel=Channel.FORM),
        text=text,
        links=("https://faux-concours.example/",),
        attachments=(Attachment(sha256="cd" * 32, size_bytes=5, media_type="image/jpeg"),),
    )


FOUND = {
    report_id: Found("ibalagh.reports.received", 1, place, SHA256, received(report_id, text))
    for place, (report_id, text) in enumerate(zip(REPORTS, TEXTS, strict=True))
    if text is not None
}
CUSTODY = [
    AuditRow(
        number, NOW + timedelta(hours=number), "officer-17", "login", "viewed", "case", CASE_ID, "p", "", b"", b"h"
    )
    for number in range(1, 10)
]


def document(language: str = "en", of: Case | None = None) -> dict[str, Any]:
    file = file_of(of or case())
    table = table_named(file.case.competence_table)
    return manifest(file, FOUND, CUSTODY, table, until=latest(file), language=language, key_id=KEY.key_id)


def made(language: str = "en", of: Case | None = None) -> bytes:
    """A whole sealed file."""
    said = document(language, of)
    return sealing.sealed(pdf(said, sealing.signed(said, KEY)), CASE_ID, said["case"]["version"], KEY)


WHOLE = made()


@pytest.mark.parametrize("language", list(WORDS))
def test_the_same_version_gives_the_same_bytes_in_every_language(language: str) -> None:
    assert made(language) == made(language)
    assert made(language) != made(language, case(version=8))


def test_the_manifest_says_where_each_report_stands_and_what_the_log_forgot() -> None:
    said = document()
    first, _, gone = said["reports"]
    assert (first["log"]["topic"], first["log"]["offset"], first["log"]["record_sha256"]) == (
        "ibalagh.reports.received",
        0,
        SHA256,
    )
    assert first["log"]["text"] == TEXTS[0]
    assert gone["log"] is None
    assert [(each["report_id"], each["number"], each["sha256"]) for each in said["evidence"]] == [
        (report_id, 1, "cd" * 32) for report_id in REPORTS[:2]
    ]
    assert said["competence"] == {
        "table": "2026-11",
        "rule": "amount:01.511",
        "valid_from": "2026-11-01",
        "court": "CA-RABAT",
        "appeal": "CA-RABAT",
        "confirmed": False,
    }


def test_custody_ends_with_the_cases_latest_event_so_that_a_look_makes_no_other_file() -> None:
    said = document()
    assert said["custody_until"] == "2026-11-20T16:00:00.000000Z"
    assert [each["number"] for each in said["custody"]] == [1, 2, 3, 4, 5, 6]


def test_reports_beyond_those_listed_are_counted() -> None:
    assert document(of=case(tally={Category.FRAUD: 1_003}))["reports_not_listed"] == 1_000


def test_the_log_is_read_from_the_first_receipt_to_the_last_joining() -> None:
    assert written_between(file_of(case())) == (datetime(2026, 11, 18, tzinfo=UTC), NOW + timedelta(days=1))
    assert written_between(file_of(case())._replace(reports=[])) is None


def test_the_attached_data_is_what_is_drawn_and_has_a_signature_of_its_own() -> None:
    with pikepdf.open(io.BytesIO(WHOLE)) as opened:
        attached = opened.attachments[MANIFEST_NAME].get_file().read_bytes()
        assert len(opened.pages) > 2
    assert sealing.check_signed(attached, KEYS) == document()


def test_a_case_that_was_closed_and_has_lost_its_reports_has_a_file_too() -> None:
    said = manifest(
        CaseFile(case(state=CaseState.CLOSED, province=None, competence_table="1999", tally={}), [], [], []),
        {},
        [],
        None,
        until=NOW,
        language="ar",
        key_id=KEY.key_id,
    )
    assert said["competence"]["court"] is None
    assert pdf(said, b"{}").startswith(b"%PDF")


@pytest.mark.parametrize("place", [*range(0, len(WHOLE), 997), *range(len(WHOLE) - 400, len(WHOLE), 7)])
def test_no_byte_can_be_changed_unseen(place: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= 1
    with pytest.raises(BrokenSealError):
        sealing.check(bytes(changed), KEYS)


def test_a_check_says_what_is_wrong() -> None:
    def failed(content: bytes, keys: PublicKeys = KEYS) -> tuple[Check, str]:
        with pytest.raises(BrokenSealError) as caught:
            sealing.check(content, keys)
        return caught.value.check, caught.value.detail

    body, _, line = WHOLE.rpartition(b"%ibalagh-seal ")
    seal = orjson.loads(line)
    forged = {**seal, "statement": {**seal["statement"], "case_version": 8}}
    assert failed(body) == (Check.FORM, "")
    assert failed(WHOLE + b" ") == (Check.FORM, "")
    assert failed(WHOLE + WHOLE[-1:]) == (Check.FORM, "")
    assert failed(WHOLE, PublicKeys([SigningKey(b"x" * 32).public])) == (Check.KEY, "")
    assert failed(body + b"%ibalagh-seal " + orjson.dumps(forged, option=orjson.OPT_SORT_KEYS) + b"\n") == (
        Check.SIGNATURE,
        "",
    )
    assert failed(body[:99] + b"?" + body[100:] + b"%ibalagh-seal " + line)[0] is Check.CONTENT
    assert failed(body + b"%\n%ibalagh-seal " + line) == (Check.CONTENT, "2 bytes more than were sealed")
    assert failed(body[:-10] + b"%ibalagh-seal " + line) == (Check.CONTENT, "10 bytes fewer than were sealed")


def test_the_seal_states_the_case_its_version_and_the_hash_of_all_before_it() -> None:
    statement = sealing.check(WHOLE, KEYS)
    body = WHOLE[: WHOLE.rfind(b"%ibalagh-seal ")]
    assert (statement.case_id, statement.case_version) == (CASE_ID, 7)
    assert statement.sha256 == hashlib.sha256(body).hexdigest()


@dataclass
class Published:
    """Files as the command takes them."""

    file: Path
    keys: Path


@pytest.fixture
def published(tmp_path: Path) -> Published:
    there = Published(tmp_path / "case.pdf", tmp_path / "keys.json")
    there.file.write_bytes(WHOLE)
    there.keys.write_bytes(orjson.dumps(KEYS.jwks))
    return there


def test_the_command_verifies_offline_with_published_keys(
    published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    verify = ["verify", str(published.file), "--keys", str(published.keys)]
    assert main(verify) == 0
    said = capsys.readouterr().out
    assert said.startswith("VALID.")
    assert "3 reports, 2 files" in said
    published.file.write_bytes(WHOLE.replace(b"/Type", b"/Tipe", 1))
    assert main(verify) == 1
    said = capsys.readouterr().err
    assert "Failed check: content - the file was changed after it was sealed" in said
    published.file.write_bytes(b"%PDF-1.7 nothing")
    assert main(verify) == 1
    assert "cannot be vouched for either" in capsys.readouterr().err


def test_a_changed_page_is_told_from_changed_data(published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    published.file.write_bytes(WHOLE.replace(b"/MediaBox [0 0 595", b"/MediaBox [0 0 596", 1))
    assert published.file.read_bytes() != WHOLE
    assert main(["verify", str(published.file), "--keys", str(published.keys)]) == 1
    assert "has a signature of its own, which holds: case 42, version 7" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"not json", b"[]", b'{"keys": []}'])
def test_what_are_no_keys_is_wrong_usage(
    published: Published, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    published.keys.write_bytes(content)
    assert main(["verify", str(published.file), "--keys", str(published.keys)]) == 2
    assert "does not hold published keys" in capsys.readouterr().err


def test_what_the_font_lacks_or_what_turns_a_line_is_shown_as_its_code_point() -> None:
    pages = Sheets("en", "a title")
    shown = pages.shown("a\U0001f600b\u202ec\x00\td\r\nسلام 12")
    pages.finish()
    assert shown == "a[U+1F600]b[U+202E]c[U+0000]    d\nسلام 12"


def test_every_event_of_a_case_has_words_in_every_language() -> None:
    for language, say in WORDS.items():
        assert event("ibalagh.case.opened.v1", language) == say["case.opened"]
        assert all(words.strip() for words in say.values())
