"""Named cross-tabs beside the counters: reports by one further dimension each. Pure.

In: an event's view, and for the events that come by the thousand their `Traits`, bytes of their JSON. Out: increments
of cells. Every dimension in every cell would make more cells than there are reports; so each facet has a table of its
own, by day and, where an event tells the category before and after, by category:

- received × channel
- triaged × province, × urgency, × channel, each by category; a review moves a report
- triaged_by_machine × variety by category; no review moves it, since it is the text's
- referred × province, × urgency, × channel, as they were when the report came into its case

What decides about `counters` is looked up once for many events (`contents.Tally`); a province or an urgency among it
would make nearly every event one of its own. So a tally says where its traits go (`Slot`), and traits are counted by
tally.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from ibalagh.events.envelope import Data
from ibalagh.events.registry import PREFIX
from ibalagh.events.vocabulary import Category
from services.stats import views
from services.stats.counting import Measure


class Facet(StrEnum):
    """A further dimension of reports."""

    PROVINCE = "province"
    URGENCY = "urgency"
    CHANNEL = "channel"
    VARIETY = "variety"


class FacetCell(NamedTuple):
    """One cell; `category` is None where the facet is not by category, `value` where it is not known."""

    measure: Measure
    facet: Facet
    day: date
    category: Category | None
    value: str | None


FacetMoves = tuple[tuple[FacetCell, int], ...]
Traits = tuple[bytes, ...]
"""Values of one event as JSON; which of them is what, its type's slots say."""


class Slot(NamedTuple):
    """Where the trait at place `at` goes: the cell without its value."""

    at: int
    measure: Measure
    facet: Facet
    day: date
    category: Category | None


class Slots:
    """The slots of events alike; compared by identity, and the same for all that have the same."""

    __slots__ = ("each",)

    def __init__(self, *each: Slot) -> None:
        self.each = each


KEPT: Final[Mapping[Measure, tuple[Facet, ...]]] = {
    Measure.RECEIVED: (Facet.CHANNEL,),
    Measure.TRIAGED: (Facet.PROVINCE, Facet.URGENCY, Facet.CHANNEL),
    Measure.MACHINE: (Facet.VARIETY,),
    Measure.REFERRED: (Facet.PROVINCE, Facet.URGENCY, Facet.CHANNEL),
}
"""The cross-tabs that there are."""


def moves_of(view: Data) -> FacetMoves:
    """What an event without traits does to the facets."""
    if isinstance(view, views.Received):
        day, channel = view.facts.received_on, view.facts.channel
        return ((FacetCell(Measure.RECEIVED, Facet.CHANNEL, day, None, channel.value), 1),)
    if isinstance(view, views.Reviewed):
        return (*_standing(view.facts, view.previous, -1), *_standing(view.facts, view.decision, 1))
    if isinstance(view, views.Left):
        values = _values(view.facts, view)
        return tuple(
            (FacetCell(Measure.REFERRED, facet, view.facts.received_on, None, value), -1)
            for facet, value in values.items()
        )
    return ()


def slots_of(view: Data) -> Slots | None:
    """Where an event's traits go; None if it has none."""
    if isinstance(view, views.Triaged):
        return _triaged(view.facts.received_on, view.decision.category)
    if isinstance(view, views.Opened):
        return _referred(view.facts.received_on, OPENED_AT)
    if isinstance(view, views.Joined):
        return _referred(view.facts.received_on, JOINED_AT)
    return None


@lru_cache(maxsize=10_000)
def _triaged(day: date, category: Category) -> Slots:
    channel, variety, urgency, province = TRIAGED_AT
    return Slots(
        Slot(channel, Measure.TRIAGED, Facet.CHANNEL, day, category),
        Slot(variety, Measure.MACHINE, Facet.VARIETY, day, category),
        Slot(urgency, Measure.TRIAGED, Facet.URGENCY, day, category),
        Slot(province, Measure.TRIAGED, Facet.PROVINCE, day, category),
    )


@lru_cache(maxsize=10_000)
def _referred(day: date, at: tuple[int, int, int]) -> Slots:
    facets = (Facet.CHANNEL, Facet.URGENCY, Facet.PROVINCE)
    return Slots(*(Slot(place, Measure.REFERRED, facet, day, None) for place, facet in zip(at, facets, strict=True)))


def traits_of(type_: str, payload: Mapping[str, Any]) -> Traits | None:
    """The traits of an event of `type_`, None if its type has none. `payload` is what was found to be valid. Between
    traits, where `glance` has other things, it has nothing."""
    if type_ not in _TRAITS:
        return None
    at, found = _TRAITS[type_]
    traits = [b""] * (max(at) + 1)
    for place, value in zip(at, found(payload), strict=True):
        traits[place] = orjson.dumps(value)
    return tuple(traits)


def _in_case(payload: Mapping[str, Any]) -> tuple[object, ...]:
    return payload["facts"]["channel"], int(payload["urgency"]), payload.get("province")


TRIAGED_AT: Final = (1, 2, 4, 6)
OPENED_AT: Final = (2, 4, 5)
JOINED_AT: Final = (1, 3, 4)
"""Places of channel, (variety,) urgency and province among what `glance` takes out of the value."""

_TRAITS: Final[Mapping[str, tuple[tuple[int, ...], Callable[[Mapping[str, Any]], tuple[object, ...]]]]] = {
    PREFIX + "report.triaged.v1": (
        TRIAGED_AT,
        lambda p: (
            p["facts"]["channel"],
            p["variety"],
            int(p["decision"]["urgency"]),
            p["decision"].get("province"),
        ),
    ),
    PREFIX + "case.opened.v1": (OPENED_AT, _in_case),
    PREFIX + "case.joined.v1": (JOINED_AT, _in_case),
}


def fold(fixed: Iterable[tuple[FacetMoves, int]], traits: Mapping[Slots, Sequence[Traits]]) -> dict[FacetCell, int]:
    """The sum of moves, each taken so many times, and of the traits of events with the same slots."""
    cells: dict[FacetCell, int] = {}
    for moves, times in fixed:
        for cell, count in moves:
            cells[cell] = cells.get(cell, 0) + count * times
    for slots, rows in traits.items():
        for at, measure, facet, day, category in slots.each:
            for raw, count in Counter([row[at] for row in rows]).items():
                placed = FacetCell(measure, facet, day, category, _value(raw))
                cells[placed] = cells.get(placed, 0) + count
    return {cell: count for cell, count in cells.items() if count}


@lru_cache(maxsize=10_000)
def _value(raw: bytes) -> str | None:
    value = orjson.loads(raw)
    return None if value is None else str(value)


def _standing(facts: views.Facts, decision: views.Decision, sign: int) -> Iterable[tuple[FacetCell, int]]:
    for facet, value in _values(facts, decision).items():
        yield FacetCell(Measure.TRIAGED, facet, facts.received_on, decision.category, value), sign


def _values(facts: views.Facts, of: views.Decision | views.Left) -> dict[Facet, str | None]:
    return {
        Facet.PROVINCE: of.province,
        Facet.URGENCY: str(int(of.urgency)),
        Facet.CHANNEL: facts.channel.value,
    }
