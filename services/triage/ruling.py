"""From what rules and model say of a report to the decision: category, confidence and runner-up, urgency with reasons,
and whether a person must look. Pure.

The confidence is a chance, fitted on examples that the model had not seen. Sure enough, and no way to put a report
aside: the machine refers or asks a person, and never dismisses. The box that the reporter ticked is one weak vote.
"""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.reports import Decision
from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category, Disposition, Urgency
from services.triage.model.linear import CATEGORIES, Floats, probabilities
from services.triage.taxonomy import Weighed

HINT_AGREES: Final = "hint.agrees"
MODEL: Final = "model"
"""No rule spoke for the category: the words as a whole did."""
MODEL_URGENT: Final = "model.urgent"
SECOND_OPINION: Final = "second.opinion"
_MAX_REASONS: Final = 16
_MAX_REMEMBERED: Final = 10_000
"""Rulings that are remembered at most: about 1.5 KB each."""
_SUREST: Final = 0.999
"""Of a machine: 1 is a person's."""
_SOME_CONFIDENCE: Final = 0.5
_CONFIDENCE: Final = b'"confidence":0.5'
_PLACE: Final = b'"province":null'
_COLUMN_OF: Final = {category: number for number, category in enumerate(CATEGORIES)}


class Thresholds(BaseModel):
    """When the machine is sure: part of the policy, so that a change of them is a new version of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refer_confidence: Annotated[float, Field(gt=0, lt=1, description="At least so sure to refer without a person")]
    urgent_chance: Annotated[float, Field(gt=0, lt=1, description="At least so likely to be urgent to come first")]
    hint_weight: Annotated[float, Field(ge=0, description="What the ticked box adds to a category's logit")]


class Ruling(NamedTuple):
    """A decision but for its province, on which nothing else of it depends. `base` lacks the confidence too; `json` is
    the decision's JSON in three pieces: before the confidence, from there to the province, and the rest."""

    base: Decision
    confidence: float
    json: tuple[bytes, bytes, bytes]

    def decision(self, province: str | None) -> Decision:
        """The decision as a model."""
        return self.base.model_copy(update={"confidence": self.confidence, "province": province})


class Voices(NamedTuple):
    """What is said of some reports, a row each: by the rules, by the ticked boxes, the logits of the categories, the
    chance that it is urgent; and whether a second opinion was heard."""

    weighed: Sequence[Weighed]
    hints: Sequence[Category | None]
    logits: Floats
    urgent: Floats
    asked: bool


class _Verdict(NamedTuple):
    """What a decision follows from, besides what the rules say: the best two columns, whether the reporter ticked the
    best, whether it is likely enough, whether the report is urgent, whether a second opinion was heard."""

    first: int
    second: int
    hint_agrees: bool
    sure: bool
    urgent: bool
    asked: bool


class Judge:
    """The thresholds at work. `rule` is a pure function of its argument; what it wrote before it remembers."""

    def __init__(self, thresholds: Thresholds, version: str) -> None:
        self.thresholds, self._version = thresholds, version
        self._known: dict[tuple[int, _Verdict], tuple[Decision, tuple[bytes, bytes, bytes]]] = {}

    def rule(self, voices: Voices) -> list[Ruling]:
        """The rulings, row by row."""
        chances = probabilities(voices.logits + self._votes(voices.hints))
        best = np.argsort(-chances, axis=1)[:, :2]
        confidences = np.take_along_axis(chances, best, axis=1)[:, 0].astype(float)
        sure = confidences >= self.thresholds.refer_confidence
        urgent = voices.urgent >= self.thresholds.urgent_chance
        said = zip(voices.weighed, voices.hints, best.tolist(), sure.tolist(), urgent.tolist(), strict=True)
        verdicts = [
            _Verdict(first, second, hint is not None and _COLUMN_OF[hint] == first, is_sure, is_urgent, voices.asked)
            for _, hint, (first, second), is_sure, is_urgent in said
        ]
        return [
            self._ruling(weighed, verdict, confidence)
            for weighed, verdict, confidence in zip(
                voices.weighed, verdicts, confidences.round(3).clip(max=_SUREST).tolist(), strict=True
            )
        ]

    def _votes(self, hints: Sequence[Category | None]) -> Floats:
        votes = np.zeros((len(hints), len(CATEGORIES)), np.float32)
        for row, hint in enumerate(hints):
            if hint is not None:
                votes[row, _COLUMN_OF[hint]] = self.thresholds.hint_weight
        return votes

    def _ruling(self, weighed: Weighed, verdict: _Verdict, confidence: float) -> Ruling:
        key = (weighed.found, verdict)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            base = self._base(weighed, verdict)
            known = self._known[key] = base, _pieces(base)
        return Ruling(known[0], confidence, known[1])

    def _base(self, weighed: Weighed, verdict: _Verdict) -> Decision:
        category = CATEGORIES[verdict.first]
        urgency = Urgency.IMMEDIATE if verdict.urgent else weighed.urgency
        reasons = [*weighed.fired.get(category, (MODEL,)), *weighed.urgent]
        if urgency > weighed.urgency:
            reasons.append(MODEL_URGENT)
        if verdict.hint_agrees:
            reasons.append(HINT_AGREES)
        if verdict.asked:
            reasons.append(SECOND_OPINION)
        terrorism = BRANCH_OF[category] is Branch.TERRORISM
        refer = verdict.sure and category is not Category.OUT_OF_SCOPE
        return Decision(
            disposition=Disposition.REFER if refer else Disposition.REVIEW,
            category=category,
            urgency=urgency,
            confidence=_SOME_CONFIDENCE,
            runner_up=CATEGORIES[verdict.second],
            reasons=tuple(reasons[:_MAX_REASONS]),
            organisation=weighed.organisation if terrorism else None,
            province=None,
            policy=self._version,
        )


def _pieces(base: Decision) -> tuple[bytes, bytes, bytes]:
    before, _, rest = base.to_json().partition(_CONFIDENCE)
    between, _, after = rest.partition(_PLACE)
    return before + b'"confidence":', between + b'"province":', after
