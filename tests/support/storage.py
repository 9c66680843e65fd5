"""Batches and databases for the tests of storage: what a loop would hand to a unit, without a broker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg2

from ibalagh.contracts.codec import Codec
from ibalagh.events import make
from ibalagh.events.commands import DecideReportV1
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.migrate import apply, common_migrations
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import Handler, PostgresUnit
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch, Undecodable

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
CODEC = Codec("t.")
SOURCE = "t.triage.decisions"
CONSUMER = "t.triage.desk"


@contextmanager
def migrated(url: str, service: str = "triage", *, tables: str = "") -> Iterator[Database]:
    """A service's database with the common tables, and `tables` (SQL) made as the service."""
    apply(url, service, common_migrations())
    database = Database(url, service)
    if tables:
        with database.transaction() as tx:
            tx.execute(tables)
    try:
        yield database
    finally:
        database.close()


def uuid_of(number: int) -> str:
    """A UUID that a number stands for."""
    return f"00000000-0000-4000-8000-{number:012x}"


def command(number: int) -> Event[Data]:
    """A command with the id of a number."""
    data = DecideReportV1(report_id=uuid_of(number), version=1, action="confirm", reviewer="analyst-1", decided_at=NOW)
    return make.root(data, id_=uuid_of(number), source="/triage", subject=uuid_of(number), now=NOW)


def batch(offsets: Sequence[int], *, partition: int = 0, poison: Sequence[int] = (), after: int | None = None) -> Batch:
    """Commands at `offsets` of a partition of `SOURCE`, those in `poison` unreadable; it ends at `after`."""
    records = []
    events = []
    undecodable = []
    for offset in offsets:
        outgoing = CODEC.encode(command(offset))
        value = b"\xff{" if offset in poison else outgoing.value
        record = Record(SOURCE, partition, offset, outgoing.key, value, outgoing.headers)
        records.append(record)
        try:
            events.append(CODEC.decode(record))
        except InvalidRecordError as error:
            undecodable.append(Undecodable(record, error.reason))
    end = after if after is not None else offsets[-1] + 1
    return Batch(records, events, undecodable, {TopicPartition(SOURCE, partition): end})


def unit(database: Database, handle: Handler) -> PostgresUnit:
    """A unit of `CONSUMER`."""
    return PostgresUnit(database, CONSUMER, handle, codec=CODEC, clock=lambda: NOW)


def effect(cause: Event[Data], number: int = 0) -> Event[Data]:
    """Some event that `cause` caused."""
    return make.effect(cause, cause.data, source="/triage", subject=cause.subject, number=number, now=NOW)


def terminate_others(url: str) -> None:
    """End every other session on this database, as an administrator would."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    finally:
        connection.close()
