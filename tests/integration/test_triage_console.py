"""The analysts' pages and their twins in the interface: claims, two people, taking back, many at once, breaks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.support.poll import eventually
from tests.support.sign_in import form_token
from tests.support.triage import report_id
from tests.support.triage_service import (
    BEARER,
    UNSURE,
    Triage,
    decision,
    sign_in,
    waiting,
)

MINORS = "sexual_exploitation_minors"


class Analyst:
    """Somebody who is signed in, in a browser of their own."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self.name = name
        self.http = http
        sign_in(http, person=name)
        self.token = form_token(self.page("/"))

    def page(self, path: str, **query: str) -> str:
        asked = httpx.URL(path).copy_merge_params({"lang": "en", **query})
        answer = self.http.get(asked, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **fields: Any) -> str:
        """Send a form; where it leads."""
        answer = self.http.post(path, data={"form_token": self.token, **fields})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def decide(self, id_: str, action: str, version: int = 1, **fields: str) -> str:
        return self.post(f"/reports/{id_}/decisions", action=action, version=str(version), **fields)


@contextmanager
def analyst(client: httpx.Client, name: str) -> Iterator[Analyst]:
    with httpx.Client(base_url=client.base_url, timeout=20) as http:
        yield Analyst(http, name)


@pytest.fixture
def two(client: httpx.Client) -> Iterator[tuple[Analyst, Analyst]]:
    with analyst(client, "senior-1") as amal, analyst(client, "senior-2") as badr:
        yield amal, badr


