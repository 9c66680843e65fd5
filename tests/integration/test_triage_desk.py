"""Triage's desk on a real database: the queue, the authority on versions, and what a repeat or a restart leaves."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.desk import EscalateReportV1, RejectProposalV1, UndoDecisionV1
from ibalagh.events.envelope import Data, Event, Position
from ibalagh.events.make import effect, root
from ibalagh.events.reports import ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.commands import find_results
from ibalagh.storage.migrate import apply
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.errors import AbortableError
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch
from services.triage import claim_store, desk_store, dialogue_store, store
from services.triage.filters import Filter
from services.triage.handlers import NOT_FROM_INTAKE, Classifier, Desk
from services.triage.reading import DeskCodec
from services.triage.reviews import State
from services.triage.store import Shown
from tests.support.storage import uuid_of
from tests.support.triage import NOW, decision, message, policy, received, report_id, supplemented, withdrawn

CODEC = Codec()
GROUP = "ibalagh.triage.desk"
SURE, UNSURE = "escroquerie, j'ai payé et jamais reçu", "arnaque et insultes"


class DeskOnDatabase:
    """The desk's unit, fed with batches as its loop would feed it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.unit = PostgresUnit(database, GROUP, Desk(lambda: NOW), codec=CODEC, clock=lambda: NOW)
        self._reader = DeskCodec()
        self._ends: dict[TopicPartition, int] = {}

    def batch(self, *events: Event[Data]) -> Batch:
        """The events at the next offsets of their topics."""
        records = []
        for event in events:
            outgoing = CODEC.encode(event)
            partition = TopicPartition(outgoing.topic, 0)
            offset = self._ends.get(partition, 0)
            self._ends[partition] = offset + 1
            records.append(Record(*partition, offset, outgoing.key, outgoing.value, outgoing.headers))
        ends = {partition: self._ends[partition] for partition in (TopicPartition(each.topic, 0) for each in records)}
        return Batch(records, [self._reader.decode(each) for each in records], [], ends)

    def take(self, *events: Event[Data]) -> None:
        self.unit.process(self.batch(*events))

    def state(self, name: str) -> tuple[State, int, Category]:
        shown = store.one(self.database, report_id(name))
        assert shown is not None
        return shown.item.state, shown.item.report.version, shown.item.report.decision.category

    def result(self, id_: str) -> tuple[str, str | None, dict[str, object]]:
        result = find_results(self.database, [id_])[id_]
        return result.outcome, result.code, result.detail

    def queue(self, wanted: Filter = Filter(), limit: int = 9, after: store.QueuePlace | None = None) -> list[Shown]:  # noqa: B008
        return store.queue(self.database, wanted, limit=limit, after=after, person="analyst-1", now=NOW)

    def reviewed(self) -> list[ReportReviewedV1]:
        records = PostgresOutbox(self.database, GROUP).read({}, 100).records
        events = [CODEC.decode(Record(each.topic, 0, 0, each.key, each.value, each.headers)) for each in records]
        return [event.data for event in events if isinstance(event.data, ReportReviewedV1)]


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskOnDatabase]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield DeskOnDatabase(database)
    database.close()


def triaged(text: str, name: str, **fields: object) -> Event[Data]:
    (event,) = Classifier(policy())([received(text, name, **fields)], NOW).effects
    return event._replace(data=ReportTriagedV1.model_validate_json(event.data.to_json()))


def test_every_triaged_report_is_kept_and_the_unsure_ones_wait(desk: DeskOnDatabase) -> None:
    desk.take(triaged(SURE, "a"), triaged(UNSURE, "b"))
    assert desk.state("a")[0] is State.STRAIGHT
    assert desk.state("b")[0] is State.OPEN
    assert [each.item.report.report_id for each in desk.queue()] == [report_id("b")]


def test_a_decision_moves_the_version_and_says_so_once(desk: DeskOnDatabase) -> None:
    command = decision("b", ReviewAction.RECLASSIFY, category=Category.FRAUD, version=1)
    desk.take(triaged(UNSURE, "b"))
    desk.take(command)
    assert desk.state("b") == (State.DECIDED, 2, Category.FRAUD)
    assert desk.result(command.id)[:2] == ("applied", None)
    (said,) = desk.reviewed()
    assert (said.version, said.decision.category, said.reviewer) == (2, Category.FRAUD, "analyst-1")


