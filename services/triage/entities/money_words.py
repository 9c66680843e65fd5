"""The words of which sums of money are made, from `amounts.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from services.triage.normalise import normalise

HOME: Final = "MAD"
CENTIMES_OF_A_DIRHAM: Final = 100
_RYALS_OF_A_DIRHAM: Final = 20
MILLION: Final = 1_000_000
SYMBOLS: Final = "€$£₮₿"
"""Of currencies; they stand before figures or behind."""


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    currencies: Mapping[str, str]
    hundredths: str
    ryals: str
    whose: Mapping[str, str]
    symbols: Mapping[str, str]
    numbers: Mapping[int, str]
    multipliers: Mapping[int, str]
    millions: str
    two_millions: str
    halves: str
    ands: str
    ofs: str
    not_money: str


class Unit(NamedTuple):
    """What a word of a currency is worth: so many of which unit."""

    worth: float
    currency: str


class Lexicon(NamedTuple):
    """The words by their folded form; `money` are those of which each text that names a sum has one."""

    units: Mapping[str, Unit]
    whose: Mapping[str, str]
    numbers: Mapping[str, int]
    ands: frozenset[str]
    ofs: frozenset[str]
    halves: frozenset[str]
    not_money: frozenset[str]
    duals: frozenset[str]
    money: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The committed words. Raises pydantic's ValidationError when the file does not fit."""
    path = Path(__file__).with_name("amounts.yaml")
    words = _Words.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    units: dict[str, Unit] = {symbol: Unit(1, code) for symbol, code in words.symbols.items()}
    duals = set()
    for code, line in words.currencies.items():
        for entry in line.split():
            word, _, worth = entry.partition("=")
            units[normalise(word)] = Unit(float(worth or 1), code)
            if worth:
                duals.add(normalise(word))
    units |= {normalise(word): Unit(1 / CENTIMES_OF_A_DIRHAM, HOME) for word in words.hundredths.split()}
    units |= {normalise(word): Unit(1 / _RYALS_OF_A_DIRHAM, HOME) for word in words.ryals.split()}
    numbers = {normalise(word): MILLION for word in words.millions.split()}
    numbers |= {normalise(word): 2 * MILLION for word in words.two_millions.split()}
    for value, line in (*words.numbers.items(), *words.multipliers.items()):
        numbers |= {normalise(word): value for word in line.split()}
    return Lexicon(
        units,
        {normalise(word): code for code, line in words.whose.items() for word in line.split()},
        numbers,
        frozenset(map(normalise, words.ands.split())),
        frozenset(map(normalise, words.ofs.split())),
        frozenset(map(normalise, words.halves.split())),
        frozenset(map(normalise, words.not_money.split())),
        frozenset(duals),
        frozenset(units) | {word for word, value in numbers.items() if value >= MILLION},
    )


def money_words() -> frozenset[str]:
    """The folded words one of which is in every text that names a sum, but for `SYMBOLS`."""
    return frozenset(word for word in lexicon().money if word.isalnum())
