"""A service sees its own cases only: tried on a real database, through the interface and on the pages."""

import json
from datetime import UTC, datetime

import psycopg2
import pytest

from ibalagh.events.vocabulary import CaseAction
from ibalagh.storage.postgres import Database
from services.referral import access_cli, reading
from services.referral.access import Access, seen
from services.referral.competence import table_for
from services.referral.linking import case_id_for
from services.referral.scope import EVERYTHING, NOTHING, Scope
from services.referral.searching import search_of
from services.referral.settings import ReferralSettings
from tests.integration.test_referral_http import CASE, Referral, referral, signed_in
from tests.integration.test_referral_store import Worker, database
from tests.support.referral import action, report_id, triaged

__all__ = ["database", "referral"]

AGADIR = Scope("PJ-AGADIR")
OTHER = case_id_for(report_id("c"), 1)
TABLES = ("cases", "case_reports", "indicators", "suspects", "case_history")
NOW = datetime.now(UTC)


@pytest.fixture
def two_services(database: Database) -> Database:
    """A case of Rabat with everything that a case may have, and one of Agadir."""
    worker = Worker(database)
    worker.take(triaged("a", "x"), triaged("c", "y", province="09.001"))
    for case_id in (CASE, OTHER):
        worker.take(
            action(case_id, CaseAction.ACCEPT),
            action(case_id, CaseAction.OPEN_INVESTIGATION),
            action(case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref="S-1"),
        )
    return database


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("scope", "cases"),
    [
        (AGADIR, {OTHER}),
        (Scope(prosecutor="PR-RABAT"), {CASE}),
        (Scope("PJ-FES"), set()),
        (NOTHING, set()),
        (EVERYTHING, {CASE, OTHER}),
    ],
)
def test_a_query_that_asks_for_everything_gets_the_scopes_rows(
    two_services: Database, table: str, scope: Scope, cases: set[str]
) -> None:
    with seen(two_services, scope) as tx:
        assert {row[0] for row in tx.fetch_all(f"SELECT case_id FROM {table}")} == cases


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE cases SET service = 'PJ-AGADIR'",
        "DELETE FROM suspects",
        "INSERT INTO postings (person, service, since) VALUES ('me', 'PJ-RABAT', now())",
        "SELECT FROM postings",
        "SELECT FROM service_keys",
        "SELECT FROM outbox",
        "ALTER TABLE cases DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_cases ON cases",
    ],
)
def test_the_role_reads_cases_and_does_nothing_else(two_services: Database, sql: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), two_services.transaction() as tx:
        tx.execute(f"SET LOCAL ROLE ibalagh_referral_officer; {sql}")


def test_the_scope_ends_with_its_transaction(database_url: str, two_services: Database) -> None:
    one_connection = Database(database_url, "referral", pool_size=1)
    with seen(one_connection, AGADIR):
        pass
    with one_connection.transaction() as tx:
        assert tx.fetch_one("SELECT count(*), current_user FROM cases") == (2, "ibalagh_referral")
    with one_connection.transaction() as tx:
        tx.execute("SET LOCAL ROLE ibalagh_referral_officer")
        assert tx.fetch_one("SELECT count(*) FROM cases") == (0,), "who forgets to say whose sees nothing"
    one_connection.close()


def test_a_search_finds_by_number_id_report_indicator_and_place_within_the_scope(two_services: Database) -> None:
    def found(text: str, scope: Scope) -> list[str]:
        return [case.case_id for case in reading.search(two_services, scope, search_of(text), limit=10)]

    for text in ("1", "#1", CASE, CASE.upper(), report_id("a"), "https://x.example/", "X.example", "04.421", "الرباط"):
        assert found(text, EVERYTHING) == [CASE], text
        assert found(text, AGADIR) == [], text
    assert found("2", AGADIR) == [OTHER]
    for nothing in ("", "999", report_id("nobody"), "z.example", "Atlantis"):
        assert found(nothing, EVERYTHING) == []


def key_of(referral: Referral, capsys: pytest.CaptureFixture[str], service: str) -> str:
    """A new key of a service, as the command prints it."""
    assert postings(referral, "key", service) == 0
    return capsys.readouterr().out.strip()


def postings(referral: Referral, *argv: str) -> int:
    """Run `ibalagh postings` against the fixture's database; the exit code."""
    arguments = access_cli._parser().parse_args(argv)
    return access_cli._carry_out(Access(referral.database), table_for(NOW.date()), arguments, NOW)


