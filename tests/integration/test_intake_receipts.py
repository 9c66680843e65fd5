"""Signed receipts of the whole service: checked by the command with the published keys, before and after a new key."""

import json
import stat
import uuid
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ibalagh import cli
from services.intake.signing import Signer, read_receipt
from tests.support.intake import IntakeProcess, Place, running
from tests.support.poll import eventually

BODY = b'{"text": "what was seen"}'


def execute(place: Place, sql: str) -> None:
    connection = psycopg2.connect(place.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET search_path = intake; {sql}")
    finally:
        connection.close()


def send(intake: IntakeProcess, key: str) -> dict[str, Any]:
    answer = intake.http.post("/v1/reports", content=BODY, headers={"Idempotency-Key": key})
    assert answer.status_code == 202
    told: dict[str, Any] = answer.json()
    return told


def save_keys(intake: IntakeProcess, file: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert cli.main(["receipt", "keys", "--url", intake.url]) == 0
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


def test_a_receipt_and_the_published_keys_are_checked_offline_and_stay_valid_after_a_new_key(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    idempotency_key, answer, sent = uuid.uuid4().hex, tmp_path / "answer.json", tmp_path / "sent"
    sent.write_bytes(BODY)
    with running(place) as intake:
        before = send(intake, idempotency_key)
        old_keys = save_keys(intake, place.home / "keys" / "intake-signing-earlier.json", capsys)
    answer.write_text(json.dumps(before, indent=2), encoding="utf-8")
    verify = ["receipt", "verify", str(answer), "--body", str(sent)]
    assert cli.main([*verify, "--keys", str(old_keys)]) == 0
    assert before["report_id"] in capsys.readouterr().out

    new_key = tmp_path / "new.key"
    new_key.write_text("0b" * 32, encoding="ascii")
    with running(place, INTAKE_SIGNING_KEY_FILE=str(new_key)) as intake:
        after = send(intake, idempotency_key)
        new_keys = save_keys(intake, tmp_path / "all.json", capsys)
        assert cli.main([*verify, "--url", intake.url]) == 0
    assert cli.main([*verify, "--keys", str(new_keys)]) == 0
    capsys.readouterr()
    said_before, said_after = (read_receipt(each).document for each in (before, after))
    assert said_after.key_id == Signer(b"\x0b" * 32).keys.jwks["keys"][0]["kid"]
    assert said_after.model_copy(update={"key_id": said_before.key_id}) == said_before
    answer.write_text(json.dumps(after), encoding="utf-8")
    assert cli.main([*verify, "--keys", str(new_keys)]) == 0
    assert cli.main([*verify, "--keys", str(old_keys)]) == 1
    assert "Failed check: key" in capsys.readouterr().err


def test_the_signing_key_is_made_once_for_its_owner_alone_and_is_never_logged(place: Place) -> None:
    with running(place) as intake:
        send(intake, uuid.uuid4().hex)
    key = place.home / "keys" / "intake-signing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text("ascii").strip() not in (place.home / "intake.log").read_text("utf-8")


def test_a_repeat_of_a_report_from_before_signed_receipts_is_answered_without_one(place: Place) -> None:
    key = uuid.uuid4().hex
    with running(place) as intake:
        before = send(intake, key)
        eventually(lambda: intake.http.post("/v1/status", json={"receipt": before["receipt"]}).status_code == 200)
    execute(place, "UPDATE submissions SET record_sha256 = NULL; DELETE FROM log_positions")
    with running(place) as intake:
        after = send(intake, key)
    assert after == {**before, "signed_receipt": None}
