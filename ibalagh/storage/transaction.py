"""What may be done inside a transaction: statements, fetches and COPY; rows go in by the thousand, never one by one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final

import orjson

Row = tuple[Any, ...]
Parameters = Mapping[str, Any] | Sequence[Any] | None

_COPY_CHUNK_BYTES: Final = 1 << 20
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Transaction:
    """An open transaction; the driver's errors pass through it to `Database.transaction`, which translates them."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str, params: Parameters = None) -> int:
        """Run one statement; the number of rows that it touched."""
        self._cursor.execute(sql, params)
        return int(self._cursor.rowcount)

    def fetch_all(self, sql: str, params: Parameters = None) -> list[Row]:
        """All rows of a query."""
        self._cursor.execute(sql, params)
        return list(self._cursor.fetchall())

    def fetch_one(self, sql: str, params: Parameters = None) -> Row | None:
        """The first row of a query, or None."""
        self._cursor.execute(sql, params)
        row: Row | None = self._cursor.fetchone()
        return row

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write rows by COPY, in text format; their number.

        A value is None, str, int, float, bool, bytes, datetime, date, or a list or dict, which is written as JSON.
        """
        lines = ["\t".join([_text(value) for value in row]) for row in rows]
        if not lines:
            return 0
        lines.append("")
        source = BytesIO("\n".join(lines).encode())
        self._cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", source, _COPY_CHUNK_BYTES)
        return len(lines) - 1

    def copy_binary(self, table: str, columns: Sequence[str], payload: bytes) -> int:
        """Write rows that are packed already, header and trailer included (`ibalagh.storage.binary`); their number."""
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        self._cursor.copy_expert(sql, BytesIO(payload), _COPY_CHUNK_BYTES)
        return int(self._cursor.rowcount)


def _text(value: Any) -> str:  # noqa: PLR0911 - one line a type
    """One value in COPY's text format (PostgreSQL, "COPY", section "Text Format")."""
    if isinstance(value, str):
        return value.translate(_ESCAPES) if _needs_escape(value) else str(value)
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return orjson.dumps(value).decode().translate(_ESCAPES)


def _needs_escape(value: str) -> bool:
    return "\\" in value or "\n" in value or "\t" in value or "\r" in value
