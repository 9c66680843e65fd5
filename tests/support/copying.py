"""The outbox's rows as a test reads them out of a COPY stream, by the manual rather than by the code under test."""

import struct
from typing import NamedTuple

from ibalagh.storage.chunks import unpack
from ibalagh.stream.ports import Outgoing


class PackedRow(NamedTuple):
    """One row of the outbox."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: list[Outgoing]


def rows_of(stream: bytes) -> list[PackedRow]:
    """The rows of a stream (PostgreSQL, "COPY", section "Binary Format"). Raises AssertionError for another format."""
    assert stream.startswith(b"PGCOPY\n\xff\r\n\0")
    at = 19
    rows = []
    while (fields := struct.unpack_from(">h", stream, at)[0]) != -1:
        at += 2
        values = []
        for _ in range(fields):
            (length,) = struct.unpack_from(">i", stream, at)
            values.append(stream[at + 4 : at + 4 + length])
            at += 4 + length
        topic, *numbers, packed = values
        partition, first, last, count = (int.from_bytes(number, "big", signed=True) for number in numbers)
        records = unpack(packed)
        assert len(records) == count
        rows.append(PackedRow(topic.decode(), partition, first, last, records))
    assert at + 2 == len(stream)
    return rows
