"""A receipt means durable: one report, exactly once in the log, whatever was killed or away in between."""

import asyncio
import os
import socket
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ibalagh.events.registry import RECEIVED
from ibalagh.events.vocabulary import Channel
from ibalagh.ops.keyfiles import read_or_create
from ibalagh.stream.kafka import KafkaProducer
from ibalagh.stream.ports import Acknowledgement
from services.intake.acceptance import Acceptance, Prepared
from services.intake.signing import read_keys
from services.intake.store import IntakeStore
from services.intake.submission import Submission
from services.intake.vault import MasterKey, Sealed, unseal
from tests.support.durable import (
    accepted,
    assert_promises_nothing,
    assert_proves,
    ids_in_log,
    pending_ids,
    rows,
)
from tests.support.intake import TOKEN, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

BODY = b'{"text":"x"}'
IDENTITY = {"name": "Invented Person", "phone": "+212 600 000 000"}


def nothing_pending(place: Place) -> bool:
    return not pending_ids(place)


def prepared(acceptance: Acceptance, body: bytes, key: str) -> Prepared:
    submission = Submission(text="x")
    now = datetime.now(UTC)
    return acceptance.prepare(submission, channel=Channel.API, now=now, key=key.encode(), body=body)


def test_an_accepted_report_is_in_the_log_once_and_its_identity_only_in_the_vault(place: Place) -> None:
    with running(place) as intake:
        answer = intake.http.post("/v1/reports", json={"text": "what was seen", "identity": IDENTITY})
        assert answer.status_code == 202
        report_id, receipt = answer.json()["report_id"], answer.json()["receipt"]
        [record] = read_all(place.bootstrap, place.codec.topic(RECEIVED))
        assert (record.id, record.key) == (report_id, report_id.encode())
        assert record.data()["facts"]["identified"] is True
        assert b"Invented" not in (record.value or b"")
        status = intake.http.post("/v1/status", json={"receipt": receipt.lower()})
        assert status.json()["status"] == "received"
        eventually(lambda: nothing_pending(place))
        assert 'ibalagh_intake_reports_total{verdict="accepted"} 1.0' in intake.http.get("/metrics").text
    [(nonce, ciphertext, wrapped_key, key_id)] = rows(place, "SELECT nonce, ciphertext, wrapped_key, key_id FROM vault")
    sealed = Sealed(bytes(nonce), bytes(ciphertext), bytes(wrapped_key), key_id)
    master = MasterKey(read_or_create(place.home / "keys" / "intake-master.key", Path()), os.urandom)
    assert orjson.loads(unseal(sealed, report_id, master)) == IDENTITY
    everything = str(rows(place, "SELECT s::text FROM submissions s UNION ALL SELECT v::text FROM vault v"))
    assert receipt not in everything
    assert "Invented" not in everything


