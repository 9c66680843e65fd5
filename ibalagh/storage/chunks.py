"""Rows of the outbox: some hundred records to a row, packed, since what a row costs is paid per row.

In: the records that one batch causes, in order; out: rows for binary COPY, and back. A row holds records whose causes
follow one another in one source partition, and never parts what one source record caused. Packed is MessagePack of
`[shapes, records]`, compressed as an LZ4 block with its size before it: a shape is what many records share (`Shape`),
a record is its shape's name, key, value, and the values of its own headers.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

import msgpack  # type: ignore[import-untyped]
from cramjam import lz4

from ibalagh.storage import binary
from ibalagh.stream.ports import Outgoing

COLUMNS: Final = ("source_topic", "source_partition", "first_offset", "last_offset", "records", "packed")
MOST_RECORDS: Final = 250
"""In a row, unless one source record has more effects."""
MOST_BYTES: Final = 512 * 1024
"""Of values in a row, unless one source record's are larger."""

_numbers: Final = struct.Struct(">iqiqii").pack
_length: Final = struct.Struct(">i").pack

Entry = tuple[str | bytes | None, ...]
"""The name of a shape, key, value, and the values of the shape's own headers in their order."""


class Shape(NamedTuple):
    """What records of one kind share: topic, headers of one value in all, and names of the headers that follow."""

    topic: str
    fixed: tuple[tuple[str, bytes | None], ...]
    own: tuple[str, ...]


class ChunkWriter:
    """Gathers the records of a batch into rows; `add` them in order, then take the `stream`."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._source: tuple[str, int] = ("", -1)
        self._first = self._last = -1
        self._shapes: dict[str, Shape] = {}
        self._entries: list[Entry] = []
        self._size = 0

    def add(self, topic: str, partition: int, offset: int, shape: Shape, entry: Entry) -> None:
        """A record caused by what lies at `offset` of a source partition; within one, offsets never fall."""
        if offset != self._last or partition != self._source[1] or topic != self._source[0]:
            full = len(self._entries) >= MOST_RECORDS or self._size >= MOST_BYTES
            if full or partition != self._source[1] or topic != self._source[0]:
                self._close()
                self._source, self._first = (topic, partition), offset
            self._last = offset
        self._shapes[entry[0]] = shape  # type: ignore[index] # the first is a name
        self._entries.append(entry)
        self._size += len(entry[2] or b"")

    def stream(self) -> bytes:
        """All rows as one COPY stream for `COLUMNS`; empty when nothing was added."""
        self._close()
        return binary.stream(self._rows) if self._rows else b""

    def _close(self) -> None:
        if not self._entries:
            return
        packed = bytes(lz4.compress_block(msgpack.packb((self._shapes, self._entries))))
        numbers = _numbers(8, self._first, 8, self._last, 4, len(self._entries))
        self._rows += (_start_of_row(*self._source), numbers, _length(len(packed)), packed)
        self._shapes, self._entries, self._size = {}, [], 0


def unpack(packed: bytes) -> list[Outgoing]:
    """The records of a row, in order."""
    shapes, entries = msgpack.unpackb(lz4.decompress_block(packed), use_list=False, strict_map_key=True)
    records: list[Outgoing] = []
    for name, key, value, *own in entries:
        topic, fixed, names = shapes[name]
        records.append(Outgoing(topic, key, value, [*fixed, *zip(names, own, strict=True)]))
    return records


def shaped(record: Outgoing) -> tuple[Shape, Entry]:
    """Any record as an entry of a shape of its own."""
    names = tuple([name for name, _ in record.headers])
    shape = Shape(record.topic, (), names)
    return shape, (repr(shape), record.key, record.value, *[value for _, value in record.headers])


@lru_cache(maxsize=1024)
def _start_of_row(topic: str, partition: int) -> bytes:
    return struct.pack(">h", len(COLUMNS)) + binary.text(topic) + struct.pack(">ii", 4, partition)
