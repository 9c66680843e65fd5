"""Sums of money as (value in the currency's main unit, ISO 4217 code; BTC, ETH and USDT for what is no state's).

In figures or words of the six varieties, as people count in Morocco: a million without a currency is of centimes, which
is 10,000 dirhams; a ryal is five centimes; `3 د المليون` and `3 d lmlayn` are three of the former. Linear in the text:
each word is read a bounded number of times. The words are in `amounts.yaml`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from services.triage.entities.money_words import CENTIMES_OF_A_DIRHAM, HOME, MILLION, SYMBOLS, Lexicon, lexicon
from services.triage.normalise import clean, normalise

MAX_AMOUNTS: Final = 16
"""More sums than these in one report are a price list."""
_MAX_TOKENS: Final = 4_000
_PREFIXES: Final = "وبفلا"
"""Of one letter, or the first of the article, before a number in the same word."""
_LONGEST_NUMBER: Final = 12
"""Words of one."""
_GLUED: Final = (
    r"(?i:(?:k|(?<=\d\d)e|d|dh\w{0,6}|dr\w{1,5}|dir\w{2,6}|eur\w{0,4}|usdt?|mad|btc|eth|dollars?|mille?|alf|ryals?"
    r"|rials?|million\w{0,2})(?![^\W_]))|[\u0600-\u06ff]"
)
"""What may stand right behind figures without being one word with them, as `3andi` is."""
_FIGURES: Final = r"(?>\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?![\d.,]*\d)|\d+(?:[.,]\d+)?)"
_TOKEN: Final = re.compile(
    rf"{_FIGURES}(?:(?![^\W\d_])|(?={_GLUED}))|[€$£₮₿]|[\u0600-\u06ff]+"
    r"|[0-9A-Za-z\u00c0-\u024f]+|[^\s_-]"
)
_THOUSAND: Final = 1_000
_HUNDRED: Final = 100
_QUATRE_VINGTS: Final = 80
_MOST: Final = 10**12


class Amount(NamedTuple):
    """A sum: its value in the main unit, and the currency's code."""

    value: float
    currency: str


class _Number(NamedTuple):
    value: float
    of_millions: bool
    after: int
    in_words: bool


def amounts(cleaned: str) -> tuple[Amount, ...]:
    """The sums that a text, cleaned by `normalise.clean`, names: each once, in order, `MAX_AMOUNTS` at most."""
    tokens = list(map(_folded, _TOKEN.findall(cleaned)[:_MAX_TOKENS]))
    return tuple(dict.fromkeys(_sums(tokens)))[:MAX_AMOUNTS]


@lru_cache(maxsize=20_000)
def _folded(token: str) -> str:
    if token in ("e", "E"):
        return "€"
    return (normalise(clean(token)) or token) if any(char.isalpha() for char in token) else token


def _sums(tokens: list[str]) -> Iterator[Amount]:
    """The sums around each word of money: what stands farther from all of them than the longest number is passed by."""
    words = lexicon()
    money, units = words.money, words.units
    place, taken = 0, -1
    for at in [at for at, token in enumerate(tokens) if token in money]:
        place, end = max(place, at - _LONGEST_NUMBER), min(at + 2, len(tokens))
        while place < end:
            token = tokens[place]
            number = _number(tokens, place) if _may_begin(token) else None
            if number is None:
                if token in words.duals:
                    yield Amount(units[token].worth, units[token].currency)
                place += 1
                continue
            found, after = _of_number(tokens, place, number, taken)
            if found is not None:
                yield found
                taken = after - 1
            place = after


def _of_number(tokens: list[str], place: int, number: _Number, taken: int) -> tuple[Amount | None, int]:
    """The sum that a number is of, if it is one, and where to go on; `taken` is the unit of the sum before."""
    words = lexicon()
    after = number.after
    if after < len(tokens) and tokens[after] in words.ofs:
        after += 1
    before = words.units.get(tokens[place - 1]) if place > 0 and place - 1 != taken else None
    unit = words.units.get(tokens[after]) if after < len(tokens) else None
    glued_before = before is not None and (tokens[place - 1] in SYMBOLS or unit is None)
    if glued_before and before is not None and not number.in_words:
        return _amount(number.value * before.worth, before.currency), number.after
    if unit is not None and tokens[after] not in words.duals:
        following = tokens[after + 1] if after + 1 < len(tokens) else ""
        whose = words.whose.get(following)
        if whose is not None:
            return _amount(number.value, whose), after + 2
        return _amount(number.value * unit.worth, unit.currency), after + 1
    if number.of_millions and (after >= len(tokens) or tokens[after] not in words.not_money):
        return _amount(number.value / CENTIMES_OF_A_DIRHAM, HOME), number.after
    return None, number.after


