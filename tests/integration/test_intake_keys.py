"""API keys on the real database: revocation, rotation, and one quota over two workers."""

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from ibalagh.contracts.codec import Codec
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.ports import Acknowledgement, Outgoing
from ibalagh.web.auth import token_matches
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance
from services.intake.apikeys import Reporter, Scope, StoredKey, mint
from services.intake.keystore import KeyRefusedError, KeyStore
from services.intake.publisher import Publisher
from services.intake.quota import day_of
from services.intake.receipt import Secrets
from services.intake.settings import IntakeSettings
from services.intake.store import IntakeStore
from services.intake.vault import MasterKey
from tests.support.intake import TOKEN, made_intake

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
        intake = made_intake(
            acceptance, self.publisher, intake_store, trusts=lambda header: token_matches(SETTINGS, header), now=NOW
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
