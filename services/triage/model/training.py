"""How the model is made from examples: support vectors over hashed features, then logistic joints over what examples
that were left out say of themselves.

The joints must not see how the first stage does on its own examples, which is better than it will ever be again: so the
first stage is fitted on four fifths of the campaigns and asked about the rest, five times over; of one campaign all
reports are on the same side. The same examples give the same model, to the last bit of what is stored.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from services.triage.model.features import BUCKETS, GROUPS, features
from services.triage.model.linear import (
    COLUMNS,
    STEPS,
    URGENT,
    Floats,
    Logistic,
    Model,
    SecondOpinion,
    category_inputs,
    likeness,
    probabilities,
    probability,
    tabled,
    urgent_inputs,
)

FOLDS: Final = 5
_FIRST_STAGE: Final = 0.3
_RIDGE: Final = np.float32(0.1)
_JOINT: Final = 0.3

Integers = NDArray[np.int64]
Inputs = tuple[Floats, Floats]


class Examples(NamedTuple):
    """What is learnt from, a row each: folded texts, numbers of `CATEGORIES`, whether urgent, campaigns, the rules'
    scores (rows × categories) and urgencies, embeddings (rows × dimensions)."""

    folded: Sequence[bytes]
    categories: Integers
    urgent: Integers
    campaigns: Sequence[str]
    rule_scores: Floats
    rule_levels: Integers
    embeddings: Floats


class LeftOut(NamedTuple):
    """What the model says of examples that it was not fitted on, without and with the second opinion: chances of the
    categories (rows × categories), and of urgency."""

    fast: tuple[Floats, Floats]
    asked: tuple[Floats, Floats]


def train(examples: Examples, report: Callable[[float], None]) -> tuple[Model, LeftOut]:
    """The model, and what of each example models say that have seen none of its campaign, joints included.

    `report` is told the share that is done. The version is a hash of what was learnt from, and of what was.
    """
    matrix, squares = _matrix(examples.folded)
    mean = examples.embeddings.mean(axis=0)
    scale = examples.embeddings.std(axis=0) * np.float32(np.sqrt(examples.embeddings.shape[1]))
    standard = ((examples.embeddings - mean) / scale).astype(np.float16).astype(np.float32)
    alike = likeness(standard, standard)
    folds = list(_folds(examples.campaigns))
    margins = np.zeros((len(examples.folded), COLUMNS), np.float32)
    opinions = np.zeros_like(margins)
    for number, (rest, fold) in enumerate(folds):
        margins[fold] = _by_features(matrix[rest], examples, rest)(matrix[fold])
        opinions[fold] = _by_likeness(alike[np.ix_(rest, rest)], examples, rest)(alike[np.ix_(fold, rest)])
        report((number + 1) / (FOLDS + 2))
    everything = np.arange(len(examples.folded))
    first = _by_features(matrix, examples, everything)
    second = _by_likeness(alike, examples, everything)
    report((FOLDS + 1) / (FOLDS + 2))
    rules = (examples.rule_scores, examples.rule_levels)
    fast = category_inputs(margins, rules[0]), urgent_inputs(margins, rules[1])
    asked = category_inputs(margins, rules[0], opinions), urgent_inputs(margins, rules[1], opinions)
    left_out = LeftOut(_across(fast, examples, folds), _across(asked, examples, folds))
    joints = [_joints(inputs, examples, everything) for inputs in (fast, asked)]
    table = tabled(_rounded(first.weights * np.sqrt(squares)[:, None]), squares)
    model = Model(
        version=_version(examples, table),
        table=table,
        bias=first.bias,
        category=joints[0][0],
        urgent=joints[0][1],
        second=SecondOpinion(mean, scale, standard, second, *joints[1]),
    )
    report(1.0)
    return model, left_out


def _matrix(folded: Sequence[bytes]) -> tuple[sparse.csr_matrix, Floats]:
    """Features weighted by how rare they are, each group of a text of length one; and the squares of the weights."""
    rows, columns = [], []
    for found in features(folded):
        counts = np.diff(found.starts, append=len(found.buckets))
        rows.append(np.repeat(np.arange(len(folded)), counts))
        columns.append(found.buckets)
    row, column = np.concatenate(rows), np.concatenate(columns)
    shape = (len(folded), GROUPS * BUCKETS)
    counted = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)
    counted.sum_duplicates()
    met = np.bincount(counted.indices, minlength=shape[1])
    rarity = (np.log((1 + shape[0]) / (1 + met)) + 1).astype(np.float16).astype(np.float32)
    group = np.repeat(np.arange(GROUPS), BUCKETS)
    norms = np.sqrt(np.stack([counted @ np.where(group == each, rarity**2, 0) for each in range(GROUPS)]))
    coordinates = counted.tocoo()
    weighted = coordinates.data * rarity[coordinates.col] / norms[group[coordinates.col], coordinates.row]
    return sparse.csr_matrix((weighted.astype(np.float32), (coordinates.row, coordinates.col)), shape=shape), rarity**2


def _folds(campaigns: Sequence[str]) -> Iterator[tuple[Integers, Integers]]:
    """Rows to fit on and rows to ask about; a campaign's side is said by its name alone."""
    side = np.array([int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % FOLDS for name in campaigns])
    for fold in range(FOLDS):
        yield np.flatnonzero(side != fold), np.flatnonzero(side == fold)


