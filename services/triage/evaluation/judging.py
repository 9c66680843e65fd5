"""What triage says of labelled reports, beside what is true of them: all figures of an evaluation."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ibalagh.events.reports import Attachment
from ibalagh.events.vocabulary import Category, Disposition, Urgency
from services.triage.decide import Embedder, Judged, judge_all
from services.triage.entities.reading import entities_of
from services.triage.evaluation.form import Amount, Entities, Labelled
from services.triage.evaluation.scores import (
    Answer,
    Found,
    by_class,
    calibration_error,
    confusion,
    found,
    macro_f1,
    pairs,
    risk_coverage,
    total,
)
from services.triage.links.policy import keys_of
from services.triage.model.linear import CATEGORIES, Floats
from services.triage.policy import Policy
from services.triage.ruling import SECOND_OPINION

_AT_A_TIME: Final = 20
_HARD: Final = ("urls", "phones", "handles", "emails", "ibans", "crypto")
"""Kinds of entities that join reports."""


class Figures(NamedTuple):
    """Everything that an evaluation says; shares between 0 and 1."""

    reports: int
    macro_f1: float
    weakest_variety_f1: float
    urgent: Found
    entities: Mapping[str, Found]
    links: Found
    surroundings: Mapping[str, Found]
    straight_through_accuracy: float
    review_share: float
    asked_share: float
    calibration_error: float
    classes: Mapping[str, Found]
    varieties: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]
    curve: Sequence[tuple[float, float, float]]

    def as_json(self) -> dict[str, Any]:
        """One object, as docs/triage.md describes it."""
        return {
            "reports": self.reports,
            "macro_f1": self.macro_f1,
            "weakest_variety_f1": self.weakest_variety_f1,
            "urgent_recall": self.urgent.recall,
            "urgent_precision": self.urgent.precision,
            "entity_f1": total(self.entities.values()).f1,
            "link_recall": self.links.recall,
            "false_merges": self.links.vain,
            "straight_through_accuracy": self.straight_through_accuracy,
            "review_share": self.review_share,
            "second_opinion_share": self.asked_share,
            "calibration_error": self.calibration_error,
            "classes": {name: _scores(each) for name, each in self.classes.items()},
            "varieties": dict(self.varieties),
            "entities": {name: _scores(each) for name, each in self.entities.items()},
            "surroundings": {name: _scores(each) for name, each in self.surroundings.items()},
            "confusion": {truth: dict(said) for truth, said in self.confusion.items()},
            "risk_coverage": [
                {"coverage": coverage, "accuracy": right, "confidence": least} for coverage, right, least in self.curve
            ],
        }


class Categories(NamedTuple):
    """Figures of the categories alone."""

    macro_f1: float
    weakest_variety_f1: float
    varieties: Mapping[str, float]


def evaluate(
    reports: Sequence[Labelled], policy: Policy, second: Embedder | None, report: Callable[[float], None]
) -> Figures:
    """All figures; `report` is told the share that is done. Each report is judged by its text alone."""
    judged: list[Judged] = []
    for start in range(0, len(reports), _AT_A_TIME):
        judged += judge_all([_Alone(each.text) for each in reports[start : start + _AT_A_TIME]], policy, second)
        report(len(judged) / len(reports))
    bases = [each.ruling.base for each in judged]
    answers = [
        Answer(each.category.value, said.ruling.base.category.value, said.ruling.confidence)
        for each, said in zip(reports, judged, strict=True)
    ]
    straight = [a.right for a, base in zip(answers, bases, strict=True) if base.disposition is Disposition.REFER]
    categories = _categories(reports, answers)
    return Figures(
        reports=len(reports),
        macro_f1=categories.macro_f1,
        weakest_variety_f1=categories.weakest_variety_f1,
        urgent=found(
            {number for number, each in enumerate(reports) if each.urgent},
            {number for number, base in enumerate(bases) if base.urgency is Urgency.IMMEDIATE},
        ),
        entities=_entities(reports, [_read(each.text) for each in reports]),
        links=_links(reports, judged),
        surroundings=_surroundings(reports, judged),
        straight_through_accuracy=sum(straight) / len(straight) if straight else 1.0,
        review_share=1 - len(straight) / len(reports),
        asked_share=sum(SECOND_OPINION in base.reasons for base in bases) / len(reports),
        calibration_error=calibration_error(answers),
        classes=by_class(answers),
        varieties=categories.varieties,
        confusion=confusion(answers),
        curve=risk_coverage(answers),
    )


def of_chances(reports: Sequence[Labelled], chances: Floats) -> Categories:
    """The figures of the categories that have the highest chance (rows × categories)."""
    answers = [
        Answer(each.category.value, CATEGORIES[row.argmax()].value, float(row.max()))
        for each, row in zip(reports, chances, strict=True)
    ]
    return _categories(reports, answers)


class _Alone(NamedTuple):
    """A report of which nothing is known but the text."""

    text: str
    links: tuple[str, ...] = ()
    language: str | None = None
    category_hint: Category | None = None
    platform: str | None = None
    place: str | None = None
    attachments: tuple[Attachment, ...] = ()


def _scores(found: Found) -> dict[str, float]:
    return {"precision": found.precision, "recall": found.recall, "f1": found.f1}


def _categories(reports: Sequence[Labelled], answers: Sequence[Answer]) -> Categories:
    varieties: dict[str, float] = {
        variety: macro_f1([a for a, each in zip(answers, reports, strict=True) if each.lang == variety])
        for variety in sorted({each.lang for each in reports})
    }
    return Categories(macro_f1(answers), min(varieties.values()), varieties)


def _read(text: str) -> Entities:
    read = entities_of(text)
    kinds = {kind: getattr(read, kind) for kind in Entities.model_fields}
    return Entities(**kinds | {"amounts": [Amount(value=v, currency=c) for v, c in read.amounts]})


def _entities(reports: Sequence[Labelled], said: Sequence[Entities]) -> dict[str, Found]:
    """Kind by kind over all reports; entities of one kind in one report are a set."""
    return {
        kind: total(
            found(_of_kind(each.entities, kind), _of_kind(read, kind)) for each, read in zip(reports, said, strict=True)
        )
        for kind in Entities.model_fields
    }


def _of_kind(entities: Entities, kind: str) -> set[Hashable]:
    if kind == "amounts":
        return {(round(amount.value, 2), amount.currency.upper()) for amount in entities.amounts}
    return {value.lower() for value in getattr(entities, kind)}


def _surroundings(reports: Sequence[Labelled], judged: Sequence[Judged]) -> dict[str, Found]:
    """The place, the messenger, whether a minor is involved: what is true of reports beside what is said of them."""

    def compared(true: Iterable[Hashable | None], said: Iterable[Hashable | None]) -> Found:
        here = [{pair for pair in enumerate(values) if pair[1]} for values in (true, said)]
        return found(*here)

    around = [each.surroundings for each in judged]
    return {
        "place": compared((each.place for each in reports), (each.place_name for each in around)),
        "closed_messenger": compared(
            (each.closed_messenger for each in reports), (each.closed_messenger for each in around)
        ),
        "minor_involved": compared((each.minor_involved for each in reports), (each.minor_involved for each in around)),
    }


def _links(reports: Sequence[Labelled], judged: Sequence[Judged]) -> Found:
    """Pairs that share a hard indicator by their labels, and are of one campaign, beside pairs that triage would join
    by its policy (`links.policy`); in vain is what joins two campaigns."""
    true: dict[Hashable, list[int]] = {}
    joined: dict[Hashable, list[int]] = {}
    for number, (each, said) in enumerate(zip(reports, judged, strict=True)):
        for kind in _HARD:
            for value in getattr(each.entities, kind):
                true.setdefault((kind, value.lower()), []).append(number)
        for key in keys_of(said.indicators):
            joined.setdefault(key, []).append(number)
    campaigns = [each.campaign for each in reports]

    def same(pair: tuple[int, int]) -> bool:
        return campaigns[pair[0]] is not None and campaigns[pair[0]] == campaigns[pair[1]]

    wanted, made = {pair for pair in pairs(true) if same(pair)}, pairs(joined)
    return Found(len(wanted & made), sum(not same(pair) for pair in made), len(wanted - made))
