"""Intake's JSON interface without its broker and database: questions, answers, every refusal a problem detail."""

import asyncio
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import orjson
import pytest
from pydantic import SecretStr

from ibalagh.contracts.codec import Codec
from ibalagh.signing import thumbprint
from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Acknowledgement
from ibalagh.web.auth import token_matches
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance, Prepared
from services.intake.publisher import Outcome, OverloadedError, Verdict
from services.intake.receipt import Secrets
from services.intake.settings import IntakeSettings
from services.intake.signing import read_keys, read_receipt
from services.intake.status import Status
from services.intake.store import ReportStatus
from services.intake.vault import MasterKey
from tests.support.intake import AppClient, app_client, made_intake

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TOKEN = {"Authorization": "Bearer a-token-of-the-tests"}
OPEN_RATE_PER_S = 50.0
POSITION = Acknowledgement("t.reports.received", 1, 42)
SETTINGS = IntakeSettings(api_token=SecretStr("a-token-of-the-tests"))


class Queue:
    """Accepts everything, unless told another verdict."""

    def __init__(self) -> None:
        self.verdict = Verdict.ACCEPTED
        self.capacity = 10_000
        self.signs = True
        self.reports: list[Prepared] = []

    def offer(self, reports: Sequence[Prepared], *, pressing: bool = False) -> "asyncio.Future[list[Outcome]]":
        self.pressing = pressing
        if len(self.reports) + len(reports) > self.capacity:
            raise OverloadedError
        self.reports += reports
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        answer.set_result([self._outcome(each) for each in reports])
        return answer

    def _outcome(self, report: Prepared) -> Outcome:
        if self.verdict is not Verdict.ACCEPTED:
            return Outcome(self.verdict)
        facts = report.facts(POSITION) if self.signs else None
        return Outcome(self.verdict, report.report_id, report.receipt, facts)


class Statuses:
    """Knows the receipts that it was told, by their hashes."""

    def __init__(self) -> None:
        self.known: dict[bytes, ReportStatus] = {}
        self.asked = 0
        self.away = False

    def status_of(self, receipt_hash: bytes) -> ReportStatus | None:
        if self.away:
            raise PassingError("away")
        self.asked += 1
        return self.known.get(receipt_hash)


