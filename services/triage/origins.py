"""Where in the text that a person wrote each byte of its folded form comes from. Pure.

Folding drops and merges characters and takes links out, and keeps no account of it, since every report would pay for
one. So what explains a decision folds the text again, character by character, and lines the words up: slow (some
microseconds a character) and never on a report's way.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from services.triage.normalise import ESCAPE, clean, encode, words

_DRAWN_OUT: Final = 3
"""So many times the same letter are written once."""


class Span(NamedTuple):
    """Characters of the original text: the first one, and the first one after them."""

    start: int
    end: int


class _Letter(NamedTuple):
    byte: int
    span: Span


_Word = list[_Letter]
Origins = Sequence[Span | None]
"""For each folded byte the characters that it stands for; None for what parts words, or could not be found."""


def origins(text: str, encoded: bytes) -> Origins:
    """For each byte of `join(words(encoded))`, where it stands in `text`, of which `encoded` is the plain form without
    the words that were links (`entities.extract`)."""
    written = list(_tokens(text))
    places: dict[bytes, list[int]] = {}
    for place, token in enumerate(written):
        places.setdefault(_key(token), []).append(place)
    found: list[Span | None] = [None]
    at = 0
    for raw in encoded.split():
        key = b" ".join(words(raw))
        if not key:
            continue
        candidates = places.get(key, [])
        following = bisect_left(candidates, at)
        if following == len(candidates):  # not as it was written: put together when links were looked for
            found += [None] * (len(key) + 1)
            continue
        at = candidates[following] + 1
        for word in written[at - 1]:
            found += [letter.span for letter in word]
            found.append(None)
    # A text without words is two spaces.
    return found if len(found) > 1 else [None, None]


def span_of(where: Origins, start: int, end: int) -> Span | None:
    """The original characters of the folded bytes from `start` to before `end`; None when none of them is known."""
    known = [span for span in where[start:end] if span is not None]
    return Span(min(span.start for span in known), max(span.end for span in known)) if known else None


def _tokens(text: str) -> Iterator[list[_Word]]:
    """What stands between blanks, as folded words with their places; only what holds a letter or a digit."""
    escaped = {place for match in ESCAPE.finditer(text) for place in range(*match.span())}
    token: list[_Word] = [[]]
    for place, char in enumerate(text):
        for piece, blank in () if place in escaped else _folded(char):
            if blank:
                yield from _finished(token)
                token = [[]]
            elif piece is None:
                token.append([])
            elif piece:
                token[-1].append(_Letter(piece[0], Span(place, place + 1)))
            elif token[-1]:  # a sign on the letter before it
                last = token[-1][-1]
                token[-1][-1] = last._replace(span=Span(last.span.start, place + 1))
    yield from _finished(token)


def _finished(token: list[_Word]) -> Iterator[list[_Word]]:
    single = [_written_once(word) for word in token if word]
    if single:
        yield single


@lru_cache(maxsize=4_096)
def _folded(char: str) -> tuple[tuple[bytes | None, bool], ...]:
    """What folding makes of a character: for each one that it becomes the letter (empty where it is dropped, None where
    it parts words), and whether it is a blank."""
    made: list[tuple[bytes | None, bool]] = []
    for each in clean(char):
        around = words(b"0%b0" % encode(each))
        made.append((around[0][1:-1] if len(around) == 1 else None, each.isspace()))
    return tuple(made) or ((b"", False),)


def _written_once(word: _Word) -> _Word:
    """The word with letters that are drawn out written once, as `normalise.words` has them."""
    made: _Word = []
    place = 0
    while place < len(word):
        end = place + 1
        while end < len(word) and word[end].byte == word[place].byte:
            end += 1
        if end - place >= _DRAWN_OUT and not 0x30 <= word[place].byte <= 0x39:
            made.append(_Letter(word[place].byte, Span(word[place].span.start, word[end - 1].span.end)))
        else:
            made += word[place:end]
        place = end
    return made


def _key(token: list[_Word]) -> bytes:
    return b" ".join(bytes(letter.byte for letter in word) for word in token)
