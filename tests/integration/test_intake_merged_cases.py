"""A reporter's status follows the case that stands, on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.intake.status import CaseStanding, Linked, MergedCase, Status, changes
from services.intake.store import save_status
from tests.support.referral import report_id

AT = datetime(2026, 7, 1, tzinfo=UTC)
A, B, C = (report_id(name) for name in "abc")
REPORT = report_id("report")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "intake")
    database = Database(database_url, "intake")
    yield database
    database.close()


def status(database: Database, *sayings: object) -> str:
    """The status of the report after the projection was told."""
    query = load("services.intake")["status_of"].replace("FROM submissions s", "FROM asked s")
    asked = "WITH asked (report_id, receipt_hash, accepted_at) AS (VALUES (%(id)s::uuid, 1, now())) "
    with database.transaction() as tx:
        save_status(tx, changes(sayings))
        row = tx.fetch_one(asked + query, {"id": REPORT, "receipt_hash": 1})
    assert row is not None
    return str(row[0])


def test_the_status_is_that_of_the_case_that_the_reports_case_is_merged_into(database: Database) -> None:
    assert status(database, Linked(REPORT, A, AT, AT)) == Status.REFERRED
    accepted = CaseStanding(C, 4, Status.ACCEPTED, AT, AT)
    assert status(database, accepted, MergedCase(A, 4, B)) == Status.REFERRED
    assert status(database, MergedCase(B, 4, C)) == Status.ACCEPTED
    assert status(database, MergedCase(A, 5, None)) == Status.REFERRED
    assert status(database, MergedCase(A, 4, B)) == Status.REFERRED, "an older version never replaces a newer one"
