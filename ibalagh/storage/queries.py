"""A service's SQL, kept in its `queries.sql`: named, commented, read once.

Format: a line `-- name: lock_cases`, one or more comment lines that say what the query does, then the SQL.
"""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_MARK: Final = "-- name:"


def load(package: str) -> Mapping[str, str]:
    """The queries of `queries.sql` in `package` by name. Raises ValueError for a file that breaks the format."""
    return parse((files(package) / "queries.sql").read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, str]:
    """The queries of a text by name. Raises ValueError: a name twice, no comment, no SQL, or SQL before any name."""
    before, *blocks = ("\n" + text).split("\n" + _MARK)
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise ValueError("there is SQL before the first name")
    queries: dict[str, str] = {}
    for block in blocks:
        head, *lines = block.splitlines()
        name = head.strip()
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
        if not name.isidentifier() or name in queries:
            raise ValueError(f"not a name, or a name twice: {name!r}")
        if not lines or not lines[0].startswith("-- "):
            raise ValueError(f"{name}: the line after the name must be a comment that says what the query does")
        if not sql:
            raise ValueError(f"{name}: no SQL")
        queries[name] = sql
    return MappingProxyType(queries)
