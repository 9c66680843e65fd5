"""Migrations: idempotent, safe side by side, loud when somebody changed history; they add up to the schema."""

import threading
from collections.abc import Sequence

import psycopg2
import pytest

from ibalagh.events.registry import SERVICES
from ibalagh.storage import cli
from ibalagh.storage.migrate import Migration, MigrationError, apply, apply_all, common_migrations, migrations_of

FIRST = Migration("triage/0001_first.sql", "CREATE TABLE first (id int)")
SECOND = Migration("triage/0002_second.sql", "ALTER TABLE first ADD COLUMN name text")


def columns(url: str, schema: str) -> list[tuple[str, str, str]]:
    """Table, column and type of everything in a schema."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = %s ORDER BY table_name, column_name",
                (schema,),
            )
            return list(cursor.fetchall())
    finally:
        connection.close()


def test_a_second_run_changes_nothing(database_url: str) -> None:
    steps = [*common_migrations(), FIRST]
    assert apply(database_url, "triage", steps) == [step.name for step in steps]
    before = columns(database_url, "triage")
    assert apply(database_url, "triage", steps) == []
    assert columns(database_url, "triage") == before
    assert ("outbox", "first_offset", "bigint") in before


def test_step_by_step_and_all_at_once_give_the_same_schema(database_url: str) -> None:
    apply(database_url, "triage", [FIRST])
    apply(database_url, "triage", [FIRST, SECOND])
    apply(database_url, "stats", [FIRST, SECOND])
    assert columns(database_url, "triage") == columns(database_url, "stats")


def test_a_failing_migration_leaves_nothing_behind(database_url: str) -> None:
    broken = Migration("triage/0002_broken.sql", "CREATE TABLE half (id int); SELECT * FROM not_there")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        apply(database_url, "triage", [FIRST, broken])
    assert columns(database_url, "triage") == []


@pytest.mark.parametrize(
    ("history", "word"),
    [([FIRST._replace(sql="CREATE TABLE first (id bigint)"), SECOND], "changed"), ([SECOND], "missing")],
)
def test_changed_history_is_refused(database_url: str, history: Sequence[Migration], word: str) -> None:
    apply(database_url, "triage", [FIRST])
    with pytest.raises(MigrationError, match=word):
        apply(database_url, "triage", history)


def test_runs_side_by_side_apply_each_migration_once(database_url: str) -> None:
    ran: list[str] = []
    threads = [threading.Thread(target=lambda: ran.extend(apply(database_url, "triage", [FIRST]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == [FIRST.name]


def test_every_services_migrations_apply_and_the_command_says_what_it_did(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["apply", "--database-url", database_url]) == 0
    assert capsys.readouterr().out.count("common/0001_stream.sql") == len(SERVICES)
    assert apply_all(database_url) == {service: [] for service in SERVICES}
    for service in SERVICES:
        assert len({step.name for step in migrations_of(service)}) == len(migrations_of(service))
        assert {"stream_offsets", "outbox", "command_results"} <= {
            table for table, *_ in columns(database_url, service)
        }


def test_the_command_says_in_one_sentence_that_the_database_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["apply", "--database-url", "postgresql://postgres@127.0.0.1:1/nowhere"]) == 1
    assert capsys.readouterr().out.count("\n") == 1
