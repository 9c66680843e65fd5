"""A trusted reporter may send single reports with its key: no proof of work, its own scopes, quota, and rate."""

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from services.intake.__main__ import application
from services.intake.apikeys import Reporter, Scope, mint
from services.intake.publisher import Verdict
from tests.support.intake import AppClient, app_client
from tests.unit.test_intake_gate import Keys
from tests.unit.test_intake_http import NOW, SETTINGS, Service, crowd, problem

REPORT = {"text": "x"}


class Counted(Keys):
    """Keys in memory whose use is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.used = 0

    def reserve(self, _name: str, _day: date, quota: int, wanted: int) -> int:
        granted = max(0, min(wanted, quota - self.used))
        self.used += granted
        return granted

    def give_back(self, _name: str, _day: date, unused: int, doubtful: Sequence[str]) -> None:
        self.used -= unused + len(doubtful)


class Desk(Service):
    """The application with keys."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = Counted()
        self.app = application(SETTINGS, self.intake, [], self.keys)

    def key(self, *scopes: Scope, **limits: Any) -> dict[str, str]:
        return {"Authorization": self.keys.add(mint(os.urandom), Reporter("hotline", frozenset(scopes), **limits))}


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    with app_client(made.app) as made.client:
        yield made


def send(client: AppClient, *headers: dict[str, str], **fields: Any) -> Any:
    together = {name: value for each in headers for name, value in each.items()}
    return client.post("/v1/reports", json=REPORT | fields, headers=together)


def test_in_a_crowd_a_key_lets_a_report_in_and_a_wrong_one_is_401(desk: Desk) -> None:
    crowd(desk)
    problem(send(desk.client), 503, "busy")
    assert send(desk.client, desk.key(Scope.BATCH)).status_code == 202
    stranger = {"Authorization": f"Bearer {mint(os.urandom).shown}"}
    refused = send(desk.client, stranger)
    problem(refused, 401, "not_signed_in")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_key_is_held_to_its_scopes(desk: Desk) -> None:
    problem(send(desk.client, desk.key(Scope.XARF)), 403, "not_allowed")
    stated = {"submitted_at": (NOW - timedelta(days=3)).isoformat()}
    refused = problem(send(desk.client, desk.key(Scope.BATCH), **stated), 422, "invalid")
    assert refused["errors"][0]["rule"] == "needs_token"
    assert send(desk.client, desk.key(Scope.BATCH, Scope.SUBMITTED_AT), **stated).status_code == 202


def test_a_key_counts_what_was_stored_against_its_quota_and_is_told_when_to_come_back(desk: Desk) -> None:
    key = desk.key(Scope.BATCH, daily_quota=2)
    desk.queue.verdict = Verdict.UNAVAILABLE
    problem(send(desk.client, key), 503, "unavailable")
    desk.queue.verdict, desk.queue.capacity = Verdict.ACCEPTED, len(desk.queue.reports)
    problem(send(desk.client, key), 503, "unavailable")
    assert desk.keys.used == 0
    desk.queue.capacity = 100
    assert [send(desk.client, key).status_code for _ in range(2)] == [202, 202]
    over = send(desk.client, key)
    problem(over, 429, "quota_used_up")
    assert int(over.headers["retry-after"]) > 0
    assert desk.keys.used == 2


def test_a_key_has_a_rate_on_single_reports_too(desk: Desk) -> None:
    key = desk.key(Scope.BATCH, rate_per_s=0.1)
    answers = [send(desk.client, key) for _ in range(12)]
    assert answers[0].status_code == 202
    problem(answers[-1], 429, "too_many_requests")
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_reporters_idempotency_key_is_its_own(desk: Desk) -> None:
    named = {"Idempotency-Key": "0123456789abcdef"}
    for headers in ({}, desk.key(Scope.BATCH)):
        assert send(desk.client, headers, named).status_code == 202
    keys = [each.retry.key for each in desk.queue.reports if each.retry]
    assert keys == [b"0123456789abcdef", b"\0hotline\0" + b"0123456789abcdef"]
