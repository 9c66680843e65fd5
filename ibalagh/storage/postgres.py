"""A service's door to PostgreSQL: its own role, its own schema, a small pool of connections, short transactions.

In: SQL and parameters; out: rows. Raises `PassingError`, `ConflictError` and `UnknownOutcomeError`
(`ibalagh.storage.failures`); every other error of the driver is raised as it is.
"""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import psycopg2
from psycopg2 import extensions

from ibalagh.storage.failures import translated
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.errors import PassingError

_BYTEA_OID: Final = 17


def _to_bytes(value: str | bytes | None, _cursor: object) -> bytes | None:
    return bytes.fromhex(value[2:]) if isinstance(value, str) else value


_BYTES: Final = extensions.new_type((_BYTEA_OID,), "BYTES", _to_bytes)
"""`bytea` as `bytes`: a quarter of the time that the driver takes to make a memoryview (measured, 440 bytes)."""

Isolation = Literal["read committed", "repeatable read", "serializable"]

CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_S: Final = 60
"""Far above any statement of a batch: only a statement that hangs meets it."""
LOCK_TIMEOUT_S: Final = 10
IDLE_IN_TRANSACTION_TIMEOUT_S: Final = 60
"""A worker that froze mid-transaction gives its locks back, so that the worker that replaced it can go on."""


def role_of(service: str) -> str:
    """The database role of a service, e.g. `ibalagh_triage`."""
    return f"ibalagh_{service}"


def connection_options(service: str) -> str:
    """The `options` of a connection (libpq, section 34.1.2) that acts as the service's role in the service's schema."""
    settings = {
        "role": role_of(service),
        "search_path": service,
        "timezone": "UTC",
        "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
        "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_S}s",
        "jit": "off",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


class Database:
    """The database of one service. Nothing connects before the first transaction; any thread may use it."""

    def __init__(self, url: str, service: str, *, pool_size: int = 8) -> None:
        self.service = service
        self._url = url
        self._options = connection_options(service)
        self._free: list[Any] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(pool_size)
        self._closed = False

    @contextmanager
    def transaction(self, isolation: Isolation = "read committed", *, read_only: bool = False) -> Iterator[Transaction]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises `PassingError` (not connected, or lost before the commit: nothing took effect), `ConflictError`,
        `UnknownOutcomeError` (the reply to COMMIT was lost).
        """
        if not self._slots.acquire(timeout=CONNECT_TIMEOUT_S):
            raise PassingError("no connection of the pool became free in time")
        try:
            connection = self._take()
            try:
                with translated(connection):
                    if isolation != "read committed" or read_only:
                        mode = "READ ONLY" if read_only else "READ WRITE"
                        with connection.cursor() as cursor:
                            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}, {mode}")
                    with connection.cursor() as cursor:
                        yield Transaction(cursor)
                if connection.info.transaction_status == extensions.TRANSACTION_STATUS_INERROR:
                    # COMMIT would roll back without saying so.
                    raise RuntimeError("an error of the database was swallowed inside its transaction")
                with translated(connection, committing=True):
                    connection.commit()
            except BaseException:
                _roll_back(connection)
                raise
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def connect(self) -> Any:
        """A driver connection of its own, outside the pool and in autocommit mode, for session locks.

        Raises `PassingError` when the database is away.
        """
        connection = self._open()
        connection.autocommit = True
        return connection

    def probe(self) -> None:
        """Ask the database one question. Raises `PassingError` when it is away."""
        with self.transaction(read_only=True) as tx:
            tx.fetch_one("SELECT 1")

    def close(self) -> None:
        """Close the free connections; those in use are closed when their transaction ends."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _open(self) -> Any:
        with translated():
            connection = psycopg2.connect(
                self._url,
                options=self._options,
                client_encoding="UTF8",
                application_name=role_of(self.service),
                connect_timeout=CONNECT_TIMEOUT_S,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
        extensions.register_type(_BYTES, connection)
        return connection

    def _take(self) -> Any:
        with self._lock:
            while self._free:
                connection = self._free.pop()
                if not _is_broken(connection):
                    return connection
        return self._open()

    def _give_back(self, connection: Any) -> None:
        usable = not connection.closed and connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
        with self._lock:
            if usable and not self._closed:
                self._free.append(connection)
                return
            # One lost connection mostly means that the server went away, and with it all the others.
            others, self._free = ([], self._free) if usable else (self._free, [])
        for each in (connection, *others):
            each.close()


def _is_broken(connection: Any) -> bool:
    """Whether the server has hung up while the connection lay idle: then its socket is readable (an end of file)."""
    if connection.closed:
        return True
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable)


def _roll_back(connection: Any) -> None:
    if not connection.closed:
        try:
            connection.rollback()
        except psycopg2.Error:
            connection.close()
