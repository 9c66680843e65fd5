"""One relay a service, whatever the number of its workers: a session-level advisory lock elects it.

PostgreSQL, section 13.3.5: the lock ends with the session, so a dead leader makes way by itself.
"""

import zlib
from typing import Any

import psycopg2

from ibalagh.storage.failures import translated
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError


class Leadership:
    """The right to do `name` in the service's schema, for one holder at a time; one thread uses it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._keys = (_signed(database.service), _signed(name))
        self._connection: Any = None

    def acquire(self) -> bool:
        """Try once, without waiting; True when held. Raises `PassingError` when the database is away."""
        if self.held():
            return True
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect()
        if self._ask("SELECT pg_try_advisory_lock(%s, %s)"):
            return True
        self.release()
        return False

    def held(self) -> bool:
        """Whether the lock is still held, asked of the server: False once the session is lost."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            return self._ask(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                " AND classid = (%s::bigint & 4294967295)::oid AND objid = (%s::bigint & 4294967295)::oid AND granted)"
            )
        except PassingError:
            self.release()
            return False

    def release(self) -> None:
        """Give it up by ending the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, sql: str) -> bool:
        try:
            with translated(self._connection), self._connection.cursor() as cursor:
                cursor.execute(sql, self._keys)
                return bool(cursor.fetchone()[0])
        except (PassingError, psycopg2.Error):
            self.release()
            raise


def _signed(name: str) -> int:
    """A 32-bit key of a name, as signed integers of PostgreSQL."""
    return zlib.crc32(name.encode()) - (1 << 31)
