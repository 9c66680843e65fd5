"""API keys on the real database: the command, revocation, rotation, and one quota over two workers."""

import asyncio
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg2
import pytest
from pydantic import SecretStr

from ibalagh.client.reporter import ReporterClient
from ibalagh.contracts.codec import Codec
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.ports import Acknowledgement, Outgoing
from ibalagh.web.auth import token_matches
from services.intake import keys_cli
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance
from services.intake.apikeys import Reporter, Scope, StoredKey, mint
from services.intake.http import Intake
from services.intake.keystore import KeyRefusedError, KeyStore
from services.intake.publisher import Publisher
from services.intake.quota import day_of
from services.intake.receipt import Secrets
from services.intake.settings import IntakeSettings
from services.intake.store import IntakeStore
from services.intake.vault import MasterKey
from tests.support.intake import TOKEN, Place, prepare_place, running
from tests.support.log import read_all
from tests.support.poll import eventually

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SETTINGS = IntakeSettings(api_token=SecretStr(TOKEN), key_cache_s=0)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "intake")
    made = Database(database_url, "intake")
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


def made_key(store: KeyStore, name: str, scopes: Sequence[Scope] = tuple(Scope), **limits: Any) -> str:
    key = mint(os.urandom)
    store.create(Reporter(name, frozenset(scopes), **limits), key, NOW)
    return key.shown


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def lines(*texts: str) -> bytes:
    return b"\n".join(orjson.dumps({"text": text}) for text in texts)


class Log:
    """A producer whose log is a list."""

    def __init__(self) -> None:
        self._numbers = count()

    def publish(self, records: Sequence[Outgoing], _timeout_s: float) -> list[Acknowledgement | None]:
        return [Acknowledgement("t", 0, next(self._numbers)) for _ in records]

    def close(self) -> None:
        """Nothing to free."""


class Running:
    """Not asked to stop until told."""

    requested = False


class Worker:
    """A worker's application on the shared database, its publisher in a thread, its log a list."""

    def __init__(self, database: Database, keys: KeyStore) -> None:
        acceptance = Acceptance(
            Codec("t."),
            Secrets.from_root(bytes(32)),
            MasterKey(bytes(32), os.urandom),
            lambda: str(uuid.uuid4()),
            os.urandom,
        )
        intake_store = IntakeStore(database)
        self.publisher = Publisher(
            intake_store, Log(), acceptance.receipt_of,
            max_batch=500, linger_s=0.001, capacity=10_000, publish_timeout_s=5,
        )  # fmt: skip
        intake = Intake(
            acceptance, self.publisher, intake_store, lambda header: token_matches(SETTINGS, header), lambda: NOW
        )
        self.app = application(SETTINGS, intake, [], keys)


async def post_all(workers: Sequence[Worker], requests: Sequence[tuple[bytes, dict[str, str]]]) -> list[httpx.Response]:
    """Every request at once, in turn to each of the workers."""
    stop = Running()
    running_loops = [asyncio.create_task(asyncio.to_thread(worker.publisher.run, stop)) for worker in workers]
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(worker.app), base_url="http://intake.test")
        for worker in workers
    ]
    try:
        return await asyncio.gather(
            *(
                clients[number % len(clients)].post("/v1/reports:batch", content=body, headers=headers)
                for number, (body, headers) in enumerate(requests)
            )
        )
    finally:
        stop.requested = True
        await asyncio.gather(*running_loops, *(client.aclose() for client in clients))


def answers_of(response: httpx.Response) -> list[dict[str, Any]]:
    if response.status_code == 429:
        return []
    assert response.status_code == 200, response.text
    return [orjson.loads(line) for line in response.content.splitlines()]


def test_a_quota_holds_over_two_workers_and_counts_what_was_stored(database: Database, store: KeyStore) -> None:
    key = made_key(store, "hotline", daily_quota=100)
    workers = [Worker(database, store), Worker(database, store)]
    requests = [(lines(*(f"{number}-{line}" for line in range(10))), bearer(key)) for number in range(16)]
    responses = asyncio.run(post_all(workers, requests))
    statuses = [answer["status"] for response in responses for answer in answers_of(response)]
    assert statuses.count(202) == 100
    assert set(statuses) <= {202, 429}
    assert [listed.reports for listed in store.listed(day_of(NOW))] == [100]
    refused = [response for response in responses if response.status_code == 429]
    assert refused
    assert refused[0].json()["code"] == "quota_used_up"
    assert 0 < int(refused[0].headers["retry-after"]) <= 86_400