def _by_features(matrix: sparse.csr_matrix, examples: Examples, rows: Integers) -> Logistic:
    """Linear support vector machines, one a column, over hashed features."""
    categories = LinearSVC(C=_FIRST_STAGE, random_state=0).fit(matrix, examples.categories[rows])
    urgent = LinearSVC(C=_FIRST_STAGE, random_state=0, class_weight="balanced").fit(matrix, examples.urgent[rows])
    weights = np.vstack([categories.coef_, urgent.coef_]).T.astype(np.float32)
    return Logistic(weights, np.append(categories.intercept_, urgent.intercept_).astype(np.float32))


def _by_likeness(alike: Floats, examples: Examples, rows: Integers) -> Logistic:
    """Kernel ridge regression on plus and minus one, one a column, over likeness with the examples."""
    wanted = np.full((len(rows), COLUMNS), -1, np.float32)
    wanted[np.arange(len(rows)), examples.categories[rows]] = 1
    wanted[examples.urgent[rows] == 1, URGENT] = 1
    bias = wanted.mean(axis=0)
    ridged = alike + _RIDGE * np.eye(len(rows), dtype=np.float32)
    return Logistic(linalg.solve(ridged, wanted - bias, assume_a="pos").astype(np.float32), bias)


def _joints(inputs: Inputs, examples: Examples, rows: Integers) -> tuple[Logistic, Logistic]:
    """The two joints, fitted on some rows: for the category, for urgency."""
    for_category, for_urgency = inputs
    category = LogisticRegression(C=_JOINT, max_iter=1_000).fit(for_category[rows], examples.categories[rows])
    urgent = LogisticRegression(C=_JOINT, max_iter=1_000).fit(for_urgency[rows], examples.urgent[rows])
    return _logistic(category), _logistic(urgent)


def _logistic(fitted: LogisticRegression) -> Logistic:
    return Logistic(fitted.coef_.T.astype(np.float32), fitted.intercept_.astype(np.float32))


def _across(inputs: Inputs, examples: Examples, folds: Sequence[tuple[Integers, Integers]]) -> Inputs:
    """Chances of the categories and of urgency by joints that have not seen a row's campaign either."""
    categories = np.zeros((len(examples.folded), URGENT), np.float32)
    urgent = np.zeros(len(examples.folded), np.float32)
    for rest, fold in folds:
        category, urgency = _joints(inputs, examples, rest)
        categories[fold] = probabilities(category(inputs[0][fold]))
        urgent[fold] = probability(urgency(inputs[1][fold]))
    return categories, urgent


def _rounded(weights: Floats) -> Floats:
    """The weights as they are stored, see `files`."""
    step = np.abs(weights).max(axis=0) / STEPS
    rounded: Floats = (np.round(weights / step) * step).astype(np.float32)
    return rounded


def _version(examples: Examples, table: Floats) -> str:
    """Twelve hexadecimal digits that change with the examples and with what was learnt from them."""
    learnt = hashlib.sha256()
    for row in zip(examples.folded, examples.categories, examples.urgent, examples.campaigns, strict=True):
        learnt.update(repr(row).encode())
    learnt.update(examples.rule_scores.tobytes())
    learnt.update(table.tobytes())
    return learnt.hexdigest()[:12]
