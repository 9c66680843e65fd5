"""How the model is made from examples: support vectors over hashed features, then logistic joints over what examples
that were left out say of themselves.

Examples are labelled reports, and behind them reports that people decided about (`taught`). Of the latter nothing is
stored but what they add to weights, joints and biases: no text, no embedding, and a weight of theirs only for features
that `LEAST_CAMPAIGNS` campaigns of them have. Whether they are urgent nobody says, so urgency is not learnt from them.

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
LEAST_CAMPAIGNS: Final = 5
"""A feature of reports that people decided about counts when so many campaigns of them have it."""
MOST_OF_CAMPAIGN: Final = 5
"""So many of such reports are learnt from of one campaign at most, so that no flood is a majority."""
UNKNOWN: Final = -1
"""The urgency of an example of which nobody said it."""
_FIRST_STAGE: Final = 0.3
_RIDGE: Final = np.float32(0.1)
_JOINT: Final = 0.3

Integers = NDArray[np.int64]
Inputs = tuple[Floats, Floats]


class Embeddings(NamedTuple):
    """Sentence embeddings, standardised (rows × dimensions), and by what they were: mean and scale (dimensions)."""

    mean: Floats
    scale: Floats
    standard: Floats

    def and_of(self, others: Floats) -> "Embeddings":
        """With those of more texts behind, standardised in the same way."""
        more = ((others - self.mean) / self.scale).astype(np.float32)
        return self._replace(standard=np.vstack([self.standard, more]))


class Examples(NamedTuple):
    """What is learnt from, a row each: folded texts, numbers of `CATEGORIES`, whether urgent, campaigns, the rules'
    scores (rows × categories) and urgencies, embeddings (rows × dimensions). `taught` are the ids of the last rows,
    which are reports that people decided about."""

    folded: Sequence[bytes]
    categories: Integers
    urgent: Integers
    campaigns: Sequence[str]
    rule_scores: Floats
    rule_levels: Integers
    embeddings: Embeddings
    taught: Sequence[str] = ()

    @property
    def labelled(self) -> int:
        """How many of the rows are labelled reports: all but those `taught`."""
        return len(self.folded) - len(self.taught)


class LeftOut(NamedTuple):
    """What the model says of examples that it was not fitted on, without and with the second opinion: chances of the
    categories (rows × categories), and of urgency."""

    fast: tuple[Floats, Floats]
    asked: tuple[Floats, Floats]


class Trained(NamedTuple):
    """A model, what models like it say of examples that they have not seen, and what they would say had they learnt
    nothing from what people decided."""

    model: Model
    left_out: LeftOut
    untaught: LeftOut


def standardised(embeddings: Floats) -> Embeddings:
    """The embeddings of labelled reports, as exact as they are stored."""
    mean = embeddings.mean(axis=0)
    scale = embeddings.std(axis=0) * np.float32(np.sqrt(embeddings.shape[1]))
    return Embeddings(mean, scale, ((embeddings - mean) / scale).astype(np.float16).astype(np.float32))


def train(examples: Examples, report: Callable[[float], None]) -> Trained:
    """The model, and what of each example models say that have seen none of its campaign, joints included.

    `report` is told the share that is done. The version is a hash of what was learnt from (of what people decided, of
    the ids of the reports and not of their words), and of what was.
    """
    matrix = _matrix(examples)
    mean, scale, standard = examples.embeddings
    labelled = np.arange(examples.labelled)
    alike = likeness(standard, standard[labelled])
    folds = list(_folds(examples.campaigns))
    margins = np.zeros((len(examples.folded), COLUMNS), np.float32)
    opinions, alone = np.zeros_like(margins), np.zeros_like(margins)
    for number, (rest, fold) in enumerate(folds):
        known = rest[rest < examples.labelled]
        margins[fold] = _by_features(matrix.fitted[rest], examples, rest)(matrix.asked[fold])
        if examples.taught:
            alone[fold] = _by_features(matrix.fitted[known], examples, known)(matrix.asked[fold])
        opinions[fold] = _by_likeness(alike[np.ix_(known, known)], examples, known)(alike[np.ix_(fold, known)])
        report((number + 1) / (FOLDS + 2))
    everything = np.arange(len(examples.folded))
    first = _by_features(matrix.fitted, examples, everything)
    second = _by_likeness(alike[labelled], examples, labelled)
    report((FOLDS + 1) / (FOLDS + 2))
    inputs = joint_inputs(margins, opinions, examples)
    left_out = LeftOut(*(_across(each, examples, folds) for each in inputs))
    untaught = left_out
    if examples.taught:
        without = [(rest[rest < examples.labelled], fold) for rest, fold in folds]
        untaught = LeftOut(*(_across(each, examples, without) for each in joint_inputs(alone, opinions, examples)))
    joints = [_joints(each, examples, everything) for each in inputs]
    table = tabled(_rounded(first.weights * np.sqrt(matrix.squares)[:, None]), matrix.squares)
    model = Model(
        version=_version(examples, table),
        table=table,
        bias=first.bias,
        category=joints[0][0],
        urgent=joints[0][1],
        second=SecondOpinion(mean, scale, standard[labelled], second, *joints[1]),
    )
    report(1.0)
    return Trained(model, left_out, untaught)


class _Matrix(NamedTuple):
    """Features weighted by how rare they are, each group of a text of length one, rows × buckets: as a model is fitted
    on them and as it is asked about them; and the squares of the weights. They differ for reports that people decided
    about, where no model is fitted on what too few campaigns have."""

    fitted: sparse.csr_matrix
    asked: sparse.csr_matrix
    squares: Floats


def _matrix(examples: Examples) -> _Matrix:
    folded = examples.folded
    rows, columns = [], []
    for found in features(folded):
        counts = np.diff(found.starts, append=len(found.buckets))
        rows.append(np.repeat(np.arange(len(folded)), counts))
        columns.append(found.buckets)
    row, column = np.concatenate(rows), np.concatenate(columns)
    shape = (len(folded), GROUPS * BUCKETS)
    counted = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)
    counted.sum_duplicates()
    coordinates = counted.tocoo()
    kept = (coordinates.row < examples.labelled) | _common(counted, examples)[coordinates.col]
    met = np.bincount(coordinates.col[kept], minlength=shape[1])
    rarity = (np.log((1 + shape[0]) / (1 + met)) + 1).astype(np.float16).astype(np.float32)
    group = np.repeat(np.arange(GROUPS), BUCKETS)
    norms = np.sqrt(np.stack([counted @ np.where(group == each, rarity**2, 0) for each in range(GROUPS)]))
    weighted = coordinates.data * rarity[coordinates.col] / norms[group[coordinates.col], coordinates.row]
    weighted = weighted.astype(np.float32)
    places = (coordinates.row, coordinates.col)
    asked = sparse.csr_matrix((weighted, places), shape=shape)
    fitted = sparse.csr_matrix((weighted[kept], tuple(each[kept] for each in places)), shape=shape)
    return _Matrix(fitted, asked, rarity**2)


def _common(counted: sparse.csr_matrix, examples: Examples) -> NDArray[np.bool_]:
    """Of each bucket, whether enough campaigns of reports that people decided about have it."""
    names = examples.campaigns[examples.labelled :]
    number = {name: at for at, name in enumerate(dict.fromkeys(names))}
    of_campaign = sparse.csr_matrix(
        (np.ones(len(names), np.float32), ([number[name] for name in names], np.arange(len(names)))),
        shape=(len(number), len(names)),
    )
    met = (of_campaign @ counted[examples.labelled :]).tocoo()
    return np.bincount(met.col, minlength=counted.shape[1]) >= LEAST_CAMPAIGNS


def _folds(campaigns: Sequence[str]) -> Iterator[tuple[Integers, Integers]]:
    """Rows to fit on and rows to ask about; a campaign's side is said by its name alone."""
    side = np.array([int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % FOLDS for name in campaigns])
    for fold in range(FOLDS):
        yield np.flatnonzero(side != fold), np.flatnonzero(side == fold)


