"""A proposed model beside the current one: the figures of both on the same examples. Pure.

In: what each says of examples that it has not seen. Out: figures by kind of example (what people decided, the labelled
reports) and by whether a second opinion was asked.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from ibalagh.events.vocabulary import Category
from services.triage.evaluation.scores import Answer, Found, by_class, found, macro_f1
from services.triage.model.linear import CATEGORIES, Floats
from services.triage.model.training import UNKNOWN, Examples, Integers, LeftOut
from services.triage.ruling import Thresholds

PEOPLE: Final = "people"
LABELLED: Final = "labelled"
_OUT_OF_SCOPE: Final = CATEGORIES.index(Category.OUT_OF_SCOPE)


class Side(NamedTuple):
    """Figures of one model; shares between 0 and 1. Straight on goes what it is sure of, whatever box was ticked;
    `urgent` is None where nobody said what is."""

    reports: int
    macro_f1: float
    straight_share: float
    straight_accuracy: float
    urgent: Found | None
    categories: Mapping[str, Found]

    def as_json(self) -> dict[str, Any]:
        """One object."""
        urgent = None
        if self.urgent is not None:
            urgent = {"precision": self.urgent.precision, "recall": self.urgent.recall}
        categories = {
            name: {"precision": each.precision, "recall": each.recall, "f1": each.f1}
            for name, each in self.categories.items()
        }
        return {**self._asdict(), "urgent": urgent, "categories": categories}


class Both(NamedTuple):
    """The current model and the proposed one."""

    current: Side
    proposed: Side


Comparison = Mapping[str, Mapping[str, Both]]
"""`PEOPLE` or `LABELLED` → `fast` or `asked` → both."""


def comparison(examples: Examples, current: LeftOut, proposed: LeftOut, thresholds: Thresholds) -> Comparison:
    """Both beside each other, on all examples."""
    rows = np.arange(len(examples.folded))
    kinds = {PEOPLE: rows[examples.labelled :], LABELLED: rows[: examples.labelled]}
    return {
        kind: {
            mode: Both(*(_side(examples, getattr(each, mode), some, thresholds) for each in (current, proposed)))
            for mode in LeftOut._fields
        }
        for kind, some in kinds.items()
    }


def _side(examples: Examples, said: tuple[Floats, Floats], rows: Integers, thresholds: Thresholds) -> Side:
    chances, urgent = said[0][rows], said[1][rows]
    best, true = chances.argmax(axis=1), examples.categories[rows]
    sure = (chances.max(axis=1) >= thresholds.refer_confidence) & (best != _OUT_OF_SCOPE)
    answers = [
        Answer(CATEGORIES[truth].value, CATEGORIES[column].value, 1.0) for truth, column in zip(true, best, strict=True)
    ]
    known = examples.urgent[rows] != UNKNOWN
    return Side(
        reports=len(rows),
        macro_f1=macro_f1(answers),
        straight_share=float(sure.mean()) if len(rows) else 0.0,
        straight_accuracy=float((best == true)[sure].mean()) if sure.any() else 1.0,
        urgent=found(
            np.flatnonzero(known & (examples.urgent[rows] == 1)).tolist(),
            np.flatnonzero(known & (urgent >= thresholds.urgent_chance)).tolist(),
        )
        if known.any()
        else None,
        categories=by_class(answers),
    )
