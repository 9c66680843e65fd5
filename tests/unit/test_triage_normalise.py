"""One spelling for the many ways in which people write the same word."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.vocabulary import Variety
from services.triage.normalise import clean, darija_spellings, encode, fold, normalise, read, without_escapes, words
from services.triage.variety import guess

ANY_TEXT = st.text(max_size=300) | st.text("اأإآىيةهءؤئ\u0640\u064b\u0651\u200f\u202e٠۵a3é\u0301 \n", max_size=200)


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("أحمد إلى آخر", "احمد الي اخر"),
        ("مُهَدَّدٌ", "مهدد"),
        ("ســـــلام", "سلام"),
        ("رسالة", "رساله"),
        ("٠٦١٢ ۳۴", "0612 34"),
        ("०६१२", "0612"),
        ("خطييييير", "خطير"),
        ("ÉTÉ à l'École", "ete a l ecole"),
        ("e\u0301te\u0301", "ete"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("da\u200besh \u202eabc\u202c", "daesh abc"),
        ("da\x1besh esc\x7froquerie\x07", "daesh escroquerie"),
        ("هد\x0eدني\x85بنشر", "هددني بنشر"),
        ("one\x0cpage\x1cthen", "one page then"),
        ("de\U000e0061esh \u2066x\u2069 a\u3164b", "deesh x ab"),
        ("bzaaaaaf", "bzaf"),
        ("ڭادير گادير", "كادير كادير"),
        ("😀🔥", ""),
        ("1000 dh", "1000 dh"),
    ],
)
def test_spellings_become_one(written: str, same_as: str) -> None:
    assert normalise(written) == same_as


@given(ANY_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT | st.text("ا\u0653\u0301e.,«»’🙏⚠\ufe0f‼…١٢12é\u200f", max_size=100))
def test_cleaned_text_is_in_compatibility_form_with_nothing_invisible_and_plain_digits(text: str) -> None:
    cleaned = clean(text)
    assert unicodedata.is_normalized("NFKC", cleaned)
    assert not set("\u200f\ufe0f\u202e") & set(cleaned)
    assert all(char.isascii() for char in cleaned if char.isdecimal())


@given(ANY_TEXT | st.text("aé،«’؟🙏⚠?\x0e\x1c\x00\x7f\x9b\U000e0061\n\u0640\u0651\u0301\u200f١", max_size=100))
def test_reading_a_text_at_once_is_cleaning_and_encoding_it(text: str) -> None:
    cleaned, encoded = read(text)
    assert cleaned == clean(without_escapes(text))
    assert words(encoded) == words(encode(cleaned))


def test_what_intake_writes_for_characters_that_nothing_can_store_parts_no_word() -> None:
    assert normalise(read("escro\\u0000que\\ud83drie et\\udc00 \\u00e9 C:\\users")[0]) == "escroquerie et u00e9 c users"


@given(st.text("\\u0d8f1a", max_size=40))
def test_taking_escapes_away_makes_no_new_ones(text: str) -> None:
    assert without_escapes(without_escapes(text)) == without_escapes(text)


@given(ANY_TEXT)
def test_folded_text_holds_words_between_single_spaces(text: str) -> None:
    folded = fold(clean(text))
    assert folded.startswith(b" ")
    assert folded.endswith(b" ")
    assert folded.split() == folded.strip(b" ").split(b" ") or not folded.strip()


def test_a_darija_word_with_digits_has_its_usual_spellings() -> None:
    assert set(darija_spellings("7sab")) == {"7sab", "hsab"}
    assert {"9tel", "qtel", "ktel"} <= set(darija_spellings("9tel"))
    assert {"5ayb", "khayb"} <= set(darija_spellings("5ayb"))


@pytest.mark.parametrize(
    ("text", "variety"),
    [
        ("لقد قام شخص بإرسال رسائل إلي عبر هذا الموقع", Variety.ARABIC),
        ("واحد السيد دار ليا حساب بسميتي عافاكم عاونوني", Variety.DARIJA),
        ("wahd sayed dar liya compte b smiti 3afakom", Variety.DARIJA_LATIN),
        ("Bonjour, je vous écris pour un site qui ne répond plus", Variety.FRENCH),
        ("Hello, there is a page that has my name on it", Variety.ENGLISH),
        ("Hola, hay una persona que me escribe por esta aplicación", Variety.SPANISH),
        ("👋👋", Variety.UNDETERMINED),
    ],
)
def test_the_variety_is_told_by_small_words(text: str, variety: Variety) -> None:
    assert guess(words(encode(clean(text)))) is variety


def test_what_the_reporter_states_counts_only_where_nothing_else_tells() -> None:
    assert guess([], "es") is Variety.SPANISH
    assert guess([b"bonjour", b"je", b"suis"], "es") is Variety.FRENCH
    assert guess([], "de") is Variety.UNDETERMINED
