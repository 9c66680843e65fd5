"""A communiqué as comma-separated values (RFC 4180), for programs: one row a figure, in no language.

In: a signed document. Out: UTF-8. A count that is left out is empty, shares are percentages with a decimal point.
`document_sha256` names the signed document that the row is of.
"""

import csv
from io import StringIO
from typing import Final

from services.stats.release import Signed

MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
COLUMNS: Final = (
    *("first_day", "last_day", "table", "row", "count", "share_percent", "count_before"),
    "document_sha256",
)


def table(signed: Signed) -> bytes:
    """The document's rows, under a line with the names of the columns."""
    document, sha256 = signed.document, signed.sha256
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for each in document.tables:
        for row in each.rows:
            share = "" if row.per_mille is None else f"{row.per_mille // 10}.{row.per_mille % 10}"
            days = document.period.first or "", document.period.last or ""
            writer.writerow([*days, each.name, row.name, _or_empty(row.count), share, _or_empty(row.before), sha256])
    return written.getvalue().encode()


def _or_empty(count: int | None) -> str:
    return "" if count is None else str(count)
