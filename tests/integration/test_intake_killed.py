"""Intake is killed at a chosen instant, or loses its broker or database: the sender's retry has one report, once in the
log, and the receipt that was promised, if one was.

The instants are chosen by wires that hold what one part says to another; nothing in intake knows of them.
"""

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from services.intake.signing import read_keys
from tests.support.durable import (
    accepted,
    assert_promises_nothing,
    assert_proves,
    ids_in_log,
    pending_ids,
    rows,
)
from tests.support.intake import IntakeProcess, Place, running
from tests.support.poll import eventually
from tests.support.wire import commit_after, holding, is_produce, wire_to_broker, wire_to_database, wire_to_service

BODY = b'{"text":"x","identity":{"name":"Invented Person"}}'
STORES = b"INSERT INTO submissions"
NOTES = b"INSERT INTO log_positions"
PATIENT = {"INTAKE_PUBLISH_TIMEOUT_S": "20", "INTAKE_RECONCILE_AFTER_S": "24"}
"""For an intake that is to wait for the broker until it is killed."""
PUBLISHER_ALONE = {"INTAKE_RECONCILE_INTERVAL_S": "3600"}


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


@contextmanager
def sending(url: str, key: dict[str, str]) -> Iterator[list[httpx.Response]]:
    """Sends one report; the answer is in the list afterwards, if there was one."""
    answers: list[httpx.Response] = []

    def send() -> None:
        try:
            answers.append(httpx.post(f"{url}/v1/reports", content=BODY, headers=key, timeout=30))
        except httpx.TransportError:
            return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(40)


def retried(place: Place, key: dict[str, str]) -> httpx.Response:
    """What a new process answers to the same request, and again, and with another body; what it signed is so."""
    with running(place) as intake:
        answer = accepted(intake, BODY, key)
        assert accepted(intake, BODY, key).content == answer.content
        other = intake.http.post("/v1/reports", content=b'{"text":"y"}', headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert_proves(
            place, answer.json()["signed_receipt"], read_keys(intake.http.get("/v1/receipts/keys").json()), BODY
        )
        eventually(lambda: not pending_ids(place), 20)
    assert ids_in_log(place) == {answer.json()["report_id"]: 1}
    assert rows(place, "SELECT report_id::text FROM vault") == [(answer.json()["report_id"],)]
    return answer


def how_reconciled(intake: IntakeProcess) -> dict[str, float]:
    text = intake.http.get("/metrics").text
    name = 'ibalagh_intake_reconciled_reports_total{how="%s"}'
    lines = dict(line.rpartition(" ")[::2] for line in text.splitlines() if not line.startswith("#"))
    return {how: float(lines.get(name % how, 0)) for how in ("found", "published")}


def test_killed_while_it_stores_there_is_nothing_and_the_retry_makes_the_report(
    place: Place, key: dict[str, str]
) -> None:
    with wire_to_database(place.database_url) as (wire, url), running(place, DATABASE_URL=url) as intake:
        wire.hold_requests(commit_after(STORES))
        with sending(intake.url, key) as answers:
            assert wire.held.wait(20)
            intake.kill()
        assert answers == []
        assert pending_ids(place) == []
    retried(place, key)


def test_killed_after_the_commit_that_it_never_learnt_of_the_stored_report_is_the_one(
    place: Place, key: dict[str, str]
) -> None:
    with wire_to_database(place.database_url) as (wire, url), running(place, DATABASE_URL=url) as intake:
        wire.hold_answers(commit_after(STORES))
        with sending(intake.url, key) as answers:
            assert wire.held.wait(20)
            [stored] = eventually(lambda: pending_ids(place))
            intake.kill()
        assert answers == []
    assert retried(place, key).json()["report_id"] == stored


def test_killed_before_the_broker_has_it_the_stored_report_is_published_once(place: Place, key: dict[str, str]) -> None:
    with wire_to_broker(place.bootstrap) as wire, running(place, KAFKA_BOOTSTRAP=wire.address, **PATIENT) as intake:
        wire.hold_requests(is_produce)
        with sending(intake.url, key) as answers:
            assert wire.held.wait(20)
            [stored] = pending_ids(place)
            intake.kill()
        assert answers == []
        assert not ids_in_log(place)
    assert retried(place, key).json()["report_id"] == stored


def test_killed_before_it_heard_that_the_broker_has_it_the_report_is_found_and_not_published_again(
    place: Place, key: dict[str, str]
) -> None:
    with wire_to_broker(place.bootstrap) as wire, running(place, KAFKA_BOOTSTRAP=wire.address, **PATIENT) as intake:
        wire.hold_answers(is_produce)
        with sending(intake.url, key) as answers:
            assert wire.held.wait(20)
            [stored] = pending_ids(place)
            assert ids_in_log(place) == {stored: 1}
            intake.kill()
        assert answers == []
    with running(place) as intake:
        eventually(lambda: how_reconciled(intake) == {"found": 1, "published": 0}, 20)
    assert retried(place, key).json()["report_id"] == stored


def test_killed_after_it_answered_and_before_it_noted_the_place_the_same_answer_comes_again(
    place: Place, key: dict[str, str]
) -> None:
    with wire_to_database(place.database_url) as (wire, url), running(place, DATABASE_URL=url) as intake:
        wire.hold_requests(holding(NOTES))
        first = intake.http.post("/v1/reports", content=BODY, headers=key)
        assert wire.held.wait(20)
        assert first.status_code == 202
        assert pending_ids(place) == [first.json()["report_id"]]
        intake.kill()
    assert retried(place, key).content == first.content


def test_killed_when_the_answer_is_lost_on_its_way_the_same_answer_comes_again(
    place: Place, key: dict[str, str]
) -> None:
    with running(place) as intake, wire_to_service(intake.url) as wire:
        wire.hold_answers(holding(b"POST /v1/reports"))
        with sending(f"http://{wire.address}", key) as answers:
            assert wire.held.wait(20)
            [(noted,)] = eventually(lambda: rows(place, "SELECT report_id::text FROM log_positions"))
            intake.kill()
            wire.leave()
            wire.release()
        assert answers == []
    assert retried(place, key).json()["report_id"] == noted


def test_fifty_at_once_at_two_intakes_and_more_after_a_restart_are_one_report_and_one_answer(
    place: Place, key: dict[str, str]
) -> None:
    async def all_at_once(urls: list[str]) -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=30) as client:
            requests = (
                client.post(f"{urls[each % len(urls)]}/v1/reports", content=BODY, headers=key) for each in range(50)
            )
            return list(await asyncio.gather(*requests))

    with running(place) as one, running(place, HTTP_PORT="0") as two:
        answers = asyncio.run(all_at_once([one.url, two.url]))
        for each in answers:
            if each.status_code != 202:
                assert_promises_nothing(each)
        answers += [accepted(intake, BODY, key) for intake in (one, two)]
    with running(place) as one:
        answers += asyncio.run(all_at_once([one.url]))
    promised = {each.content for each in answers if each.status_code == 202}
    assert promised == {retried(place, key).content}
    assert {each.status_code for each in answers} <= {202, 503}


