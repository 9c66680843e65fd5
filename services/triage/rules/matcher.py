"""One Aho-Corasick pass (Aho and Corasick, 1975) that says which concepts a folded text holds, as a set of bits.

Patterns are looked for in the folded bytes with a space at the word's edges, so that a match is a match of whole words;
what may carry a prefix is looked for anywhere and its prefix checked afterwards. A pattern's place in time is linear in
text and matches: the look back at a prefix is bounded.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from ibalagh.events.vocabulary import Variety
from services.triage.normalise import clean, darija_spellings, fold
from services.triage.rules.source import ORGANISATION, Patterns, RuleSet

_DRAWN_OUT: Final = re.compile(r"([^\W\d])\1\1")
_RANGE: Final = re.compile(r"\{(\d+)-(\d+)\}")


def _prefixes(conjunctions: str, articles: str) -> frozenset[bytes]:
    made = (a + b for a, b in product(["", *conjunctions.split()], ["", *articles.split()]))
    return frozenset(fold(prefix).strip() for prefix in made) - {b""}


_PREFIXES: Final = _prefixes(
    "و ف", "ا ال ب ل ك س بال لل فال كال ها هاد ي ت ن سي ست سن كي كت كن غي غت غن تي لي في ما ماي مات مان كاي كات كان وال"
) | frozenset(
    (
        b"a ay y i t n l w f b ka kay kai kat kan ki ky ke kt kn ta tay tat ti gha ghay ghat ghan ghi ghy ght ghn "
        b"ghadi 8a 8ay 8at ga gay mat may man ma wa wka wkay wki u ou wgha wghay li lli lay"
    ).split()
)
_LONGEST_PREFIX: Final = 7
_SPACE: Final = 0x20

_WHOLE, _PREFIXED, _NEGATOR = 0, 1, 2


class Matcher:
    """The compiled patterns of a rule set. `bit_of` names the bit of each concept and organisation."""

    def __init__(self, rule_set: RuleSet) -> None:
        names = [ORGANISATION, *rule_set.concepts, *(f"{ORGANISATION}:{name}" for name in rule_set.organisations)]
        self.bit_of: Mapping[str, int] = {name: 1 << number for number, name in enumerate(names)}
        entries: dict[tuple[bytes, int], list[int]] = {}

        def add(patterns: Patterns, kind_of_word: int | None, bits: int, negatable: bool) -> None:
            for variety, words in patterns.items():
                for word in words:
                    for pattern, kind in _spellings(word, variety):
                        entry = entries.setdefault((pattern, kind if kind_of_word is None else kind_of_word), [0, 0])
                        entry[0] |= bits
                        entry[1] |= bits if negatable else 0

        for name, concept in rule_set.concepts.items():
            add(concept.patterns, None, self.bit_of[name], concept.negatable)
        for name, patterns in rule_set.organisations.items():
            add(patterns, None, self.bit_of[f"{ORGANISATION}:{name}"] | self.bit_of[ORGANISATION], negatable=False)
        add(rule_set.negators, _NEGATOR, 0, negatable=False)
        self._patterns = [
            (bits, kind == _PREFIXED, bits & ~negatable) for (_, kind), (bits, negatable) in entries.items()
        ]
        # Not the table that is faster alone: of its 11 MB too little stays in a processor's caches beside other work.
        self._automaton = BytesAhoCorasick(
            [pattern for pattern, _ in entries], implementation=Implementation.ContiguousNFA
        )
        self.pattern_count = len(entries)

    def find(self, folded: bytes) -> int:
        """The bits of the concepts that the folded text holds."""
        found = 0
        negated: set[int] = set()
        patterns = self._patterns
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            bits, may_be_prefixed, kept_when_negated = patterns[index]
            if not bits:
                negated.add(end - 1)
                continue
            if found & bits == bits:
                continue
            if may_be_prefixed:
                space = start - 1
                if folded[space] != _SPACE:
                    space = _before_prefix(folded, start)
                    if space < 0:
                        continue
                start = space  # noqa: PLW2901
            found |= kept_when_negated if negated and start in negated else bits
        return found

    def places(self, folded: bytes) -> list[tuple[int, int, int]]:
        """Where the folded text holds what: (first byte, first one after, bits of the concepts), in the order of their
        ends. Together the bits are those of `find`, which is faster."""
        placed = []
        negated: set[int] = set()
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            bits, may_be_prefixed, kept_when_negated = self._patterns[index]
            first = start
            if not bits:
                negated.add(end - 1)
                continue
            if may_be_prefixed:
                first = start - 1 if folded[start - 1] == _SPACE else _before_prefix(folded, start)
            bits = kept_when_negated if first in negated else bits
            if first >= 0 and bits:
                placed.append((first, end, bits))
        return placed


def _before_prefix(folded: bytes, start: int) -> int:
    """The place of the space before a word of which `start` follows a prefix; -1 when it follows something else."""
    space = folded.rfind(b" ", max(0, start - 1 - _LONGEST_PREFIX), start - 1)
    return space if space >= 0 and folded[space + 1 : start] in _PREFIXES else -1


def _spellings(word: str, variety: Variety) -> Iterator[tuple[bytes, int]]:
    """The patterns of a word of the rules as (folded bytes, kind)."""
    exact, carries = word.startswith("="), word.startswith("~")
    any_ending = word.endswith("*")
    body = word.strip("=~*")
    for numbered in _numbered(body):
        arabic = variety in {Variety.ARABIC, Variety.DARIJA} and not exact
        spelled = darija_spellings(numbered) if variety == Variety.DARIJA_LATIN and "{" not in body else (numbered,)
        for spelling in spelled:
            folded = fold(clean(spelling)).strip()
            if _DRAWN_OUT.search(spelling) and spelling != numbered:
                continue
            if not folded or _DRAWN_OUT.search(spelling):
                raise ValueError(f"pattern {word} is empty or shorter when folded")
            kind = _PREFIXED if arabic or carries else _WHOLE
            yield (b"" if kind == _PREFIXED else b" ") + folded + (b"" if any_ending else b" "), kind


def _numbered(body: str) -> Iterator[str]:
    match = _RANGE.search(body)
    if match is None:
        yield body
        return
    for number in range(int(match[1]), int(match[2]) + 1):
        yield from _numbered(body[: match.start()] + str(number) + body[match.end() :])
