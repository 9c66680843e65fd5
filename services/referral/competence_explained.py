"""Why a service is competent, and what another table would change. Pure.

In: a table and a matter, or an open case. Out: lines in the table's order, each with why it did or did not decide; for
a case, where the new table would send it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from services.referral.competence import Assignment, Competence
from services.referral.competence_table import BY_PLACE, DIRHAM, UNKNOWN_PLACE, Matter
from services.referral.model import Case


class Line(NamedTuple):
    """A line of the table, by name: whether it decided, and why or why not."""

    name: str
    decided: bool
    why: str


class Fate(StrEnum):
    """What a new table means for an open case."""

    STAYS = "stays"
    MOVES = "moves"
    BY_HAND = "by hand"
    """A person sent it where the old table does not: that stands."""


class Move(NamedTuple):
    """An open case under a new table."""

    case: Case
    fate: Fate
    to: Assignment


def explain(competence: Competence, matter: Matter) -> tuple[Assignment, Sequence[Line]]:
    """Who is competent, and every line that was asked or not needed any more."""
    tier = competence.tier([(float(matter.dirhams), DIRHAM)]) if matter.dirhams else 0
    assigned = competence.assign(matter.category, matter.place, minor=matter.minor, tier=tier)
    name, _, place = assigned.rule.partition(":")
    known = competence.table.place_office(matter.place or "")
    lines: list[Line] = []
    over = False
    for rule in competence.table.rules:
        why_not = rule.when.why_not(matter)
        if over:
            lines.append(Line(rule.name, False, "not asked: a line before it decided"))
        elif why_not is not None:
            lines.append(Line(rule.name, False, why_not))
        elif rule.to.office is None and known is None:
            lines.append(Line(rule.name, False, "it holds, but it goes by place, which is not known"))
        else:
            lines.append(Line(rule.name, True, _of_rule(rule.to.office, place)))
            over = True
    for kind in BY_PLACE:
        why = _of_place(kind, matter.place) if kind == name else _not_of_place(kind, matter.place, over=over)
        lines.append(Line(kind, kind == name, why))
    return assigned, lines


def moved(case: Case, old: Competence, new: Competence) -> Move:
    """What becomes of an open case when `new` is asked in the place of `old`. What is known of it besides category and
    place is what the line that sent it tells."""
    minor, tier = old.traits(case.competence_rule)
    before = old.assign(case.category, case.province, minor=minor, tier=tier)
    named = [(float(old.limits[tier - 1]), DIRHAM)] if tier else []
    after = new.assign(case.category, case.province, minor=minor, tier=new.tier(named))
    if case.service == after.service:
        return Move(case, Fate.STAYS, after)
    return Move(case, Fate.MOVES if case.service == before.service else Fate.BY_HAND, after)


def _of_rule(office: str | None, place: str) -> str:
    return f"it holds, whatever the place: {office}" if office else f"it holds, and the place {place} is known"


def _of_place(kind: str, place: str | None) -> str:
    if kind != UNKNOWN_PLACE:
        return f"no rule decided, and {place} has a line"
    return f"{place} has no line: routed by hand" if place else "no place is known: routed by hand, not guessed"


def _not_of_place(kind: str, place: str | None, *, over: bool) -> str:
    if over:
        return "not asked: a rule decided"
    if kind == UNKNOWN_PLACE:
        return "the place is known"
    return f"{place} is no {kind} of the table" if place else "no place is known"
