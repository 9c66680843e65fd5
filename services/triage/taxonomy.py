"""From the concepts of a text to a category, its confidence, its urgency, and the names of the rules that said so.

Every rule that fires adds its weight to its category; the box that the reporter ticked is one weak vote. Confidence is
the share of the best category in all that speaks, against a fixed doubt, so one weak word never makes a machine sure
and two categories that are level make it unsure. Sure enough → refer; else a person decides. The machine never
dismisses.
"""

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.reports import Decision
from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category, Disposition, Urgency
from services.triage.rules.matcher import Matcher
from services.triage.rules.source import ORGANISATION, RuleSet

HINT_AGREES: Final = "hint.agrees"
HINT_ALONE: Final = "hint.alone"
NOTHING_KNOWN: Final = "nothing.known"
_MAX_REASONS: Final = 16
_MAX_REMEMBERED: Final = 10_000
"""Decisions that are remembered at most: about 1.2 KB each."""
_PLACE: Final = b'"province":null'


class Thresholds(BaseModel):
    """When the machine is sure: part of the policy, so that a change of them is a new version of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refer_confidence: Annotated[float, Field(gt=0, lt=1, description="At least so sure to refer without a person")]
    refer_score: Annotated[float, Field(gt=0, description="At least so much weight from the text itself to refer")]
    doubt: Annotated[float, Field(gt=0, description="Weight that speaks against every guess")]
    hint_weight: Annotated[float, Field(ge=0, description="Weight of the box that the reporter ticked")]


class Ruling(NamedTuple):
    """A decision but for its province, on which nothing else of it depends: as a model, and as the JSON that stands
    before the province and after it."""

    decision: Decision
    before: bytes
    after: bytes


class _Weighed(NamedTuple):
    need: int
    none: int
    category: Category
    weight: float
    name: str


class _Urgent(NamedTuple):
    need: int
    level: Urgency
    name: str


class Taxonomy:
    """The compiled rules. `decide` is a pure function of its arguments; what it computed before it remembers."""

    def __init__(self, rule_set: RuleSet, matcher: Matcher, thresholds: Thresholds, version: str) -> None:
        bit_of = matcher.bit_of
        self._thresholds, self._version = thresholds, version
        self._rules = tuple(
            _Weighed(_union(bit_of, rule.all), _union(bit_of, rule.none), rule.category, rule.weight, rule.name)
            for rule in rule_set.rules
        )
        self._urgency = tuple(_Urgent(_union(bit_of, rule.all), rule.level, rule.name) for rule in rule_set.urgency)
        self._organisations = tuple((bit_of[f"{ORGANISATION}:{name}"], name) for name in rule_set.organisations)
        self._known: dict[tuple[int, str | None], Ruling] = {}

    def decide(self, found: int, hint: Category | None) -> Ruling:
        """The ruling on a text that holds the concepts `found` (bits of the matcher)."""
        # By the category's text: an enumeration's hash is computed in Python, on every look.
        key = (found, None if hint is None else hint._value_)
        ruling = self._known.get(key)
        if ruling is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            ruling = self._known[key] = _ruling(self._decide(found, hint))
        return ruling

    def _decide(self, found: int, hint: Category | None) -> Decision:
        scores: dict[Category, float] = {}
        fired: dict[Category, list[str]] = {}
        for _, _, category, weight, name in [r for r in self._rules if found & r[0] == r[0] and not found & r[1]]:
            scores[category] = scores.get(category, 0.0) + weight
            fired.setdefault(category, []).append(name)
        urgency, urgent = self._urgency_of(found)
        category, confidence, sure = self._best(scores, hint)
        reasons = [*fired.get(category, ()), *urgent]
        if hint is not None and hint == category:
            reasons.append(HINT_AGREES if scores.get(category) else HINT_ALONE)
        terrorism = BRANCH_OF[category] is Branch.TERRORISM
        return Decision(
            disposition=Disposition.REFER if sure else Disposition.REVIEW,
            category=category,
            urgency=urgency,
            confidence=round(confidence, 3),
            reasons=tuple(reasons[:_MAX_REASONS]) or (NOTHING_KNOWN,),
            organisation=self._organisation(found) if terrorism else None,
            province=None,
            policy=self._version,
        )

    def _best(self, scores: Mapping[Category, float], hint: Category | None) -> tuple[Category, float, bool]:
        limits = self._thresholds
        votes = dict(scores)
        if hint is not None:
            votes[hint] = votes.get(hint, 0.0) + limits.hint_weight
        if not votes:
            return Category.OUT_OF_SCOPE, 0.0, False
        ranked = sorted(votes.items(), key=lambda item: -item[1])
        category, best = ranked[0]
        second = ranked[1][1] if len(ranked) > 1 else 0.0
        confidence = best / (best + second + limits.doubt)
        sure = (
            category is not Category.OUT_OF_SCOPE
            and confidence >= limits.refer_confidence
            and scores.get(category, 0.0) >= limits.refer_score
        )
        return category, confidence, sure

    def _urgency_of(self, found: int) -> tuple[Urgency, list[str]]:
        fired = [(level, name) for need, level, name in self._urgency if found & need == need]
        if not fired:
            return Urgency.ROUTINE, []
        highest = max(level for level, _ in fired)
        return highest, [name for level, name in fired if level == highest]

    def _organisation(self, found: int) -> str | None:
        return next((name for bit, name in self._organisations if found & bit), None)


def _ruling(decision: Decision) -> Ruling:
    before, place, after = decision.to_json().partition(_PLACE)
    return Ruling(decision, before + place.removesuffix(b"null"), after)


def _union(bit_of: Mapping[str, int], names: tuple[str, ...]) -> int:
    bits = 0
    for name in names:
        bits |= bit_of[name]
    return bits
