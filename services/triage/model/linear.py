"""The model: sums of weights over hashed features, joined with what the rules and, where asked, a second opinion say.

Pure: arrays in, arrays out. `margins` is the fast part, a vector operation per kind of feature over all texts of a
batch; what follows is small. How the numbers came about is in `training`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

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
    """`table` holds a row for every bucket of `features`: a weight for each of `COLUMNS`, then the bucket's part of the
    squared norm of its group; `category` and `urgent` join the columns with the rules."""

    version: str
    table: Floats
    bias: Floats
    category: Logistic
    urgent: Logistic
    second: SecondOpinion

    @property
    def weights(self) -> Floats:
        """Buckets × `COLUMNS`."""
        return self.table[:, :COLUMNS]

    @property
    def squares(self) -> Floats:
        """Of each bucket."""
        return self.table[:, COLUMNS]

    def margins(self, folded: Sequence[bytes]) -> Floats:
        """What the features of folded texts say: rows × `COLUMNS`. Linear in their bytes."""
        if not folded:
            return np.zeros((0, COLUMNS), np.float32)
        kinds = list(features(folded))
        # One product of a sparse matrix, a row for each kind and text, with the table: it adds up rows of the table
        # where they lie, in a third of the time that picking them out and adding takes.
        buckets = np.concatenate([kind.buckets for kind in kinds])
        ends = np.cumsum([len(kind.buckets) for kind in kinds])
        starts = np.concatenate([kind.starts + end - len(kind.buckets) for kind, end in zip(kinds, ends, strict=True)])
        rows = csr_array(
            (np.ones(len(buckets), np.float32), buckets, np.append(starts, ends[-1]).astype(np.int32)),
            shape=(len(starts), len(self.table)),
        )
        by_kind = (rows @ self.table).reshape(len(kinds), len(folded), COLUMNS + 1)
        sums = np.zeros((GROUPS, len(folded), COLUMNS + 1), np.float32)
        for kind, said in zip(kinds, by_kind, strict=True):
            sums[kind.group] += said
        norms = np.sqrt(np.maximum(sums[:, :, COLUMNS:], np.float32(1e-12)))
        margins: Floats = (sums[:, :, :COLUMNS] / norms).sum(axis=0) + self.bias
        return margins


def tabled(weights: NDArray[np.generic], squares: Floats, step: Floats | float = 1.0) -> Floats:
    """A model's `table`, of weights that are in `step`s (one a column)."""
    table = np.empty((len(weights), COLUMNS + 1), np.float32)
    np.multiply(weights, step, out=table[:, :COLUMNS], casting="same_kind")  # no copy of it in between
    table[:, COLUMNS] = squares
    return table


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
