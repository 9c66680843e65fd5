"""Counting again from the log: what `ibalagh stats verify` compares with, and what `ibalagh stats rebuild` fills.

In: a linear reader of committed records, from offset 0 of every partition up to given positions. Out: batches, or their
sums. Raises FatalStreamError when the log does not begin at offset 0 any more, or does not reach as far as the
database says; PassingError when the broker is away.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from ibalagh.events.envelope import Data, Event
from ibalagh.stream.errors import FatalStreamError, InvalidRecordError
from ibalagh.stream.ports import Consumer, Positions, Record, TopicPartition
from services.stats.counting import TOPICS, Cell, fold
from services.stats.reading import CountingCodec, Kind
from services.stats.repeats import Mark, Once, Place, Source, fresh

BATCH_RECORDS: Final = 5_000
STALLED_AFTER_S: Final = 30.0
"""A log that gives nothing for so long, though its end is not reached, will not give it at all."""

Progress = Callable[[int, int], None]
"""Called with how many offsets of how many are behind."""


class Reader:
    """Reads the log linearly, with a consumer that is a group of its own and commits nothing."""

    def __init__(
        self, consumer: Consumer, codec: CountingCodec, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._codec = codec
        self._monotonic = monotonic
        self._kept: list[Record] = []
        consumer.subscribe(
            [codec.topic(topic) for topic in TOPICS],
            start_positions=lambda partitions: dict.fromkeys(partitions, 0),
        )

    def read(self, until: Positions, progress: Progress) -> Iterator[list[Event[Data]]]:
        """The readable events before `until`, in batches; goes on from where the last call ended.

        What lies behind `until`, or in partitions that it does not name, is kept for the next call.
        """
        total = sum(until.values())
        last_progress = self._monotonic()
        while True:
            ready = [record for record in self._kept if record.offset < until.get(_partition(record), 0)]
            self._kept = [record for record in self._kept if record.offset >= until.get(_partition(record), 0)]
            if ready:
                last_progress = self._monotonic()
                yield list(self._decode(ready))
            at = self._consumer.positions()
            progress(sum(min(at.get(partition, 0), end) for partition, end in until.items()), total)
            if all(at.get(partition, 0) >= end for partition, end in until.items()):
                return
            if self._monotonic() - last_progress > STALLED_AFTER_S:
                raise FatalStreamError("the log does not reach as far as the database has counted")
            self._kept += self._consumer.consume(BATCH_RECORDS, 0.05, 0.2)

    def _decode(self, records: Sequence[Record]) -> Iterator[Event[Data]]:
        for record in records:
            try:
                yield self._codec.decode(record)
            except InvalidRecordError:
                continue


class Recalled:
    """The memory of `repeats` in this process: a recount has no transaction to keep it in."""

    def __init__(self) -> None:
        self._seen: set[tuple[bytes, int]] = set()
        self._marks: dict[Source, Mark] = {}
        self._refused: set[Place] = set()

    def remember(self, once: Once) -> Once:
        """See `repeats.Memory`."""
        known: dict[Kind, list[str]] = {kind: [] for kind in once}
        for kind, report_ids in once.items():
            for report_id in report_ids:
                key = (bytes.fromhex(report_id.replace("-", "")), int(kind))
                if key in self._seen:
                    known[kind].append(report_id)
                self._seen.add(key)
        return known

    def marks(self, sources: Collection[Source]) -> Mapping[Source, Mark]:
        """See `repeats.Memory`."""
        return {source: self._marks[source] for source in sources if source in self._marks}

    def raise_marks(self, marks: Mapping[Source, Mark]) -> None:
        """See `repeats.Memory`."""
        self._marks.update(marks)

    def refuse(self, places: Collection[Place]) -> None:
        """See `repeats.Memory`."""
        self._refused.update(places)

    def readmit(self, places: Collection[Place]) -> Collection[Place]:
        """See `repeats.Memory`."""
        back = self._refused.intersection(places)
        self._refused -= back
        return back


def recount(reader: Reader, until: Positions, progress: Progress) -> dict[Cell, int]:
    """What the log adds up to; empty cells are left out."""
    memory = Recalled()
    total: Counter[Cell] = Counter()
    for events in reader.read(until, progress):
        for cell, count in fold((tally.moves, times) for tally, times in fresh(events, memory).tallies.items()).items():
            total[cell] += count
    return {cell: count for cell, count in total.items() if count}


def differences(counted: Mapping[Cell, int], recounted: Mapping[Cell, int]) -> list[tuple[Cell, int, int]]:
    """The cells that differ, in a fixed order: (cell, what the database says, what the log says)."""
    cells = sorted(counted.keys() | recounted.keys(), key=lambda cell: tuple(str(value) for value in cell))
    return [
        (cell, counted.get(cell, 0), recounted.get(cell, 0))
        for cell in cells
        if counted.get(cell, 0) != recounted.get(cell, 0)
    ]


def _partition(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
