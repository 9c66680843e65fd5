"""The words of triage's pages: every closed list and every word that a template asks for, in every language."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from ibalagh.events.vocabulary import Category, Channel, IndicatorKind, ReviewAction, Variety
from ibalagh.web.words import LANGUAGES
from services import triage
from services.triage.entities.scripts import Why
from services.triage.filters import Held, Mark
from services.triage.reasons import DismissReason, EscalateReason, RejectReason
from services.triage.reviews import RefusalCode, State
from services.triage.words import WORDS

TEMPLATES = Path(triage.__file__).parent / "templates"


@pytest.mark.parametrize(
    "words",
    [
        *(Category, Channel, DismissReason, EscalateReason, Held, IndicatorKind, Mark, RefusalCode, RejectReason),
        *(ReviewAction, State, Variety, Why),
    ],
)
def test_every_word_of_a_closed_list_is_translated(words: type[StrEnum]) -> None:
    for language in LANGUAGES:
        assert {each.value for each in words} <= WORDS[language].keys()


def test_every_word_that_a_template_asks_for_exists_and_none_is_empty() -> None:
    text = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
    asked = set(re.findall(r"\bsay\.(?!get\b)(\w+)", text))
    assert len(asked) > 20
    assert not [word for word in asked if hasattr(dict, word)], "a template would show the method of a mapping"
    for language in LANGUAGES:
        assert asked <= WORDS[language].keys()
        assert all(WORDS[language].values())
