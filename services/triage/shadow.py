"""What a proposed model would decide beside the one in use, as counts. Pure.

In: what was heard of a batch, and what was decided. Out: how often which decision stood beside which other one; then,
of all that was counted, what a person wants to see of it. Nothing of any report is in it, its id neither.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.triage.decide import Heard, rule
from services.triage.policy import Policy
from services.triage.replay import Outcome, outcome_of
from services.triage.ruling import Ruling

PARTS: Final = Outcome._fields


class Pair(NamedTuple):
    """A decision beside another about the same report, and the versions that took them."""

    policy: str
    candidate: str
    before: Outcome
    after: Outcome


class Counted(NamedTuple):
    """How often there was a pair, and when first and last."""

    pair: Pair
    reports: int
    first_at: datetime
    last_at: datetime


class Summary(NamedTuple):
    """One version beside another: how many reports both decided, how many of them otherwise, and for each part of a
    decision (before, after) → reports, where they differ."""

    policy: str
    candidate: str
    reports: int
    changed: int
    first_at: datetime
    last_at: datetime
    moves: dict[str, Counter[tuple[str, str]]]

    def as_json(self) -> dict[str, Any]:
        """One object, as docs/triage.md describes it."""
        parts = {
            part: [{"before": old, "after": new, "reports": count} for (old, new), count in moves.most_common()]
            for part, moves in self.moves.items()
        }
        return {**self._asdict(), "first_at": self.first_at.isoformat(), "last_at": self.last_at.isoformat()} | {
            "moves": parts
        }


def compare(
    heard: Iterable[Heard], rulings: Sequence[Ruling | None], policy: Policy, candidate: Policy
) -> Counter[Pair]:
    """The pairs of a batch: `rulings` are those of `policy`, in the order of what was heard; None: it is no report.
    Raises ValueError when there are not as many."""
    others = [ruling for each in heard for ruling in rule(each, candidate)]
    return Counter(
        Pair(policy.version, candidate.version, outcome_of(said.base), outcome_of(other.base))
        for said, other in zip(rulings, others, strict=True)
        if said is not None
    )


def summaries(counted: Iterable[Counted]) -> list[Summary]:
    """One for every two versions that decided side by side, the latest first."""
    found: dict[tuple[str, str], Summary] = {}
    for (policy, candidate, before, after), reports, first_at, last_at in counted:
        known = found.get((policy, candidate)) or Summary(
            policy, candidate, 0, 0, first_at, last_at, {part: Counter() for part in PARTS}
        )
        for part, old, new in zip(PARTS, before, after, strict=True):
            if old != new:
                known.moves[part][str(old), str(new)] += reports
        found[policy, candidate] = known._replace(
            reports=known.reports + reports,
            changed=known.changed + (reports if before != after else 0),
            first_at=min(known.first_at, first_at),
            last_at=max(known.last_at, last_at),
        )
    return sorted(found.values(), key=lambda each: each.last_at, reverse=True)
