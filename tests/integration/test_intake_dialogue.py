"""What a reporter says later is as durable as the report, counts once, and a wrong receipt tells nothing."""

import asyncio
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import psycopg2
import pytest

from ibalagh.events.registry import RECEIVED
from ibalagh.events.vocabulary import AmendmentKind
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Transaction
from services.intake.acceptance import Acceptance
from services.intake.audit import problems
from services.intake.custody import ROLE, Custody
from services.intake.dialogue_store import DialogueStore
from services.intake.store import IntakeStore
from services.intake.supplements import Amendment, Retry, Supplement, Withdrawal
from tests.support.durable import rows
from tests.support.intake import IntakeProcess, Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

NOW = datetime.now(UTC)
CANARY = "xyzzycanary"
IDENTITY = {"name": "Invented Person", "phone": "+212 600 000 000"}


def types_in_log(place: Place) -> Counter[str]:
    return Counter(
        each.type.removeprefix("ibalagh.report.") for each in read_all(place.bootstrap, place.codec.topic(RECEIVED))
    )


def nothing_pending(place: Place) -> bool:
    return rows(place, "SELECT count(*) FROM pending") == [(0,)]


def report(intake: IntakeProcess, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = intake.http.post("/v1/reports", json={"text": "x", **given}).json()
    return answer


def test_fifty_at_once_with_one_key_and_one_after_a_restart_are_one_supplement(place: Place) -> None:
    with running(place) as intake:
        given = report(intake)
        body = orjson.dumps({"receipt": given["receipt"], "kind": "correction", "text": CANARY})
        headers = {"Idempotency-Key": uuid.uuid4().hex}

        async def fifty() -> list[httpx.Response]:
            async with httpx.AsyncClient(base_url=intake.url, timeout=30) as client:
                requests = (client.post("/v1/supplements", content=body, headers=headers) for _ in range(50))
                return list(await asyncio.gather(*requests))

        answers = asyncio.run(fifty())
        changed = intake.http.post("/v1/supplements", content=body.replace(b"xyz", b"abc"), headers=headers)
    with running(place) as intake:
        answers.append(intake.http.post("/v1/supplements", content=body, headers=headers))
        other = report(intake)["receipt"]
        others = intake.http.post("/v1/supplements", json={"receipt": other, "text": CANARY}, headers=headers)
        asked = intake.http.post("/v1/status", json={"receipt": given["receipt"]})
        eventually(lambda: nothing_pending(place), 20)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_key_reused")
    assert others.status_code == 202  # a key belongs to its receipt
    assert asked.json()["amendments"] == [{"kind": "correction", "at": answers[0].json()["supplemented_at"]}]
    assert types_in_log(place) == {"received.v1": 2, "supplemented.v1": 2}
    tables = ("submissions", "amendments", "pending", "messages", "log_positions")
    assert CANARY not in str([rows(place, f"SELECT t::text FROM {table} t") for table in tables])
    assert CANARY not in (place.home / "intake.log").read_text()


@pytest.mark.parametrize("kind", [AmendmentKind.ADDITION, AmendmentKind.WITHDRAWAL])
def test_killed_between_store_and_ack_it_is_published_once_and_a_retry_is_the_same(
    place: Place, acceptance: Acceptance, kind: AmendmentKind
) -> None:
    with running(place) as intake:
        given = report(intake)
    said: Supplement | Withdrawal = Withdrawal(receipt=given["receipt"])
    if kind is AmendmentKind.ADDITION:
        said = Supplement(receipt=given["receipt"], text=CANARY, links=("https://a.example/x",))
    amendment = Amendment(str(uuid.uuid4()), kind, acceptance.receipt_hash(given["receipt"]), said, NOW, None)
    database = Database(place.database_url, "intake")
    stored = DialogueStore(database, place.codec, most=20).store(amendment)
    database.close()
    assert stored.report_id == given["report_id"]
    with running(place) as intake:
        eventually(lambda: nothing_pending(place), 20)
        answer = intake.http.post("/v1/withdrawals", json={"receipt": given["receipt"]})
        assert answer.status_code == 202
    wanted = {"received.v1": 1, "withdrawn.v1": 1} | ({"supplemented.v1": 1} if kind is AmendmentKind.ADDITION else {})
    assert types_in_log(place) == wanted
    [record] = [r for r in read_all(place.bootstrap, stored.record.topic) if r.id == amendment.amendment_id]
    assert (record.key, record.value) == (given["report_id"].encode(), stored.record.value)
    assert record.headers["ce_subject"] == record.key


def test_a_withdrawal_counts_once_and_erases_the_identity_if_wanted_with_a_row_of_the_audit(place: Place) -> None:
    with running(place) as intake:
        kept, erased = (report(intake, identity=IDENTITY) for _ in range(2))
        first = [
            intake.http.post("/v1/withdrawals", json={"receipt": each["receipt"], "erase_identity": each is erased})
            for each in (kept, erased)
        ]
        again = intake.http.post("/v1/withdrawals", json={"receipt": kept["receipt"]})
        asked = intake.http.post("/v1/status", json={"receipt": kept["receipt"]}).json()
    assert again.content == first[0].content
    assert asked["withdrawn_at"] == first[0].json()["withdrawn_at"]
    assert types_in_log(place) == {"received.v1": 2, "withdrawn.v1": 2}
    sealed = dict(rows(place, "SELECT report_id::text, erased_at IS NULL AND ciphertext IS NOT NULL FROM vault"))
    assert sealed == {kept["report_id"]: True, erased["report_id"]: False}
    custodian = Database(place.database_url, ROLE)
    custody = Custody(custodian)
    entries = list(custody.audit())
    assert [(each.actor, each.action, each.report_id, each.outcome) for each in entries] == [
        ("(reporter)", "erase", erased["report_id"], "done")
    ]
    assert not list(problems(entries, custody.audit_head()))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), custodian.transaction() as tx:
        tx.execute("SELECT intake_vault.erase(%s::uuid[], '(reporter)', 'x')", ([kept["report_id"]],))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), custodian.transaction() as tx:
        tx.execute("SELECT intake_vault.withdraw(%s::uuid[])", ([kept["report_id"]],))
    custodian.close()


