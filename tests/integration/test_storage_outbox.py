"""The outbox: read in the order of the causes, in one snapshot with the consumer's position; trimmed; led by one."""

from collections.abc import Sequence

import pytest

from ibalagh.contracts.codec import parse_cause
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.chunks import COLUMNS, ChunkWriter, shaped
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.ports import Outgoing, Positions, TopicPartition
from ibalagh.stream.unit import Batch, Handled
from tests.support.poll import eventually
from tests.support.storage import CODEC, CONSUMER, SOURCE, batch, effect, migrated, terminate_others, unit

FIRST, SECOND = TopicPartition(SOURCE, 0), TopicPartition(SOURCE, 1)


def twins(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """Two effects of each event, handed over in the wrong order."""
    return Handled([effect(event, number) for number in (1, 0) for event in reversed(events)])


def nothing(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """No effects."""
    return Handled(())


def drain(database: Database, limit: int) -> tuple[list[Outgoing], Positions]:
    """Everything, in steps of about `limit`."""
    outbox = PostgresOutbox(database, CONSUMER)
    records: list[Outgoing] = []
    positions: Positions = {}
    while (step := outbox.read(positions, limit)).positions:
        records += step.records
        positions = {**positions, **step.positions}
    return records, positions


def places(records: Sequence[Outgoing]) -> list[tuple[int, int, int]]:
    """Partition, offset and number of each record's cause."""
    causes = [parse_cause(dict(record.headers)["ce_cause"]) for record in records]
    return [(cause.partition, cause.offset, cause.number) for cause in causes]


def test_records_come_in_the_order_of_their_causes_whatever_the_step(database_url: str) -> None:
    with migrated(database_url) as database:
        worker = unit(database, twins)
        worker.process(batch(range(5)))
        worker.process(batch(range(3), partition=1))
        worker.process(batch(range(5, 7)))
        for limit in (1, 2, 3, 100):
            records, positions = drain(database, limit)
            got = places(records)
            for partition, count in ((0, 7), (1, 3)):
                expected = [(partition, offset, number) for offset in range(count) for number in (0, 1)]
                assert [place for place in got if place[0] == partition] == expected
            assert positions == {FIRST: 7, SECOND: 3}


def test_a_record_comes_out_as_it_went_in(database_url: str) -> None:
    with migrated(database_url) as database:
        item = batch([0])
        unit(database, lambda events, _tx: Handled([effect(events[0])])).process(item)
        (record,), _ = drain(database, 10)
        assert record == CODEC.encode(effect(item.events[0]))


def test_a_step_ends_where_the_next_row_begins(database_url: str) -> None:
    with migrated(database_url) as database:
        worker = unit(database, twins)
        worker.process(batch(range(2)))
        worker.process(batch(range(5, 7)))
        step = PostgresOutbox(database, CONSUMER).read({}, 1)
        assert places(step.records) == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
        assert step.positions == {FIRST: 5}


def test_a_drained_partition_stands_at_the_consumers_position_though_its_last_records_had_no_effects(
    database_url: str,
) -> None:
    with migrated(database_url) as database:
        unit(database, twins).process(batch(range(2)))
        unit(database, nothing).process(batch(range(2, 6), after=9))
        records, positions = PostgresOutbox(database, CONSUMER).read({}, 100)
        assert len(records) == 4
        assert positions == {FIRST: 9}
        assert PostgresOutbox(database, CONSUMER).read(positions, 100) == ([], {})


@pytest.mark.parametrize("looked_at", [1, 2, 64])
def test_rows_that_two_workers_wrote_at_once_come_in_the_order_of_writing(
    database_url: str, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    """A partition of which no more was looked at holds the others back."""
    monkeypatch.setattr("ibalagh.storage.outbox.ROWS_LOOKED_AT", looked_at)
    written = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)]
    with migrated(database_url) as database:
        with database.transaction() as tx:
            stored = [(CONSUMER, SOURCE, partition, 3) for partition in (0, 1)]
            tx.copy_in("stream_offsets", ["consumer", "topic", "partition", "next_offset"], stored)
            for partition, offset in written:
                writer = ChunkWriter()
                writer.add(SOURCE, partition, offset, *shaped(Outgoing(f"{partition}.{offset}", None, None, [])))
                tx.copy_binary("outbox", COLUMNS, writer.stream())
        for limit in (1, 2, 100):
            records, positions = drain(database, limit)
            assert [record.topic for record in records] == ["0.0", "1.0", "0.1", "1.1", "0.2"]
            assert positions == {FIRST: 3, SECOND: 3}


def test_between_partitions_the_order_is_that_of_writing_whatever_the_step(database_url: str) -> None:
    with migrated(database_url) as database:
        worker = unit(database, twins)
        for step in range(3):
            worker.process(batch([step], partition=1))
            worker.process(batch([2 * step, 2 * step + 1]))
        for limit in (1, 2, 3, 100):
            order = [place[:2] for place in places(drain(database, limit)[0])[::2]]
            assert order == [(1, 0), (0, 0), (0, 1), (1, 1), (0, 2), (0, 3), (1, 2), (0, 4), (0, 5)]


def test_trimming_deletes_only_rows_that_lie_before_the_position(database_url: str) -> None:
    with migrated(database_url) as database:
        worker = unit(database, twins)
        worker.process(batch(range(3)))
        worker.process(batch(range(3, 5)))
        worker.process(batch(range(4), partition=1))
        outbox = PostgresOutbox(database, CONSUMER)
        assert outbox.trim({FIRST: 2}) == 0
        assert outbox.trim({FIRST: 3}) == 6
        assert outbox.trim({FIRST: 3}) == 0
        left = places(outbox.read({}, 100).records)
        assert left == [
            (partition, offset, number)
            for partition, offsets in ((0, (3, 4)), (1, range(4)))
            for offset in offsets
            for number in (0, 1)
        ]


def test_bytes_of_any_kind_and_nulls_survive(database_url: str) -> None:
    strange: list[tuple[str, bytes | None]] = [("a", bytes(range(256))), ("b", None), ("", b""), ("\u0627", b"x\n\ty")]
    with migrated(database_url) as database:
        item = batch([0], poison=[0])
        letter = item.records[0]._replace(key=None, value=None, headers=strange)
        unit(database, nothing).process(
            Batch([letter], [], [item.undecodable[0]._replace(record=letter)], item.positions)
        )
        (record,), _ = drain(database, 10)
        assert (record.key, record.value, list(record.headers[:4])) == (None, None, strange)


def test_partitions_are_those_that_were_consumed(database_url: str) -> None:
    with migrated(database_url) as database:
        outbox = PostgresOutbox(database, CONSUMER)
        assert outbox.partitions() == []
        unit(database, nothing).process(batch([0], partition=1))
        assert outbox.partitions() == [SECOND]


def test_one_leads_and_another_follows_when_its_session_ends(database_url: str) -> None:
    with migrated(database_url) as database:
        one, other, elsewhere = (Leadership(database, name) for name in ("relay", "relay", "trimmer"))
        assert one.acquire()
        assert one.acquire()
        assert one.held()
        assert not other.acquire()
        assert not other.held()
        assert elsewhere.acquire()
        terminate_others(database_url)
        assert not one.held()
        assert eventually(other.acquire)
        other.release()
        assert one.acquire()
        for each in (one, other, elsewhere):
            each.release()


def test_a_leader_whose_session_ended_unnoticed_leads_again_at_once(database_url: str) -> None:
    with migrated(database_url) as database:
        leader = Leadership(database, "relay")
        assert leader.acquire()
        terminate_others(database_url)
        assert leader.acquire()
        assert leader.held()
        leader.release()
