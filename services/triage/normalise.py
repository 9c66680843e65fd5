"""Text as the rules see it: one spelling for the many ways in which people write the same word.

`clean` keeps the text readable for the search of links and numbers: invisible and direction characters go,
compatibility forms (full-width, presentation forms, styled letters) become plain, all scripts' digits become ASCII.
`fold` goes on to what the automaton matches: lower case without accents, one form of alef, hamza, ya and ta marbuta,
no tatweel and no vowel signs, letters drawn out three times or more written once, everything that is no letter and no
digit a space.

Folded text is bytes, one byte a letter (a private single-byte charset of ASCII, accented Latin and Arabic): encoding,
translating and matching bytes run in C, which is what keeps a report within its tens of microseconds. `encode` and
`words` are the two steps of `fold`, for who can use what is between them; `read` is `clean` and `encode` in one look.
Everything is linear in the length of the text and total: no text raises.
"""

import codecs
import re
import unicodedata
from collections.abc import Mapping
from itertools import product
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

# Control characters that are no space to Python, and so separate no words.
_CONTROL: Final = "\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_INVISIBLE: Final = re.compile(
    f"[{_CONTROL}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]"
)
_INVISIBLE_TAGS: Final = re.compile("(?![\0-\uffff])[\U000e0000-\U000e0fff]")
_CONTROL_BYTES: Final = bytes((*range(9), *range(0x0E, 0x1C), 0x7F))
# How intake keeps what nothing can store; not behind half of another one, so that taking one away makes none.
ESCAPE: Final = re.compile(
    r"(?<!\\)(?<!\\u)(?<!\\u0)(?<!\\u00)(?<!\\u000)(?<!\\ud)(?<!\\ud[0-9a-f])(?<!\\ud[0-9a-f]{2})"
    r"\\u(?:0000|d[89a-f][0-9a-f]{2})"
)
_FOREIGN_DIGIT: Final = re.compile(r"[^\D0-9]")
# Marks are dropped before NFKC: fold drops them in any case, and the canonical ordering of a long pile of marks is
# quadratic. All combining marks of Unicode 15 stand below U+20000. Two expressions, the second with a guard, because a
# class that holds characters of both kinds is no table to the engine but a list, which it walks for every character.
_MARKS: Final = re.compile(f"[{''.join(filter(unicodedata.combining, map(chr, range(0x300, 0x10000))))}]+")
_RARE_MARKS: Final = re.compile(
    f"(?![\0-\uffff])[{''.join(filter(unicodedata.combining, map(chr, range(0x10000, 0x20000))))}]"
)

_LATIN: Final = "".join(chr(code) for code in range(0xC0, 0x100) if chr(code) not in "×÷") + "œŒ"
_ARABIC: Final = "".join(map(chr, (*range(0x0621, 0x063B), *range(0x0641, 0x064B))))
_VOWEL_SIGNS: Final = "".join(map(chr, (0x0640, *range(0x064B, 0x0656), 0x0670)))
_FOREIGN_ARABIC: Final = "ٱپچڤڨڭگکیھەژ"
_PUNCTUATION: Final = "«»–—‘’“”،؛؟€¿¡"
# Where ASCII has control characters (from 14 on, past tab and line feed), which say no more to a fold than it does.
_ASCII: Final = "".join(map(chr, range(128))).replace(
    "".join(map(chr, range(14, 14 + len(_PUNCTUATION)))), _PUNCTUATION
)
_CHARSET: Final = _ASCII + _LATIN + _ARABIC + _VOWEL_SIGNS + _FOREIGN_ARABIC
_UNUSED: Final = "\ufffe"
_DECODING: Final = _CHARSET + _UNUSED * (256 - len(_CHARSET))
_ENCODING: Final = codecs.charmap_build(_DECODING)


# A character that is in NFKC by itself, is no mark and joins with none before it stays so in every text.
_STABLE: Final = "".join(
    char
    for char in _CHARSET
    if not (unicodedata.combining(char) or _INVISIBLE.match(char)) and unicodedata.is_normalized("NFKC", char)
)
_STABLE_ENCODING: Final = codecs.charmap_build("".join(char if char in _STABLE else _UNUSED for char in _DECODING))
# What `clean` may have to do something about: all but letters, punctuation and emoji that stay as they are.
_UNUSUAL: Final = re.compile(f"[^{re.escape(_STABLE)}\U0001f300-\U0001faff]")

_SAME_LETTER: Final[Mapping[str, str]] = {
    **dict.fromkeys("آأإٱ", "ا"),
    **dict.fromkeys("ىئیي", "ي"),
    **dict.fromkeys("ةھەه", "ه"),
    **dict.fromkeys("ڭگکك", "ك"),
    "ؤ": "و",
    "پ": "ب",
    "چ": "ج",
    "ڤ": "ف",
    "ڨ": "ق",
    "ژ": "ز",
    **dict.fromkeys("œŒøØ", "o"),
    **dict.fromkeys("æÆ", "a"),
    **dict.fromkeys("ðÐ", "d"),
    **dict.fromkeys("þÞ", "t"),
    "ß": "s",
}
_DROPPED: Final = "ء" + _VOWEL_SIGNS


