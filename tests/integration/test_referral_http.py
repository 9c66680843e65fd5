"""Referral's interface and pages: the real application and database, its worker beside it on the memory broker."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.ops.runner import serve
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.audit import Audit
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.processor import Processor
from ibalagh.web.commands import Commands
from services.referral import app as application
from services.referral.handlers import Handler
from services.referral.linking import case_id_for
from services.referral.settings import ReferralSettings
from tests.support.poll import eventually
from tests.support.referral import report_id, triaged
from tests.support.sign_in import as_demo_person, form_token

TOKEN = "t" * 40
CASE = case_id_for(report_id("a"), 1)
ACT = f"/v1/cases/{CASE}/actions"


class Referral:
    """The application over a memory broker; `start` lets the worker run. `wait_s`: how long a request waits for it."""

    def __init__(self, database: Database, *, wait_s: float = 20.0) -> None:
        self.broker, self.codec, self._stop = MemoryBroker(), Codec(), Shutdown()
        self.database = database
        for topic in ("reports.triaged", "cases.actions", "referral.deadletters"):
            self.broker.create_topic(self.codec.topic(topic))
        self.producer = self.broker.producer()
        commands = Commands(self.producer, self.codec, database, wait_s=wait_s)
        settings = ReferralSettings(api_token=TOKEN)
        app = application.create(settings, database, commands, [])
        listener = socket.create_server(("127.0.0.1", 0))
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30.0,
        )
        self._server = threading.Thread(target=serve, args=(app, listener, self._stop))
        self._server.start()
        self.processor = Processor(
            name="referral",
            service="referral",
            topics=("reports.triaged", "cases.actions"),
            consumer=self.broker.consumer("ibalagh.referral"),
            codec=self.codec,
            unit=PostgresUnit(database, "ibalagh.referral", Handler(), codec=self.codec),
        )
        self._thread = threading.Thread(target=self.processor.run, args=(self._stop,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.request("end of the test")
        self.client.close()
        for thread in (self._thread, self._server):
            if thread.is_alive():
                thread.join(20)


@pytest.fixture
def idle(database_url: str) -> Iterator[Referral]:
    apply(database_url, "referral")
    database = Database(database_url, "referral")
    referral = Referral(database, wait_s=0.2)
    yield referral
    referral.stop()
    database.close()


@pytest.fixture
def referral(database_url: str) -> Iterator[Referral]:
    """With two cases: of the reports a and b, and of c."""
    apply(database_url, "referral")
    database = Database(database_url, "referral")
    idle = Referral(database)
    events = [triaged("a", "x"), triaged("b", "x"), triaged("c", province="09.001")]
    idle.producer.publish([idle.codec.encode(event) for event in events], 5.0)
    idle.start()
    eventually(lambda: len(idle.client.get("/v1/cases").json()["items"]) == 2, timeout_s=20)
    yield idle
    idle.stop()
    database.close()


@pytest.mark.parametrize("path", ["/v1/cases", f"/v1/cases/{CASE}", f"/v1/commands/{CASE}"])
def test_without_the_token_nothing_is_told(idle: Referral, path: str) -> None:
    answer = idle.client.get(path, headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert "WWW-Authenticate" in answer.headers


def test_cases_are_listed_page_by_page_and_filtered(referral: Referral) -> None:
    first = referral.client.get("/v1/cases", params={"limit": 1}).json()
    second = referral.client.get("/v1/cases", params={"limit": 1, "after": first["next"]}).json()
    assert second["next"] is None
    assert [each["number"] for each in (*first["items"], *second["items"])] == [2, 1]
    only = referral.client.get("/v1/cases", params={"service": "PJ-AGADIR", "state": "referred"}).json()["items"]
    assert [each["service"] for each in only] == ["PJ-AGADIR"]
    for wrong in ({"state": "nonsense"}, {"service": "\x00"}, {"after": 2**63}, {"after": 0}, {"limit": 1001}):
        assert referral.client.get("/v1/cases", params=wrong).status_code == 422


def test_a_case_shows_its_reports_and_its_past_and_what_may_be_done(referral: Referral) -> None:
    case = referral.client.get(f"/v1/cases/{CASE}").json()
    assert [each["report_id"] for each in case["reports"]] == [report_id("a"), report_id("b")]
    assert [each["version"] for each in case["history"]] == [1, 2, 3, 4]
    assert case["allowed"] == ["accept", "decline", "reroute"]
    assert (case["tally"], case["report_count"], case["version"]) == ({"fraud": 2}, 2, 4)
    unknown = referral.client.get(f"/v1/cases/{report_id('nobody')}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_case")
    assert referral.client.get("/v1/cases/not-an-id").status_code == 422


def test_an_action_is_answered_when_it_was_applied_and_a_repeat_is_answered_alike(referral: Referral) -> None:
    body = {"action": "accept", "actor": "officer-1", "version": 4, "occurred_at": datetime.now(UTC).isoformat()}
    first = referral.client.post(ACT, json=body, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 200
    assert first.json()["detail"]["version"] == 5
    again = referral.client.post(ACT, json=body, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (200, first.json())
    case = referral.client.get(f"/v1/cases/{CASE}").json()
    assert (case["state"], case["version"], case["history"][-1]["actor"]) == ("accepted", 5, "officer-1")
    assert referral.client.get(f"/v1/commands/{first.json()['command_id']}").json()["outcome"] == "applied"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "accept", "version": 1}, 409, "stale_version"),
        ({"action": "close", "result": "prosecuted"}, 409, "not_allowed"),
        ({"action": "accept", "occurred_at": "2020-01-01T00:00:00Z"}, 409, "occurred_before_report"),
        ({"action": "reroute", "service": "PJ-NOWHERE", "reason": "r"}, 409, "service_not_in_table"),
        ({"action": "accept", "occurred_at": "2024-08-01T00:00:00"}, 422, "invalid"),
        ({"action": "accept", "name": "somebody"}, 422, "invalid"),
        ({"action": "dance"}, 422, "invalid"),
        ({"action": "decline", "reason": "a\x00b"}, 422, "invalid"),
        ({"action": "accept", "version": 2**31}, 422, "invalid"),
        ({"action": "accept", "actor": " "}, 422, "invalid"),
    ],
)
def test_a_refusal_says_why_and_what_is_current(
    referral: Referral, body: dict[str, object], status: int, code: str
) -> None:
    answer = referral.client.post(ACT, json={"actor": "officer-1", **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if code == "stale_version":
        assert answer.json()["refused"]["version"] == 4


def test_an_action_on_an_unknown_case_is_not_found(referral: Referral) -> None:
    path = f"/v1/cases/{report_id('nobody')}/actions"
    answer = referral.client.post(path, json={"action": "accept", "actor": "officer-1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_case")


def test_an_action_that_nobody_handles_yet_is_accepted_with_a_link(idle: Referral) -> None:
    answer = idle.client.post(ACT, json={"action": "accept", "actor": "officer-1"})
    assert answer.status_code == 202
    status_url = answer.json()["status_url"]
    assert idle.client.get(status_url).status_code == 404
    idle.start()
    eventually(lambda: idle.client.get(status_url).json().get("code") == "unknown_case")


def test_a_batch_of_actions_is_answered_line_by_line_in_order(referral: Referral) -> None:
    now = {"actor": "officer-1", "case_id": CASE}
    lines: list[object] = [
        {**now, "action": "accept", "version": 4},
        {**now, "action": "open_investigation"},
        "not an action",
        {**now, "action": "identify_suspect", "suspect_ref": "S-1"},
        {**now, "action": "issue_search_notice", "suspect_ref": "S-2"},
    ]
    body = "\n".join(json.dumps(line) for line in lines)
    answer = referral.client.post("/v1/actions:batch", content=body, headers={"Content-Type": "application/x-ndjson"})
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["status"] for each in answers] == [200, 200, 422, 200, 409]
    assert answers[-1]["code"] == "suspect_not_identified"
    case = referral.client.get(f"/v1/cases/{CASE}").json()
    (suspect,) = case["suspects"]
    assert suspect == {"suspect_ref": "S-1", "state": "identified", "allowed": suspect["allowed"]}
    assert suspect["allowed"] == ["present_suspect", "issue_search_notice"]


def test_a_batch_has_at_most_a_thousand_lines_of_ndjson(idle: Referral) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    assert idle.client.post("/v1/actions:batch", content="{}\n" * 1001, headers=headers).status_code == 413
    assert idle.client.post("/v1/actions:batch", json=[]).status_code == 415


def test_the_openapi_document_says_that_a_batch_is_lines_and_what_a_line_is(idle: Referral) -> None:
    document = idle.client.get("/openapi.json").json()
    batch = document["paths"]["/v1/actions:batch"]["post"]
    assert list(batch["requestBody"]["content"]) == ["application/x-ndjson"]
    assert list(batch["responses"]["200"]["content"]) == ["application/x-ndjson"]
    line = batch["requestBody"]["content"]["application/x-ndjson"]["schema"]
    assert {"case_id", "action", "actor"} <= set(line["required"])
    for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(line)):
        assert name in document["components"]["schemas"]


def test_an_inbox_goes_by_deadline_page_by_page(referral: Referral) -> None:
    both = referral.client.get("/v1/inbox").json()
    assert both["next"] is None
    due = [each["clock"]["due_at"] for each in both["items"]]
    assert due == sorted(due)
    first = referral.client.get("/v1/inbox", params={"limit": 1}).json()
    second = referral.client.get("/v1/inbox", params={"limit": 1, "after": first["next"]}).json()
    assert [*first["items"], *second["items"]] == both["items"]
    assert second["next"] is None
    for wrong in (
        "x",
        "2024-01-01|1",
        "2024-01-01T00:00:00Z|0",
        f"2024-01-01T00:00:00Z|{2**63}",
        "|",
        "0001-01-01T00:00:00+23:59|1",
    ):
        assert referral.client.get("/v1/inbox", params={"after": wrong}).status_code == 422, wrong


def signed_in(referral: Referral, person: str = "officer-2") -> str:
    """Sign in to the pages; the token of the session's forms."""
    del referral.client.headers["Authorization"]
    answer = as_demo_person(referral.client, TOKEN, person)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert TOKEN not in cookie
    return form_token(referral.client.get("/?lang=en").text)


