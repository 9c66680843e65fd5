"""What an intake has stored and published, recounted: from the log by a linear reader, from the database by SQL."""

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import psycopg2

from ibalagh.events.registry import RECEIVED, URGENT
from ibalagh.ops.keyfiles import read_or_create
from services.intake.acceptance import Acceptance
from services.intake.receipt import Secrets
from services.intake.signing import KeySet, read_receipt
from services.intake.vault import MasterKey
from tests.support.intake import IntakeProcess, Place
from tests.support.log import read_all
from tests.support.poll import eventually


def acceptance_at(place: Place) -> Acceptance:
    """Prepares reports as the service at `place` does, with the same secrets."""
    keys = place.home / "keys"
    secrets = Secrets.from_root(read_or_create(None, keys / "intake-receipts.key"))
    master = MasterKey(read_or_create(None, keys / "intake-master.key"), os.urandom)
    return Acceptance(place.codec, secrets, master, lambda: str(uuid.uuid4()), os.urandom)


def rows(place: Place, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a statement gives in the schemas of intake; what it changed is kept."""
    connection = psycopg2.connect(place.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET search_path = intake, intake_vault; {sql}")
            return list(cursor.fetchall())
    finally:
        connection.close()


def ids_in_log(place: Place) -> Counter[str]:
    """How often the log holds each report."""
    return Counter(
        record.id for lane in (RECEIVED, URGENT) for record in read_all(place.bootstrap, place.codec.topic(lane))
    )


def pending_ids(place: Place) -> list[str]:
    """Reports that are stored and of which nothing says that they were published."""
    return [report_id for (report_id,) in rows(place, "SELECT report_id::text FROM pending ORDER BY stored_at")]


def accepted(intake: IntakeProcess, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """The answer of the first try that is promised something."""

    def sent() -> httpx.Response | None:
        answer = intake.http.post("/v1/reports", content=body, headers=dict(headers))
        assert answer.status_code in (202, 503), answer.text
        return answer if answer.status_code == 202 else None

    return eventually(sent, 30)


def assert_promises_nothing(answer: httpx.Response) -> None:
    """It is a refusal for now: it says when to come again, and holds no receipt."""
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert not {"receipt", "report_id", "signed_receipt"} & answer.json().keys()


def assert_proves(place: Place, given: object, keys: KeySet, body: bytes) -> None:
    """The receipt is genuine, and what it says of the request and of the log is so."""
    receipt = read_receipt(given)
    keys.verify(receipt)
    said = receipt.document
    assert said.received_sha256 == hashlib.sha256(body).hexdigest()
    there = [each for each in read_all(place.bootstrap, said.log.topic) if each.id == said.report_id]
    assert [(each.topic, each.partition, each.offset) for each in there] == [tuple(said.log.model_dump().values())]
    assert said.record_sha256 == hashlib.sha256(there[0].value or b"").hexdigest()
