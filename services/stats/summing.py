"""What a batch adds up to, over all tables: counters, facets, and what was learned late. Pure.

In: the new readings of a batch (`repeats.fresh`). Out: `Sums`. A move is late when its event was made on another civil
day than the cell's own: from these, and the counters as they are, follow the counters as they stood on any day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from services.stats import facets
from services.stats.contents import Tally
from services.stats.counting import Cell, fold
from services.stats.facets import FacetCell, Traits
from services.stats.reading import Counted
from services.stats.repeats import Fresh

Late = Mapping[tuple[date, Cell], int]
"""The day on which it was learned, and the cell that moved."""


class Sums(NamedTuple):
    """Increments; what adds up to nothing is left out."""

    cells: Mapping[Cell, int]
    facets: Mapping[FacetCell, int]
    late: Late


def sums(fresh: Fresh) -> Sums:
    """What new events add up to."""
    tallies = fresh.tallies.items()
    traits: dict[Tally, list[Traits]] = {}
    for reading in fresh.new:
        if reading.traits is not None and reading.tally is not None:
            if reading.tally in traits:
                traits[reading.tally].append(reading.traits)
            else:
                traits[reading.tally] = [reading.traits]
    return Sums(
        fold((tally.moves, times) for tally, times in tallies),
        facets.fold(
            ((tally.facets, times) for tally, times in tallies if tally.facets),
            ((tally.slots, rows) for tally, rows in traits.items()),
        ),
        _late(fresh),
    )


def _late(fresh: Fresh) -> dict[tuple[date, Cell], int]:
    days = {reading.known_on for reading in fresh.new}
    late: dict[tuple[date, Cell], int] = {}
    for day in days:
        if day is not None:
            tallies = fresh.tallies if len(days) == 1 else _of_day(fresh.new, day)
            for tally, times in tallies.items():
                for cell, count in tally.moves:
                    if cell.day is not None and cell.day != day:
                        late[day, cell] = late.get((day, cell), 0) + count * times
    return {key: count for key, count in late.items() if count}


def _of_day(new: Iterable[Counted], day: date) -> Mapping[Tally, int]:
    return Counter(reading.tally for reading in new if reading.known_on == day and reading.tally is not None)
