"""One Aho-Corasick pass over a folded text for all words that tell of places, messengers, minors and money.

In: folded bytes (`normalise.fold`). Out: what was heard. The patterns are written out with the prefixes that a word may
carry and with the ages that make a number an age, so that a match needs no more than a look at its neighbours. Linear
in text and matches.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from ahocorasick_rs import BytesAhoCorasick, Implementation
from pydantic import BaseModel, ConfigDict

from services.triage.entities.money_words import money_words
from services.triage.normalise import clean, fold
from services.triage.places import Gazetteer, Place

_MINOR, _CHILD, _ADULT, _AGE, _MONEY, _HOUSE, _SIGNAL = (1 << number for number in range(7))
_ARABIC_PREFIXES: Final = tuple(
    a + b for a, b in product(("", "و", "ف", "ب", "ل", "عل", "ك", "وف", "وب"), ("", "ال", "ل"))
)
_LATIN_PREFIXES: Final = ("", "f", "b", "l", "fl", "bl", "w", "wl", "d", "dl")
_AGES: Final = range(4, 18)
_AGES_WITHOUT_UNIT: Final = range(6, 18)
_ADULT_AGES: Final = range(18, 50)
_HOUSE_ITSELF: Final = b" casa "
_SPANISH: Final = tuple(b" %b " % word for word in b"el mi su tu una con por las los q es que y estoy".split())
"""In a text with one of these, "casa" is a house, and no town."""
_MAX_NAMED: Final = 64
"""Places that are looked at: a text that names more names several in any case."""
_NEIGHBOURHOOD: Final = 24
"""Bytes before and after an age in which is looked for what makes it a duration."""


class Heard(NamedTuple):
    """What a text tells of: places in the order in which they are named, messengers likewise, whether somebody is a
    minor, and whether there is a word of money."""

    places: tuple[Place, ...]
    messengers: tuple[str, ...]
    minor: bool
    money: bool


NOTHING: Final = Heard((), (), False, False)


class _Words(BaseModel):
    """See `signals.yaml` for what each list means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messengers: Mapping[str, str]
    no_signal_after: str
    no_signal_before: str
    minors: str
    own_children: str
    settings: str
    adults: str
    relatives: str
    units: str
    durations: str
    sentences: str


@cache
def _signal_words() -> _Words:
    """The lists. Raises pydantic's ValidationError when the file does not fit the model."""
    path = Path(__file__).with_name("signals.yaml")
    return _Words.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def _folded_words(line: str) -> Iterator[bytes]:
    """The entries of a list, folded; those of nothing but punctuation are left out."""
    return filter(None, (fold(clean(entry)).strip() for entry in line.split(",")))


_Meaning = tuple[int, Place | None, str | None]
"""What a pattern tells: a kind of its own, a place, a messenger."""