def shown(client: httpx.Client, id_: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/v1/reports/{id_}", headers=BEARER).json()
    return answer


def test_who_holds_a_report_decides_and_the_other_is_told_who_and_until_when(
    triage: Triage, client: httpx.Client, two: tuple[Analyst, Analyst]
) -> None:
    amal, badr = two
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    assert amal.post(f"/reports/{id_}/claim") == f"/reports/{id_}"
    claim = shown(client, id_)["claim"]
    assert claim["person"] == "senior-1"
    assert f"<bdi>senior-1</bdi> until <bdi>{claim['until'][11:16]}" in badr.page("/")
    page = badr.page(f"/reports/{id_}")
    assert "You cannot decide meanwhile" in page
    assert 'value="confirm"' not in page
    assert badr.post(f"/reports/{id_}/claim") == f"/reports/{id_}?notice=claimed"
    renewing = {"form_token": badr.token}
    refused = badr.http.post(f"/reports/{id_}/claim", data=renewing, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (409, "claimed")
    assert badr.decide(id_, "confirm") == f"/reports/{id_}?notice=claimed"
    answer = client.post("/v1/decisions", json=decision(id_, reviewer="senior-2"), headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (409, "claimed")
    assert answer.json()["refused"]["person"] == "senior-1"
    assert "You work on" in amal.page("/")
    assert amal.decide(id_, "confirm") == "/?notice=applied"
    assert shown(client, id_)["claim"] is None
    assert badr.post(f"/reports/{id_}/claim") == f"/reports/{id_}"
    assert badr.post(f"/reports/{id_}/release") == "/?notice=released"


def test_the_interface_claims_renews_and_gives_back(triage: Triage, client: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    path = f"/v1/reports/{id_}/claim"
    first = client.put(path, json={"person": "senior-1"}, headers=BEARER)
    assert (first.status_code, first.json()["person"]) == (200, "senior-1")
    refused = client.put(path, json={"person": "senior-2"}, headers=BEARER)
    assert (refused.status_code, refused.json()["refused"]["person"]) == (409, "senior-1")
    claims = client.get("/v1/claims", params={"person": "senior-1"}, headers=BEARER).json()["items"]
    assert [each["report_id"] for each in claims] == [id_]
    assert client.delete(path, params={"person": "senior-1"}, headers=BEARER).status_code == 204
    taken = client.post("/v1/next", json={"person": "senior-2"}, headers=BEARER)
    assert (taken.status_code, taken.json()["report_id"]) == (200, id_)
    assert client.post("/v1/next", json={"person": "senior-1"}, headers=BEARER).status_code == 204
    unknown = f"/v1/reports/{report_id('nowhere')}/claim"
    assert client.put(unknown, json={"person": "senior-1"}, headers=BEARER).status_code == 404


def test_after_a_decision_comes_the_next_report(triage: Triage, client: httpx.Client) -> None:
    first, second = (triage.report(f"{UNSURE} {number}", str(number)) for number in range(2))
    waiting(client, 2)
    with analyst(client, "senior-1") as amal:
        taken = amal.post("/next")
        assert taken in (f"/reports/{first}", f"/reports/{second}")
        id_ = taken.rpartition("/")[2]
        other = second if id_ == first else first
        assert amal.decide(id_, "confirm", then="next") == f"/reports/{other}?notice=applied"
        assert shown(client, other)["claim"]["person"] == "senior-1"
        assert amal.decide(other, "dismiss", then="next") == f"/reports/{other}?notice=reason_needed"
        assert amal.decide(other, "dismiss", then="next", reason="not_online") == "/?notice=applied"
        assert amal.post("/next") == "/?notice=nothing_for_you"
    assert shown(client, other)["reasons"] == ["not_online"]


def test_what_concerns_minors_waits_for_a_second_person_and_is_seen_to(
    triage: Triage, client: httpx.Client, two: tuple[Analyst, Analyst]
) -> None:
    amal, badr = two
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    assert amal.decide(id_, "reclassify", category=MINORS) == "/?notice=proposed_now"
    proposal = shown(client, id_)["proposal"]
    assert (proposal["person"], proposal["category"], shown(client, id_)["version"]) == ("senior-1", MINORS, 1)
    assert "waits for a second person" in badr.page("/", mark="proposed")
    assert "Agree" not in amal.page(f"/reports/{id_}")
    assert "Agree" in badr.page(f"/reports/{id_}")
    reject = {"proposal_id": proposal["proposal_id"], "reason": "look_again"}
    own = amal.post(f"/reports/{id_}/rejection", **reject)
    assert own == f"/reports/{id_}?notice=needs_another_person"
    assert badr.post(f"/reports/{id_}/rejection", **reject) == f"/reports/{id_}?notice=rejected"
    assert shown(client, id_)["proposal"] is None
    assert badr.decide(id_, "reclassify", category=MINORS) == "/?notice=proposed_now"
    assert amal.decide(id_, "reclassify", category=MINORS) == "/?notice=applied"
    assert (shown(client, id_)["category"], shown(client, id_)["version"]) == (MINORS, 2)
    history = client.get(f"/v1/reports/{id_}/history", headers=BEARER).json()["items"]
    assert [(each["proposer"], each["reviewer"]) for each in history] == [("senior-2", "senior-1")]
    assert "proposed by <bdi>senior-2</bdi>" in amal.page(f"/reports/{id_}", show="1")


def test_a_decision_is_taken_back_and_a_stale_one_is_told_what_changed(
    triage: Triage, client: httpx.Client, two: tuple[Analyst, Analyst]
) -> None:
    amal, badr = two
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    amal.decide(id_, "reclassify", category="violence_threats")
    late = badr.decide(id_, "confirm")
    assert late == f"/reports/{id_}?notice=stale_version&since=1"
    page = badr.page(late)
    assert re.search(r"What changed · <bdi>senior-1</bdi>", page)
    assert "before <bdi>Fraud</bdi>, now <strong><bdi>Violence and threats</bdi>" in page
    assert badr.post(f"/reports/{id_}/undo", version="2") == f"/reports/{id_}?notice=undone"
    assert (shown(client, id_)["state"], shown(client, id_)["category"]) == ("open", "fraud")
    assert "takes back version <bdi>2</bdi>" in badr.page(f"/reports/{id_}", show="1")
    again = client.post("/v1/undoings", json={"report_id": id_, "version": 2, "person": "senior-1"}, headers=BEARER)
    assert (again.status_code, again.json()["code"]) == (409, "stale_version")


def test_a_report_is_handed_on_and_found_by_its_mark(
    triage: Triage, client: httpx.Client, two: tuple[Analyst, Analyst]
) -> None:
    amal, badr = two
    id_ = triage.report(UNSURE)
    waiting(client, 1)
    assert amal.post(f"/reports/{id_}/escalation", reason="danger") == "/?notice=handed_on"
    assert "Danger" in badr.page(f"/reports/{id_}")
    [found] = client.get("/v1/reviews", params={"mark": "escalated"}, headers=BEARER).json()["items"]
    assert (found["report_id"], found["escalation"]["person"]) == (id_, "senior-1")
    body = {"report_id": id_, "person": "senior-2", "reason": "needs_senior"}
    assert client.post("/v1/escalations", json=body, headers=BEARER).status_code == 200
    assert shown(client, id_)["escalation"]["reason"] == "needs_senior"


def test_filters_stay_in_the_address_and_a_value_of_no_list_is_refused(triage: Triage, client: httpx.Client) -> None:
    triage.report(UNSURE, "a")
    triage.report("rien", "b")
    waiting(client, 2)
    with analyst(client, "senior-1") as amal:
        page = amal.page("/", category="fraud", held="nobody")
        assert page.count("data-row>") == 1
        assert 'href="/?category=fraud&amp;held=nobody&amp;lang=ar"' in page
        assert '<option value="fraud" selected>' in page
        assert amal.page("/", category="").count("data-row>") == 2
        assert amal.http.get("/", params={"category": "x"}).status_code == 422
    items = client.get("/v1/reviews", params={"category": "fraud"}, headers=BEARER).json()["items"]
    assert [each["report_id"] for each in items] == [report_id("a")]


def progress(client: httpx.Client, bulk_id: str, part: str = "progress") -> dict[str, Any]:
    """How far a selection is, once nothing is pending."""

    def ask() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/v1/selections/{bulk_id}", headers=BEARER).json()[part]
        return found if found["pending"] == 0 else None

    settled = eventually(ask, 20)
    assert settled is not None
    return settled


def test_a_selection_is_frozen_confirmed_by_its_number_applied_and_taken_back(
    triage: Triage, client: httpx.Client, two: tuple[Analyst, Analyst]
) -> None:
    amal, badr = two
    ids = [triage.report(f"{UNSURE} {number}", str(number)) for number in range(4)]
    waiting(client, 4)
    where = amal.post("/selections", scope="ticked", selected=ids[:3], filter="category=fraud")
    bulk_id = where.rpartition("/")[2]
    badr.decide(ids[0], "confirm")
    triage.report(f"{UNSURE} more", "more")
    waiting(client, 4)
    page = amal.page(where)
    assert "Exact number of reports selected: <bdi>3</bdi>" in page
    assert "Category: Fraud" in page
    decide = f"/selections/{bulk_id}/decision"
    form = {"action": "dismiss", "reason": "test_or_joke", "count": "3"}
    assert amal.post(decide, **form | {"count": "4"}) == f"/selections/{bulk_id}?notice=wrong_count"
    assert amal.post(decide, **form | {"reason": ""}) == f"/selections/{bulk_id}?notice=reason_needed"
    foreign = badr.http.post(decide, data=form | {"form_token": badr.token})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_yours")
    assert amal.post(decide, **form) == f"/selections/{bulk_id}"
    assert progress(client, bulk_id) == {
        "applied": 2,
        "proposed": 0,
        "refused": {"stale_version": [ids[0]]},
        "pending": 0,
    }
    assert amal.post(decide, **form) == f"/selections/{bulk_id}"  # again changes nothing
    assert [shown(client, id_)["version"] for id_ in ids] == [2, 2, 2, 1]
    changed = amal.post(decide, **form | {"reason": "not_online"})
    assert changed == f"/selections/{bulk_id}?notice=decided_already"
    badr.decide(ids[1], "reclassify", version=2, category="fraud")
    assert "Take all of it back" in amal.page(where)
    assert amal.post(f"/selections/{bulk_id}/undo") == f"/selections/{bulk_id}"
    assert progress(client, bulk_id, "undoing") == {
        "applied": 1,
        "proposed": 0,
        "refused": {"stale_version": [ids[1]]},
        "pending": 0,
    }
    assert [shown(client, id_)["state"] for id_ in ids] == ["decided", "decided", "open", "open"]
    assert "Taken back" in amal.page(where)


def test_a_whole_list_is_frozen_as_it_is_when_it_is_selected(triage: Triage, client: httpx.Client) -> None:
    ids = {triage.report(f"{UNSURE} {number}", str(number)) for number in range(3)}
    triage.report("rien", "other")
    waiting(client, 4)
    with analyst(client, "senior-1") as amal:
        where = amal.post("/selections", scope="list", filter="category=fraud")
        bulk = client.get(f"/v1{where}", headers=BEARER).json()
        assert {each["report_id"] for each in bulk["reports"]} == ids
        assert (bulk["count"], bulk["filter"], bulk["decision"]) == (3, "category=fraud", None)
        assert amal.post("/selections", scope="ticked", filter="") == "/?notice=bad_selection"
        assert amal.http.get(f"/selections/{report_id('nowhere')}").status_code == 404


def test_the_interface_decides_about_many_and_takes_it_back(triage: Triage, client: httpx.Client) -> None:
    ids = [triage.report(f"{UNSURE} {number}", str(number)) for number in range(2)]
    waiting(client, 2)
    made = client.post("/v1/selections", json={"person": "senior-1", "report_ids": ids}, headers=BEARER)
    assert made.status_code == 201
    path = f"/v1/selections/{made.json()['bulk_id']}"
    wrong = {"person": "senior-1", "action": "confirm", "count": 3}
    refused = client.post(f"{path}/decision", json=wrong, headers=BEARER)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_count")
    early = client.post(f"{path}/undo", json={"person": "senior-1"}, headers=BEARER)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_undo")
    assert client.post(f"{path}/decision", json=wrong | {"count": 2}, headers=BEARER).status_code == 200
    assert progress(client, made.json()["bulk_id"])["applied"] == 2
    assert client.post(f"{path}/undo", json={"person": "senior-1"}, headers=BEARER).status_code == 200
    assert progress(client, made.json()["bulk_id"], "undoing")["applied"] == 2
    assert [shown(client, id_)["state"] for id_ in ids] == ["open", "open"]
    latest = client.get("/v1/selections", params={"person": "senior-1"}, headers=BEARER).json()["items"]
    assert [each["bulk_id"] for each in latest] == [made.json()["bulk_id"]]
    with analyst(client, "senior-1") as amal:
        assert f'href="/selections/{made.json()["bulk_id"]}?lang=en"' in amal.page("/")
    unknown = {"person": "senior-1", "report_ids": [report_id("nowhere")]}
    assert client.post("/v1/selections", json=unknown, headers=BEARER).status_code == 422


def test_content_that_is_hard_or_known_is_shown_when_it_is_asked_for(triage: Triage, client: httpx.Client) -> None:
    easy = triage.report(f"{UNSURE} canari", "a")
    hard = triage.report("apologie de daech canari, il glorifie, arnaque", "b")
    for id_ in (easy, hard):
        eventually(lambda id_=id_: shown(client, id_).get("text"), 20)  # type: ignore[misc]
    with analyst(client, "senior-1") as amal:
        first = amal.page(f"/reports/{easy}")
        assert "canari" in first
        again = amal.page(f"/reports/{easy}")
        assert "canari" not in again
        assert "You read it on" in again
        amal.post(f"/reports/{easy}/claim")
        assert "canari" in amal.page(f"/reports/{easy}")
        client.post("/v1/decisions", json=decision(hard, "reclassify", category="terrorism_praise"), headers=BEARER)
        page = amal.page(f"/reports/{hard}")
        assert "canari" not in page
        assert page.index("Praise of terrorism") < page.index("The content is not shown")
        asked = amal.page(f"/reports/{hard}", show="1")
        assert "canari" in asked
        assert 'class="guarded blur-2 grey-2"' in asked
        assert "Today: 2 · of these hard ones: 1" in amal.page("/")
        chosen = {"keep_away": ["fraud"], "blur": "0", "grey": "3", "break_after_min": "30", "most_hard": "1"}
        assert amal.post("/choices", **chosen) == "/choices?notice=kept"
        assert "canari" in (amal.post(f"/reports/{hard}/claim"), amal.page(f"/reports/{hard}"))[1]
        assert amal.post("/next") == "/?notice=nothing_for_you"
    day = client.get("/v1/people/senior-1/day", headers=BEARER).json()
    assert (day["shown"], day["hard"], day["break_due"], day["enough_hard"]) == (2, 0, False, False)
    client.get(f"/v1/reports/{easy}", params={"person": "senior-2"}, headers=BEARER)
    assert client.get("/v1/people/senior-2/day", headers=BEARER).json()["shown"] == 1
    told = client.get("/v1/people/senior-1/choices", headers=BEARER).json()
    assert (told["keep_away"], told["ask_first"], told["grey"], told["keys"]) == (["fraud"], [], 3, False)


def test_choices_are_taken_by_the_interface_and_checked(client: httpx.Client) -> None:
    body = {"keep_away": [MINORS], "blur": 3}
    assert client.put("/v1/people/senior-1/choices", json=body, headers=BEARER).json()["blur"] == 3
    assert client.get("/v1/people/senior-1/choices", headers=BEARER).json()["keep_away"] == [MINORS]
    assert client.put("/v1/people/senior-1/choices", json={"blur": 9}, headers=BEARER).status_code == 422


def test_every_new_way_asks_for_the_token_and_every_form_for_its_sessions(client: httpx.Client) -> None:
    id_ = report_id("a")
    for method, path in (
        ("PUT", f"/v1/reports/{id_}/claim"),
        ("DELETE", f"/v1/reports/{id_}/claim"),
        ("POST", "/v1/next"),
        ("GET", "/v1/claims"),
        ("GET", f"/v1/reports/{id_}/history"),
        ("POST", "/v1/undoings"),
        ("POST", "/v1/rejections"),
        ("POST", "/v1/escalations"),
        ("GET", "/v1/people/senior-1/choices"),
        ("PUT", "/v1/people/senior-1/choices"),
        ("GET", "/v1/people/senior-1/day"),
        ("POST", "/v1/selections"),
        ("GET", "/v1/selections"),
        ("GET", f"/v1/selections/{id_}"),
        ("POST", f"/v1/selections/{id_}/decision"),
        ("POST", f"/v1/selections/{id_}/undo"),
    ):
        assert client.request(method, path).status_code == 401, path
    forms = {
        "/next": {},
        f"/reports/{id_}/claim": {},
        f"/reports/{id_}/release": {},
        f"/reports/{id_}/undo": {"version": "2"},
        f"/reports/{id_}/rejection": {"proposal_id": id_, "reason": "look_again"},
        f"/reports/{id_}/escalation": {"reason": "danger"},
        "/selections": {},
        f"/selections/{id_}/decision": {"action": "confirm", "count": "1"},
        f"/selections/{id_}/undo": {},
        "/choices": {"blur": "0", "grey": "0", "break_after_min": "30", "most_hard": "1"},
    }
    with analyst(client, "senior-1") as amal:
        for path, fields in forms.items():
            assert client.post(path, data=fields).status_code == 401, path
            assert amal.http.post(path, data=fields).status_code == 403, path


def test_a_batch_is_described_as_lines(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    batch = document["paths"]["/v1/decisions:batch"]["post"]
    assert list(batch["requestBody"]["content"]) == ["application/x-ndjson"]
    assert list(batch["responses"]["200"]["content"]) == ["application/x-ndjson"]
    assert {"401", "413", "415", "503"} <= batch["responses"].keys()
    assert {"DecisionIn", "Problem"} <= document["components"]["schemas"].keys()


def test_the_page_shows_what_belongs_together_and_why_the_machine_took_it_so(
    triage: Triage, client: httpx.Client
) -> None:
    one, other, *_ = [triage.report(f"{UNSURE} sur gain.example/promo", str(number)) for number in range(3)]
    eventually(lambda: len(client.get("/v1/reports", headers=BEARER).json()["items"]) == 3)
    with analyst(client, "analyst-1") as person:
        page = person.page(f"/reports/{one}")
        assert f'href="/reports/{other}?lang=en"' in page
        assert "<bdi>3</bdi> reports · <bdi>3</bdi> waiting" in page
        assert "Rules that fired" not in page
        why = person.page(f"/reports/{one}", show="1", why="1")
        assert "Rules that fired" in why
        assert "fraud.scam" in why
