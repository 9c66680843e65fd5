"""Which reports take the urgent lane: danger in six varieties does, however spelt; everyday words do not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.screening import MAX_SCREENED_CHARS, is_urgent, phrases, spellings
from tests.support.triage import triage

URGENT = (
    "Je pense au suicide, je n'en peux plus",
    "Elle dit qu'elle va se tuer ce soir",
    "J'ai envie de mourir depuis qu'il a publié mes photos",
    "I want to die, please help",
    "my friend says she will kill herself tonight",
    "quiero morir, no aguanto mas",
    "أفكر في الانتحار",
    "اختي قالت باغية تنتحر",
    "سأقتل نفسي الليلة",
    "بغيت نموت، عافاكم عاونوني",
    "ghadi n9tel rassi had lila",
    "bghit nmout",
    "Ma soeur a ete enlevee par des inconnus",
    "Ma sœur a été enlevée par des inconnus",
    "they kidnapped my brother",
    "han secuestrado a mi hermana",
    "تم اختطاف ابن عمي ويطلبون فدية",
    "ma vie est en danger",
    "حياتي في خطر",
    "7yati f khatar",
    "je vais te tuer demain, je sais ou tu habites",
    "هددني بالقتل اليوم",
    "ghadi y9tlni",
    "te voy a matar mañana",
    "il annonce un attentat demain devant l'école",
    "he says there is a bomb in the station",
    "قال سيفجر المحطة غدا",
    "un homme envoie des messages à caractère sexuel à ma fille de 12 ans",
    "Elle dit qu'elle ne veut plus vivre",
    "ella dice que no quiere vivir más",
    "she doesn't want to live anymore",
    "تقول إنها لا تريد أن تعيش بعد هذا",
    "كتقول ما بقاتش باغا تعيش",
    "katgol mab9atch bagha t3ich",
    "خايفة على حياتي",
    "khayef 3la 7yati",
)
ORDINARY = (
    "j'ai payé et jamais reçu le colis, arnaque",
    "il partage des photos, un potage, le cottage",
    "insultes et diffamation sur ma page",
    "the bank said it is a scam, I lost my money",
    "صفحة تبيع سلعا مزورة",
    "سب وشتم في التعليقات",
    "nssab 3lia f lflous",
    "me han estafado con una venta",
    "résurrection du compte pirate, plombier malhonnête",
)


@pytest.mark.parametrize("text", URGENT)
def test_what_speaks_of_danger_is_urgent_also_in_capitals(text: str) -> None:
    assert is_urgent(text)
    assert is_urgent(text.upper())
    assert is_urgent(f"... {text}!")


@pytest.mark.parametrize("text", ORDINARY)
def test_what_does_not_is_not(text: str) -> None:
    assert not is_urgent(text)


@pytest.mark.parametrize("text", [each for each in URGENT if triage(each).decision.urgency == 3])
def test_what_triage_calls_immediate_is_seen_here_too(text: str) -> None:
    assert is_urgent(text)


def test_the_two_agree_on_most_of_the_urgent_texts() -> None:
    assert sum(triage(text).decision.urgency == 3 for text in URGENT) >= len(URGENT) // 2


def test_a_pattern_stands_at_the_beginning_of_a_word() -> None:
    assert is_urgent("suicide") and is_urgent("(suicide)")  # noqa: PT018 - two spellings of one thing
    assert not is_urgent("présuicidex")


@given(st.text())
def test_any_text_is_screened(text: str) -> None:
    assert is_urgent(text) in (True, False)


@pytest.mark.parametrize("text", ["ا" * 100_000, "suicid" * 20_000, "xsuicid" * 20_000, "\u0640" * 100_000])
def test_long_and_odd_texts_are_screened_up_to_a_length(text: str) -> None:
    assert is_urgent(text) is is_urgent(text[:MAX_SCREENED_CHARS])


def test_spellings_are_few_and_hold_the_pattern() -> None:
    for pattern in phrases():
        found = spellings(pattern)
        assert pattern in found
        assert len(found) <= 300
        assert not any(re.search(r"\s{2}|^\s|\s$", each) for each in found)
