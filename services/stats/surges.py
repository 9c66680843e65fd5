"""Windows over the deltas, and when what they hold is a surge. Pure: time comes in with the deltas.

In: deltas, each with the moment of its counting. Out: surges that open and close. Windows count what the machine
triaged (`Measure.MACHINE`): an analyst's corrections move reports between categories, but nothing new arrives by them.

One count a minute and category is kept (a pane). The tumbling window is one pane; the hopping window, 15 minutes long
and moving on by one, is the sum of 15 panes. So a delta touches one pane, not fifteen overlapping copies of a window.

A surge: at least `minimum` reports in a window, and at least `ratio` times what the same window usually holds (the
median of those before it, so that one earlier surge does not raise the bar). It is over once no window has been that
full for `CALM_MINUTES`. Until there is some history nothing is called unusual.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from typing import Final, NamedTuple

import uuid_utils
from pydantic import BaseModel

from ibalagh.events.envelope import Event
from ibalagh.events.statistics import CountersChangedV1, SurgeClosedV1, SurgeOpenedV1
from ibalagh.events.vocabulary import Category
from services.stats.counting import Measure

MINUTE_S: Final = 60
HOPPING_MINUTES: Final = 15
HISTORY_WINDOWS: Final = 4
"""Hopping windows, one after the other, that the current one is compared with; at least half must lie in the past."""
HISTORY_MINUTES: Final = HOPPING_MINUTES * HISTORY_WINDOWS
KEPT_MINUTES: Final = HISTORY_MINUTES + HOPPING_MINUTES
CALM_MINUTES: Final = 5

_SURGES: Final = uuid_utils.UUID("7b8f1a1e-52a9-5f0c-9d57-2c3f6f1d8c40")
"""Namespace of surge ids: the same surge found again, after a crash, has the same id."""

Minute = int
"""Whole minutes since the epoch."""


class Rules(NamedTuple):
    """What counts as unusual; see the module's docstring."""

    minimum: int
    ratio: float


class OpenSurge(BaseModel):
    """A surge that is not over."""

    surge_id: str
    peak: int
    last_full: Minute


class WindowState(BaseModel):
    """Everything that the windows remember; one value, so that it changes together or not at all.

    `marks` holds per partition of the deltas' causes the last cause applied: deltas are published in that order, so
    whatever is not above its mark is a repeat.
    """

    panes: dict[Category, dict[Minute, int]] = {}
    marks: dict[str, tuple[int, int]] = {}
    since: Minute | None = None
    latest: Minute = 0
    surges: dict[Category, OpenSurge] = {}

    def apply(self, delta: Event[CountersChangedV1]) -> bool:
        """Add a delta; False for a repeat, which changes nothing. Raises ValueError for one without a cause."""
        if delta.cause is None:
            raise ValueError("a delta without its cause")
        source = f"{delta.cause.topic}|{delta.cause.partition}"
        mark = (delta.cause.offset, delta.cause.number)
        if source in self.marks and mark <= self.marks[source]:
            return False
        self.marks[source] = mark
        minute = minute_of(delta.data.counted_at)
        self.latest = max(self.latest, minute)
        self.since = minute if self.since is None else min(self.since, minute)
        for increment in delta.data.increments:
            if increment.measure == Measure.MACHINE and increment.category is not None and increment.count > 0:
                panes = self.panes.setdefault(increment.category, {})
                panes[minute] = panes.get(minute, 0) + increment.count
        self._forget()
        return True

    def window(self, category: Category, end: Minute, minutes: int) -> int:
        """Reports of a category in the `minutes` that end with `end`, it included."""
        panes = self.panes.get(category, {})
        return sum(panes.get(minute, 0) for minute in range(end - minutes + 1, end + 1))

    def _forget(self) -> None:
        oldest = self.latest - KEPT_MINUTES
        for category, panes in list(self.panes.items()):
            for minute in [minute for minute in panes if minute <= oldest]:
                del panes[minute]
            if not panes and category not in self.surges:
                del self.panes[category]


class _Full(NamedTuple):
    minutes: int
    observed: int
    expected: float


def watch(state: WindowState, now: Minute, rules: Rules) -> Iterator[SurgeOpenedV1 | SurgeClosedV1]:
    """Open and close surges as things stand at `now`; what happened comes out, `state.surges` changes accordingly."""
    for category in Category:
        full = _fullest(state, category, now, rules)
        surge = state.surges.get(category)
        if full is not None and surge is None:
            opened = _opened(category, now, full)
            state.surges[category] = OpenSurge(surge_id=opened.surge_id, peak=full.observed, last_full=now)
            yield opened
        elif full is not None and surge is not None:
            surge.peak = max(surge.peak, full.observed)
            surge.last_full = now
        elif surge is not None and now - surge.last_full >= CALM_MINUTES:
            del state.surges[category]
            closed_at = _moment(now)
            yield SurgeClosedV1(surge_id=surge.surge_id, category=category, closed_at=closed_at, peak=surge.peak)


def minute_of(moment: datetime) -> Minute:
    """The whole minute of an aware moment."""
    return int(moment.timestamp()) // MINUTE_S


def _fullest(state: WindowState, category: Category, now: Minute, rules: Rules) -> _Full | None:
    """The longest window that is unusually full, or None."""
    if category not in state.panes or state.since is None:
        return None
    for minutes, windows in ((HOPPING_MINUTES, HISTORY_WINDOWS), (1, HISTORY_MINUTES)):
        observed = state.window(category, now, minutes)
        if observed < rules.minimum:
            continue
        ends = [now - minutes * back for back in range(1, windows + 1)]
        past = [state.window(category, end, minutes) for end in ends if end - minutes + 1 >= state.since]
        if len(past) * 2 >= windows and observed >= rules.ratio * median(past):
            return _Full(minutes, observed, float(median(past)))
    return None


def _opened(category: Category, now: Minute, full: _Full) -> SurgeOpenedV1:
    start = now - full.minutes + 1
    return SurgeOpenedV1(
        surge_id=str(uuid_utils.uuid5(_SURGES, f"{category}|{now}")),
        category=category,
        window_start=_moment(start),
        window_s=full.minutes * MINUTE_S,
        observed=full.observed,
        expected=full.expected,
    )


def _moment(minute: Minute) -> datetime:
    return datetime.fromtimestamp(minute * MINUTE_S, UTC)
