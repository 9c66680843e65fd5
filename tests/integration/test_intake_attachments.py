"""Evidence from the socket to the custodian: sealed, given to one report once, swept when nobody comes for it."""

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import uuid
import zlib
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from ibalagh.events.registry import RECEIVED
from ibalagh.storage.postgres import Database
from services.intake.attachments.blobs import Blobs
from services.intake.attachments.export import export
from services.intake.attachments.vessel import Vessel
from services.intake.custody import ROLE, Custody, asking
from services.intake.key_file import KeyFile
from tests.support import canaries
from tests.support.intake import TOKEN, IntakeProcess, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

NAME = "Canary Person 198.51.100.77.txt"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
SECRET = "an-invented-secret"
FAST = {"INTAKE_EVIDENCE_SWEEP_INTERVAL_S": "0.2", "INTAKE_EVIDENCE_ORPHAN_S": "0.5"}


def png(colour: int = 0) -> bytes:
    """A picture of one pixel, with a text inside that a viewing copy must not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = chunk(b"IHDR", (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0]))
    text = chunk(b"tEXt", b"Author\0Invented Person")
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + text
        + chunk(b"IDAT", zlib.compress(bytes([0, colour, 0, 0])))
        + chunk(b"IEND", b"")
    )


def upload(intake: IntakeProcess, content: bytes, name: str = NAME) -> dict[str, Any]:
    answer = intake.http.post("/v1/attachments", content=content, params={"name": name})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def rows(place: Place, sql: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(place.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()


def blobs(place: Place) -> list[Path]:
    return [path for path in (place.home / "evidence").rglob("*") if path.is_file()]


def open_files(pid: int) -> list[str]:
    """What a process has open, files without a name included."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed between the listing and the look
            found.append(str(each.readlink()))
    return found


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def received(place: Place) -> list[dict[str, Any]]:
    return [record.data() for record in read_all(place.bootstrap, place.codec.topic(RECEIVED))]


def test_a_file_becomes_a_reports_and_comes_out_stripped_for_operators_and_whole_for_custodians(place: Place) -> None:
    content = png(1)
    with running(place) as intake:
        file = upload(intake, content)
        assert file == {
            "attachment_id": file["attachment_id"],
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "media_type": "image/png",
        }
        answer = intake.http.post("/v1/reports", json={"text": "x", "attachments": [file["attachment_id"]]})
        assert answer.status_code == 202, answer.text
        report_id = answer.json()["report_id"]
        path = f"/v1/reports/{report_id}/attachments"
        assert intake.http.get(path).status_code == intake.http.get(f"{path}/1").status_code == 401
        [listed] = intake.http.get(path, headers=OPERATOR).json()["attachments"]
        assert (listed["number"], listed["sha256"]) == (1, file["sha256"])
        view = intake.http.get(f"{path}/1", headers=OPERATOR)
        assert view.status_code == 200
        assert intake.http.get(f"{path}/2", headers=OPERATOR).status_code == 404
        assert view.content.startswith(b"\x89PNG")
        assert b"Invented" not in view.content
        assert len(view.content) == listed["view_bytes"]
        assert view.headers["content-disposition"] == f'attachment; filename="{report_id}-1.png"'
        assert view.headers["x-content-type-options"] == "nosniff"
        assert view.headers["cache-control"] == "no-store"
        assert "sandbox" in view.headers["content-security-policy"]
    [event] = received(place)
    assert event["attachments"] == [{name: file[name] for name in ("sha256", "size_bytes", "media_type")}]
    custodian = Database(place.database_url, ROLE)
    try:
        custody, who = Custody(custodian), asking("amina", SECRET, "request 12")
        assert custody.add_custodian("amina", SECRET, who)
        keys = KeyFile(place.home / "keys" / "intake-master.key", os.urandom)
        vessel = Vessel(Blobs.at(None, place.home / "evidence"), keys, os.urandom)
        [opened] = custody.open_files(report_id, who)
        out = export(vessel, opened, place.home / "out")
    finally:
        custodian.close()
    assert out.name == "1-Canary Person 198.51.100.77.png"
    assert out.read_bytes() == content
    audit = rows(place, "SELECT actor, action, outcome, reason FROM intake_vault.audit ORDER BY number")
    assert ("(operator)", "view", "granted", "attachment 1") in audit
    assert ("amina", "evidence", "granted", "request 12") in audit
    out.unlink()
    inside = {**canaries.files(place.home), **canaries.tables(place.database_url)}
    for where, kept in inside.items():
        for word in (b"Canary Person", file["attachment_id"].encode(), b"Invented Person"):
            assert word not in kept, where
            assert word.hex().encode() not in kept, where


