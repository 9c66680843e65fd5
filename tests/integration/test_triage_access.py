"""The interface by a signed-in person's session: what the pages allow and no more, no other site, under their name."""

from collections.abc import Iterator

import httpx
import pytest

from ibalagh.storage.audit import Audit
from services.triage.access import FORM_TOKEN
from tests.support.serving import serving
from tests.support.sign_in import form_token
from tests.support.triage import report_id
from tests.support.triage_service import BEARER, UNSURE, Triage, decision, sign_in, waiting


@pytest.fixture
def person(triage: Triage) -> Iterator[httpx.Client]:
    """A client with the session of analyst-1, which sends the token of its forms."""
    with serving(triage.app) as client:
        yield signed_in(client, "analyst-1")


def signed_in(client: httpx.Client, name: str) -> httpx.Client:
    sign_in(client, person=name)
    client.headers[FORM_TOKEN] = form_token(client.get("/?lang=en").text)
    return client


def noted(triage: Triage, subject: str) -> list[tuple[str, str, str]]:
    rows = Audit(triage.database).newest(subject=subject, limit=20)
    return [(row.person, row.action, row.permission) for row in reversed(rows)]


def test_a_session_reads_decides_and_is_named_in_the_audit(triage: Triage, person: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(person, 1)
    assert [each["report_id"] for each in person.get("/v1/reviews").json()["items"]] == [id_]
    assert person.get(f"/v1/reports/{id_}").json()["text"] == UNSURE
    assert person.put(f"/v1/reports/{id_}/claim", json={"person": "analyst-1"}).status_code == 200
    answer = person.post("/v1/decisions", json=decision(id_, "reclassify", category="fraud"))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
    assert noted(triage, id_) == [
        ("analyst-1", "viewed", "reports.read"),
        ("analyst-1", "claim", "reports.decide"),
        ("analyst-1", "reclassify", "reports.decide"),
    ]


def test_a_write_without_the_token_of_the_sessions_forms_changes_nothing(triage: Triage, person: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(person, 1)
    for token in ("", "0" * 64):
        answer = person.post("/v1/decisions", json=decision(id_), headers={FORM_TOKEN: token})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_form")
    assert person.get(f"/v1/reports/{id_}", headers=BEARER).json()["version"] == 1
    person.cookies.clear()
    assert person.get("/v1/reviews").json()["code"] == "not_signed_in"
    assert person.post("/v1/decisions", json=decision(id_)).status_code == 401


def test_nobody_acts_under_the_name_of_another(triage: Triage, person: httpx.Client) -> None:
    id_ = triage.report(UNSURE)
    waiting(person, 1)
    other = decision(id_) | {"reviewer": "analyst-2"}
    ndjson = {"Content-Type": "application/x-ndjson"}
    line = httpx.Request("POST", "http://x", json=other).content
    for answer in (
        person.post("/v1/decisions", json=other),
        person.post(
            "/v1/decisions", content=line.decode().encode("utf-16"), headers={"Content-Type": "application/json"}
        ),
        person.post("/v1/decisions:batch", content=line, headers=ndjson),
        person.put(f"/v1/reports/{id_}/claim", json={"person": "analyst-2"}),
        person.delete(f"/v1/reports/{id_}/claim?person=analyst-2"),
        person.get("/v1/people/analyst-2/choices"),
        person.get("/v1/claims?person=analyst-2"),
        person.post("/v1/links", json={"report_id": id_, "other_id": report_id("b"), "actor": "analyst-2"}),
        person.post("/v1/messages", json={"report_id": id_, "text": "?", "sender": "analyst-2"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_you"), answer.request.url
    hidden = person.post("/v1/decisions:batch", content=b"[\n" + line + b"\n]", headers=ndjson)
    assert hidden.status_code == 422
    assert person.get(f"/v1/reports/{id_}", headers=BEARER).json()["version"] == 1


@pytest.mark.parametrize("name", ["operator-1", "auditor-1", "officer-1", "custodian-1"])
def test_other_roles_get_nothing(triage: Triage, name: str) -> None:
    id_ = triage.report(UNSURE)
    with serving(triage.app) as client:
        waiting(client, 1)
        sign_in(client, person=name)
        for path in ("/v1/reviews", "/v1/reports", f"/v1/reports/{id_}", "/v1/news"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_where_two_people_are_needed_the_second_needs_the_permission_here_too(
    triage: Triage, person: httpx.Client
) -> None:
    id_ = triage.report(UNSURE)
    waiting(person, 1)
    minors = decision(id_, "reclassify", category="sexual_exploitation_minors")
    assert "proposal_id" in person.post("/v1/decisions", json=minors).json()["detail"]
    with serving(triage.app) as client:
        second = signed_in(client, "analyst-2")
        for body in (minors | {"reviewer": "analyst-2"},):
            assert second.post("/v1/decisions", json=body).json()["code"] == "not_allowed"
            batch = second.post("/v1/decisions:batch", json=body, headers={"Content-Type": "application/x-ndjson"})
            assert batch.json()["code"] == "not_allowed"
    with serving(triage.app) as client:
        senior = signed_in(client, "senior-1")
        answer = senior.post("/v1/decisions", json=minors | {"reviewer": "senior-1"})
        assert answer.json()["detail"]["version"] == 2
    assert noted(triage, id_)[-1] == ("senior-1", "reclassify", "reports.decide.minors")
