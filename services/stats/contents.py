"""From the value of a record to what it does to the counters: parsed with care, and remembered.

In: values of any bytes at all, and the name of the type. Out: a `Tally`, the same one for all values that do the same.
Raises InvalidRecordError, with the reasons of `ibalagh.contracts.codec`, for what cannot be counted.

orjson reads the value (it refuses bad UTF-8, and nesting deeper than 1,024 levels), an `Outline` picks the few values
that decide, and a dictionary knows what these do. Only a combination never seen before is validated, by its pydantic
view.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from pydantic import ValidationError

from ibalagh.contracts.codec import InvalidReason
from ibalagh.events.envelope import Data
from ibalagh.stream.errors import InvalidRecordError
from services.stats import facets, views
from services.stats.counting import COUNTED, Moves, civil_day, moves_of
from services.stats.facets import FacetMoves, Slots

CACHE_SIZE: Final = 20_000
"""Combinations of values kept, of about 1 kB; beyond, the dictionary starts anew, so that hostile input cannot make it
grow. A quarter has about 10,000."""


class Tally:
    """What many events do alike: moves of the counters, moves of the facets, and where their traits go. Compared by
    identity, so that counting them costs no hashing of cells."""

    __slots__ = ("facets", "moves", "slots")

    def __init__(self, moves: Moves, facets: FacetMoves = (), slots: Slots | None = None) -> None:
        self.moves = moves
        self.facets = facets
        self.slots = slots


Key = tuple[object, ...]
Outline = Callable[[dict[str, Any]], Key]
"""From an event's JSON to all the values that decide what it does. Raises KeyError, TypeError or ValueError."""


def _facts(payload: dict[str, Any]) -> Key:
    facts = payload["facts"]
    return facts["received_on"], facts["identified"], facts["country"], facts["channel"]


def _decision(decision: dict[str, Any]) -> Key:
    return (
        decision["disposition"],
        decision["category"],
        repr(decision["urgency"]),  # 1, 1.0 and true are equal as they are
        decision.get("organisation"),
        decision.get("province"),
    )


def _triaged(payload: dict[str, Any]) -> Key:
    return *_facts(payload), *_decision(payload["decision"]), payload["variety"]


def _reviewed(payload: dict[str, Any]) -> Key:
    return *_facts(payload), *_decision(payload["decision"]), *_decision(payload["previous"]), payload["action"]


def _in_case(payload: dict[str, Any]) -> Key:
    return (
        *_facts(payload),
        payload["category"],
        repr(payload["urgency"]),
        payload.get("organisation"),
        payload.get("province"),
    )


def _day(payload: dict[str, Any]) -> date:
    moment = datetime.fromisoformat(payload["occurred_at"])
    return _day_of_hour(moment.toordinal(), moment.hour) if moment.tzinfo is UTC else civil_day(moment)


@lru_cache(maxsize=10_000)
def _day_of_hour(ordinal: int, hour: int) -> date:
    """The civil day of a whole hour in UTC: Morocco is at whole hours from UTC, so an hour never spans two days."""
    return civil_day(datetime.fromordinal(ordinal).replace(hour=hour, tzinfo=UTC))


_OUTLINES: Final[Mapping[type[Data], Outline]] = {
    views.Received: _facts,
    views.Triaged: _triaged,
    views.Reviewed: _reviewed,
    views.Joined: _in_case,
    views.Left: _in_case,
    views.Opened: lambda p: (*_in_case(p), _day(p)),
    views.Reclassified: lambda p: (*_in_case(p), p["previous_category"], p.get("previous_organisation")),
    views.Regrouped: lambda p: (p["part"], p["opened_as"], p["opened_at"]),
    views.Reopened: lambda p: (p.get("closed_as"), p.get("closed_at")),
    views.CaseAct: lambda p: (p["category"], _day(p)),
}


class Contents:
    """Knows what values do. One thread uses it."""

    def __init__(self) -> None:
        self._tallies: dict[Key, Tally] = {}
        self._outlines = {name: _OUTLINES[rule.view] for name, rule in COUNTED.items()}

    def read(self, type_: str, value: bytes) -> tuple[Tally, dict[str, Any]]:
        """What a value does, and the value as JSON."""
        try:
            payload = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise InvalidRecordError(InvalidReason.BAD_JSON) from None
        try:
            key = (type_, *self._outlines[type_](payload))
            return self._tallies.get(key) or self._learn(key, type_, payload), payload
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidRecordError(InvalidReason.BAD_DATA) from None

    def _learn(self, key: Key, type_: str, payload: dict[str, Any]) -> Tally:
        try:
            view = COUNTED[type_].view.model_validate_json(orjson.dumps(payload))
        except ValidationError:
            raise InvalidRecordError(InvalidReason.BAD_DATA) from None
        if any(isinstance(value, str) and "\0" in value for value in key):
            raise InvalidRecordError(InvalidReason.BAD_DATA)  # JSON may hold it, PostgreSQL's text may not
        if len(self._tallies) >= CACHE_SIZE:
            self._tallies.clear()
        tally = self._tallies[key] = Tally(moves_of(type_, view), facets.moves_of(view), facets.slots_of(view))
        return tally
