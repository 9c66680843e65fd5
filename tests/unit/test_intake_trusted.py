"""The operations on foreign formats over HTTP, and a trusted reporter's scopes and quota in all three operations."""

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from ibalagh.contracts.codec import Codec
from ibalagh.events.reports import ReportReceivedV1
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance, Prepared
from services.intake.apikeys import Reporter, Scope, StoredKey, mint
from services.intake.publisher import Outcome, OverloadedError, Verdict
from services.intake.receipt import Secrets
from services.intake.refusals import problem_texts
from services.intake.settings import IntakeSettings
from services.intake.store import ReportStatus
from services.intake.vault import MasterKey
from tests.support.intake import AppClient, app_client, made_intake
from tests.unit.test_intake_stix import RED
from tests.unit.test_intake_stix import made as stix_object
from tests.unit.test_intake_xarf import REPORT as XARF
from tests.unit.test_intake_xarf import changed

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NDJSON = {"Content-Type": "application/x-ndjson"}


class Memory:
    """Queue, statuses, keys and usage in memory; a report is stored unless its idempotency key was used before."""

    def __init__(self) -> None:
        self.keys: dict[str, StoredKey] = {}
        self.stored: dict[bytes, Prepared] = {}
        self.used = 0
        self.capacity = 10_000
        self.verdict = Verdict.ACCEPTED

    def offer(self, reports: Sequence[Prepared]) -> "asyncio.Future[list[Outcome]]":
        if len(reports) > self.capacity:
            raise OverloadedError
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        answer.set_result([self._outcome(report) for report in reports])
        return answer

    def _outcome(self, report: Prepared) -> Outcome:
        if self.verdict is not Verdict.ACCEPTED:
            return Outcome(self.verdict)
        key = report.retry.key_hash if report.retry else report.report_id.encode()
        first = self.stored.setdefault(key, report)
        if first.retry and report.retry and first.retry.body_hash != report.retry.body_hash:
            return Outcome(Verdict.KEY_REUSED)
        return Outcome(Verdict.ACCEPTED, first.report_id, first.receipt)

    def status_of(self, _receipt_hash: bytes) -> ReportStatus | None:
        return None

    def find(self, key_id: str) -> StoredKey | None:
        return self.keys.get(key_id)

    def reserve(self, _name: str, _day: date, quota: int, wanted: int) -> int:
        granted = min(wanted, quota - self.used)
        self.used += granted
        return granted

    def give_back(self, _name: str, _day: date, unused: int, doubtful: Sequence[str]) -> None:
        stored = {report.report_id for report in self.stored.values()}
        self.used -= unused + len(set(doubtful) - stored)

    def used_before(self, key_hashes: Sequence[bytes]) -> frozenset[bytes]:
        return frozenset(self.stored) & frozenset(key_hashes)

    def received(self) -> list[ReportReceivedV1]:
        return [ReportReceivedV1.model_validate_json(report.record.value) for report in self.stored.values()]


class Service:
    """The application on a `Memory`."""

    def __init__(self) -> None:
        self.memory = Memory()
        acceptance = Acceptance(
            Codec("t."),
            Secrets.from_root(bytes(32)),
            MasterKey(bytes(32), os.urandom),
            lambda: str(uuid.uuid4()),
            os.urandom,
        )
        intake = made_intake(acceptance, self.memory, self.memory, trusts=lambda _: False, now=NOW)
        self.app = application(IntakeSettings(api_token=SecretStr("operator")), intake, [], self.memory)
        self.client: AppClient

    def key(self, *scopes: Scope, name: str = "hotline", **limits: Any) -> dict[str, str]:
        minted = mint(os.urandom)
        reporter = Reporter(name, frozenset(scopes or Scope), **limits)
        self.memory.keys[minted.key_id] = StoredKey(minted.key_id, reporter, minted.secret_hash)
        return {"Authorization": f"Bearer {minted.shown}"}

    def post(self, operation: str, value: object, headers: dict[str, str]) -> httpx.Response:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        return self.client.post(f"/v1/reports:{operation}", content=body, headers=headers)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in response.content.splitlines()]


def other(number: int, **fields: Any) -> dict[str, Any]:
    return changed(report_id=str(uuid.UUID(int=number)), **fields)


