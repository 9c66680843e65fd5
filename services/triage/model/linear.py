"""The model: sums of weights over hashed features, joined with what the rules and, where asked, a second opinion say.

Pure: arrays in, arrays out. `margins` is the fast part, a vector operation per kind of feature over all texts of a
batch; what follows is small. How the numbers came about is in `training`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibalagh.events.vocabulary import Category
from services.triage.model.features import GROUPS, features

Floats = NDArray[np.float32]

CATEGORIES: Final = tuple(Category)
"""The columns of scores, in this order."""
URGENT: Final = len(CATEGORIES)
"""The column of urgency, after the categories."""
COLUMNS: Final = URGENT + 1
LEVELS: Final = 4
"""Urgencies that the rules tell apart."""
STEPS: Final = 127
"""Weights are stored in a byte each, in so many steps to either side of zero."""


class Logistic(NamedTuple):
    """A multinomial logistic regression: inputs × outputs, and a bias per output."""

    weights: Floats
    bias: Floats

    def __call__(self, inputs: Floats) -> Floats:
        """Logits, rows × outputs."""
        scores: Floats = inputs @ self.weights + self.bias
        return scores


class SecondOpinion(NamedTuple):
    """How a sentence embedding is read: standardised by `mean` and `scale`, compared with the `examples` (rows ×
    dimensions, standardised) by a Gaussian kernel, to the columns of scores by `columns`; and the two joints that
    include it."""

    mean: Floats
    scale: Floats
    examples: Floats
    columns: Logistic
    category: Logistic
    urgent: Logistic


class Model(NamedTuple):
    """`weights` holds a row of `COLUMNS` for every bucket of `features`, `squares` each bucket's part of the norm of
    its group; `category` and `urgent` join the columns with the rules."""

    version: str
    weights: Floats
    bias: Floats
    squares: Floats
    category: Logistic
    urgent: Logistic
    second: SecondOpinion

    def margins(self, folded: Sequence[bytes]) -> Floats:
        """What the features of folded texts say: rows × `COLUMNS`. Linear in their bytes."""
        sums = np.zeros((GROUPS, len(folded), COLUMNS), np.float32)
        norms = np.zeros((GROUPS, len(folded)), np.float32)
        for found in features(folded):
            some, starts = _not_empty(found.starts, len(found.buckets))
            if len(some):
                # `take` without a check of bounds, which buckets keep: a third less than indexing.
                weights = np.take(self.weights, found.buckets, axis=0, mode="clip")
                squares = np.take(self.squares, found.buckets, mode="clip")
                sums[found.group, some] += np.add.reduceat(weights, starts, axis=0)
                norms[found.group, some] += np.add.reduceat(squares, starts)
        sums /= np.sqrt(np.maximum(norms, np.float32(1e-12)))[:, :, None]
        margins: Floats = sums.sum(axis=0) + self.bias
        return margins


def _not_empty(starts: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of the texts that have features, and where those start: a sum over none would be the next one's."""
    some = np.flatnonzero(np.diff(starts, append=count) > 0)
    return some, starts[some]


def category_inputs(margins: Floats, rule_scores: Floats, opinion: Floats | None = None) -> Floats:
    """What the joint for the category takes: the columns of the categories, the rules' scores, those of the opinion."""
    parts = [margins[:, :URGENT], rule_scores]
    return np.hstack(parts if opinion is None else [*parts, opinion[:, :URGENT]])


def urgent_inputs(margins: Floats, levels: NDArray[np.int64], opinion: Floats | None = None) -> Floats:
    """What the joint for urgency takes: all columns, the rules' urgency as one of `LEVELS`, those of the opinion."""
    parts = [margins, np.eye(LEVELS, dtype=np.float32)[levels]]
    return np.hstack(parts if opinion is None else [*parts, opinion])


def opinion_columns(second: SecondOpinion, embeddings: Floats) -> Floats:
    """What embeddings say: rows × `COLUMNS`."""
    return second.columns(likeness((embeddings - second.mean) / second.scale, second.examples))


def likeness(some: Floats, others: Floats) -> Floats:
    """The Gaussian kernel exp(-|x - y|²) of standardised embeddings, rows × rows."""
    distances = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * (some @ others.T)
    kernel: Floats = np.exp(-np.maximum(distances, 0))
    return kernel


def probabilities(logits: Floats) -> Floats:
    """Softmax over the columns of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def probability(logits: Floats) -> Floats:
    """The logistic function of one column."""
    chance: Floats = np.float32(1) / (np.float32(1) + np.exp(-np.clip(logits[:, 0], -30, 30)))
    return chance
