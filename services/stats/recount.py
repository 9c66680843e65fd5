"""Counting again from the log: what `ibalagh stats verify` compares with, and what `ibalagh stats rebuild` fills.

In: a linear reader of committed records, from offset 0 of every partition up to given positions. Out: batches, or their
sums. Raises FatalStreamError when the log does not begin at offset 0 any more, or does not reach as far as the
database says; PassingError when the broker is away.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final, NamedTuple, TypeVar

from ibalagh.events.envelope import Data, Event
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import FatalStreamError, InvalidRecordError
from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Consumer, Positions, Record, TopicPartition
from services.stats import store
from services.stats.counted import Kind
from services.stats.counting import TOPICS, Cell
from services.stats.facets import FacetCell
from services.stats.names import group
from services.stats.reading import CountingCodec
from services.stats.repeats import Mark, Once, Place, Source, fresh
from services.stats.summing import Late, Sums, sums

BATCH_RECORDS: Final = 5_000
STALLED_AFTER_S: Final = 30.0
"""A log that gives nothing for so long, though its end is not reached, will not give it at all."""

_K = TypeVar("_K", bound=tuple[object, ...])

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


@contextmanager
def log_reader(kafka_bootstrap: str, topic_prefix: str) -> Iterator[Reader]:
    """A reader of the whole log, as a group that nobody else is."""
    name = f"{group(topic_prefix)}.recount.{uuid.uuid4().hex[:12]}"
    consumer = KafkaConsumer(kafka_bootstrap, name, client_id=name)
    try:
        yield Reader(consumer, CountingCodec(topic_prefix))
    finally:
        consumer.close()


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


def recount(reader: Reader, until: Positions, progress: Progress) -> Sums:
    """What the log adds up to; empty cells are left out."""
    memory = Recalled()
    cells: Counter[Cell] = Counter()
    facets: Counter[FacetCell] = Counter()
    late: Counter[tuple[date, Cell]] = Counter()
    for events in reader.read(until, progress):
        found = sums(fresh(events, memory))
        cells.update(found.cells)
        facets.update(found.facets)
        late.update(found.late)
    return Sums(_filled(cells), _filled(facets), _filled(late))


def _filled(counts: Mapping[_K, int]) -> dict[_K, int]:
    return {cell: count for cell, count in counts.items() if count}


def read_counted(database: Database, consumer: str) -> tuple[Positions, Sums]:
    """Up to where `consumer` has counted, and what the database says of it: of one moment, so that both belong together
    while workers go on."""
    with database.transaction("repeatable read", read_only=True) as tx:
        counted = Sums(store.read_cells(tx), store.read_facet_cells(tx), store.read_late(tx))
        return store.read_positions(tx, consumer), counted


class Difference(NamedTuple):
    """A cell that differs: what the database says, and what the log says."""

    table: str
    cell: tuple[object, ...]
    counted: int
    recounted: int


def differences(counted: Sums, recounted: Sums) -> list[Difference]:
    """The cells that differ, in a fixed order."""
    return [
        *_differences("counters", counted.cells, recounted.cells),
        *_differences("facets", counted.facets, recounted.facets),
        *_differences("late", _flat(counted.late), _flat(recounted.late)),
    ]


def _differences(table: str, has: Mapping[_K, int], should: Mapping[_K, int]) -> Iterator[Difference]:
    for cell in sorted(has.keys() | should.keys(), key=lambda cell: tuple(map(str, cell))):
        if has.get(cell, 0) != should.get(cell, 0):
            yield Difference(table, cell, has.get(cell, 0), should.get(cell, 0))


def _flat(late: Late) -> dict[tuple[object, ...], int]:
    return {(day, *cell): count for (day, cell), count in late.items()}


def _partition(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
