"""On which days a service is expected to work, and when so much of working time after a moment is over. Pure.

In: a calendar beside this module (`calendars/<version>.yaml`), a moment, a time span. Out: the moment at which the span
of working time ends. A working day counts whole, from midnight to midnight in Morocco: the platform does not know a
service's opening hours, and a day is what a law counts by. Each file is read once per process.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

CALENDARS: Final = Path(__file__).parent / "calendars"
_MOROCCO: Final = ZoneInfo("Africa/Casablanca")
_DAY: Final = timedelta(days=1)


class _Civil(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    name: str
    since: int


class _Religious(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    first: date
    days: Annotated[int, Field(ge=1, le=5)]
    name: str
    observed: bool


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    status: str
    valid_from: int
    valid_until: int
    weekend: frozenset[Annotated[int, Field(ge=0, le=6)]]
    civil: Sequence[_Civil]
    religious: Sequence[_Religious]

    @model_validator(mode="after")
    def _whole(self) -> "_Document":
        """A week has a working day, so that a span ends; every year of the file has its religious days."""
        if len(self.weekend) == 7:
            raise ValueError("no day of the week is a working day")
        missing = set(range(self.valid_from, self.valid_until + 1)) - {each.first.year for each in self.religious}
        if missing:
            raise ValueError(f"no religious holiday is listed for {sorted(missing)}")
        return self


class Workdays:
    """One calendar, ready to be asked. Beyond `valid_until` weekends and civil holidays still hold, religious ones do
    not."""

    def __init__(self, document: _Document) -> None:
        self.version = document.version
        self.valid_until = document.valid_until
        self._weekend = document.weekend
        self._civil = {(each.month, each.day): each.since for each in document.civil}
        self._religious = frozenset(
            each.first + timedelta(days=number) for each in document.religious for number in range(each.days)
        )

    def is_working(self, day: date) -> bool:
        """Whether a civil day in Morocco is a working day."""
        if day.weekday() in self._weekend or day in self._religious:
            return False
        since = self._civil.get((day.month, day.day))
        return since is None or day.year < since

    def after(self, start: datetime, span: timedelta) -> datetime:
        """When `span` (positive) of working days is over that runs from `start` (aware); UTC.

        Days that are no working days do not count; where Morocco's clocks change, a day is as long as it is.
        """
        day, moment, left = start.astimezone(_MOROCCO).date(), start.astimezone(UTC), span
        while True:
            end = datetime.combine(day + _DAY, time(), _MOROCCO).astimezone(UTC)
            if self.is_working(day):
                if moment + left <= end:
                    return moment + left
                left -= end - moment
            day, moment = day + _DAY, end


def read(path: Path) -> Workdays:
    """A calendar from its file. Raises pydantic.ValidationError or yaml.YAMLError for a file that is not one."""
    return Workdays(_Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))


@cache
def newest() -> Workdays:
    """The newest calendar. Raises FileNotFoundError where there is none."""
    paths = sorted(CALENDARS.glob("*.yaml"))
    if not paths:
        raise FileNotFoundError(f"no calendar in {CALENDARS}")
    return read(paths[-1])
