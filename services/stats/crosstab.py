"""Cross-tabs: cells summed over the dimensions that nobody asked for. Pure.

In: cells and the names of dimensions. Out: rows, the largest first.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ibalagh.events.reports import HOME_COUNTRY
from services.stats.counting import Cell

DIMENSIONS: Final = ("measure", "day", "category", "organisation", "identified", "country", "abroad")
"""What a cross-tab may be asked `by`; `abroad` is derived from the country."""


def rows(cells: Mapping[Cell, int], by: Sequence[str]) -> list[dict[str, object]]:
    """One row a combination of the values of `by`, with its `count`; measures are never added up together, so
    `measure` is always among the columns. Raises KeyError for an unknown dimension."""
    columns = ["measure", *(name for name in by if name != "measure")]
    for name in columns:
        if name not in DIMENSIONS:
            raise KeyError(name)
    sums: dict[tuple[object, ...], int] = {}
    for cell, count in cells.items():
        key = tuple(_value(cell, name) for name in columns)
        sums[key] = sums.get(key, 0) + count
    ordered = sorted(sums.items(), key=lambda item: (-item[1], tuple(str(value) for value in item[0])))
    return [{**dict(zip(columns, key, strict=True)), "count": count} for key, count in ordered if count]


def _value(cell: Cell, name: str) -> object:
    if name == "abroad":
        return None if cell.country is None else cell.country != HOME_COUNTRY
    return getattr(cell, name)
