"""Groups of reports that share one answer, which an event loop waits for."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.intake.acceptance import Prepared


class Group(NamedTuple):
    """Reports that share an answer, and the event loop that waits for it: a list with what became of each, in order."""

    reports: Sequence[Prepared]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[list[Any]]"


def resolve(groups: Sequence[Group], outcomes: Sequence[Any]) -> None:
    """Answer every group with its share of `outcomes`, one for each report, by one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[list[Any]], list[Any]]]] = {}
    start = 0
    for group in groups:
        end = start + len(group.reports)
        by_loop.setdefault(group.loop, []).append((group.answer, list(outcomes[start:end])))
        start = end
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set, answers)


def _set(answers: Sequence[tuple["asyncio.Future[list[Any]]", list[Any]]]) -> None:
    for future, outcomes in answers:
        if not future.done():
            future.set_result(outcomes)