def test_one_an_array_and_lines_of_xarf_are_the_same_reports(service: Service) -> None:
    key = service.key()
    one = answers(service.post("xarf", XARF, key))
    array = answers(service.post("xarf", [XARF], key))
    lines = answers(service.post("xarf", b"\n" + orjson.dumps(XARF) + b"\n", key | NDJSON))
    pretty = answers(service.post("xarf", orjson.dumps(XARF, option=orjson.OPT_INDENT_2), key))
    assert [each["status"] for each in one] == [202]
    assert one == array == pretty == [{**lines[0], "line": 1}]
    assert lines[0]["line"] == 2
    assert one[0]["left_out"] == ["evidence"]
    assert len(service.memory.stored) == 1


def test_every_xarf_report_is_answered_in_order_and_a_bad_one_rejects_no_other(service: Service) -> None:
    deep = b"[" * 10_000
    reused = changed(description="another one")
    lines = [XARF, other(1, type="malware"), deep, other(2), b"not json", reused, b"x" * 2_100_000, other(3)]
    body = b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in lines)
    found = answers(service.post("xarf", body, service.key() | NDJSON))
    assert [(each["line"], each["status"]) for each in found] == [
        (1, 202), (2, 422), (3, 422), (4, 202), (5, 400), (6, 422), (7, 422), (8, 202),
    ]  # fmt: skip
    assert [found[number]["errors"][0]["rule"] for number in (1, 2, 6)] == ["unsupported_type", "too_deep", "too_large"]
    assert found[5]["code"] == "idempotency_key_reused"


def test_a_xarf_document_that_is_none_is_refused_as_a_whole(service: Service) -> None:
    key = service.key()
    for body, status in ((b"", 400), (b"{", 400), (b"[" * 10_000, 422), (b" " * 2_200_000, 413)):
        assert service.post("xarf", body, key).status_code == status
    assert service.post("xarf", b"[" + b"1," * 5_000 + b"1]", key).json()["code"] == "too_many_items"
    assert [each["status"] for each in answers(service.post("xarf", [1, None, []], key))] == [422] * 3
    assert answers(service.post("xarf", [], key)) == []


def test_each_object_of_a_bundle_is_answered_in_order(service: Service) -> None:
    url = stix_object("url")
    report = stix_object("report", object_refs=[url["id"]])
    secret = stix_object("indicator", object_marking_refs=[RED])
    bundle = {"type": "bundle", "objects": [url, report, secret, stix_object("malware"), 7]}
    found = answers(service.post("stix", bundle, service.key()))
    assert found[0] == {"line": 1, "status": 200, "code": "part_of", "part_of": 2}
    assert [each["status"] for each in found] == [200, 202, 422, 422, 422]
    assert [each["errors"][0]["rule"] for each in found[2:]] == ["marking_forbids", "unsupported_type", "model_type"]
    assert [event.links for event in service.memory.received()] == [("https://shop.example/pay",)]
    again = answers(service.post("stix", bundle, service.key()))
    assert again == found
    assert len(service.memory.stored) == 1


@pytest.mark.parametrize("language", ["ar", "es", "fr", "en"])
def test_a_line_is_refused_in_the_words_that_a_single_report_is(service: Service, language: str) -> None:
    key = service.key() | {"Accept-Language": f"{language}-MA, en;q=0.5"}
    bad: dict[str, Any] = {"text": "x" * 20_001, "links": ["a"] * 21}
    single = service.client.post("/v1/reports", json=bad, headers={"Accept-Language": language}).json()
    assert ("Some fields" in single["detail"]) == (language == "en")
    lines = [{"text": "y", "idempotency_key": "k" * 16}, bad, {"text": "z", "idempotency_key": "k" * 16}]
    response = service.post("batch", b"\n".join(map(orjson.dumps, lines)), key)
    assert (response.headers["content-language"], response.headers["vary"]) == (language, "Accept-Language")
    taken, refused, reused = answers(response)
    assert taken["status"] == 202
    assert refused == {"line": 2, **single}
    texts = problem_texts()
    if language != "en":
        assert reused["detail"] == texts[language]["codes"]["idempotency_key_reused"]["detail"]
    for operation, value, rule in (
        ("xarf", other(1, type="malware"), "unsupported_type"),
        ("stix", {"type": "bundle", "objects": [stix_object("malware")]}, "unsupported_type"),
    ):
        [answer] = answers(service.post(operation, value, key))
        [error] = answer["errors"]
        assert error["rule"] == rule
        assert (error["detail"] == texts[language]["rules"][rule]) if language != "en" else error["detail"]


