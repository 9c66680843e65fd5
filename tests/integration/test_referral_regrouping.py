"""Cases merged, split, undone and opened again: on a real database, through the interface and on the pages."""

from typing import Any

import httpx
import psycopg2
import pytest

from ibalagh.events.commands import DivideCaseV1, MergeCasesV1, ReopenCaseV1, UndoRegroupingV1
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState, Urgency
from ibalagh.storage.postgres import Database
from services.referral import reading
from services.referral.access import Access, seen
from services.referral.linking import case_id_for
from services.referral.scope import EVERYTHING, Scope
from tests.integration.test_referral_http import CASE, Referral, referral, signed_in
from tests.integration.test_referral_store import Worker, database, worker
from tests.support.poll import eventually
from tests.support.referral import NOW, action, command, report_id, triaged

__all__ = ["database", "referral", "worker"]

OTHER = case_id_for(report_id("c"), 1)
BY: dict[str, Any] = {"actor": "officer-1", "reason": "one seller under two names"}
RABAT = Scope("PJ-RABAT")
AGADIR = Scope("PJ-AGADIR")


def case_in(database: Database, case_id: str) -> Any:
    file = reading.case_file(database, EVERYTHING, case_id)
    assert file is not None
    return file.case


def test_a_merge_and_its_undo_are_stored_and_leave_the_rows_as_they_were(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"), triaged("b", "x"))
    worker.take(triaged("c", "y", urgency=Urgency.HIGH))
    kept, other = case_in(database, CASE), case_in(database, OTHER)
    assert worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **BY))) == 2
    file = reading.case_file(database, EVERYTHING, CASE)
    assert file is not None
    assert [each.report_id for each in file.reports] == [report_id("a"), report_id("b"), report_id("c")]
    assert [past.case.case_id for past in file.merged] == [OTHER]
    assert reading.standing(database, EVERYTHING, OTHER) == CASE
    listed, _ = reading.page(database, EVERYTHING, limit=10)
    inbox, _ = reading.inbox(database, EVERYTHING, limit=10)
    assert [each.case_id for each in listed] == [each.case_id for each in inbox] == [CASE]
    worker.take(command(UndoRegroupingV1(case_id=CASE, other_case_id=OTHER, **BY)))
    assert case_in(database, CASE) == kept._replace(version=kept.version + 2)
    assert case_in(database, OTHER) == other._replace(version=other.version + 2)


def test_a_later_batch_finds_the_way_from_an_indicator_of_a_merged_case(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"), triaged("z", "z"))
    worker.take(triaged("c", "y"))
    middle = case_id_for(report_id("z"), 1)
    worker.take(command(MergeCasesV1(case_id=middle, other_case_id=OTHER, **BY)))
    worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=middle, **BY)))
    worker.take(triaged("late", "y"))
    assert case_in(database, CASE).reports == 4
    file = reading.case_file(database, EVERYTHING, CASE)
    assert file is not None
    assert report_id("late") in {each.report_id for each in file.reports}


def test_a_closed_survivor_frees_the_indicators_of_what_was_merged_into_it(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"))
    worker.take(triaged("c", "y"))
    worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **BY)))
    worker.take(action(CASE, CaseAction.ACCEPT), action(CASE, CaseAction.CLOSE, result=CaseResult.NO_EVIDENCE))
    worker.take(triaged("new", "y"))
    assert case_in(database, case_id_for(report_id("new"), 1)).reports == 1
    worker.take(command(ReopenCaseV1(case_id=CASE, **BY)))
    assert case_in(database, CASE).state is CaseState.ACCEPTED