class Service:
    """The application with its parts."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.statuses = Statuses()
        self.acceptance = Acceptance(
            Codec("t."),
            Secrets.from_root(bytes(32)),
            MasterKey(bytes(32), os.urandom),
            lambda: str(uuid.uuid4()),
            os.urandom,
        )
        self.intake = intake = made_intake(
            self.acceptance,
            self.queue,
            self.statuses,
            trusts=lambda header: token_matches(SETTINGS, header),
            now=NOW,
            open_rate_per_s=OPEN_RATE_PER_S,
        )
        self.admission = intake.admission
        self.app = application(SETTINGS, intake, [])
        self.client: AppClient


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    return body


def test_a_report_is_answered_with_its_id_and_receipt(service: Service) -> None:
    response = service.client.post("/v1/reports", json={"text": "what was seen"})
    assert response.status_code == 202
    answer = response.json()
    read_keys(service.client.get("/v1/receipts/keys").json()).verify(read_receipt(answer))
    assert answer.pop("signed_receipt")["document"]["report_id"] == answer["report_id"]
    assert answer == {
        "report_id": service.queue.reports[0].report_id,
        "receipt": service.queue.reports[0].receipt,
    }
    assert response.headers["cache-control"] == "no-store"
    assert service.queue.reports[0].retry is None


def test_the_idempotency_key_goes_with_the_report(service: Service) -> None:
    service.client.post("/v1/reports", json={"text": "x"}, headers={"Idempotency-Key": "0123456789abcdef"})
    retry = service.queue.reports[0].retry
    assert retry is not None
    assert retry.key == b"0123456789abcdef"


@pytest.mark.parametrize("key", ["", "tooshort", "x" * 129, "a key with some spaces", "tab\tinside-the-key"])
def test_a_bad_idempotency_key_is_refused(service: Service, key: str) -> None:
    response = service.client.post("/v1/reports", json={"text": "x"}, headers={"Idempotency-Key": key})
    body = problem(response, 400, "bad_idempotency_key")
    assert body["errors"][0]["field"] == "Idempotency-Key"
    assert not service.queue.reports


@pytest.mark.parametrize(
    ("body", "status", "code", "field", "rule"),
    [
        (b"not json", 400, "bad_json", None, None),
        (b'{"text": "\xff"}', 400, "bad_json", None, None),
        (rb'{"text": "\ud800}', 400, "bad_json", None, None),
        (b"[" * 10_000, 400, "bad_json", None, None),
        (b"[]", 422, "invalid", "body", "model_type"),
        (b"{}", 422, "invalid", "text", "missing"),
        (b'{"text": "x", "place": "a\\u0000b"}', 422, "invalid", "place", "no_control_characters"),
        (b'{"text": "x", "identity": {"phone": 1}}', 422, "invalid", "identity.phone", "string_type"),
        (b'{"text": "x", "submitted_at": "2026-06-01T00:00:00Z"}', 422, "invalid", "submitted_at", "needs_token"),
        (b'{"text": "x", "seen_at": "2027-01-01T00:00:00Z"}', 422, "invalid", "seen_at", "not_in_future"),
        (b'{"text": "' + b"x" * 600_000 + b'"}', 413, "too_large", None, None),
    ],
)
def test_every_refusal_is_a_problem_that_names_field_and_rule(
    service: Service, body: bytes, status: int, code: str, field: str | None, rule: str | None
) -> None:
    answer = problem(service.client.post("/v1/reports", content=body), status, code)
    errors = answer.get("errors", [])
    assert [(each["field"], each["rule"]) for each in errors] == ([(field, rule)] if field else [])
    assert not service.queue.reports


def test_a_trusted_reporter_states_when_a_report_was_submitted(service: Service) -> None:
    body = {"text": "x", "submitted_at": (NOW - timedelta(days=20)).isoformat()}
    assert service.client.post("/v1/reports", json=body, headers=TOKEN).status_code == 202
    stranger = service.client.post("/v1/reports", json=body)
    assert problem(stranger, 422, "invalid")["errors"][0]["field"] == "submitted_at"
    wrong = service.client.post("/v1/reports", json=body, headers={"Authorization": "Bearer another"})
    problem(wrong, 401, "not_signed_in")


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [(Verdict.KEY_REUSED, 422, "idempotency_key_reused"), (Verdict.UNAVAILABLE, 503, "unavailable")],
)
def test_without_acceptance_there_is_no_receipt(service: Service, verdict: Verdict, status: int, code: str) -> None:
    service.queue.verdict = verdict
    response = service.client.post("/v1/reports", json={"text": "x"})
    problem(response, status, code)
    assert "receipt" not in response.json()
    assert ("retry-after" in response.headers) == (status == 503)


def test_a_full_queue_is_told_to_come_back(service: Service) -> None:
    service.queue.capacity = 0
    response = service.client.post("/v1/reports", json={"text": "x"})
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) > 0


def test_a_batch_is_answered_line_by_line_and_a_bad_line_rejects_no_other(service: Service) -> None:
    lines = [
        orjson.dumps({"text": "one"}),
        b"not json",
        b"",
        orjson.dumps({"text": "x", "place": 1}),
        orjson.dumps({"text": "two", "submitted_at": NOW}),
        orjson.dumps({"text": "x" * 600_000}),
    ]
    response = service.client.post("/v1/reports:batch", content=b"\n".join(lines), headers=TOKEN)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    answers = [orjson.loads(line) for line in response.content.splitlines()]
    assert [(each["line"], each["status"]) for each in answers] == [(1, 202), (2, 400), (4, 422), (5, 202), (6, 422)]
    assert [each["receipt"] for each in answers if each["status"] == 202] == [r.receipt for r in service.queue.reports]
    assert answers[2]["errors"][0]["field"] == "place"


def test_a_batch_of_thousands_keeps_its_order(service: Service) -> None:
    body = b"\n".join(orjson.dumps({"text": f"number {number}"}) for number in range(5_000))
    answers = service.client.post("/v1/reports:batch", content=body, headers=TOKEN).content.splitlines()
    assert [orjson.loads(each)["report_id"] for each in answers] == [each.report_id for each in service.queue.reports]


def test_a_batch_sent_again_has_the_same_keys_line_by_line(service: Service) -> None:
    own_key = {"text": "x", "idempotency_key": "a-key-of-the-line"}
    body = b"\n".join((orjson.dumps({"text": "x"}), orjson.dumps({"text": "x"}), orjson.dumps(own_key)))
    for _ in range(2):
        service.client.post("/v1/reports:batch", content=body, headers=TOKEN | {"Idempotency-Key": "k" * 16})
    keys = [each.retry.key for each in service.queue.reports if each.retry]
    assert keys == [b"k" * 16 + b"#1", b"k" * 16 + b"#2", b"a-key-of-the-line"] * 2


def test_a_batch_needs_the_token_and_has_limits(service: Service) -> None:
    refused = service.client.post("/v1/reports:batch", content=b"{}")
    problem(refused, 401, "not_signed_in")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    problem(service.client.post("/v1/reports:batch", content=b"{}\n" * 5_001, headers=TOKEN), 413, "too_many_lines")
    large = service.client.post("/v1/reports:batch", content=b" " * 16_777_217, headers=TOKEN)
    problem(large, 413, "too_large")


def test_lines_that_the_queue_cannot_take_are_told_to_come_back_one_by_one(service: Service) -> None:
    service.queue.capacity = 250
    body = b"\n".join([orjson.dumps({"text": "x"})] * 300)
    answers = service.client.post("/v1/reports:batch", content=body, headers=TOKEN).content.splitlines()
    assert [orjson.loads(each)["status"] for each in answers] == [202] * 250 + [503] * 50
    response = service.client.post("/v1/reports:batch", content=body, headers=TOKEN)
    problem(response, 503, "unavailable")
    assert "retry-after" in response.headers


def test_a_receipt_is_answered_with_the_status_however_it_is_typed(service: Service) -> None:
    receipt = service.client.post("/v1/reports", json={"text": "x"}).json()["receipt"]
    service.statuses.known[service.queue.reports[0].receipt_hash] = ReportStatus(Status.REFERRED, NOW)
    for typed in (receipt, receipt.lower().replace("-", "  ")):
        response = service.client.post("/v1/status", json={"receipt": typed})
        assert response.status_code == 200
        assert response.json() == {
            "status": "referred",
            "updated_at": NOW.isoformat(),
            "messages": [],
            "amendments": [],
            "withdrawn_at": None,
        }


def test_every_wrong_receipt_gets_the_same_answer_after_the_same_question(service: Service) -> None:
    answers = [
        service.client.post("/v1/status", json={"receipt": typed})
        for typed in ("000-000-000-000-000-000-000-000-000", "x", "BGK-887-JNW-8CW-ZK2-VXJ-XHF-PZV-X9Y", "؟" * 100)
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    problem(answers[0], 404, "unknown_receipt")
    assert service.statuses.asked == len(answers)


def test_a_status_question_of_another_form_is_refused(service: Service) -> None:
    problem(service.client.post("/v1/status", json={}), 422, "invalid")
    problem(service.client.post("/v1/status", json={"receipt": "x" * 101}), 422, "invalid")
    problem(service.client.post("/v1/status", content=b"x"), 400, "bad_json")
    problem(service.client.get("/v1/status?receipt=x"), 405, "method_not_allowed")
    service.statuses.away = True
    response = service.client.post("/v1/status", json={"receipt": "x"})
    problem(response, 503, "unavailable")
    assert "retry-after" in response.headers


def test_the_openapi_document_holds_what_it_refers_to_and_the_page_lists_it(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        *("/v1/reports", "/v1/reports:batch", "/v1/reports:xarf", "/v1/reports:stix", "/v1/challenge", "/v1/status"),
        "/v1/receipts/keys",
    }
    names = {ref.rpartition("/")[2] for ref in _references(document)}
    assert {"Submission", "BatchLine", "StatusQuestion", "Identity", "SignedReceipt"} <= names
    assert names <= set(document["components"]["schemas"])
    page = service.client.get("/docs")
    assert page.status_code == 200
    assert "/v1/reports:batch" in page.text
    assert "origin_country" in page.text
    assert "<script" not in page.text


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def crowd(service: Service) -> None:
    """So many come that nobody more is taken in without a proof."""
    while service.admission.admit() is None:
        pass


def solved(challenge: dict[str, Any]) -> str:
    made = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(made)
    assert solution is not None
    return altcha.Payload(made, solution).to_base64()


def test_in_a_crowd_a_report_is_refused_with_a_way_in(service: Service) -> None:
    crowd(service)
    response = service.client.post("/v1/reports", json={"text": "x"})
    refusal = problem(response, 503, "busy")
    assert int(response.headers["retry-after"]) >= 1
    assert service.queue.reports == []
    solution = solved(service.client.get(refusal["challenge"]).json())
    taken = service.client.post("/v1/reports", json={"text": "x"}, headers={"Altcha": solution})
    assert taken.status_code == 202
    again = service.client.post("/v1/reports", json={"text": "y"}, headers={"Altcha": solution})
    assert problem(again, 400, "bad_proof")["errors"][0]["field"] == "Altcha"


def test_in_a_crowd_a_trusted_reporter_needs_no_proof(service: Service) -> None:
    crowd(service)
    assert service.client.post("/v1/reports", json={"text": "x"}, headers=TOKEN).status_code == 202
    wrong = {"Authorization": "Bearer x"}
    problem(service.client.post("/v1/reports", json={"text": "x"}, headers=wrong), 401, "not_signed_in")


@pytest.mark.parametrize(
    ("hint", "presses"),
    [(None, False), ("fraud", False), ("terrorism_praise", True), ("sexual_exploitation_minors", True)],
)
def test_what_may_not_wait_is_queued_first(service: Service, hint: str | None, presses: bool) -> None:
    assert service.client.post("/v1/reports", json={"text": "x", "category_hint": hint}).status_code == 202
    assert service.queue.pressing is presses


def test_what_speaks_of_danger_is_queued_first_whatever_box_was_ticked(service: Service) -> None:
    assert service.client.post("/v1/reports", json={"text": "il veut se tuer"}).status_code == 202
    assert service.queue.pressing is True


def test_a_signed_receipt_speaks_of_the_bytes_that_were_sent_and_of_the_record_where_the_log_holds_it(
    service: Service,
) -> None:
    body = b'{ "text": "what was seen" }'
    signed = read_receipt(service.client.post("/v1/reports", content=body).json())
    [prepared] = service.queue.reports
    assert signed.document.received_sha256 == hashlib.sha256(body).hexdigest()
    assert signed.document.record_sha256 == hashlib.sha256(prepared.record.value or b"").hexdigest()
    assert tuple(signed.document.log.model_dump().values()) == POSITION
    assert signed.document.accepted_at == "2026-07-01T12:00:00.000000Z"


def test_every_accepted_line_of_a_batch_has_a_signed_receipt_of_its_own_bytes(service: Service) -> None:
    lines = [b'{"text": "x"}', b"not json", b'{"text": "y"}']
    asked = {**TOKEN, "Prefer": 'respond-async, Return = "representation"; x=1'}
    answer = service.client.post("/v1/reports:batch", content=b"\n".join(lines), headers=asked)
    assert answer.headers["preference-applied"] == "return=representation"
    keys = read_keys(service.client.get("/v1/receipts/keys").json())
    first, second, third = (orjson.loads(each) for each in answer.content.splitlines())
    for line, sent in ((first, lines[0]), (third, lines[2])):
        signed = read_receipt(line)
        keys.verify(signed)
        assert signed.document.report_id == line["report_id"]
        assert signed.document.received_sha256 == hashlib.sha256(sent).hexdigest()
    assert "signed_receipt" not in second


@pytest.mark.parametrize("asked", ["return=minimal", "x", ""])
def test_a_batch_that_does_not_ask_for_signed_receipts_has_none(service: Service, asked: str) -> None:
    answer = service.client.post("/v1/reports:batch", content=b'{"text": "x"}', headers={**TOKEN, "Prefer": asked})
    assert set(orjson.loads(answer.content)) == {"line", "status", "report_id", "receipt"}
    assert "preference-applied" not in answer.headers


def test_a_repeat_of_what_was_answered_before_receipts_were_signed_has_none(service: Service) -> None:
    service.queue.signs = False
    assert service.client.post("/v1/reports", json={"text": "x"}).json()["signed_receipt"] is None


def test_the_present_key_is_published_first_and_then_the_earlier_ones(service: Service) -> None:
    answer = service.client.get("/v1/receipts/keys")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    kids = [key["kid"] for key in answer.json()["keys"]]
    signed = service.client.post("/v1/reports", json={"text": "x"}).json()["signed_receipt"]
    assert kids[0] == signed["document"]["key_id"]
    assert kids[1:] == [thumbprint(bytes(range(32)))]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in answer.json()["keys"])
