"""The counters and their memory in PostgreSQL. In: values of the domain and an open transaction; out: the same.

Raises what `ibalagh.storage.postgres.Database.transaction` raises.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import psycopg2.errors

from ibalagh.events.vocabulary import Category
from ibalagh.storage.binary import stream
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from ibalagh.stream.ports import Positions, TopicPartition
from services.stats.counted import Kind
from services.stats.counting import Cell, Measure
from services.stats.facets import Facet, FacetCell
from services.stats.repeats import Mark, Once, Place, Source
from services.stats.summing import Late, Sums

TWIN: Final = "_rebuilt"
"""Suffix of the tables that a rebuild fills."""

_QUERIES: Final = load("services.stats")
_BEFORE_ID: Final = struct.pack(">hi", 2, 16).hex()
_CELL_COLUMNS: Final = ("measures", "days", "categories", "organisations", "identified", "countries", "counts")
_FACET_COLUMNS: Final = ("measures", "facets", "days", "categories", "values", "counts")


class Store:
    """The tables within one transaction, or with `twin` those of a rebuild: the `Memory` of `repeats`."""

    def __init__(self, tx: Transaction, twin: str = "") -> None:
        self._tx = tx
        self._twin = twin

    def remember(self, once: Once) -> Once:
        """Remember these, all different; returns those that were known.

        COPY straight into the table costs a quarter of an upsert that returns its rows (2 against 9 µs a row, measured)
        and fails as a whole when one is known; then, rarely, the upsert says which.
        """
        self._tx.execute("SAVEPOINT remember")
        try:
            self._tx.copy_binary(f"seen{self._twin}", ("report_id", "kind"), _pack(once))
        except psycopg2.errors.UniqueViolation:
            self._tx.execute("ROLLBACK TO SAVEPOINT remember")
            pairs = [(report_id, kind) for kind, report_ids in once.items() for report_id in report_ids]
            parameters = {
                "report_ids": [report_id for report_id, _ in pairs],
                "kinds": [int(kind) for _, kind in pairs],
            }
            new = {(report_id, Kind(kind)) for report_id, kind in self._fetch("remember", parameters)}
            return {kind: [each for each in ids if (each, kind) not in new] for kind, ids in once.items()}
        self._tx.execute("RELEASE SAVEPOINT remember")
        return {}

    def marks(self, sources: Collection[Source]) -> Mapping[Source, Mark]:
        """The marks of these sources; those without one are left out."""
        rows = self._fetch("marks", _source_columns(sources))
        return {place.source: place.mark for place in map(_place, rows)}

    def raise_marks(self, marks: Mapping[Source, Mark]) -> None:
        """Store higher marks."""
        self._execute("raise_marks", _place_columns([Place(*each) for each in sorted(marks.items())]))

    def refuse(self, places: Collection[Place]) -> None:
        """Remember events that were refused for their content."""
        self._execute("refuse", _place_columns(sorted(places)))

    def readmit(self, places: Collection[Place]) -> Collection[Place]:
        """Forget those of these that had been refused, and return them."""
        return {_place(row) for row in self._fetch("readmit", _place_columns(sorted(places)))}

    def add(self, sums: Sums) -> None:
        """Add to the counters, the facets, and what was learned late."""
        self._add("add", _CELL_COLUMNS, {_written(cell): count for cell, count in sums.cells.items()})
        self._add("add_facets", _FACET_COLUMNS, {_written(cell): count for cell, count in sums.facets.items()})
        late = {(_element(day), *_written(cell)): count for (day, cell), count in sums.late.items()}
        self._add("add_late", ("known_on", *_CELL_COLUMNS), late)

    def _add(self, name: str, columns: Sequence[str], rows: Mapping[tuple[str, ...], int]) -> None:
        if not rows:
            return
        written = sorted(rows.items())
        values = [_array(column) for column in zip(*(row for row, _ in written), strict=True)]
        counts = _array([str(count) for _, count in written])
        self._execute(name, dict(zip(columns, [*values, counts], strict=True)))

    def _fetch(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        return self._tx.fetch_all(self._sql(name), parameters)

    def _execute(self, name: str, parameters: Mapping[str, object]) -> None:
        self._tx.execute(self._sql(name), parameters)

    def _sql(self, name: str) -> str:
        return _QUERIES[name].replace("{twin}", self._twin)


class Period(NamedTuple):
    """Civil days, both included; None leaves an end open."""

    first: date | None = None
    last: date | None = None


ALWAYS: Final = Period()


def read_cells(
    tx: Transaction, period: Period = ALWAYS, measures: Collection[Measure] | None = None
) -> dict[Cell, int]:
    """The cells that are not empty, of these measures (None: all) and days."""
    return _cells(tx.fetch_all(_QUERIES["cells"], _chosen(period, measures)))


def read_sums(tx: Transaction, period: Period = ALWAYS, measures: Collection[Measure] | None = None) -> dict[Cell, int]:
    """As `read_cells`, with the days added up: some hundred cells, however long the period."""
    return _cells(tx.fetch_all(_QUERIES["sums"], _chosen(period, measures)))


def read_sums_as_of(
    tx: Transaction, as_of: date, period: Period = ALWAYS, measures: Collection[Measure] | None = None
) -> dict[Cell, int]:
    """As `read_sums`, as the figures stood at the end of a civil day."""
    return _cells(tx.fetch_all(_QUERIES["sums_as_of"], _chosen(period, measures) | {"as_of": as_of}))


def read_facet(tx: Transaction, measure: Measure, facet: Facet, period: Period = ALWAYS) -> dict[str | None, int]:
    """The values of a facet of a measure, over all days of a period and all categories."""
    chosen = {"measure": measure.value, "facet": facet.value, "first": period.first, "last": period.last}
    return dict(tx.fetch_all(_QUERIES["facet_sums"], chosen))


def read_facet_rows(
    tx: Transaction, measure: Measure, facet: Facet, period: Period = ALWAYS
) -> list[tuple[str | None, str | None, int]]:
    """A cross-tab by a facet: (category, value, count), the largest first."""
    chosen = {"measure": measure.value, "facet": facet.value, "first": period.first, "last": period.last}
    return [(category, value, count) for category, value, count in tx.fetch_all(_QUERIES["facet_rows"], chosen)]


def read_facet_cells(tx: Transaction) -> dict[FacetCell, int]:
    """Every cell of the facets that is not empty."""
    return {
        FacetCell(Measure(measure), Facet(facet), day, None if category is None else Category(category), value): count
        for measure, facet, day, category, value, count in tx.fetch_all(_QUERIES["facet_cells"])
    }


def read_late(tx: Transaction) -> Late:
    """Everything that was learned late, and has not evened out."""
    rows = tx.fetch_all(_QUERIES["late_cells"])
    return {(known_on, cell): count for known_on, *row in rows for cell, count in _cells([tuple(row)]).items()}


def read_totals(
    tx: Transaction, period: Period = ALWAYS, measures: Collection[Measure] | None = None
) -> dict[str, int]:
    """The sum of every measure, those without a cell as 0, in the order of a report's way."""
    sums: dict[str, int] = dict(tx.fetch_all(_QUERIES["totals"], _chosen(period, measures)))
    return {measure.value: sums.get(measure.value, 0) for measure in Measure}