def test_the_pages_ask_who_you_are_first(referral: Referral) -> None:
    for path in ("/?lang=en", f"/cases/{CASE}?lang=en"):
        page = referral.client.get(path).text
        assert 'name="token"' in page
        assert "PJ-" not in page
    assert as_demo_person(referral.client, "wrong", "officer-1").status_code == 401


def test_an_officer_accepts_a_case_on_its_page_without_javascript(referral: Referral) -> None:
    form_token = signed_in(referral)
    page = referral.client.get(f"/cases/{CASE}?lang=en")
    assert "<script" not in page.text
    assert "Accept" in page.text
    form = {"form_token": form_token, "action": "accept", "version": "4", "occurred_at": ""}
    after = referral.client.post(f"/cases/{CASE}/actions?lang=en", data=form, follow_redirects=True)
    assert "Done." in after.text
    assert "officer-2" in after.text
    again = referral.client.post(f"/cases/{CASE}/actions?lang=en", data=form, follow_redirects=True)
    assert "stale_version" in again.text


def test_a_form_of_another_site_or_without_a_session_does_nothing(referral: Referral) -> None:
    form = {"form_token": "0" * 64, "action": "accept", "version": "4"}
    assert referral.client.post(f"/cases/{CASE}/actions", data=form).status_code == 401
    signed_in(referral)
    assert referral.client.post(f"/cases/{CASE}/actions", data=form).status_code == 403
    assert referral.client.post("/sign-out", data=form).status_code == 403


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fr", "ltr"), ("en", "ltr"), ("es", "ltr")])
def test_every_page_renders_in_every_language(referral: Referral, language: str, direction: str) -> None:
    signed_in(referral)
    for path in ("/", "/inbox", f"/cases/{CASE}"):
        page = referral.client.get(f"{path}?lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}" dir="{direction}">' in page.text


def test_views_of_a_case_and_actions_on_it_are_noted(referral: Referral) -> None:
    form_token = signed_in(referral)
    referral.client.get(f"/cases/{CASE}")
    form = {"form_token": form_token, "action": "accept", "version": "4", "occurred_at": ""}
    referral.client.post(f"/cases/{CASE}/actions", data=form)
    noted = Audit(referral.database).newest(subject=CASE)
    assert [(each.person, each.action, each.permission) for each in noted] == [
        ("officer-2", "accept", "cases.act"),
        ("officer-2", "viewed", "cases.read"),
    ]


def test_an_analyst_sees_no_case(referral: Referral) -> None:
    del referral.client.headers["Authorization"]
    as_demo_person(referral.client, TOKEN, "analyst-1")
    for path in ("/", f"/cases/{CASE}"):
        answer = referral.client.get(path)
        assert answer.status_code == 403
        assert "PJ-" not in answer.text
