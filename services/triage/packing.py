"""New reports packed for binary COPY. Pure: arrivals in, one stream out."""

import struct
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from ibalagh.storage.binary import microseconds, stream, text, uuid

COLUMNS: Final = (
    "report_id",
    "received_at",
    "state",
    "urgency",
    "source_topic",
    "source_partition",
    "source_offset",
    "report",
)


class Arrival(NamedTuple):
    """A report that the machine decided: when it was received, where it stands, how urgent it is, where in the log its
    text stands (topic and partition, and offset), its data as JSON, and where the event itself was read.
    `origin_time` and `position` are called as in the event that it stands for."""

    report_id: str
    origin_time: datetime
    state: str
    urgency: int
    source: tuple[str, int]
    source_offset: int
    data: bytes
    position: tuple[str, int, int]


_first = struct.Struct(">hi16siq").pack
_last = struct.Struct(">iqi").pack


def arrivals(rows: Iterable[Arrival]) -> bytes:
    """The rows of new reports, for `COLUMNS`."""
    columns = len(COLUMNS)
    parts: list[bytes] = []
    for report_id, received_at, state, urgency, source, offset, data, _ in rows:
        parts += (
            _first(columns, 16, uuid(report_id), 8, microseconds(received_at)),
            _middle(state, urgency, *source),
            _last(8, offset, len(data)),
            data,
        )
    return stream(parts)


@lru_cache(maxsize=1_024)
def _middle(state: str, urgency: int, topic: str, partition: int) -> bytes:
    return text(state) + struct.pack(">ih", 2, urgency) + text(topic) + struct.pack(">ii", 4, partition)
