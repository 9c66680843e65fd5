"""The figures of an evaluation. Pure: what is true and what was said in, numbers out."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple


class Found(NamedTuple):
    """Right, said in vain, and missed."""

    right: int
    vain: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of what was said that is right; 1 when nothing was said."""
        return self.right / (self.right + self.vain) if self.right + self.vain else 1.0

    @property
    def recall(self) -> float:
        """Share of what is true that was said; 1 when nothing is."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 when nothing is true and nothing was said."""
        whole = 2 * self.right + self.vain + self.missed
        return 2 * self.right / whole if whole else 1.0


class Answer(NamedTuple):
    """A category that was said with a confidence, beside the true one."""

    truth: str
    said: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether they are the same."""
        return self.truth == self.said


def by_class(answers: Sequence[Answer]) -> dict[str, Found]:
    """For each category that is true or said of some report: how often rightly, in vain, and not."""
    names = sorted({answer.truth for answer in answers} | {answer.said for answer in answers})
    return {
        name: Found(
            sum(answer.right and answer.truth == name for answer in answers),
            sum(not answer.right and answer.said == name for answer in answers),
            sum(not answer.right and answer.truth == name for answer in answers),
        )
        for name in names
    }


def macro_f1(answers: Sequence[Answer]) -> float:
    """The mean F1 over the categories that occur in the truth."""
    true = {answer.truth for answer in answers}
    scores = [found.f1 for name, found in by_class(answers).items() if name in true]
    return sum(scores) / len(scores) if scores else 0.0


def confusion(answers: Iterable[Answer]) -> dict[str, dict[str, int]]:
    """True category → said category → how many."""
    table: dict[str, Counter[str]] = {}
    for answer in answers:
        table.setdefault(answer.truth, Counter())[answer.said] += 1
    return {truth: dict(said.most_common()) for truth, said in sorted(table.items())}


def calibration_error(answers: Sequence[Answer], bins: int = 10) -> float:
    """The expected calibration error (Guo and others, 2017): how far confidence is from the share that is right."""
    error = 0.0
    for number in range(bins):
        inside = [a for a in answers if min(int(a.confidence * bins), bins - 1) == number]
        if inside:
            sure, right = (sum(a.confidence for a in inside), sum(a.right for a in inside))
            error += abs(sure - right) / len(answers)
    return error


def risk_coverage(answers: Sequence[Answer], steps: int = 10) -> list[tuple[float, float, float]]:
    """If the surest were sent on alone: the share that is, the share of them that is right, the least confidence."""
    ranked = sorted(answers, key=lambda answer: -answer.confidence)
    curve = []
    for step in range(1, steps + 1):
        count = round(len(ranked) * step / steps)
        if count:
            right = sum(answer.right for answer in ranked[:count]) / count
            curve.append((count / len(ranked), right, ranked[count - 1].confidence))
    return curve


def found(truth: Iterable[Hashable], said: Iterable[Hashable]) -> Found:
    """Two sets compared."""
    true, claimed = set(truth), set(said)
    return Found(len(true & claimed), len(claimed - true), len(true - claimed))


def total(parts: Iterable[Found]) -> Found:
    """Several comparisons as one."""
    right = vain = missed = 0
    for part in parts:
        right, vain, missed = right + part.right, vain + part.vain, missed + part.missed
    return Found(right, vain, missed)


def pairs(holders: Mapping[Hashable, Iterable[int]]) -> set[tuple[int, int]]:
    """The pairs of reports, lower number first, that share something; `holders` says of each thing who has it."""
    return {pair for reports in holders.values() for pair in combinations(sorted(set(reports)), 2)}
