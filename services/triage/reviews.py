"""What one decision of a person makes of a report, and why one may be refused. Pure.

The rules between people (claims, two persons, what changed meanwhile) are in `services.triage.proceedings`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.reports import Decision, ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category, Disposition, ReviewAction


class State(StrEnum):
    """Where a report stands: before a person, behind another of its campaign, decided by one, or sent on by the
    machine."""

    OPEN = "open"
    COPY = "copy"
    DECIDED = "decided"
    STRAIGHT = "straight"


class RefusalCode(StrEnum):
    """Why a decision changed nothing."""

    UNKNOWN_REPORT = "unknown_report"
    STALE_VERSION = "stale_version"
    BAD_DECISION = "bad_decision"
    CLAIMED = "claimed"
    NEEDS_ANOTHER_PERSON = "needs_another_person"
    NO_PROPOSAL = "no_proposal"
    NOTHING_TO_UNDO = "nothing_to_undo"


DEFAULT_REASON: Final = "analyst"


class Item(NamedTuple):
    """A report at the desk: `report` holds the version and the decision that count now."""

    state: State
    report: ReportTriagedV1


class Applied(NamedTuple):
    """A decision took effect: the item after it, and the event that says so."""

    item: Item
    reviewed: ReportReviewedV1


class Refused(NamedTuple):
    """A decision was refused; `detail` is what the person should see."""

    code: RefusalCode
    detail: Mapping[str, Any]


def first_state(decision: Decision) -> State:
    """Where a report stands when the machine has decided."""
    return State.OPEN if decision.disposition is Disposition.REVIEW else State.STRAIGHT


def machine_decision(report: ReportTriagedV1, reviewed: Sequence[ReportReviewedV1]) -> Decision | None:
    """What the machine decided about a report that stands so now, after these versions of people's; None where people
    decided before their decisions were remembered."""
    if report.version == 1:
        return report.decision
    return reviewed[0].previous if reviewed and reviewed[0].version == 2 else None


def decide_item(item: Item | None, command: DecideReportV1) -> Applied | Refused:
    """What one decision makes of a report."""
    if item is None:
        return Refused(RefusalCode.UNKNOWN_REPORT, {})
    report = item.report
    if command.version is not None and command.version != report.version:
        return Refused(RefusalCode.STALE_VERSION, {"version": report.version})
    category = _category(report.decision, command)
    if isinstance(category, Refused):
        return category
    terrorism = BRANCH_OF[category] is Branch.TERRORISM
    if command.organisation is not None and not terrorism:
        return _bad("organisation", "only terrorism has an organisation")
    kept = report.decision.organisation if command.action is ReviewAction.CONFIRM else None
    decision = report.decision.model_copy(
        update={
            "disposition": Disposition.DISMISS if category is Category.OUT_OF_SCOPE else Disposition.REFER,
            "category": category,
            "confidence": 1.0,
            "reasons": (command.reason or f"{DEFAULT_REASON}.{command.action}",),
            "organisation": (command.organisation or kept) if terrorism else None,
        }
    )
    version = report.version + 1
    reviewed = ReportReviewedV1(
        report_id=report.report_id,
        version=version,
        facts=report.facts,
        decision=decision,
        previous=report.decision,
        action=command.action,
        reviewer=command.reviewer,
        indicators=report.indicators,
        minor_involved=report.minor_involved,
        amounts=report.amounts,
    )
    changed = report.model_copy(update={"version": version, "decision": decision})
    return Applied(Item(State.DECIDED, changed), reviewed)


def _category(decision: Decision, command: DecideReportV1) -> Category | Refused:  # noqa: PLR0911 - a line a case
    """The category that holds after a decision. Confirming a guess that nothing is in scope dismisses the report."""
    match command.action:
        case ReviewAction.DISMISS:
            if command.category not in (None, Category.OUT_OF_SCOPE):
                return _bad("category", "a dismissed report has no category")
            return Category.OUT_OF_SCOPE
        case ReviewAction.CONFIRM:
            if command.category not in (None, decision.category):
                return _bad("category", "to change the category, reclassify")
            return decision.category
        case ReviewAction.RECLASSIFY:
            if command.category is None:
                return _bad("category", "needed to reclassify")
            if command.category is Category.OUT_OF_SCOPE:
                return _bad("category", "what is out of scope is dismissed")
            return command.category


def _bad(field: str, rule: str) -> Refused:
    return Refused(RefusalCode.BAD_DECISION, {"field": field, "rule": rule})
