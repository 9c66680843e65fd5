"""Rows of the outbox in the binary format of COPY (PostgreSQL, "COPY", section "Binary Format"; length -1 is null).

Binary because the text format would write every byte of a value as two hexadecimal digits. In: rows; out: bytes.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from ibalagh.stream.ports import Headers, Outgoing

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_COLUMNS: Final = 8
_length = struct.Struct(">i").pack
_offset_and_number = struct.Struct(">iqii").pack


class OutboxRow(NamedTuple):
    """A record to publish, and its place: the position of its cause, and its number among the effects of that."""

    source_topic: str
    source_partition: int
    source_offset: int
    number: int
    record: Outgoing


def pack_rows(rows: Iterable[OutboxRow]) -> bytes:
    """A whole COPY stream for the columns of `OUTBOX_COLUMNS`."""
    return stream_of(
        [
            pack_row(row[:4], row.record.topic, row.record.key, row.record.value, pack_headers(row.record.headers))
            for row in rows
        ]
    )


def stream_of(rows: Iterable[bytes]) -> bytes:
    """Packed rows as a whole COPY stream."""
    return b"".join([_HEADER, *rows, _TRAILER])


def pack_row(
    place: tuple[str, int, int, int], topic: str, key: bytes | None, value: bytes | None, headers: bytes
) -> bytes:
    """One row for `OUTBOX_COLUMNS`; `place` as in `OutboxRow`, `headers` as `pack_headers` packs them."""
    source_topic, source_partition, source_offset, number = place
    return b"".join(
        (
            _source(source_topic, source_partition),
            _offset_and_number(8, source_offset, 4, number),
            _topic(topic),
            _length(-1 if key is None else len(key)),
            key or b"",
            _length(-1 if value is None else len(value)),
            value or b"",
            _length(len(headers)),
            headers,
        )
    )


OUTBOX_COLUMNS: Final = (
    "source_topic",
    "source_partition",
    "source_offset",
    "number",
    "topic",
    "key",
    "value",
    "headers",
)


def pack_headers(headers: Headers) -> bytes:
    """Headers as a JSON array of [name, value]: ISO 8859-1 maps any byte to a character and back."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in headers])


def unpack_headers(text: str) -> list[tuple[str, bytes | None]]:
    """The inverse of `pack_headers`."""
    return [(name, None if value is None else value.encode("latin-1")) for name, value in orjson.loads(text)]


@lru_cache(maxsize=1024)
def _source(topic: str, partition: int) -> bytes:
    name = topic.encode()
    return struct.pack(">hi", _COLUMNS, len(name)) + name + struct.pack(">ii", 4, partition)


@lru_cache(maxsize=1024)
def _topic(topic: str) -> bytes:
    name = topic.encode()
    return _length(len(name)) + name