def test_a_split_takes_its_own_indicators_and_leaves_those_of_the_others(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"), triaged("b", "x", "mine"))
    worker.take(triaged("d", "x", "shared"), triaged("e", "mine", "shared"))
    worker.take(command(DivideCaseV1(case_id=CASE, report_ids=(report_id("b"), report_id("e")), **BY)))
    worker.take(triaged("f", "mine"), triaged("g", "shared"))
    cases, _ = reading.page(database, EVERYTHING, limit=10)
    new, old = cases
    assert (new.split_from, new.reports, old.reports) == (CASE, 3, 3)
    file = reading.case_file(database, EVERYTHING, new.case_id)
    assert file is not None
    assert {each.report_id for each in file.reports} == {report_id(name) for name in "bef"}
    assert [each.version for each in file.history] == [1, 2]
    worker.take(command(UndoRegroupingV1(case_id=CASE, other_case_id=new.case_id, **BY)))
    assert case_in(database, CASE).reports == 6
    past = reading.case_file(database, EVERYTHING, CASE)
    assert past is not None
    assert [each.version for each in past.history] == list(range(1, past.case.version + 1))


def test_who_sees_the_survivor_sees_what_was_merged_into_it_and_nobody_else_gains_sight(
    database: Database, worker: Worker
) -> None:
    worker.take(triaged("a", "x"), triaged("c", "y", province="09.001"))
    for actor in ("officer-1", "officer-2"):
        worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **{**BY, "actor": actor})))

    def sees(scope: Scope, table: str) -> set[str]:
        with seen(database, scope) as tx:
            return {row[0] for row in tx.fetch_all(f"SELECT case_id FROM {table}")}

    assert sees(RABAT, "cases") == sees(RABAT, "case_reports") == {CASE, OTHER}
    assert sees(AGADIR, "cases") == {OTHER}
    assert sees(Scope("PJ-FES"), "cases") == sees(Scope("PJ-FES"), "case_reports") == set()
    assert reading.standing(database, AGADIR, OTHER) is None
    worker.take(command(UndoRegroupingV1(case_id=CASE, other_case_id=OTHER, **BY)))
    assert sees(RABAT, "case_reports") == {CASE}


def test_a_merge_across_services_waits_for_a_second_person(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"), triaged("c", "y", province="09.001"))
    ask = command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **BY))
    assert worker.take(ask) == 0
    assert worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **BY))) == 0
    file = reading.case_file(database, EVERYTHING, OTHER)
    assert file is not None
    assert [each.proposed_by for each in file.waiting] == ["officer-1"]
    assert worker.take(command(MergeCasesV1(case_id=CASE, other_case_id=OTHER, **{**BY, "actor": "officer-2"}))) == 2
    file = reading.case_file(database, EVERYTHING, CASE)
    assert file is not None
    assert not file.waiting


def test_the_role_of_officers_may_not_write_proposals(database: Database) -> None:
    sql = "SET LOCAL ROLE ibalagh_referral_officer; DELETE FROM merge_proposals"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.execute(sql)


def opened_beside(referral: Referral) -> str:
    """A second case of Rabat, of the report d."""
    before = len(referral.client.get("/v1/cases").json()["items"])
    referral.producer.publish([referral.codec.encode(triaged("d", "y"))], 5.0)
    eventually(lambda: len(referral.client.get("/v1/cases").json()["items"]) == before + 1, timeout_s=20)
    return case_id_for(report_id("d"), 1)


def test_the_interface_merges_leads_on_and_undoes_and_a_repeat_is_answered_alike(referral: Referral) -> None:
    other = opened_beside(referral)
    shown = referral.client.get(f"/v1/cases/{CASE}/merge/{other}").json()
    assert (shown["refused"], shown["needs_second_person"], shown["after"]["report_count"]) == (None, False, 3)
    body = {**BY, "other_case_id": other, "version": 4, "other_version": 3}
    first = referral.client.post(f"/v1/cases/{CASE}/merge", json=body, headers={"Idempotency-Key": "m1"})
    assert (first.status_code, first.json()["detail"]["cases"]) == (200, [CASE, other])
    again = referral.client.post(f"/v1/cases/{CASE}/merge", json=body, headers={"Idempotency-Key": "m1"})
    assert again.json() == first.json()
    led = referral.client.get(f"/v1/cases/{other}")
    assert (led.status_code, led.headers["location"], led.json()) == (307, f"/v1/cases/{CASE}", {"merged_into": CASE})
    act = referral.client.post(f"/v1/cases/{other}/actions", json={"action": "accept", "actor": "officer-1"})
    assert (act.status_code, act.json()["code"], act.json()["refused"]["case_id"]) == (409, "case_merged", CASE)
    undone = referral.client.post(f"/v1/cases/{CASE}/undo", json={**BY, "other_case_id": other})
    assert undone.status_code == 200
    assert referral.client.get(f"/v1/cases/{other}").json()["report_count"] == 1


