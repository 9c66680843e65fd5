"""How far a report has come, as the few steps that its reporter is shown. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from services.intake.status import Status


class Step(StrEnum):
    """A step on a report's way, in order."""

    RECEIVED = "received"
    EXAMINED = "examined"
    REFERRED = "referred"
    INVESTIGATION_OPENED = "investigation_opened"
    OUTCOME = "outcome"


class Reached(NamedTuple):
    """A step, and whether the report has come so far."""

    step: Step
    done: bool


_LAST_DONE: Final[Mapping[Status, Step]] = {
    Status.RECEIVED: Step.RECEIVED,
    Status.UNDER_REVIEW: Step.RECEIVED,
    Status.EXAMINED: Step.EXAMINED,
    Status.SET_ASIDE: Step.EXAMINED,
    Status.REFERRED: Step.REFERRED,
    Status.ACCEPTED: Step.REFERRED,
    Status.INVESTIGATION_OPENED: Step.INVESTIGATION_OPENED,
    Status.OUTCOME: Step.OUTCOME,
}


def timeline(status: Status) -> list[Reached]:
    """The steps; of a report that was set aside only those behind it, since nobody should wait for the others."""
    order = list(Step)
    last = order.index(_LAST_DONE[status])
    steps = [Reached(step, place <= last) for place, step in enumerate(order)]
    return steps[: last + 1] if status is Status.SET_ASIDE else steps
