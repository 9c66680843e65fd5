"""The steps of the form, and where a press of a button leads. Pure.

In: the fields that a page of the form posted; out: a `Move`, and the draft. The whole draft travels in every page of
the form: what the page does not show is in hidden fields (`hidden`), so no press can lose anything, and nothing of a
draft is kept anywhere else.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from services.intake.draft_files import FILE_FIELDS, REMOVE
from services.intake.questions import PREFIX, all_fields, asked_of

IDENTITY: Final = ("name", "phone", "email", "national_id")
YES: Final = "yes"


class Step(StrEnum):
    """A page of the form, in the order of the form."""

    WHAT = "what"
    DETAILS = "details"
    WHERE = "where"
    EVIDENCE = "evidence"
    PLACE = "place"
    WHO = "who"
    CHECK = "check"


FIELDS: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.WHAT: ("text", "category_hint", "messenger"),
    Step.DETAILS: all_fields(),
    Step.WHERE: ("links", "platform", "seen_at"),
    Step.EVIDENCE: FILE_FIELDS,
    Step.PLACE: ("origin_country", "place"),
    Step.WHO: ("who", *IDENTITY),
    Step.CHECK: (),
}
"""What each step asks for, in the order of its page."""
MAX_FORM_BYTES: Final = 2_097_152
"""Twice the room for the longest draft, when a browser writes every character of it as the escapes of three bytes: one
with a text that is too long is read too, so that it comes back with what to shorten."""
DRAFT_FIELDS: Final = frozenset(field for fields in FIELDS.values() for field in fields)
_ORDER: Final = tuple(Step)


class Move(NamedTuple):
    """From the step `at` to the step `to`, or to the sending of the report (None). `checks`: only if what `at` asks for
    is right. `returning`: the reader came from the summary, and goes back there."""

    at: Step
    to: Step | None
    checks: bool
    returning: bool


def move(posted: Mapping[str, str]) -> Move:
    """Where a press leads. Who posts without naming a step sends the whole form at once."""
    at = _step(posted.get("step", Step.CHECK))
    go = posted.get("go", "next")
    returning = posted.get("returning") == YES
    if go == "stay" or go.startswith(REMOVE):
        return Move(at, at, False, returning)
    if go.startswith("to-"):
        return Move(at, _step(go.removeprefix("to-")), False, True)
    if go == "back":
        return Move(at, Step.CHECK if returning else _ORDER[max(_ORDER.index(at) - 1, 0)], False, False)
    if at is Step.CHECK:
        return Move(at, None, True, False)
    # A change of the category changes the questions, so they come next in any case.
    if returning and at is not Step.WHAT:
        return Move(at, Step.CHECK, True, False)
    return Move(at, _ORDER[_ORDER.index(at) + 1], True, returning)


def draft_of(posted: Mapping[str, str]) -> dict[str, str]:
    """What of the posted fields belongs to the draft, without the empty ones."""
    return {name: value for name, value in posted.items() if name in DRAFT_FIELDS and value}


def shown(step: Step, draft: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that a step's page shows."""
    if step is Step.DETAILS:
        return tuple(PREFIX + code for code in asked_of(draft))
    return FIELDS[step]


def hidden(step: Step, draft: Mapping[str, str]) -> dict[str, str]:
    """The fields that a step's page carries unseen."""
    visible = shown(step, draft)
    return {name: value for name, value in draft.items() if name not in visible}


def first_with(fields: Iterable[str]) -> Step:
    """The first step that asks for one of `fields`; the first of all if none does."""
    wrong = set(fields)
    return next((step for step in _ORDER if wrong.intersection(FIELDS[step])), Step.WHAT)


def number(step: Step) -> int:
    """A step's number, from 1."""
    return _ORDER.index(step) + 1


def _step(name: str) -> Step:
    return Step(name) if name in _ORDER else Step.WHAT