def test_the_interface_splits_and_opens_again(referral: Referral) -> None:
    body = {**BY, "report_ids": [report_id("b")]}
    split = referral.client.post(f"/v1/cases/{CASE}/split", json=body)
    assert split.status_code == 200
    new = referral.client.get(f"/v1/cases/{split.json()['detail']['cases'][1]}").json()
    assert (new["split_from"], new["report_count"]) == (CASE, 1)
    refused = referral.client.post(f"/v1/cases/{CASE}/reopen", json=BY)
    assert (refused.status_code, refused.json()["code"]) == (409, "case_not_closed")
    assert referral.client.post(f"/v1/cases/{CASE}/reopen", json={"actor": "x", "reason": " "}).status_code == 422


def test_a_services_own_system_regroups_its_own_cases_only(referral: Referral) -> None:
    access = Access(referral.database)
    access.add_key("ibs_agadir", "PJ-AGADIR", NOW)
    own = {"Authorization": "Bearer ibs_agadir"}
    for what, more in (("merge", {"other_case_id": OTHER}), ("split", {"report_ids": [report_id("a")]})):
        answer = referral.client.post(f"/v1/cases/{CASE}/{what}", json={**BY, **more}, headers=own)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_case"), what
    foreign = referral.client.post(f"/v1/cases/{OTHER}/merge", json={**BY, "other_case_id": CASE}, headers=own)
    assert foreign.status_code == 404
    assert referral.client.get(f"/v1/cases/{OTHER}/merge/{CASE}", headers=own).status_code == 404


def post(client: httpx.Client, path: str, token: str, **fields: Any) -> httpx.Response:
    return client.post(path, data={"form_token": token, **fields}, follow_redirects=True)


def test_the_pages_show_a_merge_do_it_lead_on_and_undo_it(referral: Referral) -> None:
    other = opened_beside(referral)
    client, number = referral.client, referral.client.get(f"/v1/cases/{other}").json()["number"]
    token = signed_in(referral)
    page = client.get(f"/cases/{CASE}/merge", params={"number": number, "lang": "en"})
    assert "See what would happen" in page.text
    assert "<script" not in page.text
    fields = {"version": 4, "other_case_id": other, "other_version": 3, "reason": "one seller"}
    done = post(client, f"/cases/{CASE}/merge?lang=en", token, **fields)
    assert "Done." in done.text
    assert "Undo the merge" in done.text
    led = client.get(f"/cases/{other}", params={"lang": "en"}, follow_redirects=True)
    assert "merged into this one" in led.text
    undone = post(client, f"/cases/{CASE}/undo?lang=en", token, version=5, other_case_id=other, reason="not one")
    assert "Done." in undone.text
    nobody = client.get(f"/cases/{CASE}/merge", params={"number": 999}, follow_redirects=True)
    assert "unknown_case" in nobody.text


@pytest.mark.parametrize("language", ["ar", "fr", "en", "es"])
def test_the_pages_split_and_open_again_in_every_language(referral: Referral, language: str) -> None:
    client, operator = referral.client, {"Authorization": referral.client.headers["Authorization"]}
    token = signed_in(referral)
    page = client.get(f"/cases/{CASE}", params={"lang": language})
    assert page.text.count('name="report"') == 2
    path = f"/cases/{CASE}/split?lang={language}"
    assert "alert-info" in post(client, path, token, version=4, reason="r").text, "nothing was ticked"
    assert "alert-success" in post(client, path, token, version=4, report=report_id("b"), reason="r").text
    for what in ({"action": "accept"}, {"action": "close", "result": "no_offence"}):
        acted = client.post(f"/v1/cases/{CASE}/actions", json={"actor": "officer-1", **what}, headers=operator)
        assert acted.status_code == 200
    opened = post(client, f"/cases/{CASE}/reopen?lang={language}", token, version=7, reason="r")
    assert "alert-success" in opened.text
