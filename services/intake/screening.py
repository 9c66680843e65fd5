"""Which reports may be about a danger that is near, so that they take the lane that overtakes any backlog. Pure.

In: a report's text. Out: whether it has one of the words of `danger.yaml`. That is a look and no judgement: triage
reads every report of either lane with all its rules, and what is missed here is read in its turn. It runs for every
report, so it is one pass of one automaton over the text as it was written, in lower case; spellings are in the
automaton.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final

import yaml
from ahocorasick_rs import AhoCorasick

_FILE: Final = Path(__file__).with_name("danger.yaml")
_LETTERS: Final[Mapping[str, str]] = {"ا": "اأإآ", "أ": "أا", "ة": "ةه", "ى": "ىي", "ي": "يى"}
_MOST_SPELLINGS: Final = 256
"""Of a pattern; letters are spelled out from its beginning, and each doubles or quadruples them."""
MAX_SCREENED_CHARS: Final = 20_000


def is_urgent(text: str) -> bool:
    """Whether the text speaks of danger that is near. Linear in it."""
    lowered = text[:MAX_SCREENED_CHARS].lower()
    # In Arabic script a word may carry what stands before it in one piece (و، ب، ل); in Latin script it may not.
    return any(
        start == 0 or lowered[start] > "\u02ff" or not lowered[start - 1].isalnum()
        for _, start, _ in _automaton().find_matches_as_indexes(lowered)
    )


def spellings(pattern: str) -> set[str]:
    """The ways in which a pattern is written."""
    choices, count = [], 1
    for letter in pattern:
        variants = _LETTERS.get(letter, letter)
        if count * len(variants) > _MOST_SPELLINGS:
            variants = letter
        count *= len(variants)
        choices.append(variants)
    written = {"".join(choice) for choice in product(*choices)}
    return written | {_without_accents(each) for each in written if each.isascii() or each[0] < "\u02ff"}


def phrases(file: Path = _FILE) -> Iterable[str]:
    """All patterns of the file. Raises ValueError for a pattern that is not in lower case, or too short to say much."""
    for group in yaml.safe_load(file.read_text(encoding="utf-8")).values():
        for pattern in group:
            if not isinstance(pattern, str) or pattern != pattern.lower() or len(pattern) < 4:
                raise ValueError(f"{pattern!r} is no pattern")
            yield pattern


@cache
def _automaton() -> AhoCorasick:
    return AhoCorasick(sorted({each for pattern in phrases() for each in spellings(pattern)}))


def _without_accents(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
