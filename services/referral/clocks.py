"""How long a service has to accept a case, and then to act on it first; when it is warned, and when that is escalated.

In: a case before and after something happened to it, the time. Out: the clock that runs then; and at any later moment
which levels it has reached, as events. Pure, and a matter of the stored deadlines and of `now` alone, so that neither a
restart nor a jump of the time loses or doubles anything: each level is said once, however late it is noticed.

A clock starts when the platform learns of something, whenever that happened as people state it: nobody gains or loses
time by a statement. Its deadlines are fixed when it starts; a corrected calendar holds for the clocks that follow.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ibalagh.events.cases import CaseClockEscalatedV1, CaseClockWarnedV1
from ibalagh.events.envelope import Data
from ibalagh.events.vocabulary import CaseState, ClockKind, Urgency
from services.referral.model import Case, Clock
from services.referral.workdays import Workdays


class Level(IntEnum):
    """How far a clock has come."""

    RUNNING = 0
    WARNED = 1
    ESCALATED = 2


class Allowance(NamedTuple):
    """The time that there is; `round_the_clock` counts every hour, else working days count."""

    span: timedelta
    round_the_clock: bool


ALLOWANCES: Final[Mapping[Urgency, Allowance]] = {
    Urgency.IMMEDIATE: Allowance(timedelta(hours=1), round_the_clock=True),
    Urgency.HIGH: Allowance(timedelta(hours=48), round_the_clock=False),
    Urgency.SOON: Allowance(timedelta(days=8), round_the_clock=False),
    Urgency.ROUTINE: Allowance(timedelta(days=8), round_the_clock=False),
}
"""For acceptance, and again for the first action after it."""

_WARNED_AFTER: Final = 3 / 4
"""The share of the time that is gone when the service is warned."""

WAITS_FOR: Final[Mapping[CaseState, ClockKind]] = {
    CaseState.REFERRED: ClockKind.ACCEPTANCE,
    CaseState.DECLINED: ClockKind.ACCEPTANCE,
    CaseState.ACCEPTED: ClockKind.FIRST_ACTION,
    CaseState.INSTRUCTED: ClockKind.FIRST_ACTION,
}
"""What a case in a state waits for; in other states no clock runs. One that is declined still has to be accepted."""


@lru_cache(maxsize=256)
def started(kind: ClockKind, urgency: Urgency, now: datetime, workdays: Workdays) -> Clock:
    """A clock that starts `now` (aware, UTC). Cached: what a batch opens has one time, and a few urgencies."""
    span, round_the_clock = ALLOWANCES[urgency]
    if round_the_clock:
        warns_at, due_at = now + span * _WARNED_AFTER, now + span
    else:
        warns_at, due_at = workdays.after(now, span * _WARNED_AFTER), workdays.after(now, span)
    return Clock(kind, now, warns_at, due_at, Level.RUNNING, warns_at)


def after(before: Case, case: Case, now: datetime, workdays: Workdays) -> Case:
    """The case with the clock that runs now that it went from `before` to what it is.

    The clock goes on as long as what it waits for stays the same. It starts anew at another service, and where the
    case became so much more urgent that the new time ends sooner than the old one.
    """
    kind = WAITS_FOR.get(case.state)
    if kind is None:
        return case if case.clock is None else case._replace(clock=None)
    old = case.clock
    if old is not None and old.kind is kind and case.service == before.service:
        if case.urgency <= before.urgency:
            return case
        fresh = started(kind, case.urgency, now, workdays)
        return case._replace(clock=fresh) if fresh.due_at < old.due_at else case
    return case._replace(clock=started(kind, case.urgency, now, workdays))


def struck(case: Case, now: datetime) -> tuple[Case, tuple[Data, ...]]:
    """The case, and what is to be said, once its clock is looked at: each level reached of which nobody was told."""
    clock = case.clock
    if clock is None:
        return case, ()
    reached = Level.ESCALATED if now >= clock.due_at else Level.WARNED if now >= clock.warns_at else Level.RUNNING
    events: list[Data] = []
    for level in Level:
        if clock.level < level <= reached:
            case = case._replace(version=case.version + 1)
            events.append(_SAYS[level](**_facts(case, clock, now)))
    if not events:
        return case, ()
    return case._replace(clock=clock._replace(level=reached, strikes_at=_next(clock, reached))), tuple(events)


def stopped(clock: Clock) -> Clock:
    """The clock of a case that was merged: nobody looks at it."""
    return clock._replace(strikes_at=None)


def resumed(clock: Clock) -> Clock:
    """A clock that goes on after it was stopped; its deadlines stay, and a level that was reached meanwhile is said."""
    return clock._replace(
        strikes_at=clock.warns_at if clock.level == Level.RUNNING else _next(clock, Level(clock.level))
    )


def _next(clock: Clock, level: Level) -> datetime | None:
    return clock.due_at if level is Level.WARNED else None


_SAYS: Final[Mapping[Level, type[CaseClockWarnedV1 | CaseClockEscalatedV1]]] = {
    Level.WARNED: CaseClockWarnedV1,
    Level.ESCALATED: CaseClockEscalatedV1,
}


def _facts(case: Case, clock: Clock, now: datetime) -> dict[str, Any]:
    return case.told(now) | {
        "clock": clock.kind,
        "urgency": case.urgency,
        "prosecutor": case.prosecutor,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
    }
