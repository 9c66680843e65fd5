"""What a batch adds up to, over all tables: counters, facets, and what was learned late. Pure.

In: the new readings of a batch (`repeats.fresh`). Out: `Sums`. A move is late when its event was made on another civil
day than the cell's own: from these, and the counters as they are, follow the counters as they stood on any day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from operator import itemgetter
from typing import Final, NamedTuple

from services.stats import facets
from services.stats.contents import Tally
from services.stats.counted import Counted
from services.stats.counting import Cell, fold
from services.stats.facets import FacetCell, Slots, Traits
from services.stats.repeats import Fresh

Late = Mapping[tuple[date, Cell], int]
"""The day on which it was learned, and the cell that moved."""


class Sums(NamedTuple):
    """Increments; what adds up to nothing is left out."""

    cells: Mapping[Cell, int]
    facets: Mapping[FacetCell, int]
    late: Late


_PLACED: Final = itemgetter(Counted._fields.index("tally"), Counted._fields.index("traits"))
_KNOWN_ON: Final = itemgetter(Counted._fields.index("known_on"))
"""Of every new event: a named tuple's own attributes would take three times as long."""


def sums(fresh: Fresh) -> Sums:
    """What new events add up to."""
    tallies = fresh.tallies.items()
    traits: defaultdict[Slots, list[Traits]] = defaultdict(list)
    for tally, row in map(_PLACED, fresh.new):
        if row is not None and tally.slots is not None:
            traits[tally.slots].append(row)
    return Sums(
        fold((tally.moves, times) for tally, times in tallies),
        facets.fold(((tally.facets, times) for tally, times in tallies if tally.facets), traits),
        _late(fresh),
    )


def _late(fresh: Fresh) -> dict[tuple[date, Cell], int]:
    days = set(map(_KNOWN_ON, fresh.new))
    late: dict[tuple[date, Cell], int] = {}
    for day in days:
        tallies = fresh.tallies if len(days) == 1 else _of_day(fresh.new, day)
        for tally, times in tallies.items():
            for cell, count in tally.moves:
                if cell.day != day:
                    late[day, cell] = late.get((day, cell), 0) + count * times
    return {key: count for key, count in late.items() if count}


def _of_day(new: Iterable[Counted], day: date) -> Mapping[Tally, int]:
    return Counter(reading.tally for reading in new if reading.known_on == day and reading.tally is not None)
