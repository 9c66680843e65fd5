"""The logins that deploy/ gives the services: each acts as its own service, and reaches nothing of another."""

import os
import subprocess
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import psycopg2
import pytest

from ibalagh.events.registry import SERVICES
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.postgres import binaries
from ibalagh.storage.migrate import apply_all
from ibalagh.storage.postgres import Database, role_of
from services.intake.custody import ROLE as CUSTODIAN
from services.referral.access import ROLE as ROW_ROLE
from services.referral.access import seen
from services.referral.scope import Scope
from tests.support.databases import execute

PASSWORD = "invented"


@pytest.fixture
def logins(database_url: str) -> Iterator[dict[str, str]]:
    """By service, the URL of its login on a database that was set up as deploy/ does it."""
    passwords = {f"{service.upper()}_DB_PASSWORD": PASSWORD for service in SERVICES}
    script = PROJECT_ROOT / "deploy" / "postgres" / "logins.sql"
    subprocess.run(
        [binaries() / "psql", "-qX", "-f", script, database_url], env={**os.environ, **passwords}, check=True
    )
    try:
        apply_all(database_url)
        at = urlsplit(database_url)
        place = at.netloc.rpartition("@")[2]
        yield {name: at._replace(netloc=f"{name}:{quote(PASSWORD)}@{place}").geturl() for name in SERVICES}
    finally:
        execute(database_url, "".join(f"DROP ROLE {service};" for service in SERVICES))


def test_each_acts_as_its_service_and_reaches_nothing_of_another(logins: dict[str, str]) -> None:
    for service, url in logins.items():
        database = Database(url, service)
        with database.transaction() as tx:
            assert tx.fetch_one("SELECT count(*) > 0 FROM schema_migrations") == (True,)
        for other in set(SERVICES) - {service}:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
                tx.execute(f"SELECT FROM {other}.schema_migrations")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
                tx.execute(f"SET ROLE {role_of(other)}")
        database.close()


def test_referral_reads_for_a_service_as_a_role_that_sees_that_services_cases_only(logins: dict[str, str]) -> None:
    database = Database(logins["referral"], "referral")
    with seen(database, Scope("PJ-RABAT")) as tx:
        assert tx.fetch_one("SELECT current_user::text, count(*) FROM cases GROUP BY 1") is None
        assert tx.fetch_one("SELECT current_user::text") == (ROW_ROLE,)
        held = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert tx.fetch_one(held) == (False, False)
        assert tx.fetch_one("SELECT row_security_active('cases')") == (True,)
    database.close()
    for other in ("intake", "triage", "stats"):
        stranger = Database(logins[other], other)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), stranger.transaction() as tx:
            tx.execute(f"SET ROLE {ROW_ROLE}")
        stranger.close()


def test_intake_cannot_become_a_custodian_nor_read_the_vault(logins: dict[str, str]) -> None:
    database = Database(logins["intake"], "intake")
    for forbidden in (
        f"SET ROLE {role_of(CUSTODIAN)}",
        "SET ROLE ibalagh_intake_vault",
        "SELECT FROM intake_vault.audit",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
            tx.execute(forbidden)
    database.close()
