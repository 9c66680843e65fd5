"""The pages' words: every closed list and every word that a template asks for, in every language."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from ibalagh.events.registry import EVENT_TYPES, OUTCOMES, REFERRED
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState, Category, ClockKind, SuspectState
from ibalagh.web.words import LANGUAGES
from services import referral
from services.referral.history import DETAIL
from services.referral.lifecycle import RefusalCode
from services.referral.words import WORDS

TEMPLATES = Path(referral.__file__).parent / "templates"


@pytest.mark.parametrize("words", [CaseAction, CaseResult, CaseState, Category, ClockKind, SuspectState, RefusalCode])
def test_every_word_of_a_closed_list_is_translated(words: type[StrEnum]) -> None:
    for language in LANGUAGES:
        assert {each.value for each in words} <= WORDS[language].keys()


def test_everything_that_a_history_tells_is_translated() -> None:
    told = {
        name.split(".", 1)[1].rsplit(".", 1)[0]
        for name, entry in EVENT_TYPES.items()
        if entry.topic in (REFERRED, OUTCOMES)
    }
    assert len(told) == 22
    assert all(told | DETAIL <= WORDS[language].keys() for language in LANGUAGES)


def test_every_word_that_a_template_asks_for_exists_and_none_is_empty() -> None:
    asked = {
        name
        for path in TEMPLATES.glob("*.html")
        for name in re.findall(r"\bsay\.(?!get\b)(\w+)", path.read_text("utf-8"))
    }
    assert len(asked) > 20
    for language in LANGUAGES:
        assert asked <= WORDS[language].keys()
        assert all(WORDS[language].values())
