"""Where is my report? The answer follows the events of triage and referral."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ibalagh.events import cases, make, reports
from ibalagh.events.envelope import Data
from ibalagh.events.registry import TRIAGED, dead_letter_topic
from ibalagh.stream.kafka import KafkaProducer
from ibalagh.stream.ports import Outgoing
from tests.support.intake import Place, running
from tests.support.log import read_all
from tests.support.poll import eventually

CASE = "01890000-0000-7000-8000-00000000000c"
FACTS = reports.ReportFacts(received_on=date(2026, 7, 1), identified=False, country="MA", channel="api")
NOW = datetime.now(UTC)


@pytest.fixture
def producer(broker: str) -> Iterator[KafkaProducer]:
    made = KafkaProducer(broker)
    yield made
    made.close()


def decision(disposition: str) -> dict[str, Any]:
    return {
        "disposition": disposition,
        "category": "fraud",
        "urgency": 0,
        "confidence": 1,
        "reasons": [],
        "policy": "p1",
    }


def triaged(report_id: str, disposition: str) -> Data:
    return reports.ReportTriagedV1(
        report_id=report_id, facts=FACTS, variety="fr", decision=decision(disposition), indicators=()
    )


def reviewed(report_id: str, version: int, disposition: str) -> Data:
    return reports.ReportReviewedV1(
        report_id=report_id,
        version=version,
        facts=FACTS,
        decision=decision(disposition),
        previous=decision("review"),
        action="confirm",
        reviewer="analyst-1",
        indicators=(),
    )


def member(model: type[Data], report_id: str, version: int, **given: Any) -> Data:
    return model(
        case_id=CASE,
        version=version,
        occurred_at=NOW,
        report_id=report_id,
        facts=FACTS,
        category="fraud",
        urgency=0,
        **given,
    )


def act(model: type[Data], version: int, **given: Any) -> Data:
    return model(
        case_id=CASE, version=version, occurred_at=NOW, category="fraud", service="s", actor="officer-1", **given
    )


def test_the_status_follows_the_events_and_older_ones_change_nothing(place: Place, producer: KafkaProducer) -> None:
    ticks = iter(range(1_000))

    def publish(data: Data) -> None:
        subject = data.case_id if isinstance(data, cases._CaseEvent) else data.report_id  # type: ignore[attr-defined]
        now = NOW + timedelta(seconds=next(ticks))
        event = make.root(data, id_=str(uuid.uuid4()), source="/x", subject=subject, now=now)
        assert producer.publish([place.codec.encode(event)], 10) != [None]

    with running(place) as intake:
        given = intake.http.post("/v1/reports", json={"text": "x"}).json()
        report_id = given["report_id"]

        def status() -> str:
            word: str = intake.http.post("/v1/status", json={"receipt": given["receipt"]}).json()["status"]
            return word

        assert status() == "received"
        for data, word in (
            (triaged(report_id, "review"), "under_review"),
            (reviewed(report_id, 2, "refer"), "examined"),
            (member(cases.CaseOpenedV1, report_id, 1, indicators=()), "referred"),
            (act(cases.CaseAcceptedV1, 2), "accepted"),
            (act(cases.InvestigationOpenedV1, 3), "investigation_opened"),
            (act(cases.SuspectPresentedV1, 4, suspect_ref="r1"), "outcome"),
            (member(cases.CaseLeftV1, report_id, 5), "examined"),
            (reviewed(report_id, 3, "dismiss"), "set_aside"),
        ):
            publish(data)
            eventually(lambda expected=word: status() == expected, 15)
        publish(act(cases.CaseAcceptedV1, 2))
        publish(reviewed(report_id, 2, "refer"))
        publish(member(cases.CaseJoinedV1, report_id, 6, joined_by=()))
        eventually(lambda: status() == "outcome", 15)
        assert intake.http.post("/v1/status", json={"receipt": "0" * 27}).status_code == 404


def test_what_the_projection_cannot_read_goes_to_the_dead_letters_whole(place: Place, producer: KafkaProducer) -> None:
    poison = Outgoing(place.codec.topic(TRIAGED), b"key", b"\xff not json", [("ce_type", b"nonsense")])
    producer.publish([poison], 10)
    topic = place.codec.topic(dead_letter_topic("intake"))
    with running(place):
        [letter] = eventually(lambda: read_all(place.bootstrap, topic), 20)
    assert (letter.key, letter.value) == (poison.key, poison.value)
    assert letter.headers["dl_reason"] == b"missing_attribute"
    assert letter.headers["dl_consumer"] == f"{place.prefix}intake.status".encode()
