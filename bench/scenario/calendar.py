"""When reports come in: more on weekdays, more as the platform becomes known, a rush after the launch, few at night."""

from datetime import date, datetime, time, timedelta, timezone
from itertools import accumulate
from random import Random

MOROCCO = timezone(timedelta(hours=1))
_HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8, 9, 10, 10, 8, 4)  # 00:00 … 23:00
_WEEKEND = 0.72
_GROWTH = 0.6  # the last day's rate over the first one's, less one
_LAUNCH_RUSH = 1.35
_LAUNCH_DAYS = 4


class Calendar:
    """Draws moments between two days, both included, as Moroccan civil time."""

    def __init__(self, first: date, last: date) -> None:
        count = (last - first).days + 1
        self._days = [first + timedelta(days=n) for n in range(count)]
        self._weights = list(accumulate(_weight(day, n / count, n) for n, day in enumerate(self._days)))

    def moment(self, rng: Random) -> datetime:
        """A moment of the quarter. Never in the first hour of a day, so that the UTC day is the civil day too."""
        return self._at(rng, rng.choices(self._days, cum_weights=self._weights)[0])

    def moment_after(self, rng: Random, start: date, mean_days: float) -> datetime:
        """A moment at `start` or on one of the days after it, `mean_days` later on average, never past the last day."""
        later = start + timedelta(days=int(rng.expovariate(1 / mean_days)))
        return self._at(rng, min(later, self._days[-1]))

    def _at(self, rng: Random, day: date) -> datetime:
        hour = rng.choices(range(1, 24), _HOURS[1:])[0]
        return datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), MOROCCO)


def _weight(day: date, progress: float, number: int) -> float:
    weight = 1 + _GROWTH * progress
    if day.weekday() >= 5:
        weight *= _WEEKEND
    return weight * _LAUNCH_RUSH if number < _LAUNCH_DAYS else weight