def _amount(value: float, currency: str) -> Amount | None:
    rounded = round(value, 8)
    return Amount(rounded, currency) if 0 < rounded < _MOST else None


def _number(tokens: list[str], place: int) -> _Number | None:
    """The number that begins at a token, in figures, words or both (`12 الف`, `deux mille cinq cents`)."""
    words = lexicon()
    count = _Count()
    at, after = place, place
    while at < len(tokens):
        token = tokens[at]
        value = words.numbers.get(token)
        if value is None and _is_conjoined(token, words.numbers, at > place):
            value = words.numbers[_plain(token)]
        if value is not None:
            goes_on = count.add_word(value, is_score=token.startswith("v"))
        elif _is_figures(token):
            goes_on = count.add_figures(_figures(token), right_behind=after == at)
        elif at > place and (token in words.halves or token[1:] in words.halves):
            goes_on = count.add_half()
        elif at > place and _goes_on(tokens, at, words):
            at += 1
            continue
        else:
            break
        if not goes_on:
            break
        at += 1
        after = at
    return None if after == place else _Number(count.total + count.group, count.of_millions, after, count.in_words)


class _Count:
    """A number while its words are read: the finished thousands and millions, and the group that goes on."""

    def __init__(self) -> None:
        self.total = self.group = 0.0
        self.multiplier = 1
        self.of_millions = self.in_words = False
        self._figures = False

    def add_word(self, value: int, *, is_score: bool) -> bool:
        """Takes the value of a word; whether it was of this number. `is_score`: it is the French `vingt`."""
        if self.of_millions and value >= MILLION:
            return False
        if value in (_THOUSAND, MILLION):
            base = self.total + self.group if value == MILLION else self.group
            self.total = (base or 1) * value + (0 if value == MILLION else self.total)
            self.group, self.multiplier, self._figures = 0, value, False
        elif value > MILLION:
            self.total, self.group, self.multiplier, self._figures = value, 0, MILLION, False
        elif value == _HUNDRED:
            self.group = self.group * value if 0 < self.group < _HUNDRED else self.group + value
        elif self._figures:
            return False
        else:
            self.group = _QUATRE_VINGTS if is_score and self.group == 4 else self.group + value
            self.in_words = True
        self.of_millions |= value >= MILLION
        return True

    def add_figures(self, value: float, *, right_behind: bool) -> bool:
        """Takes a number in figures, at the beginning or behind an "and" after thousands; whether it was of this."""
        if self.group or (self.total and right_behind):
            return False
        self.group, self._figures, self.in_words = value, True, False
        return True

    def add_half(self) -> bool:
        """Takes a half of the last thousand or million."""
        self.total += self.multiplier / 2 if self.multiplier > 1 else 0
        return self.multiplier > 1


@lru_cache(maxsize=20_000)
def _may_begin(token: str) -> bool:
    """Whether a number may begin with it."""
    numbers = lexicon().numbers
    return token in numbers or _is_figures(token) or _is_conjoined(token, numbers, inside=False)


def _goes_on(tokens: list[str], at: int, words: Lexicon) -> bool:
    """Whether a number goes on behind a word like "and", or, in thousands or millions, behind one like "of"."""
    if at + 1 >= len(tokens):
        return False
    following = tokens[at + 1]
    value = words.numbers.get(following, 0)
    if tokens[at] in words.ands:
        return bool(value) or following[0].isdigit() or following in words.halves
    return tokens[at] in words.ofs and value >= _THOUSAND


def _is_conjoined(token: str, numbers: Mapping[str, int], inside: bool) -> bool:
    """Whether a word is a number with the Arabic "and", "with", "in", "for" or "the" before it in the same word."""
    return len(token) > 3 and token[0] in ("وا" if inside else _PREFIXES) and _plain(token) in numbers


def _plain(token: str) -> str:
    """A word without a prefix of one letter, or the article."""
    return token[2:] if token.startswith("ال") else token[1:]


@lru_cache(maxsize=4_096)
def _is_figures(token: str) -> bool:
    return token[0].isdigit() and not any(char.isalpha() for char in token)


def _figures(token: str) -> float:
    """`1.500,00`, `1 500`, `1,500.00`, `0.02`, `49,90` → a number: what has three digits after it parts thousands."""
    whole, fraction = token, ""
    last = max(token.rfind("."), token.rfind(","))
    if last >= 0 and (len(token) - last - 1 != 3 or token.startswith("0")):
        whole, fraction = token[:last], token[last + 1 :]
    digits = "".join(char for char in whole if char.isdigit())
    return float(f"{digits[:18] or 0}.{fraction[:18] or 0}")