def test_broker_lost_in_the_middle_nothing_is_promised_and_what_was_promised_is_in_the_log(place: Place) -> None:
    keys = [{"Idempotency-Key": uuid.uuid4().hex} for _ in range(12)]
    with wire_to_broker(place.bootstrap) as wire, running(place, KAFKA_BOOTSTRAP=wire.address) as intake:
        before = [intake.http.post("/v1/reports", content=BODY, headers=key) for key in keys[:4]]
        wire.leave()
        while_away = [intake.http.post("/v1/reports", content=BODY, headers=key) for key in keys[:8]]
        wire.come_back()
        after = [accepted(intake, BODY, key) for key in keys]
        eventually(lambda: not pending_ids(place), 30)
    for answer in while_away[4:]:
        assert_promises_nothing(answer)
    assert [answer.content for answer in before] == [answer.content for answer in after[:4]]
    assert {answer.content for answer in while_away[:4]} <= {answer.content for answer in before}
    assert ids_in_log(place) == dict.fromkeys((answer.json()["report_id"] for answer in after), 1)


def test_database_lost_in_the_middle_nothing_is_promised_and_nothing_is_left_behind(place: Place) -> None:
    keys = [{"Idempotency-Key": uuid.uuid4().hex} for _ in range(12)]
    with wire_to_database(place.database_url) as (wire, url), running(place, DATABASE_URL=url) as intake:
        before = [intake.http.post("/v1/reports", content=BODY, headers=key) for key in keys[:4]]
        wire.leave()
        for key in keys[:8]:
            assert_promises_nothing(intake.http.post("/v1/reports", content=BODY, headers=key))
        assert rows(place, "SELECT count(*) FROM submissions") == rows(place, "SELECT count(*) FROM vault") == [(4,)]
        wire.come_back()
        after = [accepted(intake, BODY, key) for key in keys]
        eventually(lambda: not pending_ids(place), 30)
    assert [answer.content for answer in before] == [answer.content for answer in after[:4]]
    assert ids_in_log(place) == dict.fromkeys((answer.json()["report_id"] for answer in after), 1)


def test_database_lost_at_the_commit_the_sender_is_told_to_repeat_and_has_the_report_that_was_stored(
    place: Place, key: dict[str, str]
) -> None:
    with wire_to_database(place.database_url) as (wire, url), running(place, DATABASE_URL=url) as intake:
        wire.hold_answers(commit_after(STORES))
        with sending(intake.url, key) as answers:
            assert wire.held.wait(20)
            [stored] = eventually(lambda: pending_ids(place))
            wire.leave()
        assert_promises_nothing(answers[0])
        wire.come_back()
        assert accepted(intake, BODY, key).json()["report_id"] == stored
    assert retried(place, key).json()["report_id"] == stored


def test_an_intake_that_stood_still_does_not_publish_what_was_settled_meanwhile(
    place: Place, key: dict[str, str]
) -> None:
    """As a paused machine does, between the commit and the publication; a reconciler elsewhere took the report over."""
    with (
        wire_to_database(place.database_url) as (wire, url),
        running(place, DATABASE_URL=url, **PUBLISHER_ALONE) as still,
    ):
        wire.hold_answers(commit_after(STORES))
        with sending(still.url, key) as answers:
            assert wire.held.wait(20)
            with running(place):
                eventually(lambda: ids_in_log(place) and not pending_ids(place), 20)
            wire.release()
        assert_promises_nothing(answers[0])
        assert accepted(still, BODY, key).status_code == 202
    retried(place, key)
