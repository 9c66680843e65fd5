"""PostgreSQL's binary COPY format ("COPY", section "Binary Format"): what every packer of rows needs. Pure.

Text format would cost three to four times as much here and make the database parse every id and time. A row is its
number of fields, then each field's length and bytes; a null is length -1. Dates count days, times microseconds, from
2000.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from uuid_utils import UUID

NULL: Final = struct.pack(">i", -1)
_START: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END: Final = struct.pack(">h", -1)
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def stream(parts: Iterable[bytes]) -> bytes:
    """Packed rows, whole or in parts, as one COPY stream."""
    return b"".join((_START, *parts, _END))


def uuid(value: str) -> bytes:
    """A UUID's 16 bytes, without their length."""
    return UUID(value).bytes


def days(day: date) -> int:
    """A `date`, to be packed in 4 bytes."""
    return day.toordinal() - _EPOCH_DAY


@lru_cache(maxsize=64)
def microseconds(time: datetime) -> int:
    """A `timestamptz`, to be packed in 8 bytes. Cached, since what one batch writes has one time mostly."""
    return (time - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=1_024)
def text(value: str | None) -> bytes:
    """A `text` with its length. Cached: for codes of closed lists and the like, which come again and again."""
    if value is None:
        return NULL
    content = value.encode()
    return struct.pack(">i", len(content)) + content
