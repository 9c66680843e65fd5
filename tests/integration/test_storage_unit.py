"""The PostgreSQL unit of work: positions, effects and outbox rows together or not at all."""

import threading
from collections.abc import Sequence

import psycopg2
import pytest

from ibalagh.events.envelope import Data, Event
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Transaction
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream import deadletters
from ibalagh.stream.errors import AbortableError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch, Handled, Rejected
from tests.support import storage
from tests.support.poll import eventually
from tests.support.proxy import swallow_reply_to
from tests.support.storage import CONSUMER, SOURCE, batch, effect, migrated, terminate_others, unit

TABLE = "CREATE TABLE seen (id uuid PRIMARY KEY)"
PARTITION = TopicPartition(SOURCE, 0)


def remember(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """Writes each id and causes one event each."""
    tx.copy_in("seen", ["id"], [[event.id] for event in events])
    return Handled([effect(event) for event in events])


def counts(database: Database) -> tuple[int, int, int | None]:
    """Ids seen, records in the outbox, stored position."""
    with database.transaction() as tx:
        seen = tx.fetch_all("SELECT count(*) FROM seen")[0][0]
        waiting = tx.fetch_all("SELECT COALESCE(sum(records), 0) FROM outbox")[0][0]
        stored = tx.fetch_one("SELECT next_offset FROM stream_offsets WHERE consumer = %s", (CONSUMER,))
    return seen, waiting, stored[0] if stored else None


def test_positions_effects_and_outbox_are_committed_together(database_url: str) -> None:
    with migrated(database_url, tables=TABLE) as database:
        worker = unit(database, remember)
        assert worker.start_positions([PARTITION]) == {}

        committed = worker.process(batch(range(3), after=7))

        assert committed.effects == 3
        assert committed.commit_s > 0
        assert counts(database) == (3, 3, 7)
        assert worker.start_positions([PARTITION, TopicPartition(SOURCE, 1)]) == {PARTITION: 7}


def test_the_relay_is_woken_after_a_commit_that_left_something_to_publish(database_url: str) -> None:
    with migrated(database_url, tables=TABLE) as database:
        waiting: list[int] = []
        worker = PostgresUnit(
            database,
            CONSUMER,
            remember,
            codec=storage.CODEC,
            after_commit=lambda: waiting.append(len(PostgresOutbox(database, CONSUMER).read({}, 9).records)),
        )
        worker.process(batch(range(3)))
        worker.process(Batch([], [], [], {PARTITION: 4}))
        assert waiting == [3]


def test_a_handler_that_raises_leaves_no_trace(database_url: str) -> None:
    def fail(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        remember(events, tx)
        raise LookupError("a bug")

    with migrated(database_url, tables=TABLE) as database:
        with pytest.raises(LookupError):
            unit(database, fail).process(batch(range(3)))
        assert counts(database) == (0, 0, None)


def test_positions_alone_are_stored(database_url: str) -> None:
    with migrated(database_url, tables=TABLE) as database:
        unit(database, remember).process(Batch([], [], [], {PARTITION: 9}))
        assert counts(database) == (0, 0, 9)


def test_a_repeated_batch_is_refused(database_url: str) -> None:
    with migrated(database_url, tables=TABLE) as database:
        worker = unit(database, remember)
        worker.process(batch(range(5)))
        with pytest.raises(AbortableError):
            worker.process(batch(range(3, 8)))
        with pytest.raises(AbortableError):
            worker.process(Batch([], [], [], {PARTITION: 4}))
        assert counts(database) == (5, 5, 5)


def test_a_killed_connection_leaves_no_trace_and_the_next_batch_gets_a_new_one(database_url: str) -> None:
    killed = False

    def handle(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        nonlocal killed
        handled = remember(events, tx)
        if not killed:
            killed = True
            terminate_others(database_url)
        return handled

    with migrated(database_url, tables=TABLE) as database:
        worker = unit(database, handle)
        with pytest.raises(PassingError):
            worker.process(batch(range(3)))
        assert counts(database) == (0, 0, None)
        worker.process(batch(range(3)))
        assert counts(database) == (3, 3, 3)


def test_a_connection_lost_inside_commit_is_an_unknown_outcome_and_the_stored_position_tells(database_url: str) -> None:
    """The server is slow inside COMMIT (a deferred trigger); its session is ended there, before it can answer."""
    slow = """
        CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(CASE WHEN (SELECT count(*) FROM seen) < 4 THEN 30 ELSE 0 END); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON seen DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION linger();
        """
    with migrated(database_url, tables=TABLE + ";" + slow) as database:
        worker = unit(database, remember)
        killer = threading.Thread(target=_terminate_when_committing, args=(database_url,))
        killer.start()
        with pytest.raises(UnknownOutcomeError):
            worker.process(batch(range(3)))
        killer.join()
        assert worker.start_positions([PARTITION]) == {}
        worker.process(batch(range(5)))
        assert counts(database) == (5, 5, 5)


def test_a_commit_that_took_effect_though_its_reply_was_lost_is_not_repeated(database_url: str) -> None:
    with migrated(database_url, tables=TABLE) as direct, swallow_reply_to(b"COMMIT", database_url) as url:
        database = Database(url, "triage")
        with pytest.raises(UnknownOutcomeError):
            unit(database, remember).process(batch(range(3)))
        database.close()

        worker = unit(direct, remember)
        eventually(lambda: worker.start_positions([PARTITION]) == {PARTITION: 3})
        with pytest.raises(AbortableError):
            worker.process(batch(range(3)))
        assert counts(direct) == (3, 3, 3)


def _terminate_when_committing(url: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:

        def committing() -> bool:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep')"
            )
            return cursor.fetchone() == (True,)

        eventually(committing)
    connection.close()
    terminate_others(url)


@pytest.mark.parametrize("stored_before", [False, True])
def test_of_two_workers_with_the_same_records_the_slower_one_aborts(database_url: str, stored_before: bool) -> None:
    inside, go_on = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def slow(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        inside.set()
        assert go_on.wait(10)
        return remember(events, tx)

    def late(database: Database) -> None:
        try:
            unit(database, remember).process(batch(range(2)))
        except AbortableError as error:
            errors.append(error)

    with migrated(database_url, tables=TABLE) as database:
        if stored_before:
            unit(database, remember).process(Batch([], [], [], {PARTITION: 0}))
        first = threading.Thread(target=lambda: unit(database, slow).process(batch(range(3))))
        first.start()
        assert inside.wait(10)
        second = threading.Thread(target=late, args=(database,))
        second.start()
        eventually(lambda: _waiting_for_a_lock(database_url))
        go_on.set()
        first.join()
        second.join()
        assert len(errors) == 1
        assert counts(database) == (3, 3, 3)


def _waiting_for_a_lock(url: str) -> bool:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) > 0 FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return cursor.fetchone() == (True,)
    finally:
        connection.close()


def test_dead_letters_go_through_the_outbox_whole(database_url: str) -> None:
    def handle(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        refused = [event for event in events if event.subject == storage.uuid_of(2)]
        good = [event for event in events if event not in refused]
        return Handled([effect(event) for event in good], [Rejected(event, "not_now") for event in refused])

    with migrated(database_url, tables=TABLE) as database:
        committed = unit(database, handle).process(batch(range(4), poison=[1]))
        assert [each.reason for each in committed.rejected] == ["not_now"]

        records = PostgresOutbox(database, CONSUMER).read({}, 100).records
        topics = [record.topic for record in records]
        assert topics == ["t.triage.decisions", "t.triage.deadletters", "t.triage.deadletters", "t.triage.decisions"]
        letter = deadletters.parse(Record(records[1].topic, 0, 0, *records[1][1:]))
        assert (letter.value, letter.reason, letter.offset) == (b"\xff{", "bad_json", 1)
        assert list(letter.headers) == list(storage.CODEC.encode(storage.command(1)).headers)


@pytest.mark.parametrize("wrong", ["no cause", "other partition", "before the batch"])
def test_an_effect_without_a_cause_in_the_batch_crashes(database_url: str, wrong: str) -> None:
    def handle(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        event = effect(events[0])
        assert event.cause is not None
        causes = {
            "no cause": None,
            "other partition": event.cause._replace(partition=5),
            "before the batch": event.cause._replace(offset=1),
        }
        return Handled([event._replace(cause=causes[wrong])])

    with migrated(database_url, tables=TABLE) as database:
        with pytest.raises(ValueError, match="cause"):
            unit(database, handle).process(batch(range(3, 5)))
        assert counts(database) == (0, 0, None)
