"""What the desk keeps for a while goes when its time is over, in bounded steps, and nothing else does."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from services.triage import bulk_store, claim_store, wellbeing_store
from services.triage.bulk_store import Bulk, BulkDecision
from services.triage.tidying import AT_ONCE, Tidying
from tests.support.desk import FedDesk, triaged
from tests.support.storage import uuid_of
from tests.support.triage import NOW, decision, report_id

UNSURE = "arnaque et insultes"
DAY = timedelta(days=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[FedDesk]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield FedDesk(database)
    database.close()


def sweep(desk: FedDesk) -> int:
    return Tidying(desk.database, keep_days=90, interval_s=1, clock=lambda: NOW).sweep(Shutdown())


def test_old_views_of_decided_reports_go_and_those_of_waiting_ones_stay(desk: FedDesk) -> None:
    desk.take(*triaged(("decided", UNSURE), ("open", UNSURE)))
    desk.take(decision("decided", ReviewAction.DISMISS))
    for name, person, days in (("decided", "a", 91), ("decided", "b", 89), ("open", "a", 91)):
        at = NOW - days * DAY
        wellbeing_store.note_view(desk.database, person, report_id(name), Category.FRAUD, at)
    assert sweep(desk) == 1
    assert wellbeing_store.seen_at(desk.database, "a", report_id("decided")) is None
    assert wellbeing_store.seen_at(desk.database, "b", report_id("decided")) == NOW - 89 * DAY
    assert wellbeing_store.seen_at(desk.database, "a", report_id("open")) == NOW - 91 * DAY
    assert sweep(desk) == 0


def test_leases_that_are_over_go_and_those_that_hold_stay(desk: FedDesk) -> None:
    desk.take(*triaged(("one", UNSURE), ("other", "?")))
    claim_store.take(desk.database, report_id("one"), "a", now=NOW - DAY, lasts_s=60)
    claim_store.take(desk.database, report_id("other"), "a", now=NOW, lasts_s=60)
    assert sweep(desk) == 1
    assert [each.report_id for each in claim_store.held_by(desk.database, "a", NOW)] == [report_id("other")]


def test_a_selection_that_nobody_decided_about_goes_after_a_week_and_a_decided_one_later(desk: FedDesk) -> None:
    desk.take(*triaged(("one", UNSURE)))
    for number, (days, is_decided) in enumerate(((8, False), (6, False), (8, True), (91, True))):
        made_at = NOW - days * DAY
        bulk_store.make(desk.database, Bulk(uuid_of(number), "a", made_at, "", None, None, None), [report_id("one")])
        if is_decided:
            made = BulkDecision(action=ReviewAction.DISMISS, reason="not_illegal")
            assert bulk_store.decide(desk.database, uuid_of(number), made, made_at)
    assert sweep(desk) == 2
    assert [bulk_store.one(desk.database, uuid_of(number)) is None for number in range(4)] == [True, False, False, True]
    assert bulk_store.reports(desk.database, uuid_of(0)) == []
    assert len(bulk_store.reports(desk.database, uuid_of(1))) == 1


def test_more_than_one_statement_takes_are_removed_in_one_sweep(desk: FedDesk) -> None:
    with desk.database.transaction() as tx:
        tx.execute(
            "INSERT INTO claims SELECT gen_random_uuid(), 'a', %(until)s FROM generate_series(1, %(count)s)",
            {"until": NOW - DAY, "count": AT_ONCE * 2 + 1},
        )
    assert sweep(desk) == AT_ONCE * 2 + 1
