"""What the form asks per category (`questions.yaml`), and how the answers become part of a report. Pure.

In: the fields of a draft; an answer is the field `q_<code>`. Out: the text of the report, which is the reporter's own
followed by the line `ANSWERS` and one line `code: answer` for each given one, in the order of the file, whatever the
language of the page. So the event keeps its form, a reader of any language can tell answers from words, and what an
answer names (link, number, IBAN, account) is found where triage looks for it: in the text.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from ibalagh.events.reports import ANSWERS
from ibalagh.events.vocabulary import Category

PREFIX: Final = "q_"
"""Before a question's code, it makes the name of the form's field."""
MAX_ANSWER_CHARS: Final = 200
MAX_ANSWERS_CHARS: Final = 3_000
"""Room for the answers to all the questions that one draft can be asked."""
NO_CATEGORY: Final = "none"

_BARE_NAME: Final = re.compile(r"(?=.*[A-Za-z_])[A-Za-z0-9_][A-Za-z0-9_.]{1,28}[A-Za-z0-9_]", re.ASCII)


class Question(BaseModel):
    """One question; `choices` is empty but for the kind `choice`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["line", "account", "choice"]
    choices: tuple[str, ...] = ()


class Catalogue(BaseModel):
    """The file; see there. Raises pydantic's `ValidationError` when a code is asked that is no question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: Mapping[str, Question]
    asked: Mapping[str, tuple[str, ...]]
    messenger: tuple[str, ...]

    @model_validator(mode="after")
    def _complete(self) -> "Catalogue":
        codes = {code for group in (*self.asked.values(), self.messenger) for code in group}
        if codes != self.questions.keys():
            raise ValueError(f"asked and declared differ: {sorted(codes ^ self.questions.keys())}")
        return self


@cache
def catalogue() -> Catalogue:
    """The questions, read once."""
    path = Path(__file__).with_name("questions.yaml")
    return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def all_fields() -> tuple[str, ...]:
    """The form's fields of all questions."""
    return tuple(PREFIX + code for code in catalogue().questions)


def group_of(draft: Mapping[str, str]) -> str:
    """Which questions a draft is asked: its category, or `NO_CATEGORY`."""
    category = draft.get("category_hint", "")
    return category if category in catalogue().asked and category in set(Category) else NO_CATEGORY


def asked_of(draft: Mapping[str, str]) -> tuple[str, ...]:
    """The codes of the questions that this draft's reporter is asked, in the order of the page."""
    more: Sequence[str] = catalogue().messenger if draft.get("messenger") else ()
    return (*catalogue().asked[group_of(draft)], *more)


def answers(draft: Mapping[str, str]) -> dict[str, str]:
    """The answers to the questions that are asked, by code, in the order of the file. Answers to questions of a
    category that is no longer chosen stay in the draft, and are no part of the report."""
    asked = set(asked_of(draft))
    given = {code: _answer(draft, code) for code in catalogue().questions if code in asked}
    return {code: answer for code, answer in given.items() if answer}


def broken(draft: Mapping[str, str]) -> dict[str, str]:
    """The fields whose answers break a rule, with the rule's code."""
    found = {}
    for code, answer in answers(draft).items():
        question = catalogue().questions[code]
        if question.kind == "choice" and answer not in question.choices:
            found[PREFIX + code] = "other"
        elif len(answer) > MAX_ANSWER_CHARS:
            found[PREFIX + code] = "string_too_long"
    return found


def report_text(draft: Mapping[str, str]) -> str:
    """The text of the report: the reporter's own, and the answers below it. A blank text stays blank."""
    text, given = draft.get("text", ""), answers(draft)
    if not given or not text.strip():
        return text
    return "\n".join([text, "", ANSWERS, *(f"{code}: {_written(code, answer)}" for code, answer in given.items())])


def _answer(draft: Mapping[str, str], code: str) -> str:
    return " ".join(draft.get(PREFIX + code, "").split())


def _written(code: str, answer: str) -> str:
    """An answer as it stands in the text; a bare account name gets the @ by which triage knows it."""
    is_name = catalogue().questions[code].kind == "account" and _BARE_NAME.fullmatch(answer)
    return f"@{answer}" if is_name else answer
