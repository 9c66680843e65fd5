"""Danger in a supplement overtakes the backlog: attached once, its report goes up whenever it comes, said once."""

from collections.abc import Iterator

import pytest

from ibalagh.events.dialogue import ReportAmendedV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import URGENT
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch
from services.triage import dialogue_store, store
from services.triage.handlers import Classifier, UrgentDesk
from services.triage.links import store as links_store
from services.triage.reported import ReportCodec
from tests.support.desk import CODEC, GROUP, FedDesk, amended, triaged
from tests.support.triage import NOW, policy, received, report_id, supplemented

DANGER = "il vient ce soir me tuer, je pense au suicide, appelez 06 12 34 56 78"
COPY = "Bonjour, on m'a envoyé ce message étrange et je ne sais pas quoi en penser du tout"


class Lane(FedDesk):
    """The desk and the urgent lane beside it, on one database and one outbox."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._reader_of_lane = ReportCodec()
        desk = UrgentDesk(Classifier(policy()), lambda: NOW)
        self._lane = PostgresUnit(database, GROUP, desk, codec=CODEC, clock=lambda: NOW)
        self._at = 0

    def hurry(self, *events: Event[Data]) -> None:
        """A batch of the lane."""
        records = []
        for event in events:
            outgoing = CODEC.encode(event)._replace(topic=CODEC.topic(URGENT))
            records.append(Record(outgoing.topic, 0, self._at, outgoing.key, outgoing.value, outgoing.headers))
            self._at += 1
        decoded = [self._reader_of_lane.decode(each) for each in records]
        self._lane.process(Batch(records, decoded, [], {TopicPartition(CODEC.topic(URGENT), 0): self._at}))

    def amendments_said(self) -> list[ReportAmendedV1]:
        return [each for each in self.said() if isinstance(each, ReportAmendedV1)]

    def urgency(self, name: str) -> int:
        shown = store.one(self.database, report_id(name))
        assert shown is not None
        return shown.urgency


@pytest.fixture
def lane(database_url: str) -> Iterator[Lane]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield Lane(database)
    database.close()


def test_a_supplement_of_danger_is_with_its_report_at_once_and_said_once(lane: Lane) -> None:
    lane.take(*triaged(("a", "rien"), ("b", "arnaque et insultes")))
    supplement = supplemented(DANGER, "b")
    lane.hurry(supplement, supplement)
    lane.hurry(supplement)
    assert lane.urgency("b") == 3
    assert [each.item.report.report_id for each in store.news(lane.database, limit=9)] == [report_id("b")]
    (said,) = lane.amendments_said()
    assert (said.report_id, int(said.urgency)) == (report_id("b"), 3)


def test_what_comes_back_to_the_desk_changes_nothing_but_the_links(lane: Lane) -> None:
    lane.take(*triaged(("a", "06 12 34 56 78 arnaque et insultes"), ("b", "rien")))
    lane.hurry(supplemented(DANGER, "b"))
    lane.take(amended(supplemented(DANGER, "b")))
    assert len(dialogue_store.read(lane.database, report_id("b")).amendments) == 1
    shown = store.one(lane.database, report_id("b"))
    assert shown is not None
    assert shown.dialogue.amendments == 1
    found = links_store.of_report(lane.database, report_id("b"), limit=9)
    assert found is not None
    assert [group.others for group in found.groups] == [[report_id("a")]]
    assert len(lane.amendments_said()) == 1


@pytest.mark.parametrize("comes_back_first", [False, True])
def test_a_report_that_its_supplement_overtook_is_as_urgent_when_it_comes(lane: Lane, comes_back_first: bool) -> None:
    lane.hurry(supplemented(DANGER, "b"))
    assert store.one(lane.database, report_id("b")) is None
    if comes_back_first:
        lane.take(amended(supplemented(DANGER, "b")))
    lane.take(*triaged(("a", "rien"), ("b", "rien"), ("c", "rien")))
    assert [lane.urgency(name) for name in "abc"] == [0, 3, 0]
    with lane.database.transaction(read_only=True) as tx:
        assert tx.fetch_all("SELECT FROM overtaken") == []


def test_a_copy_that_becomes_urgent_brings_the_report_in_front_of_it_forward(lane: Lane) -> None:
    first, second = sorted(("a", "b"), key=report_id)
    lane.take(*triaged((first, COPY), (second, COPY), ("c", "rien")))
    lane.hurry(supplemented(DANGER, second))
    assert (lane.urgency(first), lane.urgency(second), lane.urgency("c")) == (3, 3, 0)


def test_a_report_and_its_supplement_in_one_batch_of_the_lane_are_both_said(lane: Lane) -> None:
    lane.hurry(received("je pense au suicide", "a"), supplemented(DANGER, "a"))
    assert lane.urgency("a") == 3
    assert [type(each).__name__ for each in lane.said()] == ["ReportTriagedV1", "ReportAmendedV1"]
