"""All hard indicators of a report, in the order in which they appear, each once."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.accounts import email, handle, named, platform
from services.triage.entities.crypto import ADDRESS, SHORTEST, canonical
from services.triage.entities.handles import LOOK_BACK, is_rather_a_name, may_be_a_name, name_in
from services.triage.entities.links import EDGE, MAX_LINK_CHARS, page
from services.triage.entities.mention import Kind, Mention
from services.triage.entities.numbers import numbers
from services.triage.normalise import clean, encode, without_escapes

MAX_INDICATORS: Final = 64
"""More than this in one report is a list, not an act; the rest is left to the analyst who reads it."""
_MAX_CANDIDATES: Final = 512
_INNER_DOT: Final = re.compile(r"\.[^\s.]")
_NO_MARKS: Final = bytes(set(range(256)) - set(b"._@[({*"))
_LONG_WORD: Final = b"A" * SHORTEST
_LETTERS_AND_DIGITS: Final = bytes(0x41 if bytes([code]).isalnum() else 0x20 for code in range(256))
_MAY_BE_DEFANGED: Final = re.compile(r"[\[({]\s?(?:[.:/@]|dot|at|point|punto|نقطة)")
_DEFANGED: Final = re.compile(
    r"\s?[\[({]\s?(?:(?P<dot>\.|dot|point|punto|نقطة)|(?P<at>@|at)|(?P<slash>://|:|/))\s?[\])}]\s?"
    r"|(?P<hxxp>\bh(?:xx|\*\*)p(?=s?\b))",
    re.I,
)


class Extracted(NamedTuple):
    """The indicators, the text without the words that were links or addresses, as `normalise.encode` writes it, and all
    that is mentioned in it."""

    indicators: tuple[Indicator, ...]
    encoded: bytes
    mentions: list[Mention]


def extract(cleaned: str, encoded: bytes, links: tuple[str, ...], stated_platform: str | None) -> Extracted:
    """The indicators of a text, cleaned and encoded by `normalise.read`, and of the links that were given beside it, at
    most `MAX_INDICATORS`."""
    found, rest = mentions(cleaned, encoded, links, stated_platform)
    return Extracted(indicators_of(found) if found else (), rest, found)


def mentions(
    cleaned: str, encoded: bytes, links: tuple[str, ...], stated_platform: str | None
) -> tuple[list[Mention], bytes]:
    """All that is mentioned, in order, and the text without the words that were links, addresses or accounts; see
    `extract`."""
    text = cleaned
    found: list[Mention] = []
    for given in links[:_MAX_CANDIDATES]:
        found += _of_word(_refang(clean(without_escapes(given))).strip(), (), stated_platform, explicit=True)
    # Links, addresses and what hides them have one of these marks, or these letters; most texts a full stop at most.
    marks, hxxp = encoded.translate(None, _NO_MARKS), b"xxp" in encoded
    if marks or hxxp:
        if hxxp or marks.strip(b"._"):
            text = _refang(cleaned)
        if "@" in text or "_" in text or _INNER_DOT.search(text):
            text = _take_words(text, stated_platform, found)
        if text is not cleaned:
            encoded = encode(text)
    if _LONG_WORD in encoded.translate(_LETTERS_AND_DIGITS):
        text, encoded = _take_addresses(text, found)
    found += numbers(text, encoded)
    return found, encoded


def _take_addresses(text: str, found: list[Mention]) -> tuple[str, bytes]:
    """Adds the crypto-currency addresses of a text to `found`; the text without them, plain and encoded."""

    def take(match: re.Match[str]) -> str:
        value = canonical(match[0])
        indicator = None if value is None else Indicator(kind=IndicatorKind.URL, value=value)
        found.append(Mention(Kind.CRYPTO, match[0], indicator))
        return " "

    text = ADDRESS.sub(take, text)
    return text, encode(text)


def _take_words(text: str, stated_platform: str | None, found: list[Mention]) -> str:
    """Adds the mentions in the words of a text to `found`; the text without the words that held them."""
    words = text.split()
    taken = set()
    candidates = [place for place, word in enumerate(words) if "." in word or "@" in word or "_" in word]
    for place in candidates[:_MAX_CANDIDATES]:
        word = words[place]
        here = _of_word(word, words[max(0, place - LOOK_BACK) : place], stated_platform, explicit=False)
        if here or "://" in word:
            taken.add(word)
            found += here
        elif "." in word:
            name = may_be_a_name(word[:1].lower() + word[1:] if place == 0 else word)
            noted = None if name is None else named(name, platform(stated_platform))
            if noted is not None:
                found.append(noted)
    return " ".join([word for word in words if word not in taken]) if taken else text


def indicators_of(found: list[Mention]) -> tuple[Indicator, ...]:
    """The indicators among mentions, each once, `MAX_INDICATORS` at most."""
    given = [each.indicator for each in found if each.indicator is not None]
    if len(given) < 2:
        return tuple(given)
    return tuple({(each.kind._value_, each.value): each for each in given}.values())[:MAX_INDICATORS]


def _of_word(word: str, before: Sequence[str], stated_platform: str | None, *, explicit: bool) -> tuple[Mention, ...]:
    word = word[:MAX_LINK_CHARS].rstrip(EDGE)
    found = None
    if "@" in word and "/" not in word.partition("@")[0]:
        found = (email(word) if word.find("@", 1) > 0 else None) or handle(word, platform(stated_platform))
    elif "." in word or "_" in word:
        word = word.lstrip(EDGE)
        if "." in word:
            found = page(word, explicit)
        if not explicit and found is not None and is_rather_a_name(found.value, before):
            found = named(found.value, platform(stated_platform))
        elif not explicit and found is None and "/" not in word:
            name = name_in(word, before)
            found = None if name is None else named(name, platform(stated_platform))
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