def test_a_file_is_given_to_one_report_however_many_ask_at_once_and_a_retry_is_answered_as_before(place: Place) -> None:
    async def race(url: str, attachment_id: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            body = {"text": "x", "attachments": [attachment_id]}
            return list(await asyncio.gather(*(client.post("/v1/reports", json=body) for _ in range(20))))

    with running(place) as intake:
        file = upload(intake, png(2))["attachment_id"]
        answers = asyncio.run(race(intake.url, file))
        assert sorted(answer.status_code for answer in answers) == [202, *[422] * 19]
        refused = next(answer for answer in answers if answer.status_code == 422).json()
        assert refused["errors"][0]["field"] == "attachments"
        assert refused["errors"][0]["rule"] == "unknown_attachment"
        other = upload(intake, png(3))["attachment_id"]
        body, headers = {"text": "y", "attachments": [other]}, {"Idempotency-Key": uuid.uuid4().hex}
        first, second = (intake.http.post("/v1/reports", json=body, headers=headers) for _ in range(2))
        assert first.status_code == 202
        assert first.content == second.content
        for given, field in (
            ([other, "A" * 32], "attachments.1"),
            (["x"], "attachments.0"),
            (["é" * 20], "attachments.0"),
        ):
            answer = intake.http.post("/v1/reports", json={"text": "z", "attachments": given})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        again = upload(intake, png(4))["attachment_id"]
        lines = [json.dumps({"text": str(number), "attachments": [again]}) for number in range(2)]
        batch = intake.http.post("/v1/reports:batch", content="\n".join(lines), headers=OPERATOR)
        assert [json.loads(line)["status"] for line in batch.text.splitlines()] == [202, 422]
        eventually(lambda: not rows(place, "SELECT FROM intake.pending"))
    assert len(received(place)) == 3
    assert rows(place, "SELECT count(*), count(report_id) FROM intake_vault.uploads") == [(3, 3)]


def test_what_nobody_comes_for_is_swept_and_what_a_report_has_stays(place: Place) -> None:
    with running(place, **FAST, INTAKE_EVIDENCE_STAGED_S="1.5") as intake:
        kept, left = upload(intake, png(5)), upload(intake, png(6))
        report = {"text": "x", "attachments": [kept["attachment_id"]]}
        assert intake.http.post("/v1/reports", json=report).status_code == 202
        orphan = place.home / "evidence" / "ab" / f"{uuid.uuid4()}.original"
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"left by a killed process")
        orphan.with_name(f"{orphan.name}#1").write_bytes(b"left in the middle of writing")
        eventually(lambda: len(blobs(place)) == 2, 20)
        assert rows(place, "SELECT count(*), count(report_id) FROM intake_vault.uploads") == [(1, 1)]
        late = intake.http.post("/v1/reports", json={"text": "x", "attachments": [left["attachment_id"]]})
        assert (late.status_code, late.json()["errors"][0]["rule"]) == (422, "unknown_attachment")


def test_a_process_killed_in_the_middle_of_an_upload_leaves_nothing(place: Place) -> None:
    with running(place) as intake, socket.socket() as connection:
        connection.connect(("127.0.0.1", httpx.URL(intake.url).port or 0))
        head = b"POST /v1/attachments HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
        connection.sendall(head + b"a" * 2_000_000)
        upload(intake, png(7))
        eventually(lambda: any("spool" in place for place in open_files(intake.pid)))
        intake.kill()
    assert list((place.home / "spool").iterdir()) == []
    assert len(blobs(place)) == 2
    with running(place, **FAST, INTAKE_EVIDENCE_STAGED_S="0.5"):
        eventually(lambda: not blobs(place), 20)
    assert rows(place, "SELECT FROM intake_vault.uploads") == []


def test_refused_files_and_a_full_store_leave_nothing(place: Place) -> None:
    with running(place, INTAKE_EVIDENCE_STAGED_BYTES="150000", INTAKE_EVIDENCE_FILE_BYTES="1000000") as intake:
        for content, status, code in (
            (b"", 422, "empty_file"),
            (b"PK\x03\x04" + bytes(100), 422, "refused_kind"),
            (png()[:-8], 422, "truncated_file"),
            (b"a" * 1_000_001, 413, "too_large"),
        ):
            answer = intake.http.post("/v1/attachments", content=content)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        chunked = intake.http.post("/v1/attachments", content=iter([b"a" * 300_000] * 4))
        assert chunked.status_code in (413, 503)
        assert blobs(place) == []
        for number in (1, 2):
            upload(intake, png(number))
        full = intake.http.post("/v1/attachments", content=b"a" * 50_000)
        assert (full.status_code, full.headers["retry-after"]) == (503, "120")
        assert len(blobs(place)) == 4
        assert rows(place, "SELECT count(*) FROM intake_vault.uploads") == [(2,)]


def test_with_the_database_away_a_file_is_refused_before_it_is_read_and_leaves_nothing(place: Place) -> None:
    """The key files are there: without them the process would wait for the database to say whether it may make some."""
    with running(place):
        pass
    url = f"postgresql://postgres@127.0.0.1:{closed_port()}/ibalagh"
    with running(place, DATABASE_URL=url) as intake:
        answer = intake.http.post("/v1/attachments", content=png(1))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
    assert blobs(place) == list((place.home / "spool").iterdir()) == []


@pytest.mark.parametrize("uploads", [6])
def test_many_files_of_20_mb_at_once_take_less_than_150_mb_of_memory(place: Place, uploads: int) -> None:
    line = b"Texte invente de preuve, ligne apres ligne.\n"
    content = (line * (20_971_520 // len(line) + 1))[:20_971_520]

    async def send(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, timeout=300) as client:
            answers = await asyncio.gather(*(client.post("/v1/attachments", content=content) for _ in range(uploads)))
            return [answer.status_code for answer in answers]

    with running(place) as intake:
        assert asyncio.run(send(intake.url)) == [201] * uploads
        peak = next(
            int(line.split()[1]) * 1_024
            for line in Path(f"/proc/{intake.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
    assert peak < 150_000_000, f"{peak:,} bytes"
