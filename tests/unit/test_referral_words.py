"""The pages' words: every closed list and every word that a template asks for, in every language."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState, Category, SuspectState
from ibalagh.web.words import LANGUAGES
from services import referral
from services.referral.words import WORDS

TEMPLATES = Path(referral.__file__).parent / "templates"


@pytest.mark.parametrize("words", [CaseAction, CaseResult, CaseState, Category, SuspectState])
def test_every_word_of_a_closed_list_is_translated(words: type[StrEnum]) -> None:
    for language in LANGUAGES:
        assert {each.value for each in words} <= WORDS[language].keys()


def test_every_word_that_a_template_asks_for_exists_and_none_is_empty() -> None:
    asked = {name for path in TEMPLATES.glob("*.html") for name in re.findall(r"\bsay\.(\w+)", path.read_text("utf-8"))}
    assert len(asked) > 20
    for language in LANGUAGES:
        assert asked <= WORDS[language].keys()
        assert all(WORDS[language].values())
