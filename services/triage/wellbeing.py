"""How little of what is hard to read an analyst has to see, and when to pause. Pure.

In: a person's choices and what they were shown today; out: what to ask about before it is shown, and the day's meter.
Nobody else is shown any of it, and nothing is counted per person for anybody else.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.vocabulary import Category

HARD: Final = frozenset(
    {
        Category.SEXUAL_EXPLOITATION_MINORS,
        Category.SEXUAL_BLACKMAIL,
        Category.TERRORISM_PRAISE,
        Category.TERRORISM_INCITEMENT_RECRUITMENT,
        Category.INCITEMENT_AGAINST_PERSONS,
    }
)
"""Categories whose content is shown only when asked for, unless a person chose otherwise."""
PAUSE: Final = timedelta(minutes=10)
"""So long without opening anything is a break."""


class Choices(BaseModel):
    """How a person wants to be shown what. `blur` and `grey` go from 0, not at all, to 3."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ask_first: frozenset[Category] = Field(HARD, description="Content of these is shown only when asked for, blurred")
    keep_away: frozenset[Category] = Field(frozenset(), description="Reports of these are never offered as the next")
    keys: bool = Field(True, description="Single keys do something (WCAG 2.1, 2.1.4)")
    blur: Annotated[int, Field(ge=0, le=3)] = 2
    grey: Annotated[int, Field(ge=0, le=3)] = 2
    break_after_min: Annotated[int, Field(ge=10, le=240)] = Field(
        60, description="Minutes of work after which a break is suggested"
    )
    most_hard: Annotated[int, Field(ge=1, le=500)] = Field(
        20, description="Reports of the categories to ask about, after which the day should hold no more of them"
    )


class View(NamedTuple):
    """That a report's content was shown: when last, and of which category the report was."""

    last_at: datetime
    category: Category


class Meter(NamedTuple):
    """A person's day: how many reports, how many of those to ask about, minutes since the last break, and whether a
    break, or no more of these, would be good now."""

    shown: int
    hard: int
    working_min: int
    break_due: bool
    enough_hard: bool


def meter(views: Sequence[View], choices: Choices, now: datetime) -> Meter:
    """The meter of the views of a day, which may come in any order."""
    times = sorted((view.last_at for view in views if view.last_at <= now), reverse=True)
    began, following = now, now
    for at in times:
        if following - at >= PAUSE:
            break
        began = following = at
    working_min = int((now - began).total_seconds() // 60)
    hard = sum(view.category in choices.ask_first for view in views)
    return Meter(len(views), hard, working_min, working_min >= choices.break_after_min, hard >= choices.most_hard)


def asks_first(choices: Choices, category: Category, *, seen: bool, working: bool) -> bool:
    """Whether content is shown only when asked for: of a category that the person chose, and what they have read
    already, unless they work on it."""
    return category in choices.ask_first or (seen and not working)
