"""Why a report is taken for what it is taken for: rules with their places, the model's features, what decided. Pure.

In: a report and the policy. Out: an `Explanation`, whose places are characters of the text as it was written. The model
is linear in its features up to the last step, so what a feature adds to a category's logit is no estimate but the very
number that was added: what speaks for the category, against the runner-up, adds up to the lead that it won by.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibalagh.events.reports import Decision
from ibalagh.events.vocabulary import Category, Disposition, Urgency
from services.triage.decide import Embedder, Report, fold_own, judge_all, own_words
from services.triage.entities import extract
from services.triage.model.features import features, join_texts
from services.triage.model.linear import CATEGORIES, URGENT, Floats, category_inputs, opinion_columns
from services.triage.model.skeleton import reduced
from services.triage.normalise import join, read, readable, words
from services.triage.origins import Origins, Span, origins, span_of
from services.triage.policy import Policy
from services.triage.ruling import SECOND_OPINION

TOP: Final = 10
"""So many words and features are named of each list."""
_OF_SKELETONS: Final = 2
"""The first group of features that are of skeletons."""
_SPACE: Final = 0x20
_COLUMN_OF: Final = {category: number for number, category in enumerate(CATEGORIES)}


class Rule(NamedTuple):
    """A rule that fired: what it speaks for (a category with a weight, or an urgency), and where its words stand."""

    name: str
    category: Category | None
    urgency: Urgency | None
    weight: float
    spans: tuple[Span, ...]


class Feature(NamedTuple):
    """A word, a pair or a piece of words that the model weighs: as it is written and folded, where it stands, what it
    adds to the lead over the runner-up and over the mean of all categories."""

    text: str
    folded: str
    spans: tuple[Span, ...]
    over_runner_up: float
    over_all: float


class Lead(NamedTuple):
    """By how much, in logits, the category leads the runner-up, and by whom: the words, the rules, the ticked box, the
    second opinion, and what holds before anything is read."""

    words: float
    rules: float
    hint: float
    second_opinion: float
    start: float

    @property
    def decisive(self) -> tuple[str, ...]:
        """Those without whom the runner-up would have won; none when no one was needed."""
        return tuple(name for name, part in self._asdict().items() if part > 0 and sum(self) - part < 0)


class Second(StrEnum):
    """Whether an explanation has a second opinion in it, as the decision had, or why not: none was heard when the
    machine decided, none can be asked here, or the machine's decision is not remembered."""

    ASKED = "second_asked"
    NOT_HEARD = "second_not_heard"
    AWAY = "second_away"
    UNKNOWN = "second_unknown"


class Explanation(NamedTuple):
    """See the module. `sure_at` is the confidence from which on a report is referred without a person; `heat` are whole
    words by what all features in them add to the lead, the most first, `against` those that spoke for the runner-up."""

    policy: str
    category: Category
    runner_up: Category
    confidence: float
    sure_at: float
    disposition: Disposition
    urgency: Urgency
    urgent_by_model: bool
    asked_second: bool
    second_opinion: Second
    lead: Lead
    rules: tuple[Rule, ...]
    heat: tuple[Feature, ...]
    against: tuple[Feature, ...]
    features: tuple[Feature, ...]


class _Weighed(NamedTuple):
    """A feature wherever it stands: its places in the folded text, and what it adds to the logit of each category."""

    places: list[tuple[int, int]]
    logits: NDArray[np.floating[Any]]


def explain_decision(report: Report, machine: Decision | None, policy: Policy, second: Embedder | None) -> Explanation:
    """Why `policy` decides as it does about a report that `machine` was the machine's decision about, whoever decided
    since (None when it is not known any more); `second` is asked where it was heard."""
    if machine is None:
        return explain(report, policy)._replace(second_opinion=Second.UNKNOWN)
    heard = SECOND_OPINION in machine.reasons
    found = explain(report, policy, second if heard else None)
    return found._replace(second_opinion=Second.AWAY) if heard and second is None else found


def explain(report: Report, policy: Policy, second: Embedder | None = None) -> Explanation:
    """Why `policy` decides as it does. `second` as for `decide`: given where it was asked. Total, as `decide` is."""
    embeddings = None if second is None else second([own_words(report.text)])
    ((_, ruling, *_),) = judge_all([report], policy, None if embeddings is None else lambda _: embeddings)
    base = ruling.base
    best, other = _COLUMN_OF[base.category], _COLUMN_OF[base.runner_up or base.category]
    encoded = extract(*read(report.text), report.links, report.platform).encoded
    folded = join(words(encoded))
    own = fold_own(encoded)  # where it begins, it is `folded`
    where = origins(report.text, encoded)
    joint = policy.model.category if embeddings is None else policy.model.second.category
    opinion = None if embeddings is None else opinion_columns(policy.model.second, embeddings)
    rules = policy.taxonomy.weigh(policy.matcher.find(folded))
    inputs = category_inputs(policy.model.margins([own]), rules.scores[None], opinion)[0]
    ahead = joint.weights[:, best] - joint.weights[:, other]
    weighed = _weighed(own, policy, joint.weights[:URGENT])
    found = [_feature(each, report.text, folded, where, (best, other)) for each in weighed]
    heat = [_feature(each, report.text, folded, where, (best, other)) for each in _by_word(weighed, own)]
    return Explanation(
        policy=policy.version,
        category=base.category,
        runner_up=CATEGORIES[other],
        confidence=ruling.confidence,
        sure_at=policy.judge.thresholds.refer_confidence,
        disposition=base.disposition,
        urgency=base.urgency,
        urgent_by_model=base.urgency > rules.urgency,
        asked_second=embeddings is not None,
        second_opinion=Second.NOT_HEARD if embeddings is None else Second.ASKED,
        lead=_lead(inputs, ahead, policy.model.bias[:URGENT], float(joint.bias[best] - joint.bias[other]))._replace(
            hint=_vote(report, base.category, CATEGORIES[other], policy.judge.thresholds.hint_weight)
        ),
        rules=tuple(_rules(folded, where, policy)),
        heat=tuple(
            each for each in sorted(heat, key=lambda each: -each.over_runner_up)[:TOP] if each.over_runner_up > 0
        ),
        against=tuple(
            each for each in sorted(heat, key=lambda each: each.over_runner_up)[:TOP] if each.over_runner_up < 0
        ),
        features=tuple(sorted(found, key=lambda each: -each.over_all)[:TOP]),
    )


