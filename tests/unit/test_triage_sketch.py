"""Sketches of texts: alike texts share bands, others do not, in whatever company they come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.links.likeness import LEAST_BYTES, key_of_text
from services.triage.links.sketch import BANDS, LEAST_BANDS, bands_of, resemblance, sketches
from services.triage.normalise import clean, fold
from tests.support.triage import triage

LETTER = (
    "Bonjour, on m'a envoyé hier soir ce long message étrange de la part d'un inconnu et je ne sais vraiment pas quoi "
    "en penser, merci de me dire ce que je peux faire pour que cela cesse"
)
ARABIC = (
    "السلام عليكم، وصلتني البارحة رسالة طويلة وغريبة من شخص لا أعرفه، ولا أدري ماذا أفعل بها، أرجو أن تخبروني بما يجب "
    "علي فعله حتى يتوقف هذا الأمر، وشكرا جزيلا لكم"
)


def common(one: str, other: str) -> int:
    first, second = sketches([fold(clean(one)), fold(clean(other))])
    return len(set(bands_of(first)) & set(bands_of(second)))


@pytest.mark.parametrize(
    "other",
    [
        LETTER.upper(),
        LETTER + " svp répondez",
        LETTER.replace("étrange", "etrannnge"),
        LETTER.replace("hier soir ", ""),
    ],
)
def test_other_spellings_of_a_text_resemble_it(other: str) -> None:
    assert common(LETTER, other) >= LEAST_BANDS


def test_arabic_with_and_without_marks_resembles_itself() -> None:
    assert common(ARABIC, ARABIC.replace("أ", "ا").replace("ة", "ه").replace("السلام", "الســلام")) >= LEAST_BANDS


def test_texts_of_other_matters_do_not_resemble_each_other() -> None:
    texts = [
        LETTER,
        ARABIC,
        "Le vendeur demande un acompte par virement puis ne répond plus à aucun appel depuis trois semaines",
        "Someone keeps posting insults about my family on a public page and nobody takes it down at all",
        "wa7d kaysifet lia messages kol nhar w mabghach y7bess w ana ma 3reft chno ndir m3ah had chi bezzaf",
    ]
    assert [common(one, other) for one in texts for other in texts if one is not other].count(0) == 20


@given(st.lists(st.binary(min_size=LEAST_BYTES, max_size=200), min_size=1, max_size=8))
def test_a_text_has_one_sketch_in_whatever_company(texts: list[bytes]) -> None:
    together = sketches(texts)
    assert together == [sketches([text])[0] for text in texts]
    assert all(len(bands_of(each)) == len(set(bands_of(each))) == BANDS for each in together)


def test_very_long_texts_are_sketched_by_their_beginning() -> None:
    long = random.Random(1).randbytes(1_000_000)
    assert sketches([long]) == sketches([long[:5_000]])


def test_resemblance_grows_with_what_is_common() -> None:
    shares = [resemblance(count) for count in range(BANDS + 1)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_only_texts_for_a_person_have_a_sketch_and_only_long_ones() -> None:
    assert triage(LETTER).sketch is not None
    assert triage("arnaque et insultes").sketch is None
    sure = triage("escroquerie, j'ai payé et jamais reçu le colis que j'avais commandé le mois dernier")
    assert (sure.decision.disposition.value, sure.sketch, sure.text_key) == ("refer", None, None)
    assert b"sketch" not in sure.to_json()


def test_what_is_too_short_to_tell_copies_by_has_no_key() -> None:
    assert key_of_text(b"a" * (LEAST_BYTES - 1)) is None
    assert key_of_text(b"a" * LEAST_BYTES) == key_of_text(b"a" * LEAST_BYTES)
