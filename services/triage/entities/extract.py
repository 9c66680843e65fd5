"""All hard indicators of a report, in the order in which they appear, each once."""

import re
from typing import Final, NamedTuple

from ibalagh.events.reports import Indicator
from services.triage.entities.accounts import email, handle, platform
from services.triage.entities.links import EDGE, MAX_LINK_CHARS, link
from services.triage.entities.numbers import numbers
from services.triage.normalise import clean, encode, without_escapes

MAX_INDICATORS: Final = 64
"""More than this in one report is a list, not an act; the rest is left to the analyst who reads it."""
_MAX_CANDIDATES: Final = 512
_INNER_DOT: Final = re.compile(r"\.[^\s.]")
_NO_MARKS: Final = bytes(set(range(256)) - set(b".@[({*"))
_MAY_BE_DEFANGED: Final = re.compile(r"[\[({]\s?(?:[.:/@]|dot|at|point|punto|نقطة)")
_DEFANGED: Final = re.compile(
    r"\s?[\[({]\s?(?:(?P<dot>\.|dot|point|punto|نقطة)|(?P<at>@|at)|(?P<slash>://|:|/))\s?[\])}]\s?"
    r"|(?P<hxxp>\bh(?:xx|\*\*)p(?=s?\b))",
    re.I,
)


class Extracted(NamedTuple):
    """The indicators, and the text without the words that were links or addresses, as `normalise.encode` writes it."""

    indicators: tuple[Indicator, ...]
    encoded: bytes


def extract(cleaned: str, encoded: bytes, links: tuple[str, ...], stated_platform: str | None) -> Extracted:
    """The indicators of a text, cleaned and encoded by `normalise.read`, and of the links that were given beside it, at
    most `MAX_INDICATORS`."""
    text = cleaned
    found: list[Indicator] = []
    for given in links[:_MAX_CANDIDATES]:
        found += _of_word(_refang(clean(without_escapes(given))).strip(), stated_platform, explicit=True)
    # Links, addresses and what hides them have one of these marks, or these letters; most texts a full stop at most.
    marks, hxxp = encoded.translate(None, _NO_MARKS), b"xxp" in encoded
    if marks or hxxp:
        if hxxp or marks.strip(b"."):
            text = _refang(cleaned)
        if "@" in text or _INNER_DOT.search(text):
            text = _take_words(text, stated_platform, found)
        if text is not cleaned:
            encoded = encode(text)
    found += numbers(text, encoded)
    return Extracted(_each_once(found) if found else (), encoded)


def _take_words(text: str, stated_platform: str | None, found: list[Indicator]) -> str:
    """Adds the indicators of the words of a text to `found`; the text without the words that held them."""
    words = text.split()
    taken = set()
    for word in [word for word in words if "." in word or "@" in word][:_MAX_CANDIDATES]:
        here = _of_word(word, stated_platform, explicit=False)
        if here or "://" in word:
            taken.add(word)
            found += here
    return " ".join([word for word in words if word not in taken]) if taken else text


def _each_once(found: list[Indicator]) -> tuple[Indicator, ...]:
    if len(found) == 1:
        return (found[0],)
    return tuple({(each.kind._value_, each.value): each for each in found}.values())[:MAX_INDICATORS]


def _of_word(word: str, stated_platform: str | None, *, explicit: bool) -> tuple[Indicator, ...]:
    word = word[:MAX_LINK_CHARS].rstrip(EDGE)
    found = None
    if "@" in word and "/" not in word.partition("@")[0]:
        found = (email(word) if word.find("@", 1) > 0 else None) or handle(word, platform(stated_platform))
    elif "." in word:
        word = word.lstrip(EDGE)
        found = link(word, explicit) if "." in word else None
    return () if found is None else (found,)


def _refang(cleaned: str) -> str:
    """The text with links as they were before somebody made them harmless: hxxp, [.], (dot), [at]."""
    brackets = "(" in cleaned or "[" in cleaned or "{" in cleaned
    if (brackets and _MAY_BE_DEFANGED.search(cleaned)) or "xxp" in cleaned or "**p" in cleaned:
        return _DEFANGED.sub(_refanged, cleaned)
    return cleaned


def _refanged(match: re.Match[str]) -> str:
    if match["hxxp"]:
        return "http"
    if match["dot"]:
        return "."
    return "@" if match["at"] else match["slash"]
