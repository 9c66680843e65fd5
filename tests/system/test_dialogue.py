"""The dialogue by receipt, whole: intake and triage as processes on real Kafka and PostgreSQL."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, URGENT, dead_letter_topic
from ibalagh.stream.ports import Record
from services.referral import work as cases
from services.referral.handlers import CasesCodec, waits_for_a_person
from services.stats.counted import counted
from services.stats.reading import CountingCodec
from services.stats.recount import Recalled
from services.stats.repeats import fresh
from tests.support.intake import IntakeProcess, Place, prepare_place, running
from tests.support.log import Read, read_all
from tests.support.poll import eventually
from tests.support.service_processes import ServiceProcesses

ANSWER = "xyzzycanary: نعم، ما زال الحساب يعمل. Je pense au suicide. +212 661 234 567"
QUESTION = "Le compte existe-t-il encore ?\n<b>Merci</b>"


@pytest.fixture
def place(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Place:
    return prepare_place(broker, database_url, topic_prefix, tmp_path)


@pytest.fixture
def intake(place: Place) -> Iterator[IntakeProcess]:
    with running(place) as process:
        yield process


@pytest.fixture
def triage(place: Place) -> Iterator[ServiceProcesses]:
    own = {DECISIONS: 2, dead_letter_topic("triage"): 1}
    stack = ServiceProcesses("triage", own, place.bootstrap, place.database_url, place.prefix, place.home)
    stack.start()
    yield stack
    stack.close()


def status(intake: IntakeProcess, receipt: str) -> dict[str, Any]:
    found: dict[str, Any] = intake.http.post("/v1/status", json={"receipt": receipt}).json()
    return found


def as_records(read: list[Read]) -> list[Record]:
    return [
        Record(each.topic, each.partition, each.offset, each.key, each.value, [*each.headers.items()]) for each in read
    ]


def test_report_message_answer_and_withdrawal_reach_who_they_are_for_and_move_no_counter(
    place: Place, intake: IntakeProcess, triage: ServiceProcesses
) -> None:
    given = intake.http.post("/v1/reports", json={"text": "regardez cette page svp"}).json()
    receipt, report_id = given["receipt"], given["report_id"]

    def queue() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = triage.client.get("/v1/reviews").json()["items"]
        return items

    [item] = eventually(queue, 30)
    assert (item["report_id"], item["urgency"], item["new_from_reporter"]) == (report_id, 0, False)

    message = {"report_id": report_id, "text": QUESTION, "sender": "analyst-1"}
    keyed = {"Idempotency-Key": "a-key-of-the-test"}
    first, again = (triage.client.post("/v1/messages", json=message, headers=keyed) for _ in range(2))
    assert (first.status_code, first.json()["outcome"]) == (200, "applied")
    assert first.json() == again.json()
    [said] = eventually(lambda: status(intake, receipt)["messages"], 20)
    assert (said["message_id"], said["text"]) == (first.json()["command_id"], QUESTION)
    page = intake.http.post("/status?lang=fr", data={"receipt": receipt})
    assert "Le compte existe-t-il encore ?\n&lt;b&gt;Merci&lt;/b&gt;" in page.text
    assert "analyst-1" not in page.text + intake.http.post("/v1/status", json={"receipt": receipt}).text
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")

    token = re.search(r'name="draft" value="([^"]+)"', page.text)
    assert token is not None
    form = {"receipt": receipt, "draft": token[1], "kind": "message", "text": ANSWER, "links": "https://a.example/x\n"}
    for _ in range(2):  # a second press
        sent = intake.http.post("/status/supplement?lang=fr", data=form)
        assert (sent.status_code, "C&#39;est bien arrivé." in sent.text) == (200, True)
    assert "xyzzycanary" not in sent.text + str(status(intake, receipt))
    assert [each["kind"] for each in status(intake, receipt)["amendments"]] == ["message"]

    [item] = eventually(lambda: [each for each in queue() if each["new_from_reporter"]], 20)
    assert (item["urgency"], item["version"]) == (3, 1)
    [news] = triage.client.get("/v1/news").json()["items"]
    assert news["report_id"] == report_id
    dialogue = triage.client.get(f"/v1/reports/{report_id}/dialogue").json()
    [amendment] = dialogue["amendments"]
    assert (amendment["text"], amendment["links"]) == (ANSWER, ["https://a.example/x"])
    assert {each["kind"] for each in amendment["indicators"]} == {"url", "phone"}
    assert [each["text"] for each in dialogue["messages"]] == [QUESTION]

    assert intake.http.post("/v1/withdrawals", json={"receipt": receipt}).status_code == 202
    eventually(lambda: triage.client.get(f"/v1/reports/{report_id}").json()["withdrawn_at"], 20)
    assert [each["report_id"] for each in queue()] == [report_id]  # nothing is decided by it
    # Whoever saw the answer alone has not seen the withdrawal.
    decision = {"report_id": report_id, "action": "reclassify", "category": "fraud", "reviewer": "analyst-1"}
    assert triage.client.post("/v1/decisions", json=decision | {"amendments_seen": 1}).status_code == 200
    assert len(triage.client.get("/v1/news").json()["items"]) == 1
    assert triage.client.post("/v1/messages", json=message | {"amendments_seen": 2}).status_code == 200
    assert triage.client.get("/v1/news").json()["items"] == []
    eventually(lambda: len(status(intake, receipt)["messages"]) == 2, 20)
    eventually(lambda: status(intake, receipt)["status"] == "examined", 20)

    assert_harmless_to_others(place)
    for name in ("intake", "triage"):
        assert read_all(place.bootstrap, place.codec.topic(dead_letter_topic(name))) == []
    assert "xyzzycanary" not in (place.home / "intake.log").read_text() + triage.log(0).read_text()


def assert_harmless_to_others(place: Place) -> None:
    """Stats counts the report and the decision, referral sees the decision, and neither refuses anything."""
    records = [
        each
        for topic in (RECEIVED, URGENT, TRIAGED)
        for each in as_records(read_all(place.bootstrap, place.codec.topic(topic)))
    ]
    types = [dict(each.headers)["ce_type"] for each in records]
    assert sorted((each or b"").decode().removeprefix("ibalagh.") for each in types) == [
        *("message.sent.v1", "message.sent.v1", "report.amended.v1", "report.amended.v1", "report.received.v1"),
        *("report.reviewed.v1", "report.supplemented.v1", "report.triaged.v1", "report.withdrawn.v1"),
    ]
    counting = CountingCodec(place.prefix)
    found = fresh(counted([counting.decode(each) for each in records]), Recalled())  # type: ignore[arg-type]
    assert (sum(found.tallies.values()), found.rejected) == (3, [])
    codec: Codec = CasesCodec(place.prefix)
    seen = [each for each in records if each.topic.endswith(TRIAGED) and not waits_for_a_person(each.topic, each.value)]
    work = cases.read([codec.decode(each) for each in seen])
    assert (len(work.steps), work.rejected) == (1, [])
