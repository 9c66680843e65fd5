"""Referral on a real PostgreSQL: batches through the unit, without a broker."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import count

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event, Position
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState, Category, Disposition, SuspectState
from ibalagh.storage.commands import find_results
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.errors import ConflictError
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch
from services.referral import reading
from services.referral.handlers import Handler
from services.referral.linking import case_id_for
from services.referral.scope import EVERYTHING
from tests.support.referral import NOW, action, decision, report_id, reviewed, triaged


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "referral")
    database = Database(database_url, "referral")
    yield database
    database.close()


class Worker:
    """A unit that reads one partition of each topic; `take` puts the events at its next offsets, at the time `now`."""

    def __init__(self, database: Database, partition: int = 0) -> None:
        self.now = NOW
        self._unit = PostgresUnit(database, "ibalagh.referral", Handler(clock=lambda: self.now), codec=Codec())
        self._partition = partition
        self._offsets = count()

    def place(self, events: Sequence[Event[Data]]) -> list[Event[Data]]:
        return [
            event._replace(position=Position(event.position.topic, self._partition, next(self._offsets)))  # type: ignore[union-attr]
            for event in events
        ]

    def take(self, *events: Event[Data]) -> int:
        return self.process(self.place(events))

    def process(self, events: Sequence[Event[Data]]) -> int:
        records: list[Record] = []
        positions: dict[TopicPartition, int] = {}
        for event in events:
            assert event.position is not None
            records.append(Record(*event.position, b"", b"", ()))
            positions[TopicPartition(*event.position[:2])] = event.position.offset + 1
        return self._unit.process(Batch(records, events, [], positions)).effects


def one(database: Database, sql: str) -> object:
    with database.transaction() as tx:
        row = tx.fetch_one(sql)
    assert row is not None
    return row[0]


@pytest.fixture
def worker(database: Database) -> Worker:
    return Worker(database)


def test_a_batch_is_stored_and_read_back_as_it_was_decided(database: Database, worker: Worker) -> None:
    assert worker.take(triaged("a", "x"), triaged("b", "x", "y"), triaged("c")) == 3 + 1 + 3
    file = reading.case_file(database, EVERYTHING, case_id_for(report_id("a"), 1))
    assert file is not None
    assert (file.case.version, file.case.state, dict(file.case.tally)) == (4, CaseState.REFERRED, {Category.FRAUD: 2})
    assert [each.report_id for each in file.reports] == [report_id("a"), report_id("b")]
    assert [entry.version for entry in file.history] == [1, 2, 3, 4]
    assert one(database, "SELECT count(*) FROM indicators") == 2


def test_a_later_batch_joins_through_the_stored_indicators(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x"))
    assert worker.take(triaged("b", "x", "y"), triaged("c", "y")) == 2
    assert one(database, "SELECT count(*) FROM cases") == 1


def test_a_bridge_joins_the_case_that_was_opened_first(database: Database, worker: Worker) -> None:
    worker.take(triaged("first", "x"))
    worker.take(triaged("second", "y"))
    worker.take(triaged("bridge", "y", "x"))
    file = reading.case_file(database, EVERYTHING, case_id_for(report_id("first"), 1))
    assert file is not None
    assert {each.report_id for each in file.reports} == {report_id("first"), report_id("bridge")}


def test_an_event_that_comes_again_at_another_offset_changes_nothing(database: Database, worker: Worker) -> None:
    event = triaged("a", "x")
    assert worker.take(event) == 3
    assert worker.take(event) == 0
    assert one(database, "SELECT count(*) FROM case_reports") == 1


def test_a_review_moves_takes_out_and_closes(database: Database, worker: Worker) -> None:
    worker.take(triaged("a", "x", province="09.001"))
    worker.take(reviewed("a", category=Category.TERRORISM_PRAISE, province="09.001"))
    case_id = case_id_for(report_id("a"), 1)
    file = reading.case_file(database, EVERYTHING, case_id)
    assert file is not None
    assert (file.case.service, file.case.category) == ("BCIJ", Category.TERRORISM_PRAISE)
    worker.take(reviewed("a", version=3, disposition=Disposition.DISMISS))
    file = reading.case_file(database, EVERYTHING, case_id)
    assert file is not None
    assert (file.case.state, file.case.result, file.reports) == (CaseState.CLOSED, CaseResult.NO_OFFENCE, [])
    assert [entry.version for entry in file.history] == list(range(1, file.case.version + 1))
    worker.take(reviewed("a", "x", version=4, previous=decision(disposition=Disposition.DISMISS)))
    assert one(database, "SELECT case_id::text FROM indicators") == case_id_for(report_id("a"), 4)
    assert one(database, "SELECT case_id::text FROM case_reports") == case_id_for(report_id("a"), 4)


def test_a_report_that_comes_and_goes_within_a_batch_is_stored_without_a_case(
    database: Database, worker: Worker
) -> None:
    dismissal = reviewed("a", disposition=Disposition.DISMISS)
    assert worker.take(triaged("a", "x", received_on=date(1999, 12, 31), province=None), dismissal) == 5
    file = reading.case_file(database, EVERYTHING, case_id_for(report_id("a"), 1))
    assert file is not None
    assert (file.case.state, file.case.result, file.case.province) == (CaseState.CLOSED, CaseResult.NO_OFFENCE, None)
    assert (file.case.received_on, file.case.opened_at, dict(file.case.tally)) == (date(1999, 12, 31), NOW, {})
    assert [entry.version for entry in file.history] == [1, 2, 3, 4, 5]
    assert one(database, "SELECT case_id IS NULL AND version = 2 FROM case_reports") is True


def test_actions_are_applied_in_order_answered_and_a_repeat_keeps_the_first_answer(
    database: Database, worker: Worker
) -> None:
    worker.take(triaged("a"))
    case_id = case_id_for(report_id("a"), 1)
    commands = [
        action(case_id, CaseAction.ACCEPT, version=3),
        action(case_id, CaseAction.OPEN_INVESTIGATION, version=4),
        action(case_id, CaseAction.IDENTIFY_SUSPECT, suspect_ref="S-1"),
        action(case_id, CaseAction.PRESENT_SUSPECT, suspect_ref="S-1"),
        action(case_id, CaseAction.CLOSE, version=3, result=CaseResult.PROSECUTED),
    ]
    assert worker.take(*commands) == 4
    assert worker.take(commands[0]) == 0
    results = find_results(database, [each.id for each in commands])
    assert [results[each.id].code for each in commands] == [None, None, None, None, "stale_version"]
    assert results[commands[0].id].detail["version"] == 4
    assert results[commands[-1].id].detail["version"] == 7
    file = reading.case_file(database, EVERYTHING, case_id)
    assert file is not None
    assert file.suspects == [("S-1", SuspectState.PRESENTED)]


def test_workers_that_race_on_one_campaign_make_one_case(database: Database) -> None:
    """Each worker reads a partition of its own; whoever loses a claim takes its batch again, as the loop would."""
    batches, size = 10, 20
    workers = [Worker(database, partition) for partition in range(3)]
    start = threading.Barrier(len(workers))
    conflicts: list[int] = []
    failures: list[BaseException] = []

    def run(partition: int) -> None:
        try:
            for batch in range(batches):
                start.wait(30)
                names = [f"{partition}-{batch}-{number}" for number in range(size)]
                events = workers[partition].place([triaged(name, f"campaign-{batch}", f"own-{name}") for name in names])
                while True:
                    try:
                        workers[partition].process(events)
                        break
                    except ConflictError:
                        conflicts.append(partition)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=run, args=(partition,)) for partition in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert conflicts, "nobody raced, so nothing was tested"
    assert one(database, "SELECT count(*) FROM cases") == batches
    assert one(database, "SELECT count(*) FROM case_reports") == len(workers) * batches * size
    assert one(database, "SELECT sum(version - 3) FROM cases") == len(workers) * batches * size - batches
    assert one(database, "SELECT count(DISTINCT (case_id, joined_version)) FROM case_reports") == (
        len(workers) * batches * size
    )


def test_pages_of_cases_go_from_the_latest_to_the_first(database: Database, worker: Worker) -> None:
    worker.take(*[triaged(str(number), province="09.001" if number % 2 else "04.421") for number in range(7)])
    seen: list[int | None] = []
    after: int | None = None
    while True:
        cases, after = reading.page(database, EVERYTHING, limit=3, after=after)
        seen += [case.number for case in cases]
        if after is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    cases, _ = reading.page(database, EVERYTHING, limit=10, service="PJ-AGADIR", state="referred")
    assert len(cases) == 3
    assert reading.page(database, EVERYTHING, limit=10, state="closed") == ([], None)
    assert cases[0].opened_at == datetime(2024, 9, 1, 12, tzinfo=UTC)
