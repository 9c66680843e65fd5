"""Triage's interface and pages: the real application and database, its loops beside it on the memory broker."""

import json
import re
import uuid

import httpx
import pytest

from ibalagh.events.envelope import Position
from ibalagh.events.registry import RECEIVED
from ibalagh.events.reports import Attachment
from ibalagh.storage.audit import Audit
from tests.support.poll import eventually
from tests.support.sign_in import form_token
from tests.support.triage import report_id, supplemented, withdrawn
from tests.support.triage_service import BEARER, UNSURE, Triage, decision, sign_in, waiting

NDJSON = BEARER | {"Content-Type": "application/x-ndjson"}


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
    assert re.findall(r"<script[^>]*>", page.text) == ['<script type="module" src="/assets/desk.js">']
    assert "hxxps://evil[.]example/&lt;b&gt;" in page.text
    assert "https://evil" not in page.text
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
    assert "p\u0430y[.]example/<span" in page
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
    assert stale.headers["location"] == f"/reports/{id_}?notice=stale_version&since=1"
    assert "stale_version" in client.get(f"{stale.headers['location']}&lang=en").text
    assert "What changed · <bdi>analyst-2</bdi>" in client.get(f"{stale.headers['location']}&lang=en").text


def test_the_page_shows_what_was_said_in_order_and_writes_to_the_reporter(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    file = Attachment(sha256="ab" * 32, size_bytes=18_432, media_type="image/png")
    for event in (supplemented("<b>encore</b> arnaque", "a", 1, "correction", file), withdrawn("a", 2)):
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
    for told in ("Attachments", "image/png", "18432", "ab" * 32):
        assert told in page
    path, form = f"/reports/{id_}/messages", {"text": "Existe-t-il ?\r\nMerci", "amendments_seen": "1"}
    assert client.post(path, data=form | {"form_token": "0" * 64}).status_code == 403
    form["form_token"] = form_token(page)
    assert client.post(path, data=form).headers["location"] == f"/reports/{id_}?notice=sent"
    assert client.post(path, data=form | {"text": "a\x00b"}).status_code == 422
    shown = client.get(f"/v1/reports/{id_}/dialogue", headers=BEARER).json()
    assert [(each["sender"], each["text"]) for each in shown["messages"]] == [("analyst-2", "Existe-t-il ?\nMerci")]
    assert [each["text"] for each in shown["amendments"]] == ["<b>encore</b> arnaque", None]
    assert [each["attachments"] for each in shown["amendments"]] == [[file.model_dump()], None]
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
    told = {"action": "dismiss", "version": "1", "reason": "not_online"}
    client.post(f"/reports/{id_}/decisions", data=form | told)
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

    def send(person: str) -> httpx.Response:
        sign_in(client, person=person)
        return client.post(path, data=form | {"form_token": form_token(client.get("/").text)})

    assert send("analyst-1").headers["location"] == "/?notice=proposed_now"
    refused = send("analyst-2")
    assert (refused.status_code, "reports.decide.minors" in refused.text) == (403, True)
    waiting(client, 1)
    assert send("senior-1").headers["location"] == "/?notice=applied"


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


def test_links_are_shown_and_ruled_on(triage: Triage, client: httpx.Client) -> None:
    one, other = (triage.report(f"{UNSURE} sur gain.example/promo", name) for name in "ab")
    eventually(lambda: len(client.get("/v1/reports", headers=BEARER).json()["items"]) == 2)
    shown = client.get(f"/v1/reports/{one}/links", headers=BEARER).json()
    assert [(group["kind"], group["reports"], group["others"]) for group in shown["groups"]] == [("url", 2, [other])]
    body = {"report_id": one, "other_id": other, "version": 0, "actor": "analyst-1", "reason": "another_person"}
    applied = client.post("/v1/unlinks", json=body, headers=BEARER)
    assert (applied.status_code, applied.json()["detail"]) == (200, {"report_id": one, "version": 1})
    after = client.get(f"/v1/reports/{other}/links", headers=BEARER).json()
    assert (after["groups"], [each["report_id"] for each in after["unlinked"]]) == ([], [one])
    stale = client.post("/v1/links", json=body, headers=BEARER)
    assert (stale.status_code, stale.json()["code"], stale.json()["refused"]) == (409, "stale_version", {"version": 1})
    nowhere = report_id("nowhere")
    assert client.get(f"/v1/reports/{nowhere}/links", headers=BEARER).status_code == 404
    assert client.post("/v1/links", json=body | {"other_id": nowhere}, headers=BEARER).status_code == 404
    assert client.post("/v1/links", json=body).status_code == 401


def test_a_campaign_is_one_item_that_is_decided_as_a_whole(triage: Triage, client: httpx.Client) -> None:
    ids = {triage.report(f"{UNSURE} sur gain.example/promo", str(number)) for number in range(5)}
    eventually(lambda: len(client.get("/v1/reports", headers=BEARER).json()["items"]) == 5)
    (item,) = client.get("/v1/reviews", headers=BEARER).json()["items"]
    campaign = item["campaign"]
    assert (campaign["reports"], campaign["waiting"], campaign["decided"]) == (5, 5, None)
    path = f"/v1/campaigns/{campaign['campaign_id']}"
    page = client.get(f"{path}?limit=3", headers=BEARER).json()
    rest = client.get(f"{path}?after={page['next']}", headers=BEARER).json()
    assert {each["report_id"] for each in (*page["items"], *rest["items"])} == ids
    assert (page["reports"], rest["next"]) == (5, None)
    body = {"upto": 5, "action": "reclassify", "category": "fraud", "reviewer": "analyst-1", "reason": "same_campaign"}
    assert client.post(f"{path}/decisions", json=body | {"upto": 6}, headers=BEARER).status_code == 422
    (answer,) = map(json.loads, client.post(f"{path}/decisions", json=body, headers=BEARER).text.splitlines())
    assert (answer["status"], answer["detail"]["decided"]) == (200, 5)
    assert client.get("/v1/reviews", headers=BEARER).json()["items"] == []
    shown = client.get(f"/v1/reports/{min(ids)}", headers=BEARER).json()
    assert (shown["state"], shown["category"], shown["campaign"]["waiting"]) == ("decided", "fraud", 0)
    nowhere = f"/v1/campaigns/{report_id('nowhere')}"
    assert client.get(nowhere, headers=BEARER).status_code == 404
    assert client.post(f"{nowhere}/decisions", json=body, headers=BEARER).status_code == 404
    assert client.post(f"{path}/decisions", json=body).status_code == 401


def test_a_decision_is_explained_with_places_in_the_text(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    answer = client.get(f"/v1/reports/{id_}/explanation", headers=BEARER)
    assert answer.status_code == 200
    said = answer.json()
    assert said["stands"] == {"category": said["category"], "policy": said["policy"], "by": "machine"}
    spans = [span for rule in said["rules"] if rule["name"] == "insult_defamation.insult" for span in rule["spans"]]
    assert [UNSURE[start:end] for start, end in spans] == ["insultes"]
    assert client.get(f"/v1/reports/{report_id('z')}/explanation", headers=BEARER).status_code == 404
    assert client.get(f"/v1/reports/{id_}/explanation").status_code == 401