def test_a_report_and_its_decision_may_come_in_one_batch(desk: DeskOnDatabase) -> None:
    desk.take(decision("b", ReviewAction.DISMISS), triaged(UNSURE, "b"))
    assert desk.state("b") == (State.DECIDED, 2, Category.OUT_OF_SCOPE)


def test_a_decision_on_an_older_version_is_refused_and_changes_nothing(desk: DeskOnDatabase) -> None:
    first, stale = (decision("b", ReviewAction.DISMISS, version=1) for _ in range(2))
    desk.take(triaged(UNSURE, "b"), first, stale)
    assert desk.result(first.id)[0] == "applied"
    assert desk.result(stale.id) == (
        "refused",
        "stale_version",
        {
            "version": 2,
            "person": "analyst-1",
            "decided_at": NOW.isoformat(),
            "changed": {
                "disposition": {"before": "review", "now": "dismiss"},
                "category": {"before": "fraud", "now": "out_of_scope"},
            },
        },
    )
    assert len(desk.reviewed()) == 1


def test_several_decisions_about_one_report_apply_in_order(desk: DeskOnDatabase) -> None:
    decisions = [decision("b", ReviewAction.RECLASSIFY, category=each) for each in (Category.FRAUD, Category.FRAUD)]
    desk.take(triaged(UNSURE, "b"), *decisions, decision("b", ReviewAction.DISMISS, version=3))
    assert desk.state("b") == (State.DECIDED, 4, Category.OUT_OF_SCOPE)
    assert [each.version for each in desk.reviewed()] == [2, 3, 4]
    assert desk.reviewed()[2].previous.category is Category.FRAUD


def test_an_unknown_report_is_refused(desk: DeskOnDatabase) -> None:
    command = decision("nowhere", ReviewAction.CONFIRM)
    desk.take(command)
    assert desk.result(command.id) == ("refused", "unknown_report", {})


def test_a_repeated_command_keeps_its_first_result(desk: DeskOnDatabase) -> None:
    command = decision("b", ReviewAction.DISMISS)
    desk.take(triaged(UNSURE, "b"))
    desk.take(command)
    desk.take(command)
    assert desk.result(command.id)[:2] == ("applied", None)
    assert desk.state("b")[1] == 2
    assert len(desk.reviewed()) == 1


def test_a_repeated_report_does_not_undo_a_decision(desk: DeskOnDatabase) -> None:
    event = triaged(UNSURE, "b")
    desk.take(event, event)
    desk.take(decision("b", ReviewAction.DISMISS))
    desk.take(event)
    assert desk.state("b") == (State.DECIDED, 2, Category.OUT_OF_SCOPE)


def test_its_own_reviewed_event_changes_nothing(desk: DeskOnDatabase) -> None:
    command = decision("b", ReviewAction.DISMISS)
    desk.take(triaged(UNSURE, "b"))
    desk.take(command)
    (said,) = desk.reviewed()
    desk.take(effect(command, said, source="/triage", subject=said.report_id, number=0, now=NOW))
    assert desk.state("b")[1] == 2


def test_a_batch_that_was_stored_already_is_refused_after_a_restart(desk: DeskOnDatabase) -> None:
    batch = desk.batch(triaged(UNSURE, "b"), decision("b", ReviewAction.DISMISS))
    desk.unit.process(batch)
    again = PostgresUnit(desk.database, GROUP, Desk(lambda: NOW), codec=CODEC)
    with pytest.raises(AbortableError):
        again.process(batch)
    assert again.start_positions(batch.positions) == batch.positions
    assert len(desk.reviewed()) == 1


def test_a_decision_of_the_machine_without_a_cause_goes_to_the_dead_letters(desk: DeskOnDatabase) -> None:
    committed = desk.unit.process(desk.batch(triaged(UNSURE, "b")._replace(cause=None)))
    assert [each.reason for each in committed.rejected] == [NOT_FROM_INTAKE]
    assert store.one(desk.database, report_id("b")) is None