def _folded(char: str) -> str:
    same = _SAME_LETTER.get(char)
    if same is not None:
        return same
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if base in _CHARSET and base.isalnum() else " "


def _byte(char: str) -> int:
    return _CHARSET.index(char)


_FOLDING: Final = bytes(_byte(_folded(char)) if char != _UNUSED else 0x20 for char in _DECODING)
_DROP: Final = bytes(_byte(char) for char in _DROPPED)
_LETTERS: Final = tuple(bytes([code]) for code in (*range(0x61, 0x7B), *range(0x80, 0x100)))
# Says in a fifth of the time of one expression for all letters which of them are drawn out: in most texts none.
_THREE_ALIKE: Final = BytesAhoCorasick([letter * 3 for letter in _LETTERS], implementation=Implementation.DFA)
_DRAWN_OUT: Final = tuple(re.compile(re.escape(letter * 3) + b"+") for letter in _LETTERS)


def clean(text: str) -> str:
    """The text without invisible characters, in compatibility form (NFKC), with ASCII digits. Idempotent."""
    return text if _UNUSUAL.search(text) is None else _clean(text)


def _clean(text: str) -> str:
    if _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
    if not text.isascii() and _INVISIBLE_TAGS.search(text):
        text = _INVISIBLE_TAGS.sub("", text)
    if not unicodedata.is_normalized("NFKC", text):
        # A composed letter may decompose under NFKC into letter and mark, so the marks may come back once.
        text = unicodedata.normalize("NFKC", _RARE_MARKS.sub("", _MARKS.sub("", text)))
    if _FOREIGN_DIGIT.search(text):
        text = _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return text


def read(text: str) -> tuple[str, bytes]:
    """`clean(without_escapes(text))` and its `encode`, in one pass where the text is clean as it came."""
    text = without_escapes(text)
    if text.isascii():
        encoded = text.encode()
        if len(encoded.translate(None, _CONTROL_BYTES)) == len(encoded):
            return text, encoded
    encoded = codecs.charmap_encode(text, "replace", _STABLE_ENCODING)[0]
    # No more question marks than there were: every character has a place in the charset, and is stable. Else what was
    # replaced may be an emoji, which `encode` would replace too.
    if encoded.count(b"?") == text.count("?") or _UNUSUAL.search(text) is None:
        return text, encoded
    cleaned = _clean(text)
    return cleaned, encode(cleaned)


def without_escapes(text: str) -> str:
    """The text without the escapes that intake writes for U+0000 and lone surrogates (`\\u0000`, `\\ud800`), which
    would part the words that they hide in. Idempotent."""
    return ESCAPE.sub("", text) if "\\u" in text else text


def encode(cleaned: str) -> bytes:
    """A cleaned text with one byte a character; what is in no word that we read is a question mark."""
    return codecs.charmap_encode(cleaned, "replace", _ENCODING)[0]


def words(encoded: bytes) -> list[bytes]:
    """The folded words of an encoded text, in order."""
    raw = encoded.translate(_FOLDING, _DROP)
    drawn_out = _THREE_ALIKE.find_matches_as_indexes(raw)
    if drawn_out:
        for number in {number for number, _, _ in drawn_out}:
            raw = _DRAWN_OUT[number].sub(_LETTERS[number], raw)
    return raw.split()


def join(folded_words: list[bytes]) -> bytes:
    """Folded words as one text, each with a space on both sides."""
    return b" %b " % b" ".join(folded_words)


def fold(cleaned: str) -> bytes:
    """The folded form of a cleaned text: words of folded letters and digits, each with a space on both sides."""
    return join(words(encode(cleaned)))


def readable(folded: bytes) -> str:
    """Folded bytes as text, for people and tests."""
    return codecs.charmap_decode(folded, "strict", _DECODING)[0].strip()


def normalise(text: str) -> str:
    """The folded text in readable form. Idempotent: `normalise(normalise(t)) == normalise(t)`."""
    return readable(fold(clean(text)))


_DARIJA_SOUNDS: Final[Mapping[str, tuple[str, ...]]] = {
    "3": ("3", "a"),
    "7": ("7", "h"),
    "9": ("9", "q", "k"),
    "5": ("5", "kh", "x"),
    "8": ("8", "gh", "h"),
    "2": ("2", "a"),
    "ch": ("ch", "sh"),
}
_SOUND: Final = re.compile("ch|[357982]")


def darija_spellings(word: str) -> tuple[str, ...]:
    """The spellings of a Darija word in Latin letters that is given with digits: ع 3, ح 7, ق 9, خ 5, غ 8, ء 2.

    Spelled out when the rules are compiled and not in the text, where a "3" may be a number and an "h" French.
    """
    parts = [_DARIJA_SOUNDS.get(part, (part,)) for part in re.split("(" + _SOUND.pattern + ")", word)]
    return tuple(dict.fromkeys("".join(choice) for choice in product(*parts)))
