"""What the rules make of the concepts of a text: scores of categories, urgency, the names of the rules that said so.

Every rule that fires adds its weight to its category. What that means for the decision is the business of `ruling`,
which hears the model too.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibalagh.events.vocabulary import Category, Urgency
from services.triage.rules.matcher import Matcher
from services.triage.rules.source import ORGANISATION, RuleSet

_MAX_REMEMBERED: Final = 10_000
"""What was made of concepts is remembered of so many sets of them: about 1 KB each."""
_COLUMNS: Final = {category: number for number, category in enumerate(Category)}


class Weighed(NamedTuple):
    """What the rules say of the concepts `found`: the logarithm of one and the weights for each category (in the order
    of `Category`), how urgent, by which rules, which rules fired for which category, and the terrorist organisation
    that is named."""

    found: int
    scores: NDArray[np.float32]
    urgency: Urgency
    urgent: tuple[str, ...]
    fired: Mapping[Category, tuple[str, ...]]
    organisation: str | None


class Speaking(NamedTuple):
    """A rule: what speaks for a category with some weight when all concepts of `need` are there and none of `none`."""

    need: int
    none: int
    category: Category
    weight: float
    name: str


class Pressing(NamedTuple):
    """A rule: how urgent it is at least when all concepts of `need` are there."""

    need: int
    level: Urgency
    name: str


class Taxonomy:
    """The compiled rules. `weigh` is a pure function of its argument; what it computed before it remembers."""

    def __init__(self, rule_set: RuleSet, matcher: Matcher) -> None:
        bit_of = matcher.bit_of
        self._rules = tuple(
            Speaking(_union(bit_of, rule.all), _union(bit_of, rule.none), rule.category, rule.weight, rule.name)
            for rule in rule_set.rules
        )
        self._urgency = tuple(Pressing(_union(bit_of, rule.all), rule.level, rule.name) for rule in rule_set.urgency)
        self._organisations = tuple((bit_of[f"{ORGANISATION}:{name}"], name) for name in rule_set.organisations)
        self._known: dict[int, Weighed] = {}

    def weigh(self, found: int) -> Weighed:
        """What the rules say of a text that holds the concepts `found` (bits of the matcher)."""
        weighed = self._known.get(found)
        if weighed is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            weighed = self._known[found] = self._weigh(found)
        return weighed

    def speaking(self, found: int) -> list[Speaking]:
        """The rules that speak for a category in a text that holds the concepts `found`."""
        return [rule for rule in self._rules if found & rule.need == rule.need and not found & rule.none]

    def pressing(self, found: int) -> list[Pressing]:
        """The rules that say how urgent such a text is."""
        return [rule for rule in self._urgency if found & rule.need == rule.need]

    def _weigh(self, found: int) -> Weighed:
        scores = np.zeros(len(_COLUMNS), np.float32)
        fired: dict[Category, tuple[str, ...]] = {}
        for _, _, category, weight, name in self.speaking(found):
            scores[_COLUMNS[category]] += weight
            fired[category] = (*fired.get(category, ()), name)
        urgency, urgent = self._urgency_of(found)
        return Weighed(found, np.log1p(scores), urgency, urgent, fired, self._organisation(found))

    def _urgency_of(self, found: int) -> tuple[Urgency, tuple[str, ...]]:
        fired = [(level, name) for _, level, name in self.pressing(found)]
        highest = max((level for level, _ in fired), default=Urgency.ROUTINE)
        return highest, tuple(name for level, name in fired if level == highest)

    def _organisation(self, found: int) -> str | None:
        return next((name for bit, name in self._organisations if found & bit), None)


def _union(bit_of: Mapping[str, int], names: tuple[str, ...]) -> int:
    bits = 0
    for name in names:
        bits |= bit_of[name]
    return bits
