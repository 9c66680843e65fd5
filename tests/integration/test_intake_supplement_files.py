"""Files that come with a supplement are the report's as surely as its first ones, and a wrong receipt takes none."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import psycopg2

from ibalagh.events.registry import RECEIVED
from ibalagh.events.vocabulary import AmendmentKind
from ibalagh.storage.postgres import Database
from services.intake.acceptance import Acceptance
from services.intake.attached import MOST_FILES
from services.intake.attachments.records import Records
from services.intake.dialogue_store import DialogueStore
from services.intake.receipt import keyed_hash
from services.intake.supplements import Amendment, Retry, Supplement
from tests.integration.test_intake_dialogue import Counting, nothing_pending, report
from tests.support.durable import rows
from tests.support.intake import TOKEN, IntakeProcess, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
NOW = datetime.now(UTC)
_TOLD = ("sha256", "size_bytes", "media_type")


def upload(intake: IntakeProcess, content: str) -> dict[str, Any]:
    answer = intake.http.post("/v1/attachments", content=content)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def supplement(intake: IntakeProcess, receipt: str, *files: dict[str, Any], key: str | None = None) -> httpx.Response:
    body = {"receipt": receipt, "text": "x", "attachments": [file["attachment_id"] for file in files]}
    return intake.http.post("/v1/supplements", json=body, headers={"Idempotency-Key": key} if key else None)


def supplements_in_log(place: Place) -> list[list[dict[str, Any]]]:
    """The files of each supplement in the log."""
    found = read_all(place.bootstrap, place.codec.topic(RECEIVED))
    return [each.data().get("attachments", []) for each in found if "supplemented" in each.type]


def listed(intake: IntakeProcess, report_id: str) -> list[tuple[int, str]]:
    answer = intake.http.get(f"/v1/reports/{report_id}/attachments", headers=OPERATOR)
    return [(each["number"], each["sha256"]) for each in answer.json()["attachments"]]


def test_files_of_a_supplement_are_the_reports_next_ones_once_however_often_it_is_sent(place: Place) -> None:
    with running(place) as intake:
        first, second, third = (upload(intake, text) for text in ("one", "two", "three"))
        given = report(intake, attachments=[first["attachment_id"]])
        body = {"receipt": given["receipt"], "text": "x"}
        named = orjson.dumps(body | {"attachments": [second["attachment_id"], third["attachment_id"]]})
        headers = {"Idempotency-Key": uuid.uuid4().hex}

        async def twenty() -> list[httpx.Response]:
            async with httpx.AsyncClient(base_url=intake.url, timeout=30) as client:
                requests = (client.post("/v1/supplements", content=named, headers=headers) for _ in range(20))
                return list(await asyncio.gather(*requests))

        answers = asyncio.run(twenty())
    with running(place) as intake:
        answers.append(intake.http.post("/v1/supplements", content=named, headers=headers))
        assert {(each.status_code, each.content) for each in answers} == {(202, answers[0].content)}
        assert listed(intake, given["report_id"]) == [
            (number, file["sha256"]) for number, file in enumerate((first, second, third), 1)
        ]
        view = intake.http.get(f"/v1/reports/{given['report_id']}/attachments/3", headers=OPERATOR)
        assert view.content == b"three"
        taken = supplement(intake, given["receipt"], third)
        assert (taken.status_code, taken.json()["errors"][0]["rule"]) == (422, "unknown_attachment")
        twice = supplement(intake, given["receipt"], *[upload(intake, "four")] * 2)
        assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "attachments.1")
        eventually(lambda: nothing_pending(place), 20)
    assert supplements_in_log(place) == [[{name: file[name] for name in _TOLD} for file in (second, third)]]


def test_a_wrong_receipt_takes_no_file_after_the_same_statements(place: Place, acceptance: Acceptance) -> None:
    with running(place) as intake:
        given, file = report(intake), upload(intake, "mine")
        assert supplement(intake, "0" * 27, file).json()["code"] == "unknown_receipt"
        database = Counting(place.database_url)
        try:
            [capability] = rows(place, "SELECT capability_hash FROM intake_vault.uploads")[0]
            uploads = list(Records(database, lifetime_s=600).find([bytes(capability)]).values())
            seen = []
            for typed in ("0" * 27, given["receipt"]):
                database.statements.clear()
                said = Supplement(receipt=typed, text="x", attachments=(file["attachment_id"],))
                hashed = acceptance.receipt_hash(typed)
                retry = Retry(*(keyed_hash(b"any", typed.encode() + each) for each in (b"k", b"b")))
                amendment = Amendment(str(uuid.uuid4()), AmendmentKind.ADDITION, hashed, said, NOW, retry, uploads)
                stored = DialogueStore(database, place.codec, most=20).store(amendment)
                seen.append((stored.report_id, [*database.statements]))
        finally:
            database.close()
    assert [report_id for report_id, _ in seen] == [None, given["report_id"]]
    assert seen[0][1] == seen[1][1]
    assert rows(place, "SELECT report_id::text, number FROM intake_vault.uploads") == [(given["report_id"], 1)]


def test_killed_between_store_and_ack_it_is_published_with_its_files(place: Place, acceptance: Acceptance) -> None:
    with running(place) as intake:
        given, file = report(intake), upload(intake, "mine")
    [capability] = rows(place, "SELECT capability_hash FROM intake_vault.uploads")[0]
    database = Database(place.database_url, "intake")
    uploads = list(Records(database, lifetime_s=600).find([bytes(capability)]).values())
    said = Supplement(receipt=given["receipt"], text="x", attachments=(file["attachment_id"],))
    hashed = acceptance.receipt_hash(given["receipt"])
    amendment = Amendment(str(uuid.uuid4()), AmendmentKind.ADDITION, hashed, said, NOW, None, uploads)
    DialogueStore(database, place.codec, most=20).store(amendment)
    database.close()
    with running(place, INTAKE_EVIDENCE_SWEEP_INTERVAL_S="0.2", INTAKE_EVIDENCE_STAGED_S="0.5") as intake:
        eventually(lambda: nothing_pending(place), 20)
        assert [number for number, _ in listed(intake, given["report_id"])] == [1]
    assert supplements_in_log(place) == [[{name: file[name] for name in _TOLD}]]


def test_broker_away_nothing_is_promised_and_the_files_are_kept_for_the_one_supplement(place: Place) -> None:
    key = uuid.uuid4().hex
    with running(place) as intake:
        given, file = report(intake), upload(intake, "mine")
    with running(place, KAFKA_BOOTSTRAP="127.0.0.1:1") as intake:
        assert supplement(intake, given["receipt"], file, key=key).status_code == 503
    with running(place) as intake:
        eventually(lambda: supplement(intake, given["receipt"], file, key=key).status_code == 202, 20)
        eventually(lambda: nothing_pending(place), 20)
    assert len(supplements_in_log(place)) == 1


def test_a_report_has_so_many_files_altogether(place: Place) -> None:
    with running(place) as intake:
        given = report(intake, attachments=[upload(intake, "one")["attachment_id"]])
        connection = psycopg2.connect(place.database_url)
        with connection, connection.cursor() as cursor:
            cursor.execute("UPDATE intake_vault.uploads SET number = %s", (MOST_FILES - 1,))
        connection.close()
        files = [upload(intake, text) for text in ("two", "three")]
        full = supplement(intake, given["receipt"], *files)
        assert (full.status_code, full.json()["errors"][0]["rule"]) == (422, "attachments_full")
        assert supplement(intake, given["receipt"], files[0]).status_code == 202
        assert supplement(intake, given["receipt"]).status_code == 202
        assert [number for number, _ in listed(intake, given["report_id"])] == [MOST_FILES - 1, MOST_FILES]
