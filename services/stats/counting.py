"""What an event does to the counters: a pure function from an event's view to increments of cells.

In: the views of `views`, one per event type. Out: moves, (cell, +n or -n). A correction moves a report: one cell loses
what another gains, so totals never change by it. Nothing here knows batches, repeats or storage.

Measures of reports carry all dimensions and the day on which the report came in; measures of cases carry the category
and the civil day, in Morocco, on which the act happened.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ibalagh.events import registry
from ibalagh.events.envelope import Data
from ibalagh.events.vocabulary import CasePart, Category, Disposition, ReviewAction
from services.stats import views

_MOROCCO: Final = ZoneInfo("Africa/Casablanca")


class Measure(StrEnum):
    """What is counted. The first group counts reports, the second cases and suspects."""

    RECEIVED = "received"
    MACHINE = "triaged_by_machine"
    TRIAGED = "triaged"
    TO_REVIEW = "to_review"
    AWAITING_REVIEW = "awaiting_review"
    REVIEWED = "reviewed"
    RECLASSIFIED = "reclassified"
    DISMISSED = "dismissed"
    REFERRED = "referred"

    CASES_OPENED = "cases_opened"
    CASES_REFERRED = "cases_referred"
    CASES_REROUTED = "cases_rerouted"
    PROSECUTIONS_NOTIFIED = "prosecutions_notified"
    CASES_ACCEPTED = "cases_accepted"
    CASES_DECLINED = "cases_declined"
    PROSECUTORS_INSTRUCTIONS = "prosecutors_instructions"
    INVESTIGATIONS_OPENED = "investigations_opened"
    SUSPECTS_IDENTIFIED = "suspects_identified"
    SUSPECTS_PRESENTED = "suspects_presented"
    SEARCH_NOTICES = "search_notices"
    CASES_CLOSED = "cases_closed"
    CLOCKS_WARNED = "clocks_warned"
    CLOCKS_ESCALATED = "clocks_escalated"


MEANING: Final[Mapping[Measure, str]] = {
    Measure.RECEIVED: "Reports taken in; no category yet",
    Measure.MACHINE: "Reports by the machine's category; never moved by a person",
    Measure.TRIAGED: "Reports by their category as it is now: the machine's, moved by reviews",
    Measure.TO_REVIEW: "Reports of which the machine was unsure",
    Measure.AWAITING_REVIEW: "Those of them that no person has decided yet",
    Measure.REVIEWED: "Decisions of analysts, by the category that they chose",
    Measure.RECLASSIFIED: "Decisions that changed the category, by the new one",
    Measure.DISMISSED: "Reports set aside, as things stand now",
    Measure.REFERRED: "Reports that are in a case, by their category as it is now",
    Measure.CASES_OPENED: "Cases opened; one that was merged into another is not one more",
    Measure.CASES_REFERRED: "Cases referred to a judicial police service",
    Measure.CASES_REROUTED: "Cases sent on to another service",
    Measure.PROSECUTIONS_NOTIFIED: "Notifications of the public prosecutor",
    Measure.CASES_ACCEPTED: "Cases accepted by the service",
    Measure.CASES_DECLINED: "Cases declined by the service",
    Measure.PROSECUTORS_INSTRUCTIONS: "Instructions of the public prosecutor",
    Measure.INVESTIGATIONS_OPENED: "Judicial investigations opened",
    Measure.SUSPECTS_IDENTIFIED: "Suspects identified",
    Measure.SUSPECTS_PRESENTED: "Suspects brought before justice",
    Measure.SEARCH_NOTICES: "National search notices issued",
    Measure.CASES_CLOSED: "Cases closed, as things stand now",
    Measure.CLOCKS_WARNED: "Warnings that most of a service's time for a case is gone",
    Measure.CLOCKS_ESCALATED: "Cases whose service let the time pass",
}


class Cell(NamedTuple):
    """One cell of the cross-tabs; None where a dimension does not apply, or where its values are added up."""

    measure: Measure
    day: date | None
    category: Category | None = None
    organisation: str | None = None
    identified: bool | None = None
    country: str | None = None


Moves = tuple[tuple[Cell, int], ...]


def civil_day(moment: datetime) -> date:
    """The civil day in Morocco of an aware moment. Raises ValueError for one without its offset from UTC."""
    if moment.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return moment.astimezone(_MOROCCO).date()


def moves_of(type_: str, view: Data) -> Moves:
    """What one event of `type_`, seen as its view, does to the counters. KeyError for a type that is not counted."""
    return COUNTED[type_].moves(view)


def fold(moves: Iterable[tuple[Moves, int]]) -> dict[Cell, int]:
    """The sum of moves, each taken so many times; cells that end where they were are left out."""
    cells: dict[Cell, int] = {}
    for each, times in moves:
        for cell, count in each:
            cells[cell] = cells.get(cell, 0) + count * times
    return {cell: count for cell, count in cells.items() if count}


def _of_report(
    measure: Measure, facts: views.Facts, category: Category | None = None, organisation: str | None = None
) -> Cell:
    return Cell(measure, facts.received_on, category, organisation, facts.identified, facts.country)


def _decided(measure: Measure, facts: views.Facts, decision: views.Decision) -> Cell:
    return _of_report(measure, facts, decision.category, decision.organisation)


def _received(view: views.Received) -> Moves:
    return ((_of_report(Measure.RECEIVED, view.facts), 1),)


def _triaged(view: views.Triaged) -> Moves:
    measures = [Measure.MACHINE, Measure.TRIAGED]
    if view.decision.disposition is Disposition.REVIEW:
        measures += (Measure.TO_REVIEW, Measure.AWAITING_REVIEW)
    elif view.decision.disposition is Disposition.DISMISS:
        measures.append(Measure.DISMISSED)
    return tuple((_decided(measure, view.facts, view.decision), 1) for measure in measures)


def _reviewed(view: views.Reviewed) -> Moves:
    def standing(decision: views.Decision, sign: int) -> list[tuple[Cell, int]]:
        """Where a report stands because of `decision`."""
        measures = [Measure.TRIAGED]
        if decision.disposition is Disposition.REVIEW:
            measures.append(Measure.AWAITING_REVIEW)
        elif decision.disposition is Disposition.DISMISS:
            measures.append(Measure.DISMISSED)
        return [(_decided(measure, view.facts, decision), sign) for measure in measures]

    moves = [
        *standing(view.previous, -1),
        *standing(view.decision, +1),
        (_decided(Measure.REVIEWED, view.facts, view.decision), 1),
    ]
    if view.action is ReviewAction.RECLASSIFY:
        moves.append((_decided(Measure.RECLASSIFIED, view.facts, view.decision), 1))
    return tuple(moves)


def _referred(view: views.InCase, count: int) -> tuple[Cell, int]:
    return _of_report(Measure.REFERRED, view.facts, view.category, view.organisation), count


def _opened(view: views.Opened) -> Moves:
    return _referred(view, 1), (Cell(Measure.CASES_OPENED, civil_day(view.occurred_at), view.category), 1)


def _joined(view: views.InCase) -> Moves:
    return (_referred(view, 1),)


def _left(view: views.InCase) -> Moves:
    return (_referred(view, -1),)


def _reclassified(view: views.Reclassified) -> Moves:
    before = _of_report(Measure.REFERRED, view.facts, view.previous_category, view.previous_organisation)
    return (before, -1), _referred(view, 1)


def _act(measure: Measure) -> Callable[[views.CaseAct], Moves]:
    return lambda view: ((Cell(measure, civil_day(view.occurred_at), view.category), 1),)


def _standing(sign: int) -> Callable[[views.Regrouped], Moves]:
    """A case stops standing for itself, or begins to: it is taken out of, or put into, the cells in which its opening
    and its first referral count. What people did in it was done, and stays counted. Said of both cases, it counts once.
    """

    def moves(view: views.Regrouped) -> Moves:
        if view.part is CasePart.KEPT:
            return ()
        day = civil_day(view.opened_at)
        measures = (Measure.CASES_OPENED, Measure.CASES_REFERRED)
        return tuple((Cell(measure, day, view.opened_as), sign) for measure in measures)

    return moves


def _reopened(view: views.Reopened) -> Moves:
    """The closing is taken back where it was counted; one that is not known stays."""
    if view.closed_at is None or view.closed_as is None:
        return ()
    return ((Cell(Measure.CASES_CLOSED, civil_day(view.closed_at), view.closed_as), -1),)


class Rule(NamedTuple):
    """How one event type is counted."""

    view: type[Data]
    moves: Callable[[Any], Moves]


COUNTED: Final[Mapping[str, Rule]] = {
    registry.PREFIX + name: rule
    for name, rule in {
        "report.received.v1": Rule(views.Received, _received),
        "report.triaged.v1": Rule(views.Triaged, _triaged),
        "report.reviewed.v1": Rule(views.Reviewed, _reviewed),
        "case.opened.v1": Rule(views.Opened, _opened),
        "case.joined.v1": Rule(views.Joined, _joined),
        "case.left.v1": Rule(views.Left, _left),
        "case.reclassified.v1": Rule(views.Reclassified, _reclassified),
        "case.referred.v1": Rule(views.CaseAct, _act(Measure.CASES_REFERRED)),
        "case.rerouted.v1": Rule(views.CaseAct, _act(Measure.CASES_REROUTED)),
        "prosecution.notified.v1": Rule(views.CaseAct, _act(Measure.PROSECUTIONS_NOTIFIED)),
        "case.accepted.v1": Rule(views.CaseAct, _act(Measure.CASES_ACCEPTED)),
        "case.declined.v1": Rule(views.CaseAct, _act(Measure.CASES_DECLINED)),
        "prosecution.instructed.v1": Rule(views.CaseAct, _act(Measure.PROSECUTORS_INSTRUCTIONS)),
        "investigation.opened.v1": Rule(views.CaseAct, _act(Measure.INVESTIGATIONS_OPENED)),
        "suspect.identified.v1": Rule(views.CaseAct, _act(Measure.SUSPECTS_IDENTIFIED)),
        "suspect.presented.v1": Rule(views.CaseAct, _act(Measure.SUSPECTS_PRESENTED)),
        "search_notice.issued.v1": Rule(views.CaseAct, _act(Measure.SEARCH_NOTICES)),
        "case.closed.v1": Rule(views.CaseAct, _act(Measure.CASES_CLOSED)),
        "case.merged.v1": Rule(views.Regrouped, _standing(-1)),
        "case.merge_undone.v1": Rule(views.Regrouped, _standing(1)),
        "case.split.v1": Rule(views.Regrouped, _standing(1)),
        "case.split_undone.v1": Rule(views.Regrouped, _standing(-1)),
        "case.reopened.v1": Rule(views.Reopened, _reopened),
        "case.clock_warned.v1": Rule(views.CaseAct, _act(Measure.CLOCKS_WARNED)),
        "case.clock_escalated.v1": Rule(views.CaseAct, _act(Measure.CLOCKS_ESCALATED)),
    }.items()
}
"""Every event type of the topics that stats reads; a new one without a rule fails a test."""

NOT_COUNTED: Final[frozenset[str]] = frozenset(
    registry.PREFIX + name
    for name in (
        *("report.supplemented.v1", "report.withdrawn.v1", "report.amended.v1", "message.sent.v1"),
        *("report.linked.v1", "report.unlinked.v1"),
    )
)
"""Event types of those topics that deliberately count nothing: what reporters and analysts say to each other moves no
counter before somebody decides, and a report that is linked to others is counted for itself."""

TOPICS: Final = (registry.RECEIVED, registry.URGENT, registry.TRIAGED, registry.REFERRED, registry.OUTCOMES)
"""The topics that are counted, without the prefix."""
