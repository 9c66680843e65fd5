"""Clocks on a real database: each level of each case is told once, whatever dies, repeats or jumps on the way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

import pytest
from prometheus_client import CollectorRegistry

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import CaseAction, ClockKind, Urgency
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Acknowledgement, Outgoing, Record
from services.referral import reading, store
from services.referral.linking import case_id_for
from services.referral.metrics import ClockMetrics
from services.referral.scope import EVERYTHING
from services.referral.timer import AGAIN_S, MOST, Timer
from services.referral.workdays import newest
from tests.integration.test_referral_store import Worker, database
from tests.support.referral import NOW, action, report_id, triaged

__all__ = ["database"]

CASE = case_id_for(report_id("a"), 1)
AGAIN = timedelta(seconds=AGAIN_S)
HOUR = timedelta(hours=1)


class Log:
    """A producer that keeps what it is given, or takes nothing while it is `away`."""

    def __init__(self) -> None:
        self.away = False
        self._records: list[Outgoing] = []
        self._offsets = count()

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list[Acknowledgement | None]:  # noqa: ARG002
        if self.away:
            return [None for _ in records]
        self._records += records
        return [Acknowledgement(each.topic, 0, 0) for each in records]

    def close(self) -> None:
        """Nothing to free."""

    def read(self) -> list[Event[Data]]:
        """What was published since the last time."""
        records, self._records = self._records, []
        decode = Codec().decode
        return [
            decode(Record(each.topic, 0, next(self._offsets), each.key, each.value, each.headers)) for each in records
        ]


class Stage:
    """A worker and a timer with one clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.worker = Worker(database)
        self.log = Log()
        self.timer = self.another_timer()

    def another_timer(self) -> Timer:
        registry = CollectorRegistry()
        return Timer(self.database, self.log, Codec(), clock=lambda: self.worker.now, metrics=ClockMetrics(registry))

    def told(self) -> list[str]:
        file = reading.case_file(self.database, EVERYTHING, CASE)
        assert file is not None
        return [each.type.split(".")[2] for each in file.history if ".clock_" in each.type]


@pytest.fixture
def stage(database: Database) -> Stage:
    stage = Stage(database)
    stage.worker.take(triaged("a", urgency=Urgency.IMMEDIATE), triaged("b"))
    return stage


def test_nothing_is_asked_before_its_time_and_everything_after_is_told_once(stage: Stage) -> None:
    assert stage.timer.step() == 0
    for minutes, told in ((45, ["clock_warned"]), (59, ["clock_warned"]), (60, ["clock_warned", "clock_escalated"])):
        stage.worker.now = NOW + timedelta(minutes=minutes)
        stage.timer.step()
        stage.worker.take(*stage.log.read())
        assert stage.told() == told
    stage.worker.now += timedelta(hours=1)
    assert stage.timer.step() == 0


def test_what_a_timer_took_before_it_died_is_asked_again_and_told_once(stage: Stage) -> None:
    stage.worker.now = NOW + HOUR
    stage.log.away = True
    with pytest.raises(PassingError):
        stage.timer.step()
    stage.log.away = False
    restarted = stage.another_timer()
    assert restarted.step() == 0, "it is taken for a while"
    stage.worker.now += AGAIN
    assert restarted.step() == 1
    lost_and_repeated = stage.log.read()
    stage.worker.now += AGAIN
    assert restarted.step() == 1, "nobody has handled it yet"
    asked_again = stage.log.read()
    assert [each.id for each in asked_again] == [each.id for each in lost_and_repeated]
    stage.worker.take(*lost_and_repeated, *asked_again)
    assert stage.told() == ["clock_warned", "clock_escalated"]


def test_a_question_that_waited_until_the_case_was_accepted_says_nothing(stage: Stage) -> None:
    stage.worker.now = NOW + HOUR
    stage.timer.step()
    stage.worker.take(action(CASE, CaseAction.ACCEPT))
    stage.worker.take(*stage.log.read())
    assert not stage.told()


def test_a_clock_that_went_back_takes_nothing_back_and_tells_nothing_twice(stage: Stage) -> None:
    for now in (NOW + HOUR, NOW - timedelta(days=30), NOW + HOUR + AGAIN, NOW + timedelta(days=3_650)):
        stage.worker.now = now
        stage.timer.step()
        stage.worker.take(*stage.log.read())
    assert stage.told() == ["clock_warned", "clock_escalated"]


def test_two_timers_never_ask_about_the_same_clock_and_leave_what_a_worker_holds(stage: Stage) -> None:
    with stage.database.transaction() as tx:
        tx.execute("UPDATE cases SET clock_strikes_at = %s", (NOW,))
        tx.fetch_all("SELECT FROM cases WHERE case_id = %s FOR UPDATE", (CASE,))
        assert stage.timer.step() == 0
    assert stage.timer.step() == 2
    assert stage.another_timer().step() == 0


def test_the_clocks_that_run_are_counted_by_what_they_wait_for_and_how_far_they_are(stage: Stage) -> None:
    stage.worker.take(action(case_id_for(report_id("b"), 1), CaseAction.ACCEPT))
    stage.worker.now = NOW + HOUR
    stage.timer.step()
    stage.worker.take(*stage.log.read())
    counts = store.clock_counts(stage.database)
    assert counts == {(ClockKind.ACCEPTANCE, 2): 1, (ClockKind.FIRST_ACTION, 0): 1}
    registry = CollectorRegistry()
    ClockMetrics(registry).counted(counts, newest())
    labels = {"clock": "acceptance", "level": "escalated"}
    assert registry.get_sample_value("ibalagh_referral_clocks", labels) == 1


def test_a_clock_is_found_by_its_index_among_many(stage: Stage) -> None:
    with stage.database.transaction() as tx:
        tx.execute("SET LOCAL enable_seqscan = off")
        plan = tx.fetch_all(f"EXPLAIN SELECT FROM cases WHERE clock_strikes_at <= now() LIMIT {MOST}")
    assert any("cases_clock_strikes" in line for (line,) in plan)


def test_deadlines_are_stored_as_they_were_fixed(stage: Stage) -> None:
    file = reading.case_file(stage.database, EVERYTHING, CASE)
    assert file is not None
    assert file.case.clock is not None
    expected: datetime = NOW + HOUR
    assert (file.case.clock.due_at, file.case.clock.level) == (expected, 0)
