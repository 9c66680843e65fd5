"""`ibalagh people` and `ibalagh audit` over the schemas of all services that have pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ibalagh.cli import audit as audit_cli
from ibalagh.cli import people as people_cli
from ibalagh.storage import people
from ibalagh.storage.audit import Audit
from ibalagh.storage.migrate import apply, common_migrations
from ibalagh.storage.people import NewSession
from ibalagh.storage.postgres import Database
from tests.support.databases import execute

NOW = datetime.now(UTC)


@pytest.fixture
def triage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """With one person, who has one session."""
    monkeypatch.setenv("IBALAGH_DATABASE_URL", database_url)
    for service in people_cli.WITH_PAGES:
        apply(database_url, service, common_migrations())
    database = Database(database_url, "triage")
    begin(database)
    yield database
    database.close()


def begin(database: Database) -> bool:
    ends_at = NOW + timedelta(hours=1)
    new = NewSession(b"h" * 32, "p-one", "One", {"analyst"}, NOW, ends_at, None, None)
    return people.begin(database, new, idle_s=600)


def test_somebody_is_shut_out_and_let_in_again(triage: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert people_cli.main(["revoke", "p-one"]) == 0
    assert capsys.readouterr().out == "triage: p-one is shut out, 1 sessions ended.\n"
    assert people.find(triage, b"h" * 32) is None
    assert not begin(triage)
    assert people_cli.main(["list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "p-one" in line)
    assert line.count(f"{NOW:%Y-}") == 2
    assert people_cli.main(["restore", "p-one"]) == 0
    assert begin(triage)
    assert people_cli.main(["restore", "p-one"]) == 1
    assert people_cli.main(["revoke", "p-nobody"]) == 1
    assert "no such person" in capsys.readouterr().err
    assert [entry.action for entry in Audit(triage).newest()] == ["restored", "revoked"]


def test_the_audit_of_all_services_is_listed_and_verified(
    triage: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Audit(triage).viewed("p-one", "report", "report-1", permission="reports.read")
    Audit(triage).viewed("p-two", "report", "report-2", permission="reports.read")
    assert audit_cli.main(["list", "--person", "p-one"]) == 0
    out = capsys.readouterr().out
    assert "report-1" in out
    assert "report-2" not in out
    assert audit_cli.main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(people_cli.WITH_PAGES)
    noted = lines[0].rpartition(" ")[2]
    assert audit_cli.main(["verify", "--service", "triage", "--expect", noted]) == 0
    execute(
        database_url,
        "SET session_replication_role = replica; UPDATE triage.access_audit SET person = 'p-two' WHERE number = 1",
    )
    assert audit_cli.main(["verify"]) == 1
    assert "triage: Row 1 was changed." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        audit_cli.main(["verify", "--expect", noted])


def test_roles_are_printed_without_a_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    assert people_cli.main(["roles"]) == 0
    assert "senior_analyst" in capsys.readouterr().out
    assert people_cli.main(["list"]) == 1