def test_fifty_at_once_with_one_key_and_one_after_a_restart_are_one_report(place: Place) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = b'{"text": "x"}'

    async def fifty(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            requests = (client.post("/v1/reports", content=body, headers=headers) for _ in range(50))
            return list(await asyncio.gather(*requests))

    with running(place) as intake:
        answers = asyncio.run(fifty(intake.url))
        other = intake.http.post("/v1/reports", content=b'{"text": "y"}', headers=headers)
    with running(place) as intake:
        answers.append(intake.http.post("/v1/reports", content=body, headers=headers))
        keys = read_keys(intake.http.get("/v1/receipts/keys").json())
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert_proves(place, answers[0].json()["signed_receipt"], keys, body)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert ids_in_log(place) == {answers[0].json()["report_id"]: 1}


def test_killed_between_store_and_ack_the_report_is_published_once_and_a_retry_gets_its_receipt(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    body, key = b'{"text":"x"}', uuid.uuid4().hex
    before = prepared(acceptance, body, key)
    store.store([before], {})
    with running(place) as intake:
        answer = accepted(intake, body, {"Idempotency-Key": key})
        eventually(lambda: nothing_pending(place))
        keys = read_keys(intake.http.get("/v1/receipts/keys").json())
    found = answer.json()
    assert (found["report_id"], found["receipt"]) == (before.report_id, before.receipt)
    assert ids_in_log(place) == {before.report_id: 1}
    assert_proves(place, found["signed_receipt"], keys, body)


def test_killed_between_ack_and_note_the_report_is_found_in_the_log_and_not_published_again(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    keys = [uuid.uuid4().hex for _ in range(2)]
    noted, unnoted = (prepared(acceptance, BODY, key) for key in keys)
    producer = KafkaProducer(place.bootstrap)
    store.store([noted], {})
    acknowledgements = producer.publish([noted.record], 10)
    assert acknowledgements[0] is not None
    store.store([unnoted], {noted.report_id: acknowledgements[0]})
    producer.publish([unnoted.record], 10)
    producer.close()
    with running(place) as intake:
        eventually(lambda: nothing_pending(place), 20)
        answers = [
            intake.http.post("/v1/reports", content=BODY, headers={"Idempotency-Key": key}).json()["signed_receipt"]
            for key in keys
        ]
        published = read_keys(intake.http.get("/v1/receipts/keys").json())
    assert ids_in_log(place) == {noted.report_id: 1, unnoted.report_id: 1}
    for answer in answers:
        assert_proves(place, answer, published, BODY)
    assert [answer["document"]["report_id"] for answer in answers] == [noted.report_id, unnoted.report_id]


def test_what_a_reconciler_holds_keeps_no_sender_waiting(
    place: Place, acceptance: Acceptance, store: IntakeStore
) -> None:
    report = prepared(acceptance, b"{}", uuid.uuid4().hex)
    store.store([report], {})
    acknowledged = {report.report_id: Acknowledgement("t", 0, 0)}
    with store.claim(0, 10) as claim:
        assert [each.report_id for each in claim.reports] == [report.report_id]
        with store.claim(0, 10) as other:
            assert not other.reports
        started = time.monotonic()
        store.note_published(acknowledged)
        assert time.monotonic() - started < 5
        assert not nothing_pending(place)
    store.note_published(acknowledged)
    assert nothing_pending(place)


def test_killed_in_the_middle_of_traffic_every_sender_who_retries_has_one_report(place: Place) -> None:
    bodies = {uuid.uuid4().hex: orjson.dumps({"text": f"number {number}"}) for number in range(400)}
    answered: dict[str, dict[str, Any]] = {}

    async def send(url: str, stop_at: int) -> None:
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=url, timeout=10, limits=limits) as client:

            async def one(key: str) -> None:
                if len(answered) >= stop_at:
                    return
                answer = await client.post("/v1/reports", content=bodies[key], headers={"Idempotency-Key": key})
                if answer.status_code == 202:
                    assert answered.setdefault(key, answer.json()) == answer.json()

            await asyncio.gather(*(one(key) for key in bodies), return_exceptions=True)

    async def send_and_kill(url: str, stop_at: int) -> None:
        sending = asyncio.create_task(send(url, 10_000))
        while len(answered) < stop_at and not sending.done():
            await asyncio.sleep(0)
        intake.kill()
        await sending

    for stop_at in (100, 250):
        with running(place) as intake:
            asyncio.run(send_and_kill(intake.url, stop_at))
    promised = dict(answered)
    with running(place) as intake:

        def everybody() -> bool:
            asyncio.run(send(intake.url, 10_000))
            return len(answered) == len(bodies)

        eventually(everybody, 30)
        eventually(lambda: nothing_pending(place), 20)
    assert promised.items() <= answered.items()
    assert ids_in_log(place) == dict.fromkeys((answer["report_id"] for answer in answered.values()), 1)


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_broker_away_there_is_no_receipt_and_later_the_same_report(place: Place) -> None:
    body, headers = BODY, {"Idempotency-Key": uuid.uuid4().hex}
    with running(place, KAFKA_BOOTSTRAP=f"127.0.0.1:{closed_port()}") as intake:
        away = intake.http.post("/v1/reports", content=body, headers=headers)
        at_once = intake.http.post("/v1/reports", json={"text": "y"})
        assert intake.http.get("/readyz").status_code == 503
        assert intake.http.get("/healthz").status_code == 200
    for answer in (away, at_once):
        assert_promises_nothing(answer)
    [(stored_id,)] = rows(place, "SELECT report_id::text FROM pending")
    with running(place) as intake:
        assert accepted(intake, body, headers).json()["report_id"] == stored_id
    assert ids_in_log(place) == {stored_id: 1}


@pytest.mark.usefixtures("acceptance")
def test_database_away_there_is_no_receipt_and_nothing_in_the_log(place: Place) -> None:
    """The key files are there: without them the process would wait for the database to say whether it may make some."""
    url = f"postgresql://postgres@127.0.0.1:{closed_port()}/ibalagh"
    with running(place, DATABASE_URL=url) as intake:
        answer = intake.http.post("/v1/reports", json={"text": "x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert intake.http.post("/v1/status", json={"receipt": "x"}).status_code == 503
    assert not ids_in_log(place)


def test_a_batch_is_durable_line_by_line_and_sent_again_the_same(place: Place) -> None:
    lines = [orjson.dumps({"text": f"number {number}", "identity": IDENTITY}) for number in range(700)]
    lines[300] = b"not json"
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": uuid.uuid4().hex}
    with running(place) as intake:
        first, second = (
            intake.http.post("/v1/reports:batch", content=b"\n".join(lines), headers=headers) for _ in range(2)
        )
    assert first.content == second.content
    answers = [orjson.loads(line) for line in first.content.splitlines()]
    assert [each["line"] for each in answers if each["status"] != 202] == [301]
    assert ids_in_log(place) == {each["report_id"]: 1 for each in answers if each["status"] == 202}
    assert rows(place, "SELECT count(*) FROM vault") == [(699,)]
