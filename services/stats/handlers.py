"""From a batch of events to counters: the only place where the pure counting meets a transaction.

In: decoded events and the open transaction that also stores the positions. Out: the event that tells the windows and
the dashboard what changed, and the events refused for their content. Raises what the database raises.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, cast

from ibalagh.events import make
from ibalagh.events.envelope import Data, Event, derived_id
from ibalagh.events.registry import type_of
from ibalagh.events.statistics import CellIncrement, CountersChangedV1
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled
from services.stats.counting import Cell
from services.stats.repeats import Fresh, fresh
from services.stats.store import Store
from services.stats.summing import sums

SOURCE: Final = "/stats"
INCREMENTS_PER_EVENT: Final = 2_000
"""A batch that touches more cells is told in several events, so that none comes near the largest record (1 MiB)."""

_DELTA_TYPE: Final = type_of(CountersChangedV1)


class Counters:
    """Counts batches. `worker` names this process in the keys of its deltas."""

    def __init__(self, worker: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._worker = worker
        self._clock = clock

    def handle(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """Count one batch."""
        increments, counted = count(events, Store(tx))
        if counted.last is None:
            return Handled((), counted.rejected)
        return Handled(tuple(self._deltas(increments, counted.last)), counted.rejected)

    def _deltas(self, increments: Mapping[Cell, int], last: Event[Data]) -> Iterator[Event[Data]]:
        """The batch's deltas, caused by the last event that it counted: an event counts in one batch only."""
        now = self._clock()
        cells = list(increments.items())
        for number, start in enumerate(range(0, len(cells), INCREMENTS_PER_EVENT)):
            data = CountersChangedV1(
                batch_id=derived_id(last.id, _DELTA_TYPE, str(number)),
                counted_at=now,
                increments=tuple(_increment(*item) for item in cells[start : start + INCREMENTS_PER_EVENT]),
            )
            subject = f"{self._worker}.{number}"
            yield make.effect(last, data, source=SOURCE, subject=subject, number=number, now=now)


def count(events: Sequence[Event[Data]], store: Store) -> tuple[Mapping[Cell, int], Fresh]:
    """Add what is new among `events` to the tables; the increments of the counters, and what was new."""
    counted = fresh(events, store)
    found = sums(counted)
    store.add(found)
    return found.cells, counted


@lru_cache(maxsize=20_000)
def _increment(cell: Cell, count: int) -> CellIncrement:
    # Our own values of the right types: nothing is left to validate. The same cells come again in every batch, mostly
    # with small counts, and making one costs ten times a look-up.
    return CellIncrement.model_construct(
        measure=cell.measure.value,
        day=cast(date, cell.day),  # only sums over days have none
        category=cell.category,
        organisation=cell.organisation,
        identified=cell.identified,
        country=cell.country,
        count=count,
    )
