"""The door to PostgreSQL: a role that reaches its own schema only, errors by their fate, connections replaced."""

import threading
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import psycopg2
import pytest

from ibalagh.events.registry import SERVICES
from ibalagh.storage.migrate import apply, common_migrations
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import ConflictError, PassingError
from tests.support.storage import migrated, terminate_others


def test_nothing_connects_before_the_first_transaction() -> None:
    database = Database("postgresql://postgres@127.0.0.1:1/nowhere", "triage")
    with pytest.raises(PassingError), database.transaction():
        pass
    with pytest.raises(PassingError):
        database.probe()
    database.close()


def test_a_service_acts_as_its_role_in_its_schema(database_url: str) -> None:
    with migrated(database_url) as database, database.transaction() as tx:
        row = tx.fetch_one("SELECT current_user, current_schema(), current_setting('TimeZone')")
        assert row == ("ibalagh_triage", "triage", "UTC")


@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT * FROM referral.stream_offsets",
        "INSERT INTO referral.stream_offsets VALUES ('a', 'b', 0, 0)",
        "DELETE FROM referral.outbox",
        "CREATE TABLE referral.mine (id int)",
        "DROP TABLE referral.outbox",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE ibalagh_referral; SELECT * FROM referral.outbox",
    ],
)
def test_a_service_has_no_rights_outside_its_schema(database_url: str, forbidden: str) -> None:
    """As a login of its own, which has no other role to fall back to."""
    for service in SERVICES:
        apply(database_url, service, common_migrations())
    login = f"login_{database_url.rpartition('_')[2]}"
    administrator = psycopg2.connect(database_url)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD '{login}'; GRANT ibalagh_triage TO {login}")
    address = urlsplit(database_url)
    location = f"{login}:{login}@{address.hostname}:{address.port}"
    database = Database(address._replace(netloc=location).geturl(), "triage")
    try:
        with database.transaction() as tx:
            tx.execute("INSERT INTO stream_offsets VALUES ('a', 'b', 0, 0)")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
            tx.execute(forbidden)
    finally:
        database.close()
        with administrator.cursor() as cursor:
            cursor.execute(f"DROP ROLE {login}")
        administrator.close()


def test_connections_that_the_server_ended_are_replaced_unnoticed(database_url: str) -> None:
    with migrated(database_url) as database:
        with database.transaction() as tx:
            first = tx.fetch_one("SELECT pg_backend_pid()")
        with database.transaction() as tx:
            assert tx.fetch_one("SELECT pg_backend_pid()") == first
        terminate_others(database_url)
        with database.transaction() as tx:
            assert tx.fetch_one("SELECT pg_backend_pid()") != first


def test_a_swallowed_database_error_cannot_look_like_a_commit(database_url: str) -> None:
    with (
        migrated(database_url) as database,
        pytest.raises(RuntimeError, match="swallowed"),
        database.transaction() as tx,
        pytest.raises(psycopg2.errors.UndefinedTable),
    ):
        tx.execute("SELECT * FROM nothing_here")


def test_a_deadlock_is_a_conflict_for_one_of_two(database_url: str) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def cross(database: Database, first: int, second: int) -> None:
        try:
            with database.transaction() as tx:
                tx.execute("UPDATE pair SET n = n + 1 WHERE id = %s", (first,))
                barrier.wait(10)
                tx.execute("UPDATE pair SET n = n + 1 WHERE id = %s", (second,))
            outcomes.append("done")
        except ConflictError:
            outcomes.append("conflict")

    with migrated(
        database_url, tables="CREATE TABLE pair AS SELECT i AS id, 0 AS n FROM unnest('{1,2}'::int[]) i"
    ) as db:
        threads = [threading.Thread(target=cross, args=(db, *pair)) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_a_repeatable_read_transaction_sees_one_snapshot_and_a_read_only_one_writes_nothing(database_url: str) -> None:
    with migrated(database_url) as database:
        with database.transaction("repeatable read", read_only=True) as tx:
            assert tx.fetch_all("SELECT * FROM stream_offsets") == []
            with database.transaction() as other:
                other.execute("INSERT INTO stream_offsets VALUES ('a', 'b', 0, 0)")
            assert tx.fetch_all("SELECT * FROM stream_offsets") == []
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), database.transaction(read_only=True) as tx:
            tx.execute("DELETE FROM stream_offsets")
        with database.transaction() as tx:
            assert len(tx.fetch_all("SELECT * FROM stream_offsets")) == 1


def test_copied_values_come_back_as_they_were(database_url: str) -> None:
    columns = "t text, i bigint, f float8, b bool, y bytea, m timestamptz, d date, j jsonb"
    rows = [
        (
            "tab\tline\nback\\slash\rبلاغ",
            2**40,
            1.5,
            True,
            b"\x00\xff",
            datetime(2024, 6, 1, tzinfo=UTC),
            date(2024, 6, 1),
            {"a": "\t\\"},
        ),
        ("", -1, 0.0, False, b"", None, None, [1, None]),
        ("\\N", None, None, None, None, None, None, None),
    ]
    with (
        migrated(database_url, tables=f"CREATE TABLE every_kind ({columns})") as database,
        database.transaction() as tx,
    ):
        names = [column.split()[0] for column in columns.split(", ")]
        assert tx.copy_in("every_kind", names, rows) == 3
        assert tx.copy_in("every_kind", names, []) == 0
        assert tx.fetch_all("SELECT * FROM every_kind") == rows