def test_a_bundle_that_is_none_is_refused_as_a_whole(service: Service) -> None:
    key = service.key()
    assert service.post("stix", {"type": "bundle", "spec_version": "2.0", "objects": []}, key).status_code == 422
    assert service.post("stix", b"[" * 10_000, key).json()["errors"][0]["rule"] == "too_deep"
    assert service.post("stix", b"x", key).json()["code"] == "bad_json"
    assert answers(service.post("stix", {"type": "bundle", "objects": []}, key)) == []


@pytest.mark.parametrize(("operation", "scope"), [("batch", Scope.BATCH), ("xarf", Scope.XARF), ("stix", Scope.STIX)])
def test_an_operation_needs_its_scope(service: Service, operation: str, scope: Scope) -> None:
    assert service.post(operation, {}, {}).status_code == 401
    refused = service.post(operation, {}, service.key(*(set(Scope) - {scope})))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert service.post(operation, {"type": "bundle", "objects": []}, service.key(scope)).status_code == 200
    operator = {"Authorization": "Bearer operator"}
    assert service.post(operation, {"type": "bundle", "objects": []}, operator).status_code == 200


def test_only_a_key_with_the_scope_states_when_a_report_was_submitted(service: Service) -> None:
    then = NOW - timedelta(days=3)
    line = {"text": "x", "submitted_at": then}
    without, with_scope = service.key(Scope.BATCH), service.key(Scope.BATCH, Scope.SUBMITTED_AT)
    [refused] = answers(service.post("batch", line, without))
    assert (refused["status"], refused["errors"][0]["rule"]) == (422, "needs_token")
    [taken] = answers(service.post("batch", line, with_scope))
    assert taken["status"] == 202
    assert [event.received_at for event in service.memory.received()] == [then]


def test_a_reporters_idempotency_keys_are_its_own(service: Service) -> None:
    line = {"text": "x", "idempotency_key": "a-key-of-the-line"}
    ids = [
        answers(service.post("batch", line, service.key(name=name)))[0]["report_id"]
        for name in ("hotline", "bank", "hotline")
    ]
    assert ids[0] == ids[2] != ids[1]


def test_over_the_quota_lines_are_refused_in_their_places_and_the_accepted_ones_stand(service: Service) -> None:
    key = service.key(daily_quota=2)
    found = answers(service.post("xarf", [other(1), {}, other(2), other(3)], key))
    # The place that the bad item took is given back when the request is done, not while it runs.
    assert [each["status"] for each in found] == [202, 422, 202, 429]
    assert found[3]["code"] == "quota_used_up"
    assert found[3]["retry_after_s"] == 11 * 3600
    assert service.memory.used == 2
    again = answers(service.post("xarf", [other(1), other(2), other(3)], key))
    assert [each["status"] for each in again] == [202, 202, 429]
    response = service.post("xarf", other(4), key)
    assert (response.status_code, response.headers["retry-after"]) == (429, str(11 * 3600))
    assert service.memory.used == 2


@pytest.mark.parametrize("trouble", ["full", "unavailable"])
def test_what_was_not_stored_is_not_counted(service: Service, trouble: str) -> None:
    key = service.key(daily_quota=10)
    if trouble == "full":
        service.memory.capacity = 0
    else:
        service.memory.verdict = Verdict.UNAVAILABLE
    response = service.post("xarf", [other(1), other(2)], key)
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert service.memory.used == 0


def test_a_reporter_over_its_rate_is_refused_before_its_body_is_read(service: Service) -> None:
    key = service.key(rate_per_s=1.0)
    assert len(answers(service.post("xarf", [other(number) for number in range(20)], key))) == 20
    response = service.post("xarf", b"not even json", key)
    assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(response.headers["retry-after"]) <= 10