def test_a_report_takes_so_many_supplements_an_hour(place: Place) -> None:
    with running(place, INTAKE_SUPPLEMENTS_PER_HOUR="2") as intake:
        receipt = report(intake)["receipt"]
        body = {"receipt": receipt, "text": "x"}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answers = [intake.http.post("/v1/supplements", json=body, headers=headers)]
        answers += [intake.http.post("/v1/supplements", json=body) for _ in range(2)]
        assert [each.status_code for each in answers] == [202, 202, 429]
        assert int(answers[2].headers["Retry-After"]) > 0
        assert intake.http.post("/v1/supplements", json=body, headers=headers).content == answers[0].content
        page = intake.http.post("/status/supplement?lang=en", data=body | {"kind": "addition", "text": CANARY})
        assert (page.status_code, CANARY in page.text) == (429, True)
        assert intake.http.post("/v1/withdrawals", json={"receipt": receipt}).status_code == 202
        assert intake.http.post("/v1/supplements", json={"receipt": report(intake)["receipt"], "text": "x"}).is_success


class Counting(Database):
    """Notes the statements that are run."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "intake")
        self.statements: list[str] = []

    @contextmanager
    def transaction(self, *given: Any, **named: Any) -> Iterator[Transaction]:
        with super().transaction(*given, **named) as tx:
            yield _Noting(tx, self.statements)


class _Noting(Transaction):
    def __init__(self, tx: Transaction, statements: list[str]) -> None:
        super().__init__(tx._cursor)
        self._statements = statements

    def execute(self, sql: str, params: Any = None) -> int:
        self._statements.append(sql)
        return super().execute(sql, params)

    def fetch_one(self, sql: str, params: Any = None) -> Any:
        self._statements.append(sql)
        return super().fetch_one(sql, params)

    def fetch_all(self, sql: str, params: Any = None) -> Any:
        self._statements.append(sql)
        return super().fetch_all(sql, params)


def test_a_wrong_receipt_is_answered_after_the_same_statements_as_a_right_one(
    place: Place, acceptance: Acceptance
) -> None:
    with running(place) as intake:
        receipt = report(intake)["receipt"]
        database = Counting(place.database_url)
        try:
            seen: list[list[str]] = []
            for typed in (receipt, "0" * 27):
                hashed = acceptance.receipt_hash(typed)
                for said in (Supplement(receipt=typed, text="x"), Withdrawal(receipt=typed, erase_identity=True)):
                    kind = AmendmentKind.ADDITION if isinstance(said, Supplement) else AmendmentKind.WITHDRAWAL
                    retry = Retry(os.urandom(32), os.urandom(32))
                    amendment = Amendment(str(uuid.uuid4()), kind, hashed, said, NOW, retry)
                    stored = DialogueStore(database, place.codec, most=20).store(amendment)
                    assert (stored.report_id is not None) == (typed == receipt)
                IntakeStore(database).status_of(hashed)
                seen.append([*database.statements])
                database.statements.clear()
        finally:
            database.close()
        assert seen[0] == seen[1]
        assert len(seen[0]) == 5 + 5 + 3
        wrong = [
            intake.http.post(path, json=body | {"receipt": typed})
            for path, body in (("/v1/status", {}), ("/v1/supplements", {"text": "x"}), ("/v1/withdrawals", {}))
            for typed in ("0" * 27, "x", "BGK-887-JNW-8CW-ZK2-VXJ-XHF-PZV-X9Y")
        ]
    assert {(each.status_code, each.content) for each in wrong} == {(404, wrong[0].content)}
    assert len(rows(place, "SELECT FROM amendments")) == 2


def test_broker_away_nothing_is_promised_and_later_it_is_one_supplement(place: Place) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    with running(place) as intake:
        body = {"receipt": report(intake)["receipt"], "text": "x"}
    with running(place, KAFKA_BOOTSTRAP="127.0.0.1:1") as intake:
        away = intake.http.post("/v1/supplements", json=body, headers=headers)
        page = intake.http.post("/status/supplement?lang=en", data=body | {"text": CANARY, "kind": "addition"})
    for answer in (away, page):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert CANARY in page.text
    with running(place) as intake:

        def retry() -> bool:
            return intake.http.post("/v1/supplements", json=body, headers=headers).status_code == 202

        eventually(retry, 20)
        eventually(lambda: nothing_pending(place), 20)
    assert types_in_log(place)["supplemented.v1"] == len(rows(place, "SELECT FROM amendments"))
    assert len(rows(place, "SELECT FROM amendments WHERE key_hash IS NOT NULL")) == 1
