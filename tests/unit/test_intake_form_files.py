"""The form's page for files and the uploads behind it, with a folder for a store and rows in memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest

from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.web.words import LANGUAGES
from services.intake import form_files
from services.intake.__main__ import application
from services.intake.attached import Upload
from services.intake.attachments.blobs import Blobs
from services.intake.attachments.parts import Parts
from services.intake.attachments.records import Staged
from services.intake.attachments.taking import Evidence, Limits, Making
from services.intake.attachments.vessel import Vessel
from services.intake.evidence.inspection import inspect
from services.intake.evidence.kinds import RULES, Kind
from services.intake.form_files import NOT_NOW, TOO_MANY
from services.intake.forms import read_texts
from services.intake.vault import MasterKey
from tests.support.intake import AppClient, app_client, made_intake
from tests.unit.test_intake_http import NOW, SETTINGS, Queue, Service, Statuses
from tests.unit.test_intake_steps import Form

TEXTS = read_texts()
DRAFT = {"text": "what was seen", "category_hint": "fraud", "step": "evidence", "draft": "d" * 32}


class Rows:
    """Rows of files, in memory; `error` is raised instead of storing one."""

    def __init__(self) -> None:
        self.staged: list[Staged] = []
        self.error: Exception | None = None

    def stage(self, staged: Staged) -> None:
        if self.error is not None:
            raise self.error
        self.staged.append(staged)

    def staged_bytes(self) -> int:
        if isinstance(self.error, PassingError):
            raise self.error
        return sum(each.upload.size_bytes for each in self.staged)

    def find(self, capability_hashes: Collection[bytes]) -> dict[bytes, Upload]:
        known = {each.upload.capability_hash: each.upload for each in self.staged}
        return {each: known[each] for each in capability_hashes if each in known}


def no_copy(_file: BinaryIO, _kind: Kind) -> None:
    return None


class Files:
    """The application with files."""

    def __init__(self, folder: Path) -> None:
        self.rows = Rows()
        self.queue = Queue()
        self.store = folder / "evidence"
        self.spool = folder
        blobs = Blobs.at(None, self.store)
        vessel = Vessel(blobs, MasterKey(bytes(32), os.urandom), os.urandom)
        self.evidence = Evidence(
            self.rows,
            vessel,
            Making(inspect, no_copy),
            Limits(1_000, 5_000, 3),
            secret=bytes(32),
            random=os.urandom,
            spool=folder,
        )
        intake = made_intake(Service().acceptance, self.queue, Statuses(), trusts=lambda _: False, now=NOW)
        nothing: Any = None
        files = Parts(self.evidence, nothing, vessel, nothing, blobs)
        self.app = application(SETTINGS, intake._replace(files=self.evidence), [], files=files)
        self.client: AppClient

    @property
    def blobs(self) -> list[Path]:
        return [path for path in self.store.rglob("*") if path.is_file()]

    def post(self, *files: tuple[str, bytes], language: str = "en", **fields: str) -> httpx.Response:
        """A page with files, as a browser posts it: the fields, then the files."""
        cut = "cut-here"
        parts = [
            f'--{cut}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {**DRAFT, "go": "stay", **fields}.items()
        ]
        for name, content in files or [("", b"")]:
            head = f'--{cut}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
        body = b"".join(parts) + f"--{cut}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={cut}"}
        return self.client.post(f"/?lang={language}", content=body, headers=kind)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    made = Files(tmp_path)
    with app_client(made.app) as made.client:
        yield made


def test_files_are_added_shown_removed_and_sent_with_the_report(files: Files) -> None:
    page = files.post(("صورة.txt", b"first"), ("b.txt", b"second"))
    assert page.status_code == 200
    assert "صورة.txt" in page.text
    assert "b.txt" in page.text
    fields = Form(page.text).fields
    assert fields["text"] == DRAFT["text"]
    page = files.client.post("/?lang=fr", data={**fields, "go": "remove-1"})
    assert "صورة.txt" not in page.text
    fields = Form(page.text).fields
    assert fields["file_1"].endswith(" 6 b.txt")
    assert "file_2" not in fields
    fields.pop("files", None)
    summary = files.post(**{**fields, "go": "to-check"})
    assert "b.txt" in summary.text
    receipt = files.client.post("/", data={**Form(summary.text).fields, "go": "next"})
    assert receipt.status_code == 200
    [report] = files.queue.reports
    assert [each.capability_hash for each in report.claims] == [files.rows.staged[1].upload.capability_hash]
    assert b"b.txt" not in (report.record.value or b"")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_file_says_why_in_the_readers_language_and_the_others_stay(files: Files, language: str) -> None:
    given = (
        ("good.txt", b"good"),
        ("<b>.zip", b"PK\x03\x04" + bytes(60)),
        ("large.txt", b"a" * 1_001),
        ("ok.txt", b"ok"),
    )
    page = files.post(*given, language=language, go="next")
    said = TEXTS[language]["form"]["file_rules"]
    text = page.text.replace("&#39;", "'")
    assert page.status_code == 422
    assert said["refused_kind"] in text
    assert said["too_large"] in text
    assert "&lt;b&gt;.zip" in page.text
    fields = Form(page.text).fields
    assert [fields[name].split(" ", 2)[2] for name in ("file_1", "file_2")] == ["good.txt", "ok.txt"]
    assert len(files.blobs) == 2


def film(pieces: int, read: list[int], end: bytes = b"\r\n--cut--\r\n") -> dict[str, Any]:
    """A page with a short file and a film of so many megabytes, which notes how much of it was asked for."""

    def part(head: str, value: str) -> bytes:
        return f"--cut\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}".encode()

    async def body() -> AsyncIterator[bytes]:
        for name, value in {**DRAFT, "go": "next"}.items():
            yield part(f'name="{name}"', f"{value}\r\n")
        yield part('name="files"; filename="kept.txt"', "kept\r\n")
        yield part('name="files"; filename="film.mp4"', "x" * 1_001)
        for _ in range(pieces):
            read[0] += 1
            yield bytes(1_000_000)
        yield end

    return {"content": body(), "headers": {"Content-Type": "multipart/form-data; boundary=cut"}}


@pytest.mark.parametrize(("most_bytes", "most_read"), [(1 << 30, 230), (5_000_000, 6)], ids=["whole", "cut"])
def test_a_page_that_is_far_too_large_is_answered_with_its_draft_and_what_was_too_large(
    files: Files, monkeypatch: pytest.MonkeyPatch, most_bytes: int, most_read: int
) -> None:
    monkeypatch.setattr(form_files, "MOST_READ_BYTES", most_bytes)
    read = [0]
    page = files.client.post("/?lang=en", **film(230, read))
    assert page.status_code == 422
    assert "film.mp4" in page.text
    assert TEXTS["en"]["form"]["file_rules"]["too_large"] in page.text
    fields = Form(page.text).fields
    assert (fields["text"], fields["category_hint"]) == (DRAFT["text"], DRAFT["category_hint"])
    assert fields["file_1"].endswith(" 4 kept.txt")
    assert len(files.blobs) == 1
    assert read[0] <= most_read


def test_every_rule_has_a_sentence_in_every_language() -> None:
    for texts in TEXTS.values():
        assert set(texts["form"]["file_rules"]) == {*RULES, NOT_NOW, TOO_MANY, "unknown_attachment"}


def test_no_more_than_ten_files_are_taken(files: Files) -> None:
    there = {f"file_{number}": f"{number:032} 1 a.txt" for number in range(1, 10)}
    page = files.post(("tenth.txt", b"x"), ("eleventh.txt", b"x"), **there)
    assert page.status_code == 422
    assert TEXTS["en"]["form"]["file_rules"]["too_many_files"] in page.text
    assert len(files.blobs) == 1
    assert 'type="file"' not in page.text


def test_a_file_that_is_gone_when_the_report_is_sent_is_asked_for_again(files: Files) -> None:
    kept = Form(files.post(("kept.txt", b"kept")).text).fields["file_1"]
    gone = f"{'A' * 32} 5 gone.txt"
    page = files.client.post("/?lang=en", data={**DRAFT, "step": "check", "file_1": gone, "file_2": kept})
    assert page.status_code == 422
    assert "gone.txt" in page.text
    assert TEXTS["en"]["form"]["file_rules"]["unknown_attachment"] in page.text
    fields = Form(page.text).fields
    assert (fields["file_1"], fields["step"], fields["returning"]) == (kept, "evidence", "yes")
    assert not files.queue.reports


def test_with_the_database_away_files_are_not_taken_now_and_the_draft_stays(files: Files) -> None:
    files.rows.error = PassingError("away")
    page = files.post(("a.txt", b"x"), go="next")
    assert page.status_code == 503
    assert "retry-after" in page.headers
    assert TEXTS["en"]["form"]["file_rules"]["not_now"] in page.text
    assert Form(page.text).fields["text"] == DRAFT["text"]
    assert not files.blobs


@pytest.mark.parametrize(("error", "left"), [(PassingError("away"), 0), (UnknownOutcomeError("lost"), 1)])
def test_a_row_that_was_not_stored_leaves_no_blob_and_an_unknown_one_is_left_to_the_sweep(
    files: Files, error: Exception, left: int
) -> None:
    files.rows.staged_bytes = lambda: 0  # type: ignore[method-assign]
    files.rows.error = error
    answer = files.client.post("/v1/attachments", content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert len(files.blobs) == left
    assert [path for path in files.spool.iterdir() if path.is_file()] == []


def test_a_flood_of_files_is_refused_before_it_fills_the_disk_and_room_comes_back(files: Files) -> None:
    for _ in range(5):
        assert files.client.post("/v1/attachments", content=b"a" * 1_000).status_code == 201
    full = files.client.post("/v1/attachments", content=b"a")
    assert (full.status_code, full.headers["retry-after"]) == (503, "120")
    files.rows.staged.clear()
    assert files.client.post("/v1/attachments", content=b"a").status_code == 201


def test_more_files_at_once_than_allowed_are_told_to_come_again(files: Files) -> None:
    async def crowd() -> list[int]:
        held = [await files.evidence.begin() for _ in range(3)]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(files.app), base_url="http://t") as client:
            answers = [await client.post("/v1/attachments", content=b"x")]
            for incoming in held:
                async with incoming:
                    pass
            answers.append(await client.post("/v1/attachments", content=b"x"))
        return [answer.status_code for answer in answers]

    assert asyncio.run(crowd()) == [503, 201]


def test_a_name_comes_from_the_header_or_the_address_and_is_in_no_answer(files: Files) -> None:
    header = {"Content-Disposition": "attachment; filename*=UTF-8''%D8%B5%2F..%2Fx.txt"}
    by_header = files.client.post("/v1/attachments", content=b"x", headers=header)
    by_query = files.client.post("/v1/attachments?name=../secret.txt", content=b"y")
    assert by_header.status_code == by_query.status_code == 201
    assert set(by_query.json()) == {"attachment_id", "sha256", "size_bytes", "media_type"}
    assert len(by_query.json()["attachment_id"]) == 32


def test_a_page_that_is_no_form_is_refused_and_a_body_of_another_kind_stays_small(files: Files) -> None:
    broken = files.client.post("/", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (broken.status_code, broken.json()["code"]) == (400, "bad_form")
    whole = SETTINGS.evidence_files * SETTINGS.evidence_file_bytes
    announced = {"Content-Length": str(whole), "Content-Type": "application/x-www-form-urlencoded"}
    assert files.client.post("/", content=b"", headers=announced).status_code == 413
