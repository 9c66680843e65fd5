"""From the driver's errors to the fates of `ibalagh.stream.errors`; everything that is not named here crashes loudly.

SQLSTATEs are those of PostgreSQL's appendix A, "PostgreSQL Error Codes".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg2

from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError

_CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock not available in time."""
_PASSING: Final = frozenset({"57014", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
"""Cancelled by a time-out, server stopping or starting, session ended by the server."""
_PASSING_CLASSES: Final = frozenset({"08", "53"})
"""Connection exceptions; insufficient resources (too many connections, disk full)."""


def is_lost(error: psycopg2.Error, connection: Any) -> bool:
    """Whether the connection is gone, so that nothing more can be learnt from it."""
    if connection is None or connection.closed:
        return True
    return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and error.pgcode is None


@contextmanager
def translated(connection: Any = None, *, committing: bool = False) -> Iterator[None]:
    """Raise the driver's passing errors as `PassingError`, `ConflictError`; a lost COMMIT as `UnknownOutcomeError`.

    The messages hold the SQLSTATE only: the driver's own may quote rows.
    """
    try:
        yield
    except psycopg2.Error as error:
        code = error.pgcode or ""
        if code in _CONFLICTS:
            raise ConflictError(f"the database refused for now: SQLSTATE {code}") from error
        lost = is_lost(error, connection)
        if lost and committing:
            raise UnknownOutcomeError("the connection was lost while committing") from error
        if lost or code in _PASSING or code[:2] in _PASSING_CLASSES:
            raise PassingError(f"the database is away: SQLSTATE {code or 'none'}") from error
        raise