def with_origin(event: Event[Data], minutes: int) -> Event[Data]:
    return event._replace(origin_time=NOW + timedelta(minutes=minutes))


def test_the_queue_is_ordered_by_urgency_then_age_and_pages_without_gaps(desk: DeskOnDatabase) -> None:
    texts: Sequence[tuple[str, str, int]] = [
        ("late", "rien", 5),
        ("early", "rien", 1),
        ("urgent", "je pense au suicide", 9),
        ("middle", "rien", 3),
    ]
    desk.take(*(with_origin(triaged(text, name), minutes) for name, text, minutes in texts))
    seen: list[str] = []
    after = None
    while page := desk.queue(limit=1, after=after):
        shown = page[0]
        seen.append(shown.item.report.report_id)
        decided = shown.item.report.decision
        after = store.QueuePlace(int(decided.urgency), shown.rank, shown.item.report.report_id)
    assert seen == [report_id(name) for name in ("urgent", "early", "middle", "late")]
    assert store.count_open(desk.database) == {3: 1, 0: 3}


def amended(event: Event[Data]) -> Event[Data]:
    (effect_,) = Classifier(policy())([event], NOW).effects
    return effect_


def test_amendments_are_attached_once_raise_the_urgency_and_decide_nothing(desk: DeskOnDatabase) -> None:
    urgent, calm = amended(supplemented("je pense au suicide", "b", 1)), amended(supplemented("merci", "b", 2))
    desk.take(triaged(UNSURE, "b"), urgent, urgent)
    desk.take(urgent, calm)
    desk.take(amended(withdrawn("b", 3)))
    shown = store.one(desk.database, report_id("b"))
    assert shown is not None
    assert (shown.urgency, shown.item.report.decision.urgency) == (3, 0)
    assert (shown.dialogue.amendments, shown.dialogue.seen, shown.dialogue.withdrawn_at) == (3, 0, NOW)
    assert desk.state("b")[:2] == (State.OPEN, 1)
    assert desk.reviewed() == []
    found = dialogue_store.read(desk.database, report_id("b"))
    assert [each.data.kind.value for each in found.amendments] == ["addition", "addition", "withdrawal"]
    assert [each.source.offset for each in found.amendments] == [1_001, 1_002, 1_003]


def test_an_urgent_amendment_moves_a_report_up_the_queue_and_pages_have_no_gaps(desk: DeskOnDatabase) -> None:
    desk.take(*(with_origin(triaged("rien", name), minutes) for minutes, name in enumerate(("x", "y", "z"))))
    desk.take(amended(supplemented("je pense au suicide", "z", 1)))
    seen: list[str] = []
    after = None
    while page := desk.queue(limit=1, after=after):
        seen.append(page[0].item.report.report_id)
        after = store.QueuePlace(page[0].urgency, page[0].rank, seen[-1])
    assert seen == [report_id(name) for name in ("z", "x", "y")]


def test_what_nobody_saw_stays_new_whatever_is_decided(desk: DeskOnDatabase) -> None:
    def news() -> list[str]:
        return [each.item.report.report_id for each in store.news(desk.database, limit=9)]

    desk.take(triaged(UNSURE, "b"), triaged(SURE, "a"))
    desk.take(amended(supplemented("merci", "b", 1)), amended(supplemented("je pense au suicide", "a", 2)))
    assert news() == [report_id("a"), report_id("b")]
    desk.take(amended(supplemented("encore", "b", 3)))
    desk.take(decision("b", ReviewAction.DISMISS, amendments_seen=1))
    assert news() == [report_id("a"), report_id("b")]
    desk.take(decision("b", ReviewAction.DISMISS, amendments_seen=1, version=1))  # stale: it was refused
    desk.take(message("b", amendments_seen=2), message("nowhere"))
    assert news() == [report_id("a")]
    desk.take(message("a"))
    assert news() == []


