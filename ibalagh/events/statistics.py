"""Events of stats: what each batch added to the counters, and surges found in the windows."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from ibalagh.events.envelope import Data, Uuid
from ibalagh.events.reports import Country, ShortText
from ibalagh.events.vocabulary import Category


class CellIncrement(Data):
    """What one cell of the cross-tabs gained (or lost, when a report moved to another cell)."""

    measure: ShortText = Field(
        description="What is counted, e.g. `received`, `triaged`, `referred`, `suspects_identified`"
    )
    day: date
    category: Category | None = None
    organisation: ShortText | None = None
    identified: bool | None = None
    country: Country | None = None
    count: int


class CountersChangedV1(Data):
    """The increments of one batch, summed per cell. A reader that has seen `batch_id` ignores the repeat."""

    batch_id: Uuid
    counted_at: datetime
    increments: tuple[CellIncrement, ...]


class SurgeOpenedV1(Data):
    """More reports of a category arrived in a window than the recent past would make one expect."""

    surge_id: Uuid
    category: Category
    window_start: datetime
    window_s: Annotated[int, Field(gt=0)]
    observed: int
    expected: float


class SurgeClosedV1(Data):
    """The surge is over."""

    surge_id: Uuid
    category: Category
    closed_at: datetime
    peak: int
