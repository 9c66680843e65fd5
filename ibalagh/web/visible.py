"""Text of others as a page may show it: characters that nobody sees, and those that turn the order of others around,
stand there as marks.

In: any text; out: safe HTML. U+202E becomes `⟦U+202E⟧` in an element of its own, so nothing of a text can rearrange the
page or hide in it (after Unicode Technical Report 36, section 3.1, and Trojan Source, CVE-2021-42574).
"""

import re
from typing import Final

from markupsafe import Markup, escape

# General categories Cc (but for tab and line feed), Cf, Cs, Zl and Zp, and what else is drawn as nothing: fillers, the
# grapheme joiner, the blank pattern of Braille, the variation selectors of ideographs and the tag characters. Not the
# few of Cf that are drawn, as the Arabic number signs (U+0600 to U+0605), nor the selectors that make an emoji.
_UNSEEN: Final = (
    "\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Between Arabic letters a joiner writes the word as it is spelt, between emoji it makes one of several.
_JOINED: Final = "\u0600-\u06ff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_ODD: Final = re.compile(f"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])|([{_UNSEEN}])")


def visible(text: object) -> Markup:
    """`str(text)` as HTML, escaped, with a mark in the place of every character that is not seen."""
    shown = str(text)
    parts: list[Markup] = []
    end = 0
    for odd in _ODD.finditer(shown):
        if odd[1] is not None:
            parts += [escape(shown[end : odd.start()]), _mark(odd[1])]
            end = odd.end()
    return Markup().join([*parts, escape(shown[end:])])


def _mark(char: str) -> Markup:
    return Markup('<span class="odd" dir="ltr">⟦U+{}⟧</span>').format(f"{ord(char):04X}")