def test_messages_and_decisions_of_a_batch_are_published_in_their_order_and_once(desk: DeskOnDatabase) -> None:
    said = message("b", text="?")
    desk.take(triaged(UNSURE, "b"))
    desk.take(said, decision("b", ReviewAction.DISMISS), said, message("nowhere"))
    desk.take(said)
    records = PostgresOutbox(desk.database, GROUP).read({}, 100).records
    types = [(dict(each.headers)["ce_type"] or b"").decode() for each in records]
    assert types == ["ibalagh.message.sent.v1", "ibalagh.report.reviewed.v1"]
    assert desk.result(said.id) == ("applied", None, {"report_id": report_id("b"), "message_id": said.id})
    [kept] = dialogue_store.read(desk.database, report_id("b")).messages
    assert (kept.message_id, kept.sender, kept.text) == (said.id, "analyst-1", "?")


def test_an_amendment_without_a_cause_goes_to_the_dead_letters(desk: DeskOnDatabase) -> None:
    committed = desk.unit.process(desk.batch(amended(withdrawn("b", 3))._replace(cause=None)))
    assert [each.reason for each in committed.rejected] == [NOT_FROM_INTAKE]


def test_the_text_is_in_no_table(desk: DeskOnDatabase, database_url: str) -> None:
    canary = "xyzzycanary"
    desk.take(triaged(f"{canary} arnaque et insultes", "b"), decision("b", ReviewAction.DISMISS))
    desk.take(amended(supplemented(f"{canary} arnaque", "b", 1)))
    with desk.database.transaction() as tx:
        for table in ("items", "outbox", "command_results", "stream_offsets", "amendments", "dialogues"):
            assert canary not in str(tx.fetch_all(f"SELECT * FROM {table}"))


def test_a_report_that_was_copied_unparsed_is_decided_about_like_any_other(desk: DeskOnDatabase) -> None:
    texts = {name: triaged(UNSURE, name, links=(f"https://{name}.example/x",)) for name in ("a", "b")}
    desk.take(*texts.values())
    shown = {each.item.report.report_id: each for each in desk.queue()}
    for name, event in texts.items():
        assert event.cause is not None
        assert shown[report_id(name)].item.report == event.data
        assert shown[report_id(name)].source == Position(*event.cause[:3])
        assert shown[report_id(name)].received_at == event.origin_time
    desk.take(decision("b", ReviewAction.RECLASSIFY, category=Category.FRAUD, version=1))
    assert desk.state("b") == (State.DECIDED, 2, Category.FRAUD)


def test_two_batches_of_new_reports_keep_their_data(desk: DeskOnDatabase) -> None:
    one = triaged(UNSURE, "b", place="Rabat", links=("https://a.example/x",))
    assert isinstance(one.data, ReportTriagedV1)
    desk.take(one)
    desk.take(triaged(SURE, "c"))
    shown = store.one(desk.database, report_id("b"))
    assert shown is not None
    assert shown.item.report == one.data
    assert one.cause is not None
    assert shown.source == Position(*one.cause[:3])
    assert [each.item.report.report_id for each in store.reports(desk.database, limit=9, after=None)] == sorted(
        [report_id("b"), report_id("c")]
    )


def test_what_a_reporter_adds_may_come_before_the_report(desk: DeskOnDatabase) -> None:
    """As when a report's lane was held up: it is new to people when the report is there."""
    desk.take(amended(supplemented("je pense au suicide", "b")))
    desk.take(triaged(UNSURE, "b"))
    shown = store.one(desk.database, report_id("b"))
    assert shown is not None
    assert (shown.dialogue.amendments, shown.dialogue.news) == (1, True)
    assert [each.item.report.report_id for each in store.news(desk.database, limit=9)] == [report_id("b")]


def minors(name: str, reviewer: str) -> Event[Data]:
    made = decision(name, ReviewAction.RECLASSIFY, category=Category.SEXUAL_EXPLOITATION_MINORS)
    return made._replace(data=made.data.model_copy(update={"reviewer": reviewer}))


def as_read(data: Data, number: int) -> Event[Data]:
    """A command of the desk as read from its topic."""
    event = root(data, id_=uuid_of(number), source="/triage", subject=report_id("b"), now=NOW)
    return event.at(Position("ibalagh.triage.decisions", 0, 5_000 + number))