def test_only_what_is_stored_counts_and_a_repeated_batch_is_answered_with_the_quota_used_up(
    database: Database, store: KeyStore
) -> None:
    key = made_key(store, "hotline", daily_quota=4)
    headers = bearer(key) | {"Idempotency-Key": "k" * 16}

    def sent(body: bytes) -> list[dict[str, Any]]:
        return answers_of(asyncio.run(post_all([Worker(database, store)], [(body, headers)]))[0])

    body = lines("one", "two") + b"\nnot json\n" + lines("three", "four")
    first, again = sent(body), sent(body)
    assert [answer["status"] for answer in first] == [202, 202, 400, 202, 202]
    assert again == first
    more = sent(body + b"\n" + lines("five"))
    assert more[:5] == first
    assert (more[5]["status"], more[5]["code"]) == (429, "quota_used_up")
    assert more[5]["retry_after_s"] > 0
    assert [listed.reports for listed in store.listed(day_of(NOW))] == [4]


def test_a_quota_starts_anew_with_the_day_and_is_the_reporters_not_the_keys(store: KeyStore) -> None:
    made_key(store, "hotline", daily_quota=10)
    store.rotate("hotline", mint(os.urandom), NOW, timedelta(days=7))
    assert [store.reserve("hotline", day_of(NOW), 10, wanted) for wanted in (7, 7, 7)] == [7, 3, 0]
    assert store.reserve("hotline", day_of(NOW + timedelta(days=1)), 10, 7) == 7


def test_two_reporters_with_equal_idempotency_keys_have_a_report_each(database: Database, store: KeyStore) -> None:
    keys = [made_key(store, name) for name in ("hotline", "bank")]
    requests = [(lines("same"), bearer(key) | {"Idempotency-Key": "k" * 16}) for key in (*keys, TOKEN, keys[0])]
    responses = asyncio.run(post_all([Worker(database, store)], requests))
    ids = [answers_of(response)[0]["report_id"] for response in responses]
    assert ids[0] == ids[3]
    assert len(set(ids)) == 3


def test_rotation_leaves_two_keys_and_the_older_one_ends_by_itself(store: KeyStore) -> None:
    old, new, third = mint(os.urandom), mint(os.urandom), mint(os.urandom)
    store.create(Reporter("hotline", frozenset({Scope.BATCH})), old, NOW)
    end = store.rotate("hotline", new, NOW, timedelta(days=7))
    assert end == NOW + timedelta(days=7)
    assert [found(store, key.key_id).ends_at for key in (old, new)] == [end, None]
    with pytest.raises(KeyRefusedError, match="two valid keys"):
        store.rotate("hotline", third, end - timedelta(seconds=1), timedelta(days=7))
    store.rotate("hotline", third, end, timedelta(0))
    assert found(store, new.key_id).ends_at == end
    with pytest.raises(KeyRefusedError, match="no valid key"):
        store.rotate("nobody", mint(os.urandom), NOW, timedelta(days=7))


def found(store: KeyStore, key_id: str) -> StoredKey:
    key = store.find(key_id)
    assert key is not None
    return key


def test_a_reporter_is_made_once_and_comes_back_after_all_its_keys_ended(store: KeyStore) -> None:
    made_key(store, "hotline", daily_quota=5)
    with pytest.raises(KeyRefusedError, match="valid key already"):
        made_key(store, "hotline")
    assert store.revoke(NOW, name="hotline") == 1
    assert store.revoke(NOW, name="hotline") == 0
    made_key(store, "hotline", daily_quota=7)
    assert {listed.key.reporter.daily_quota for listed in store.listed(day_of(NOW))} == {7}