def _by_features(matrix: sparse.csr_matrix, examples: Examples, rows: Integers) -> Logistic:
    """Linear support vector machines, one a column, over hashed features."""
    categories = LinearSVC(C=_FIRST_STAGE, random_state=0).fit(matrix, examples.categories[rows])
    known = examples.urgent[rows] != UNKNOWN
    urgent = LinearSVC(C=_FIRST_STAGE, random_state=0, class_weight="balanced")
    urgent.fit(matrix[known], examples.urgent[rows][known])
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


def joint_inputs(margins: Floats, opinions: Floats, examples: Examples) -> tuple[Inputs, Inputs]:
    """What the joints take, without and with the second opinion."""
    scores, levels = examples.rule_scores, examples.rule_levels
    fast = category_inputs(margins, scores), urgent_inputs(margins, levels)
    return fast, (category_inputs(margins, scores, opinions), urgent_inputs(margins, levels, opinions))


def _joints(inputs: Inputs, examples: Examples, rows: Integers) -> tuple[Logistic, Logistic]:
    """The two joints, fitted on some rows: for the category, for urgency."""
    for_category, for_urgency = inputs
    category = LogisticRegression(C=_JOINT, max_iter=1_000).fit(for_category[rows], examples.categories[rows])
    known = rows[examples.urgent[rows] != UNKNOWN]
    urgent = LogisticRegression(C=_JOINT, max_iter=1_000).fit(for_urgency[known], examples.urgent[known])
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
    """Twelve hexadecimal digits that change with the examples and with what was learnt from them. What people decided
    is in them by ids, since from a hash of words somebody who guesses them could tell that they were reported."""
    learnt = hashlib.sha256()
    labelled = examples.labelled
    known = (*examples.folded[:labelled], *examples.taught)
    for row in zip(known, examples.categories, examples.urgent, examples.campaigns, strict=True):
        learnt.update(repr(row).encode())
    learnt.update(examples.rule_scores[:labelled].tobytes())
    learnt.update(table.tobytes())
    return learnt.hexdigest()[:12]