def test_a_proposal_waits_for_another_person_and_says_nothing_before(desk: DeskOnDatabase) -> None:
    first, second = minors("b", "analyst-1"), minors("b", "analyst-2")
    desk.take(triaged(UNSURE, "b"))
    desk.take(first)
    desk.take(first)
    assert desk.state("b")[:2] == (State.OPEN, 1)
    assert desk.reviewed() == []
    assert desk.result(first.id) == (
        "applied",
        None,
        {"report_id": report_id("b"), "version": 1, "proposal_id": first.id},
    )
    standing = desk_store.between(desk.database, [report_id("b")], NOW).proposals[report_id("b")]
    assert (standing.proposal_id, standing.command.reviewer) == (first.id, "analyst-1")
    desk.take(second)
    [said] = desk.reviewed()
    assert (said.version, said.proposer, said.reviewer) == (2, "analyst-1", "analyst-2")
    assert desk_store.between(desk.database, [report_id("b")], NOW).proposals == {}


def test_a_rejected_proposal_leaves_the_report_as_it_was(desk: DeskOnDatabase) -> None:
    first = minors("b", "analyst-1")
    rejection = RejectProposalV1(report_id=report_id("b"), proposal_id=first.id, person="analyst-2", rejected_at=NOW)
    desk.take(triaged(UNSURE, "b"), first)
    desk.take(as_read(rejection, 1))
    assert desk.result(uuid_of(1))[0] == "applied"
    assert desk_store.between(desk.database, [report_id("b")], NOW).proposals == {}
    desk.take(minors("b", "analyst-2"))
    assert desk.reviewed() == []


def test_a_decision_is_taken_back_across_batches_and_the_history_says_so(desk: DeskOnDatabase) -> None:
    desk.take(triaged(UNSURE, "b"))
    desk.take(decision("b", ReviewAction.DISMISS))
    taken_back = UndoDecisionV1(report_id=report_id("b"), version=2, person="analyst-2", undone_at=NOW)
    desk.take(as_read(taken_back, 1), as_read(taken_back, 2))
    assert desk.state("b") == (State.OPEN, 3, Category.FRAUD)
    assert (desk.result(uuid_of(1))[0], desk.result(uuid_of(2))[1]) == ("applied", "stale_version")
    versions = desk_store.versions(desk.database, report_id("b"))
    assert [(each.reviewed.version, each.reviewed.reviewer, each.reviewed.undoes) for each in versions] == [
        (2, "analyst-1", None),
        (3, "analyst-2", 2),
    ]


def test_an_escalated_report_is_marked_until_it_is_decided(desk: DeskOnDatabase) -> None:
    handed_on = EscalateReportV1(report_id=report_id("b"), person="analyst-1", reason="needs_senior", escalated_at=NOW)
    desk.take(triaged(UNSURE, "b"))
    desk.take(as_read(handed_on, 1))
    marked = desk_store.between(desk.database, [report_id("b")], NOW).escalations[report_id("b")]
    assert (marked.person, marked.reason, marked.escalated_at) == ("analyst-1", "needs_senior", NOW)
    desk.take(decision("b", ReviewAction.DISMISS))
    assert desk_store.between(desk.database, [report_id("b")], NOW).escalations == {}


def test_a_report_that_waits_again_is_as_urgent_as_its_reporter_said(desk: DeskOnDatabase) -> None:
    desk.take(triaged(UNSURE, "b"), amended(supplemented("je pense au suicide", "b", 1)))
    desk.take(decision("b", ReviewAction.DISMISS))
    undo = UndoDecisionV1(report_id=report_id("b"), version=2, person="analyst-1", undone_at=NOW)
    desk.take(as_read(undo, 1))
    [shown] = desk.queue()
    assert (shown.item.state, shown.urgency) == (State.OPEN, 3)


def test_a_proposed_report_is_the_next_for_others_who_do_not_keep_away_from_it(desk: DeskOnDatabase) -> None:
    def next_of(person: str, *away: Category) -> bool:
        claim = claim_store.take_next(desk.database, person, away, now=NOW, lasts_s=60)
        return claim is not None

    desk.take(triaged(UNSURE, "b"), minors("b", "analyst-1"))
    assert not next_of("analyst-1")
    assert not next_of("analyst-2", Category.SEXUAL_EXPLOITATION_MINORS)
    assert next_of("analyst-2", Category.TERRORISM_PRAISE)
