"""What others wrote is shown so that nothing in it hides or turns the page around."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from ibalagh.web.visible import visible

# Of category Cf, and yet drawn: number signs and marks of verses, which stand around what they belong to.
DRAWN = {
    chr(code)
    for code in (
        *range(0x600, 0x606),
        *(0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
    )
}
MARK = re.compile(r'<span class="odd" dir="ltr">⟦U\+([0-9A-F]{4,6})⟧</span>')


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Zl", "Zp"])
def test_every_character_that_is_not_seen_has_a_mark(category: str) -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == category]
    unseen = [char for char in every if char not in DRAWN | {"\t", "\n"}]
    assert unseen
    for char in unseen:
        assert visible(f"a{char}b") == f'a<span class="odd" dir="ltr">⟦U+{ord(char):04X}⟧</span>b'


@pytest.mark.parametrize(
    "text",
    ["two\nlines\tof text", "نص بالعربية 😀", "می\u200cخواهم", "👨\u200d👩\u200d👧", "❤\ufe0f", "é e\u0301", "日本"],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_joiner_that_hides_in_a_name_is_shown() -> None:
    assert visible("pay\u200dpal") == 'pay<span class="odd" dir="ltr">⟦U+200D⟧</span>pal'


@given(st.text(st.characters() | st.sampled_from("<>&\"'\u202e\u2067\0")))
def test_a_marked_text_is_safe_and_loses_nothing(text: str) -> None:
    shown = visible(text)
    back = MARK.sub(lambda mark: chr(int(mark[1], 16)), shown)
    assert Markup(back).unescape() == Markup(escape(text)).unescape()
    assert "<" not in MARK.sub("", shown)
    assert not set("\u202e\u2067\0") & set(shown)