class Signals:
    """The compiled words, with the places of a gazetteer."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        words = _signal_words()
        patterns: dict[bytes, _Meaning] = {}
        for pattern, kind in (*_money(), *_minors(words), *_ages(words)):
            patterns.setdefault(pattern, (kind, None, None))
        for pattern, place in gazetteer.patterns.items():
            patterns[pattern] = (_HOUSE if pattern.endswith(_HOUSE_ITSELF) else 0, place, None)
        for pattern, name in _messengers(words):
            patterns[pattern] = (0, None, name)
        patterns[b" signal "] = (_SIGNAL, None, "signal")
        self._meanings = list(patterns.values())
        self._automaton = BytesAhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)
        self._no_signal_after = frozenset(_folded_words(words.no_signal_after))
        self._no_signal_before = tuple(b" " + word + b" " for word in _folded_words(words.no_signal_before))
        self._durations = frozenset(_folded_words(words.durations))
        self._sentences = tuple(b" " + word + b" " for word in _folded_words(words.sentences))
        self.pattern_count = len(patterns)

    def hear(self, folded: bytes) -> Heard:
        """What a folded text tells of."""
        matches = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        if not matches:
            return NOTHING
        told = 0
        places: list[tuple[int, int, Place]] = []
        messengers: list[str] = []
        meanings = self._meanings
        for index, start, end in matches:
            kind, place, messenger = meanings[index]
            if place is not None:
                told |= kind
                if len(places) < _MAX_NAMED:
                    places.append((start, end, place))
            elif messenger is not None:
                if kind != _SIGNAL or self._is_messenger(folded, start, end):
                    messengers.append(messenger)
            elif kind != _AGE or not (told & _MINOR or self._is_duration(folded, start, end)):
                told |= kind
        if told & _HOUSE and any([word in folded for word in _SPANISH]):  # noqa: C419 - twice as fast
            places = [each for each in places if not folded.startswith(_HOUSE_ITSELF, each[1] - len(_HOUSE_ITSELF))]
        found = _longest(places) if len(places) > 1 else tuple([place for _, _, place in places])
        minor = bool(told & (_MINOR | _AGE)) or told & (_CHILD | _ADULT) == _CHILD
        return Heard(found, tuple(messengers), minor, bool(told & _MONEY))

    def _is_messenger(self, folded: bytes, start: int, end: int) -> bool:
        """Whether "signal" is the messenger, and not the word of French and English."""
        before = folded[max(0, start - _NEIGHBOURHOOD) : start + 1].split()
        if before and before[-1] in self._no_signal_after:
            return False
        return not folded[end - 1 : end + _NEIGHBOURHOOD].startswith(self._no_signal_before)

    def _is_duration(self, folded: bytes, start: int, end: int) -> bool:
        """Whether an age is how long ago something was, or for how long somebody went to prison."""
        before = folded[max(0, start - _NEIGHBOURHOOD) : start + 1].split()
        after = folded[end - 1 : end + _NEIGHBOURHOOD]
        if before and (before[-1] in self._durations or b" ".join(before[-2:]) in self._durations):
            return True
        return after.startswith(self._sentences)


def _longest(places: list[tuple[int, int, Place]]) -> tuple[Place, ...]:
    """The places whose names do not stand inside another one's."""
    kept: list[tuple[int, int, Place]] = []
    for start, end, place in sorted(places, key=lambda each: (each[0], -each[1])):
        if not kept or end > kept[-1][1]:
            if kept and start < kept[-1][1] - 1 and start == kept[-1][0]:
                kept.pop()
            kept.append((start, end, place))
    return tuple([place for _, _, place in kept])


def _prefixed(word: bytes) -> Iterator[bytes]:
    prefixes = _LATIN_PREFIXES if word.isascii() else _ARABIC_PREFIXES
    return (fold(clean(prefix)).strip() + word for prefix in prefixes)


def _whole(words: Iterable[bytes]) -> Iterator[bytes]:
    return (b" " + word + b" " for word in words)


def _money() -> Iterator[tuple[bytes, int]]:
    """A currency may stand right behind a figure, and carry a prefix in Arabic."""
    for text in money_words():
        word = fold(text).strip()
        for pattern in _prefixed(word) if not word.isascii() else (word,):
            yield b" " + pattern + b" ", _MONEY
        for digit in b"0123456789k":
            yield bytes([digit]) + word + b" ", _MONEY
    for digit in b"0123456789":
        yield bytes([digit]) + b"e ", _MONEY


def _messengers(words: _Words) -> Iterator[tuple[bytes, str]]:
    for name, line in words.messengers.items():
        for word in _folded_words(line):
            for pattern in _whole(_prefixed(word) if len(word) > 4 or not word.isascii() else (word,)):
                yield pattern, name


def _minors(words: _Words) -> Iterator[tuple[bytes, int]]:
    lists = ((_MINOR, words.minors), (_CHILD, words.own_children), (_CHILD, words.settings), (_ADULT, words.adults))
    for kind, line in lists:
        for word in _folded_words(line):
            for pattern in _whole((word,) if word.isascii() else _prefixed(word)):
                yield pattern, kind


def _ages(words: _Words) -> Iterator[tuple[bytes, int]]:
    units, relatives = tuple(_folded_words(words.units)), tuple(_folded_words(words.relatives))
    for age in _AGES:
        number = str(age).encode()
        for unit in units:
            yield b" " + number + b" " + unit + b" ", _AGE
            yield b" " + number + unit + b" ", _AGE
    for age, relative in product(_AGES_WITHOUT_UNIT, relatives):
        yield b" %b %d " % (relative, age), _AGE
    for age in _ADULT_AGES:
        for child in _folded_words(words.own_children):
            yield b" %b %d " % (child, age), _ADULT


@cache
def signals() -> Signals:
    """The committed words with the committed gazetteer, compiled once."""
    return Signals(Gazetteer())
