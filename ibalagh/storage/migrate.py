"""Roles, schemas and migrations of the services: applied in order, once, by one process at a time.

Per service: a role without login, a schema that it owns, further roles where it keeps something from itself, then the
common migrations (`ibalagh/storage/migrations`) and the service's own (`services/<service>/migrations`), each
remembered with its SHA-256 in `schema_migrations`.
"""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

import psycopg2

from ibalagh.events.registry import SERVICES
from ibalagh.storage.failures import translated
from ibalagh.storage.postgres import CONNECT_TIMEOUT_S, role_of

_LOCK_KEY: Final = 0x1BA1A6
"""Advisory lock of whoever migrates this database."""
_FILE_NAME: Final = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
_FURTHER_ROLES: Final = {"intake": ("intake_vault", "intake_custodian"), "referral": ("referral_officer",)}
"""What a service keeps even from itself: roles besides its own, whose rights its migrations grant."""


class MigrationError(Exception):
    """The schema and the migrations disagree: somebody must look."""


class Migration(NamedTuple):
    """One file: `origin/file name`, and its SQL."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the SQL, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(service: str) -> list[Migration]:
    """The common migrations, then the service's own, in order. Raises MigrationError for a badly named file."""
    return [*common_migrations(), *_read(service, f"services.{service}")]


def common_migrations() -> list[Migration]:
    """The migrations that every service has."""
    return _read("common", "ibalagh.storage")


def apply(database_url: str, service: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring one service's role and schema up to date, all or nothing; the names of the migrations that ran now.

    `database_url` is of a superuser, or of a role that may create roles and schemas. Raises MigrationError when an
    applied migration was changed or is missing, `PassingError` when the database is away.
    """
    wanted = migrations_of(service) if migrations is None else list(migrations)
    with translated():
        connection = psycopg2.connect(database_url, connect_timeout=CONNECT_TIMEOUT_S, application_name="ibalagh db")
    try:
        with translated(connection), connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
            _ensure_role_and_schema(cursor, service)
            return _run_new(cursor, service, wanted)
    finally:
        connection.close()


def apply_all(database_url: str, services: Sequence[str] = SERVICES) -> dict[str, list[str]]:
    """`apply` for each service; the names of the migrations that ran now, by service."""
    return {service: apply(database_url, service) for service in services}


def _read(origin: str, package: str) -> list[Migration]:
    folder = files(package) / "migrations"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")] if folder.is_dir() else []
    for entry in found:
        if not _FILE_NAME.match(entry.name):
            raise MigrationError(f"{origin}/{entry.name}: not of the form 0001_words.sql")
    ordered = sorted(found, key=lambda entry: entry.name)
    return [Migration(f"{origin}/{entry.name}", entry.read_text(encoding="utf-8")) for entry in ordered]


def _ensure_role_and_schema(cursor: Any, service: str) -> None:
    for name in (service, *_FURTHER_ROLES.get(service, ())):
        _ensure_role(cursor, role_of(name))
    cursor.execute(f"""
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role_of(service)};
        REVOKE ALL ON SCHEMA {service} FROM PUBLIC;
        """)


def _ensure_role(cursor: Any, role: str) -> None:
    # Roles belong to the whole server, the lock to one database: another database's run may create the role first.
    cursor.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$;
        DO $$ BEGIN
            IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
                EXECUTE format('GRANT {role} TO %I', current_user);
            END IF;
        END $$;
        """)


def _run_new(cursor: Any, service: str, wanted: Sequence[Migration]) -> list[str]:
    cursor.execute(f"SET LOCAL ROLE {role_of(service)}; SET LOCAL search_path = {service}")
    cursor.execute("""
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name       text        NOT NULL PRIMARY KEY,
            sha256     text        NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )""")
    cursor.execute("SELECT name, sha256 FROM schema_migrations")
    applied: dict[str, str] = dict(cursor.fetchall())
    for name in applied.keys() - {migration.name for migration in wanted}:
        raise MigrationError(f"{service}: {name} was applied, but its file is missing: a newer release ran here")
    ran = []
    for migration in wanted:
        if migration.name not in applied:
            cursor.execute(migration.sql)
            cursor.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", (migration.name, migration.sha256)
            )
            ran.append(migration.name)
        elif applied[migration.name] != migration.sha256:
            raise MigrationError(f"{service}: {migration.name} was changed after it was applied: add a new one instead")
    return ran
