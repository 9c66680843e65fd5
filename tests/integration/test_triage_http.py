"""Triage's interface and pages: the real application and database, its loops beside it on the memory broker."""

import json
import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Position
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, dead_letter_topic
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.audit import Audit
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.processor import Processor
from ibalagh.web.commands import Commands
from services.triage import app as application
from services.triage.handlers import CLASSIFIER_TOPICS, DESK_TOPICS, Classifier, Desk
from services.triage.reading import DeskCodec
from services.triage.settings import TriageSettings
from services.triage.texts import TextReader
from tests.support.poll import eventually
from tests.support.serving import serving
from tests.support.sign_in import as_demo_person, form_token
from tests.support.triage import policy, received, report_id, supplemented, withdrawn

TOKEN = "t" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NDJSON = BEARER | {"Content-Type": "application/x-ndjson"}
UNSURE = "il m'a escroqué et il m'insulte"


class Triage:
    """The whole service over a memory broker: classifier, desk, texts, HTTP."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.broker, self.codec, self._stop = MemoryBroker(), Codec(), Shutdown()
        for topic in (RECEIVED, TRIAGED, DECISIONS, dead_letter_topic("triage")):
            self.broker.create_topic(self.codec.topic(topic))
        self.producer = self.broker.producer()
        self.commands = Commands(self.producer, self.codec, database, wait_s=2.0)
        consumer = self.broker.consumer("ibalagh.triage")
        unit = KafkaUnit(
            handle=Classifier(policy()),
            codec=self.codec,
            producer_factory=lambda: self.broker.transactional_producer("ibalagh.triage.0"),
            group=consumer.group_metadata,
            dead_letter_topic=self.codec.topic(dead_letter_topic("triage")),
            consumer_name="ibalagh.triage",
        )
        self.classifier = self._processor("classifier", CLASSIFIER_TOPICS, consumer, unit)
        desk = PostgresUnit(database, "ibalagh.triage.desk", Desk(), codec=self.codec)
        self.desk = self._processor("desk", DESK_TOPICS, self.broker.consumer("ibalagh.triage.desk"), desk)
        self.texts = TextReader(self.broker.consumer("ibalagh.triage.texts.1"), self.codec, timeout_s=5)
        self.app = application.create(
            TriageSettings(api_token=TOKEN),
            database,
            self.commands,
            self.texts,
            [],
            policy=policy(),
        )
        self._threads = [threading.Thread(target=loop, args=(self._stop,)) for loop in self.loops()]

    def loops(self) -> list[Any]:
        return [self.classifier.run, self.desk.run, self.texts.run]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.request("end of the test")
        for thread in self._threads:
            thread.join(10)

    def report(self, text: str, name: str = "a", **fields: Any) -> str:
        assert all(self.producer.publish([self.codec.encode(received(text, name, **fields))], 1.0))
        return report_id(name)

    def _processor(self, name: str, topics: tuple[str, ...], consumer: Any, unit: Any) -> Processor:
        codec = DeskCodec() if name == "desk" else self.codec
        return Processor(name=name, service="triage", topics=topics, consumer=consumer, codec=codec, unit=unit)


@pytest.fixture
def triage(database_url: str) -> Iterator[Triage]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    service = Triage(database)
    service.start()
    yield service
    service.stop()
    database.close()


@pytest.fixture
def client(triage: Triage) -> Iterator[httpx.Client]:
    with serving(triage.app) as client:
        yield client


def waiting(client: httpx.Client, count: int) -> list[dict[str, Any]]:
    """The queue, once so many reports wait."""

    def ask() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = client.get("/v1/reviews", headers=BEARER).json()["items"]
        return items if len(items) == count else []

    return eventually(ask)


def decision(id_: str, action: str = "dismiss", **fields: Any) -> dict[str, Any]:
    return {"report_id": id_, "action": action, "reviewer": "analyst-1"} | fields


def test_everything_asks_for_the_token(client: httpx.Client) -> None:
    for path in (
        "/v1/reviews",
        "/v1/news",
        "/v1/reports",
        f"/v1/reports/{report_id('a')}",
        f"/v1/commands/{uuid.uuid4()}",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/v1/decisions", json=decision(report_id("a"))).status_code == 401
    assert client.post("/v1/decisions:batch", content=b"{}").status_code == 401
    assert client.post("/v1/messages", json={}).status_code == 401


def test_a_report_waits_is_shown_with_its_text_and_is_decided(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE, place="Rabat", links=("https://a.example/x",), category_hint="fraud")
    (item,) = waiting(client, 1)
    assert (item["report_id"], item["version"], item["disposition"]) == (id_, 1, "review")
    shown = client.get(f"/v1/reports/{id_}", headers=BEARER).json()
    assert shown["text"] == UNSURE
    assert shown["links"] == ["https://a.example/x"]
    assert shown["indicators"] == [{"kind": "url", "value": "a.example/x"}]
    assert shown["province"] == "04.421"
    body = decision(id_, "reclassify", category="fraud", version=1, reason="seen_before")
    answer = client.post("/v1/decisions", json=body, headers=BEARER)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
    assert answer.json()["detail"] == {
        "report_id": id_,
        "version": 2,
        "category": "fraud",
        "disposition": "refer",
    }
    assert client.get("/v1/reviews", headers=BEARER).json()["items"] == []
    after = client.get(f"/v1/reports/{id_}", headers=BEARER).json()
    assert (after["state"], after["category"], after["reasons"]) == ("decided", "fraud", ["seen_before"])
    status = client.get(f"/v1/commands/{answer.json()['command_id']}", headers=BEARER)
    assert status.json()["outcome"] == "applied"


def test_refusals_say_why(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    stale = client.post("/v1/decisions", json=decision(id_, version=7), headers=BEARER)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert stale.json()["refused"] == {"version": 1}
    unknown = client.post("/v1/decisions", json=decision(report_id("nowhere")), headers=BEARER)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_report")
    bad = client.post("/v1/decisions", json=decision(id_, "reclassify"), headers=BEARER)
    assert (bad.status_code, bad.json()["code"]) == (409, "bad_decision")
    sentence = client.post("/v1/decisions", json=decision(id_, reason="A sentence"), headers=BEARER)
    assert sentence.status_code == 422
    assert client.get(f"/v1/reports/{report_id('nowhere')}", headers=BEARER).status_code == 404
    assert client.get("/v1/reviews?after=x", headers=BEARER).status_code == 422
    assert client.get("/v1/reviews?after=3~2024~" + "-" * 36, headers=BEARER).status_code == 422


def test_a_repeated_key_answers_the_first_result(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    headers = BEARER | {"Idempotency-Key": "k-1"}
    first, again = (client.post("/v1/decisions", json=decision(id_, version=1), headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert client.get(f"/v1/reports/{id_}", headers=BEARER).json()["version"] == 2


def test_a_batch_answers_line_by_line_in_order(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    lines = [
        decision(id_, "reclassify", category="fraud", version=1),
        decision(id_, version=1),
        {"report_id": "x"},
        decision(id_, version=2),
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    answers = [
        json.loads(line)
        for line in client.post("/v1/decisions:batch", content=body, headers=NDJSON).content.splitlines()
    ]
    assert [(each["line"], each["status"]) for each in answers] == [(1, 200), (2, 409), (3, 422), (4, 200)]
    assert answers[3]["detail"]["version"] == 3


def test_lists_page_through_everything_once(triage: Triage, client: httpx.Client) -> None:
    ids = {triage.report(f"{UNSURE} {number}", str(number)) for number in range(7)}
    waiting(client, 7)
    for path in ("/v1/reviews", "/v1/reports"):
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = client.get(path, params={"limit": 3, **after}, headers=BEARER).json()
            seen += [item["report_id"] for item in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(seen) == 7
        assert set(seen) == ids


def sign_in(client: httpx.Client, token: str = TOKEN, person: str = "analyst-2") -> httpx.Response:
    return as_demo_person(client, token, person)


def test_the_pages_ask_to_sign_in_with_the_token(client: httpx.Client) -> None:
    assert 'name="token"' in client.get("/").text
    assert sign_in(client, "wrong").status_code == 401
    assert 'name="token"' in client.get("/").text
    cookie = sign_in(client).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = client.get("/?lang=ar")
    assert 'dir="rtl"' in page.text
    assert 'name="token"' not in page.text
    assert client.post("/sign-out", data={"form_token": form_token(page.text)}).status_code == 303
    assert 'name="token"' in client.get("/").text


def test_hostile_text_is_shown_as_text_and_no_link_of_it_can_be_clicked(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report("<script>alert(1)</script> https://evil.example/x", links=("https://evil.example/<b>",))
    waiting(client, 1)
    sign_in(client)
    page = client.get(f"/reports/{id_}")
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script" not in page.text
    assert "https://evil.example/&lt;b&gt;" in page.text
    assert not re.search(r'(href|src|action)="[^"]*evil', page.text)
    assert "unsafe" not in page.headers["content-security-policy"]


def test_odd_characters_are_marked_and_a_link_that_imitates_another_is_pointed_out(
    triage: Triage, client: httpx.Client
) -> None:
    link = "https://p\u0430y.example/\u202efdp"
    id_ = triage.report(f"{UNSURE} \u202eelbisivni\x1b\\u0000", links=(link,))
    waiting(client, 1)
    sign_in(client)
    page = client.get(f"/reports/{id_}?lang=en").text
    assert "⟦U+202E⟧</span>elbisivni<span" in page
    assert "p\u0430y.example/<span" in page
    assert not {"\u202e", "\x1b"} & set(page)
    assert "mixed_script_link" in page
    [found] = client.get(f"/v1/reports/{id_}", headers=BEARER).json()["suspicious_links"]
    assert found == {"value": "xn--py-7kc.example/fdp", "reads": "p\u0430y.example", "why": "mixed_script_link"}


def test_a_decision_of_the_page_needs_its_sessions_form(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    form = {"action": "reclassify", "category": "fraud", "version": "1", "reason": ""}
    path = f"/reports/{id_}/decisions"
    assert client.post(path, data=form).status_code == 401
    sign_in(client)
    assert client.post(path, data=form).status_code == 403
    assert client.post(path, data=form | {"form_token": "0" * 64}).status_code == 403
    waiting(client, 1)
    form["form_token"] = form_token(client.get("/").text)
    done = client.post(path, data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/?notice=applied")
    shown = client.get(f"/v1/reports/{id_}", headers=BEARER).json()
    assert (shown["category"], shown["state"]) == ("fraud", "decided")
    stale = client.post(path, data=form)
    assert stale.headers["location"] == f"/reports/{id_}?notice=stale_version"
    assert "stale_version" in client.get(stale.headers["location"]).text


def test_the_page_shows_what_was_said_in_order_and_writes_to_the_reporter(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    for event in (supplemented("<b>encore</b> arnaque", "a", 1, "correction"), withdrawn("a", 2)):
        assert all(triage.producer.publish([triage.codec.encode(event)], 1.0))
    eventually(lambda: client.get(f"/v1/reports/{id_}", headers=BEARER).json()["withdrawn_at"])
    sign_in(client)
    queue = client.get("/?lang=en").text
    assert "New from reporters" in queue
    assert queue.count("Withdrawn by the reporter") == 2
    page = client.get(f"/reports/{id_}?lang=en").text
    assert page.index("Correction by the reporter") < page.index("The reporter withdrew the report")
    assert "&lt;b&gt;encore&lt;/b&gt; arnaque" in page
    assert "may have been forced" in page
    path, form = f"/reports/{id_}/messages", {"text": "Existe-t-il ?\r\nMerci", "amendments_seen": "1"}
    assert client.post(path, data=form | {"form_token": "0" * 64}).status_code == 403
    form["form_token"] = form_token(page)
    assert client.post(path, data=form).headers["location"] == f"/reports/{id_}?notice=sent"
    assert client.post(path, data=form | {"text": "a\x00b"}).status_code == 422
    shown = client.get(f"/v1/reports/{id_}/dialogue", headers=BEARER).json()
    assert [(each["sender"], each["text"]) for each in shown["messages"]] == [("analyst-2", "Existe-t-il ?\nMerci")]
    assert [each["text"] for each in shown["amendments"]] == ["<b>encore</b> arnaque", None]
    assert client.get(f"/v1/reports/{id_}", headers=BEARER).json()["new_from_reporter"] is True  # one was not seen
    assert "Existe-t-il ?\nMerci" in client.get(f"/reports/{id_}?lang=en").text
    unknown = client.post(f"/reports/{report_id('nowhere')}/messages", data=form)
    assert unknown.headers["location"].endswith("?notice=unknown_report")
    assert client.get(f"/v1/reports/{report_id('nowhere')}/dialogue", headers=BEARER).status_code == 404


@pytest.mark.parametrize("language", ["ar", "fr", "en", "es"])
def test_the_pages_speak_every_language(triage: Triage, client: httpx.Client, language: str) -> None:
    id_ = triage.report("je pense au suicide, apologie de daech et arnaque")
    waiting(client, 1)
    sign_in(client)
    for path in ("/", f"/reports/{id_}"):
        page = client.get(path, params={"lang": language})
        assert page.status_code == 200
        assert f'lang="{language}"' in page.text


def test_a_position_that_the_log_does_not_have_gives_no_text(triage: Triage) -> None:
    triage.report(UNSURE)
    topic = triage.codec.topic(RECEIVED)
    assert eventually(lambda: triage.texts.report_at(Position(topic, 0, 0)) is not None)
    assert triage.texts.report_at(Position(topic, 0, 99)) is None
    assert triage.texts.report_at(Position("elsewhere", 0, 0)) is None


def test_views_messages_and_decisions_are_noted_before_they_are_answered(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    sign_in(client)
    token = form_token(client.get(f"/reports/{id_}").text)
    form = {"form_token": token, "amendments_seen": "0"}
    client.post(f"/reports/{id_}/messages", data=form | {"text": "Secret words?"})
    client.post(f"/reports/{id_}/decisions", data=form | {"action": "dismiss", "version": "1"})
    assert client.get(f"/reports/{report_id('nowhere')}").status_code == 404
    noted = Audit(triage.database).newest(subject=id_)
    assert [(each.action, each.permission) for each in noted] == [
        ("dismiss", "reports.decide"),
        ("messaged", "reports.message"),
        ("viewed", "reports.read"),
    ]
    assert {each.person for each in noted} == {"analyst-2"}
    assert "Secret" not in str(noted)


def test_where_minors_are_exploited_an_analyst_alone_does_not_decide(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    form = {"action": "reclassify", "category": "sexual_exploitation_minors", "version": "1"}
    path = f"/reports/{id_}/decisions"
    sign_in(client)
    refused = client.post(path, data=form | {"form_token": form_token(client.get("/").text)})
    assert (refused.status_code, "reports.decide.minors" in refused.text) == (403, True)
    waiting(client, 1)
    sign_in(client, person="senior-1")
    done = client.post(path, data=form | {"form_token": form_token(client.get("/").text)})
    assert done.headers["location"] == "/?notice=applied"
    sign_in(client)
    back = {"action": "reclassify", "category": "fraud", "version": "2"}
    assert client.post(path, data=back | {"form_token": form_token(client.get("/").text)}).status_code == 403


@pytest.mark.parametrize("person", ["officer-1", "operator-1", "auditor-1", "admin-1", "custodian-1"])
def test_other_roles_see_no_report(triage: Triage, client: httpx.Client, person: str) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    sign_in(client, person=person)
    for path in ("/", f"/reports/{id_}"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert UNSURE not in answer.text
    assert not any(each.action == "viewed" for each in Audit(triage.database).newest())


def test_a_decision_is_explained_with_places_in_the_text(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    answer = client.get(f"/v1/reports/{id_}/explanation", headers=BEARER)
    assert answer.status_code == 200
    said = answer.json()
    assert said["stands"] == {"category": said["category"], "policy": said["policy"], "by": "machine"}
    spans = [span for rule in said["rules"] if rule["name"] == "insult_defamation.insult" for span in rule["spans"]]
    assert [UNSURE[start:end] for start, end in spans] == ["insulte", "m'insulte"]
    assert said["heat"]
    assert client.get(f"/v1/reports/{report_id('z')}/explanation", headers=BEARER).status_code == 404
    assert client.get(f"/v1/reports/{id_}/explanation").status_code == 401