@pytest.fixture
def place(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Place:
    return prepare_place(broker, database_url, topic_prefix, tmp_path)


@pytest.fixture
def pointed(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command's environment names the place's database."""
    monkeypatch.setenv("IBALAGH_DATABASE_URL", place.database_url)
    return place


def command(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """What `ibalagh keys` printed: standard output and error."""
    assert keys_cli.main(arguments) == code
    return capsys.readouterr()


def test_a_key_works_until_it_is_revoked_and_the_one_it_was_rotated_to_goes_on(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    old = command(capsys, "create", "hotline", "--scope", "batch", "--scope", "submitted_at")[0].strip()
    new = command(capsys, "rotate", "hotline")[0].strip()
    old_id = old[: old.rindex("_")]
    with running(pointed, INTAKE_KEY_CACHE_S="0.2") as intake:

        def status(key: str) -> int:
            return intake.http.post("/v1/reports:batch", content=lines("x"), headers=bearer(key)).status_code

        assert [status(key) for key in (old, new, TOKEN)] == [200, 200, 200]
        out, _ = command(capsys, "revoke", old_id)
        assert "1 key revoked" in out
        eventually(lambda: status(old) == 401)
        assert status(new) == 200
        command(capsys, "revoke", "hotline")
        eventually(lambda: status(new) == 401)
        assert status(TOKEN) == 200
    assert len(read_all(pointed.bootstrap, f"{pointed.prefix}reports.received")) >= 4
    secrets = [key[key.rindex("_") + 1 :] for key in (old, new)]
    everywhere = intake.log.read_text() + dump(pointed.database_url)
    assert not any(secret in everywhere for secret in secrets)


def test_the_client_and_both_formats_reach_the_log_once_however_often_they_are_sent(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    scopes = [word for scope in Scope for word in ("--scope", scope)]
    key = command(capsys, "create", "hotline", *scopes, "--daily-quota", "1000")[0].strip()
    reports = [{"text": f"number {number}", "submitted_at": "2026-06-01T00:00:00Z"} for number in range(300)]
    xarf = {
        "xarf_version": "4.0.0", "report_id": str(uuid.uuid4()), "timestamp": "2026-06-01T00:00:00Z",
        "reporter": {"org": "Canary Org", "contact": "canary@hotline.example", "domain": "hotline.example"},
        "sender": {"org": "x", "contact": "x@x.example", "domain": "x.example"},
        "source_identifier": "x.example", "category": "content", "type": "phishing", "url": "https://x.example/",
    }  # fmt: skip
    indicator = {
        "type": "indicator", "id": f"indicator--{uuid.uuid4()}", "spec_version": "2.1", "pattern_type": "stix",
        "created": "2026-06-01T00:00:00Z", "modified": "2026-06-01T00:00:00Z", "valid_from": "2026-06-01T00:00:00Z",
        "pattern": "[url:value = 'https://y.example/']",
    }  # fmt: skip
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [indicator]}
    ids = []
    with running(pointed) as intake:
        eventually(lambda: intake.http.get("/readyz").status_code == 200, 20)
        for _ in range(2):
            with ReporterClient(intake.url, key, batch_lines=100) as client:
                sent = client.send(reports, key_of=lambda report: f"a-number-of-ours-{report['text'][7:]}")
                found = [result.report_id for result in sent]
            for operation, value in (("xarf", xarf), ("stix", bundle)):
                answer = intake.http.post(f"/v1/reports:{operation}", json=value, headers=bearer(key))
                found.append(answer.json()["report_id"])
            ids.append(found)
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 302
    records = read_all(pointed.bootstrap, f"{pointed.prefix}reports.received")
    assert sorted(record.key.decode() for record in records) == sorted(ids[0])
    assert "Canary Org" not in repr(records) + intake.log.read_text()
    assert re.search(r"hotline .* 302 +1000 ", command(capsys, "list")[0])


def dump(url: str) -> str:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(k::text, '|') || string_agg(r::text, '|') "
                           "FROM intake.api_keys k JOIN intake.reporters r ON r.name = k.reporter")  # fmt: skip
            return str(cursor.fetchall())
    finally:
        connection.close()


def test_the_command_shows_a_key_once_and_lists_it_without_its_secret(
    pointed: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no key" in command(capsys, "list")[0]
    out, err = command(capsys, "create", "bank-1", "--daily-quota", "500", "--rate", "2.5")
    assert re.fullmatch(r"ibk_[0-9a-z]{8}_[0-9a-z]{59}\n", out)
    assert "not be shown again" in err
    listed = command(capsys, "list")[0]
    assert out.strip() not in listed
    assert out[:12] in listed
    assert re.search(r"bank-1 +ibk_\w{8} +valid +batch +0 +500 +2\.5 ", listed)
    assert "valid key already" in command(capsys, "create", "bank-1", code=1)[1]
    assert "no valid key" in command(capsys, "revoke", "nobody", code=1)[1]
    assert "opens nothing" in command(capsys, "create", "other", "--scope", "submitted_at", code=1)[1]
    for wrong in (["create", "Bad Name"], ["create", "x-1", "--rate", "nan"], ["create", "x-1", "--daily-quota", "0"]):
        with pytest.raises(SystemExit) as ended:
            keys_cli.main(wrong)
        assert ended.value.code == 2


def test_the_command_says_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/ibalagh")
    assert "does not answer" in command(capsys, "list", code=1)[1]