def _chosen(period: Period, measures: Collection[Measure] | None) -> dict[str, object]:
    chosen = None if measures is None else [measure.value for measure in measures]
    return {"measures": chosen, "first": period.first, "last": period.last}


def _cells(rows: Sequence[Row]) -> dict[Cell, int]:
    return {
        Cell(
            Measure(measure), day, None if category is None else Category(category), organisation, identified, country
        ): count
        for measure, day, category, organisation, identified, country, count in rows
    }


def read_positions(tx: Transaction, consumer: str) -> Positions:
    """Up to where the log is counted: per partition the next offset."""
    rows = tx.fetch_all(_QUERIES["positions"], {"consumer": consumer})
    return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}


def make_twins(tx: Transaction) -> None:
    """Empty tables for a rebuild, with the suffix `TWIN`."""
    tx.execute(_QUERIES["make_twins"])


def stop_the_world(tx: Transaction) -> None:
    """Wait for the batches under way; none begins before this transaction ends."""
    tx.execute(_QUERIES["stop_the_world"])


def swap_twins(tx: Transaction) -> None:
    """The rebuilt tables take the place of the live ones when this transaction commits."""
    tx.execute(_QUERIES["swap_twins"])


@lru_cache(maxsize=20_000)
def _written(cell: Cell | FacetCell) -> tuple[str, ...]:
    """The values of a cell as elements of array literals (PostgreSQL, "Arrays", section "Array Input and Output").

    The driver would adapt every value anew, 30 µs a cell in all; the same cells come again in every batch.
    """
    return tuple(_element(value) for value in cell)


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _array(elements: Sequence[str]) -> str:
    return f"{{{','.join(elements)}}}"


def _pack(once: Once) -> bytes:
    """Rows of `seen` in the binary format of COPY: written in hexadecimal, as ids are, and turned into bytes at once,
    which takes a tenth of the time that rows of their own would."""
    text: list[str] = []
    for kind, report_ids in once.items():
        after_id = struct.pack(">ih", 2, kind).hex()
        text += (_BEFORE_ID, (after_id + _BEFORE_ID).join(report_ids), after_id)
    return stream([bytes.fromhex("".join(text).replace("-", ""))])


def _place(row: Row) -> Place:
    topic, partition, cause_topic, cause_partition, offset, number = row
    return Place(Source(topic, partition, cause_topic, cause_partition), Mark(offset, number))


def _source_columns(sources: Collection[Source]) -> dict[str, object]:
    return {
        "topics": [source.topic for source in sources],
        "partitions": [source.partition for source in sources],
        "cause_topics": [source.cause_topic for source in sources],
        "cause_partitions": [source.cause_partition for source in sources],
    }


def _place_columns(places: Collection[Place]) -> dict[str, object]:
    return {
        **_source_columns([place.source for place in places]),
        "offsets": [place.mark.offset for place in places],
        "numbers": [place.mark.number for place in places],
    }
