"""Columns of a case that hardly any case fills: how it is merged, how it was closed; and a report's keys. Pure.

In: values of the model; out: JSON for the columns; and the other way, from what the driver reads.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from ibalagh.events.vocabulary import CaseState, Category, ClockKind, Urgency
from services.referral.model import Clock, Closing, Merged


def merged_json(merged: Merged | None) -> str | None:
    """What a merge changed in the case that stays, for `merged_before`."""
    if merged is None:
        return None
    clock = None if merged.clock is None else list(merged.clock)
    before = {"version": merged.version, "urgency": merged.urgency, "received_on": merged.received_on, "clock": clock}
    return orjson.dumps(before).decode()


def merged_of(into: str, before: Mapping[str, Any]) -> Merged:
    """`merged_json`, the other way."""
    clock = None if before["clock"] is None else _clock(*before["clock"])
    return Merged(into, before["version"], Urgency(before["urgency"]), date.fromisoformat(before["received_on"]), clock)


def closing_json(closing: Closing | None) -> str | None:
    """How a case was closed, for `closing`."""
    return None if closing is None else orjson.dumps(closing._asdict()).decode()


def closing_of(column: Mapping[str, Any]) -> Closing:
    """`closing_json`, the other way."""
    return Closing(CaseState(column["state"]), datetime.fromisoformat(column["at"]), Category(column["category"]))


def keys_of(column: object) -> tuple[str, ...]:
    """A report's keys as the driver reads an array of uuid: its text, or None."""
    if not isinstance(column, str):
        return ()
    return tuple(each.replace("-", "") for each in column.strip("{}").split(",") if each)


def _clock(kind: str, *rest: Any) -> Clock:
    *times, level, strikes_at = rest
    started, warns, due = (datetime.fromisoformat(each) for each in times)
    strikes = None if strikes_at is None else datetime.fromisoformat(strikes_at)
    return Clock(ClockKind(kind), started, warns, due, level, strikes)