def _lead(inputs: Floats, ahead: Floats, bias: Floats, start: float) -> Lead:
    """The parts of the lead but for the ticked box: each input times how much further it brings the category than the
    runner-up. The columns are the model's (its bias counts as the start), the rules', the second opinion's."""
    parts = inputs * ahead
    before = float(bias @ ahead[:URGENT])
    spoken, ruled, opinion = (float(parts[at : at + URGENT].sum()) for at in (0, URGENT, 2 * URGENT))
    return Lead(spoken - before, ruled, 0.0, opinion, start + before)


def _vote(report: Report, category: Category, runner_up: Category, weight: float) -> float:
    return weight * ((report.category_hint is category) - (report.category_hint is runner_up))


def _rules(folded: bytes, where: Origins, policy: Policy) -> list[Rule]:
    """All rules that fired, whatever they speak for."""
    found = policy.matcher.find(folded)
    placed = policy.matcher.places(folded)

    def spans(need: int) -> tuple[Span, ...]:
        # A pattern that takes any ending ends within a word: shown is the whole word.
        known = [span_of(where, start, folded.find(b" ", end - 1)) for start, end, bits in placed if bits & need]
        return tuple(dict.fromkeys(span for span in known if span is not None))

    speaking = [
        Rule(rule.name, rule.category, None, rule.weight, spans(rule.need)) for rule in policy.taxonomy.speaking(found)
    ]
    return speaking + [
        Rule(rule.name, None, rule.level, 0.0, spans(rule.need)) for rule in policy.taxonomy.pressing(found)
    ]


def _weighed(folded: bytes, policy: Policy, joint: Floats) -> list[_Weighed]:
    """All features, each once, with what they add to the logits of the categories (`joint`: columns × categories)."""
    letters, begins = join_texts([folded])
    back = np.append(reduced(letters, begins)[2], len(folded))
    squares: dict[int, float] = {}
    places: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for group, buckets, starts, ends, _ in features([folded]):
        squares[group] = squares.get(group, 0.0) + float(policy.model.squares[buckets].sum())
        # A skeleton's letters stand for those of the folded text up to the next one's.
        first, last = (back[starts], back[ends]) if group >= _OF_SKELETONS else (starts, ends)
        for bucket, start, end in zip(buckets.tolist(), first.tolist(), last.tolist(), strict=True):
            places.setdefault((group, bucket), []).append((start, end))
    return [
        _Weighed(
            where, len(where) / np.sqrt(max(squares[group], 1e-12)) * policy.model.weights[bucket, :URGENT] @ joint
        )
        for (group, bucket), where in places.items()
    ]


def _by_word(weighed: Sequence[_Weighed], folded: bytes) -> list[_Weighed]:
    """The same sums by whole words: what a feature adds is shared by the letters that it covers."""
    per_letter = np.zeros((len(folded), len(CATEGORIES)), np.float64)
    for places, logits in weighed:
        for start, end in places:
            covered = [at for at in range(start, end) if folded[at] != _SPACE]
            per_letter[covered] += logits / (len(places) * max(1, len(covered)))
    words_at: dict[bytes, list[tuple[int, int]]] = {}
    at = 1
    for word in folded.split():
        words_at.setdefault(word, []).append((at, at + len(word)))
        at += len(word) + 1
    return [
        _Weighed(places, sum((per_letter[start:end].sum(axis=0) for start, end in places), np.zeros(len(CATEGORIES))))
        for places in words_at.values()
    ]


def _feature(weighed: _Weighed, text: str, folded: bytes, where: Origins, ahead: tuple[int, int]) -> Feature:
    (places, logits), (best, other) = weighed, ahead
    spans = tuple(dict.fromkeys(span for place in places if (span := span_of(where, *place)) is not None))
    start, end = places[0]
    written = text[slice(*spans[0])] if spans else ""
    return Feature(
        written,
        readable(folded[start:end]),
        spans,
        float(logits[best] - logits[other]),
        float(logits[best] - logits.mean()),
    )