def test_a_services_own_system_sees_and_acts_on_its_own_cases(
    referral: Referral,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = referral.client
    key = key_of(referral, capsys, "PJ-AGADIR")
    client.headers["Authorization"] = f"Bearer {key}"
    for path in ("/v1/cases", "/v1/inbox", "/v1/cases:search?q=09.001"):
        assert [each["case_id"] for each in client.get(path).json()["items"]] == [OTHER], path
    assert client.get("/v1/cases", params={"service": "PJ-RABAT"}).json()["items"] == []
    assert client.get("/v1/cases:search", params={"q": CASE}).json()["items"] == []
    assert client.get(f"/v1/cases/{OTHER}").json()["clock"]["waits_for"] == "acceptance"
    accept = {"action": "accept", "actor": "their-officer"}
    for answer in (client.get(f"/v1/cases/{CASE}"), client.post(f"/v1/cases/{CASE}/actions", json=accept)):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_case")
    instruct = {"action": "instruct", "actor": "their-officer", "reason": "as we like"}
    answer = client.post(f"/v1/cases/{OTHER}/actions", json=instruct)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    lines = [{**accept, "case_id": CASE}, {**instruct, "case_id": OTHER}, {**accept, "case_id": OTHER}]
    batch = client.post(
        "/v1/actions:batch",
        content="\n".join(json.dumps(line) for line in lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert [json.loads(line)["status"] for line in batch.text.splitlines()] == [404, 403, 200]
    assert postings(referral, "end-keys", "PJ-AGADIR") == 0
    assert client.get("/v1/cases").status_code == 401


def test_two_services_may_use_the_same_idempotency_key_and_neither_sees_the_others_result(
    referral: Referral,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = []
    for service, case_id in (("PJ-AGADIR", OTHER), ("PJ-RABAT", CASE)):
        referral.client.headers["Authorization"] = f"Bearer {key_of(referral, capsys, service)}"
        for _ in range(2):
            answer = referral.client.post(
                f"/v1/cases/{case_id}/actions",
                json={"action": "accept", "actor": "their-officer"},
                headers={"Idempotency-Key": "1"},
            )
            assert (answer.status_code, answer.json()["detail"]["case_id"]) == (200, case_id)
        results.append(answer.json()["command_id"])
    assert [referral.client.get(f"/v1/commands/{id_}").status_code for id_ in results] == [404, 200]


def test_a_person_who_is_posted_sees_that_service_on_every_page_and_acts_there_alone(
    referral: Referral,
) -> None:
    access = Access(referral.database)
    assert postings(referral, "set", "officer-2", "--service", "PJ-AGADIR") == 0
    form_token = signed_in(referral)
    client = referral.client
    for path in ("/", "/inbox", f"/?q={CASE}", "/?q=x.example"):
        page = client.get(path, params={"lang": "en"}) if "?" not in path else client.get(f"{path}&lang=en")
        assert page.status_code == 200
        assert CASE not in page.text.replace(f'value="{CASE}"', "")
    assert OTHER in client.get("/inbox").text
    assert client.get(f"/cases/{CASE}").status_code == 404
    form = {"form_token": form_token, "action": "accept", "version": "4"}
    assert client.post(f"/cases/{CASE}/actions", data=form).status_code == 404
    instruct = {"form_token": form_token, "action": "instruct", "version": "3", "reason": "r"}
    assert client.post(f"/cases/{OTHER}/actions", data=instruct).status_code == 403
    ticked = {"form_token": form_token, "case": [f"{CASE}:4", f"{OTHER}:3"]}
    after = client.post("/inbox/accept?lang=en", data=ticked, follow_redirects=True)
    assert "1 / 2" in after.text
    assert [each.scope for each in access.postings()] == [AGADIR]
    assert access.remove("officer-2")


def test_a_prosecutor_instructs_and_does_not_accept(referral: Referral) -> None:
    assert postings(referral, "set", "officer-2", "--prosecutor", "PR-RABAT") == 0
    referral.client.post(f"/v1/cases/{CASE}/actions", json={"action": "accept", "actor": "officer-1"})
    form_token = signed_in(referral)
    page = referral.client.get(f"/cases/{CASE}?lang=en").text
    assert 'value="instruct"' in page
    assert 'value="open_investigation"' not in page
    form = {"form_token": form_token, "action": "instruct", "version": "5", "reason": "hear the holder"}
    after = referral.client.post(f"/cases/{CASE}/actions?lang=en", data=form, follow_redirects=True)
    assert "Done." in after.text
    assert "hear the holder" in after.text


def test_a_posting_must_be_of_the_competence_table(referral: Referral, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (("set", "x", "--service", "PJ-NOWHERE"), ("set", "x", "--prosecutor", "PR-X"), ("key", "PJ-X")):
        assert postings(referral, *argv) == 1
        assert "has no" in capsys.readouterr().err
    assert postings(referral, "remove", "nobody") == 1
    assert postings(referral, "list") == 0


def test_where_services_share_the_pages_a_person_without_a_posting_sees_nothing(database: Database) -> None:
    assert Access(database).of_person("nobody") == NOTHING
    assert Access(database, unposted=EVERYTHING).of_person("nobody") == EVERYTHING


ISSUER = {
    "oidc_issuer": "https://people.example",
    "oidc_client_id": "referral",
    "oidc_client_secret_file": "/dev/null",
    "sign_in_key_file": "/dev/null",
    "site_url": "https://referral.example",
}


@pytest.mark.parametrize(
    ("given", "everything"),
    [
        ({}, True),
        (ISSUER, False),
        ({"unposted_see": "nothing"}, False),
        ({**ISSUER, "unposted_see": "everything"}, True),
    ],
)
def test_only_the_demonstration_shows_everything_to_a_person_without_a_posting(
    given: dict[str, str], everything: bool
) -> None:
    assert ReferralSettings.model_validate(given).unposted_see_everything is everything
