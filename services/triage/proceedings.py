"""What the commands of a batch make of reports, one after another, each on what the one before left. Pure.

In: the reports as they stand (`Situation`) and the commands in order; out: what became of each (`Outcome`s). Between
people these rules hold: who holds a report decides about it, and nobody else meanwhile; what concerns the sexual
exploitation of minors takes two people, of whom the first proposes; a decision on an older version is refused with what
changed since; and a decision is taken back only while it is the one that counts.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.desk import EscalateReportV1, RejectProposalV1, UndoDecisionV1
from ibalagh.events.reports import Decision, ReportReviewedV1
from ibalagh.events.vocabulary import Category, Disposition, ReviewAction
from services.triage.reviews import Applied, Item, RefusalCode, Refused, State, decide_item, first_state

FOUR_EYES: Final = frozenset({Category.SEXUAL_EXPLOITATION_MINORS})
"""Categories that nobody gives to a report, takes from it or confirms alone."""
COMPARED: Final = ("disposition", "category", "urgency", "organisation", "province")
"""What of a decision is told when it changed."""

Command = DecideReportV1 | EscalateReportV1 | RejectProposalV1 | UndoDecisionV1


class Claim(NamedTuple):
    """Who works on a report, and until when: a lease, which its holder renews."""

    report_id: str
    person: str
    until: datetime


class Proposal(NamedTuple):
    """A decision that waits for a second person; `proposal_id` is the id of the command that proposed it."""

    proposal_id: str
    version: int
    command: DecideReportV1


class Past(NamedTuple):
    """A version as a decision made it: by whom, when, what held before and what then."""

    version: int
    person: str
    decided_at: datetime
    previous: Decision
    decision: Decision


class Situation(NamedTuple):
    """What commands meet, by report id. `claims` are those that hold now. `past` (by report and version) and
    `amendments` are needed of the reports that a command calls by another version than the current one, or takes back
    the decision of."""

    items: Mapping[str, Item]
    claims: Mapping[str, Claim] = {}
    proposals: Mapping[str, Proposal] = {}
    past: Mapping[tuple[str, int], Past] = {}
    amendments: Mapping[str, int] = {}


class Decided(NamedTuple):
    """A decision took effect."""

    command: DecideReportV1 | UndoDecisionV1
    applied: Applied


class Proposed(NamedTuple):
    """A decision waits for a second person."""

    proposal: Proposal
    report_id: str


class Dropped(NamedTuple):
    """A second person rejected a proposal."""

    command: RejectProposalV1


class HandedOn(NamedTuple):
    """A report was escalated."""

    command: EscalateReportV1


Result = Decided | Proposed | Dropped | HandedOn | Refused
Outcome = tuple[str, Result]
"""The id of a command, and what became of it."""


def carry_out(
    situation: Situation, commands: Sequence[tuple[str, Command]], answered: Collection[str]
) -> list[Outcome]:
    """What becomes of the commands, in order. Those whose id is in `answered`, or came before, are left out: their
    first result holds."""
    hearing = _Hearing(situation)
    done = set(answered)
    outcomes: list[Outcome] = []
    for id_, command in commands:
        if id_ not in done:
            done.add(id_)
            outcomes.append((id_, hearing.hear(id_, command)))
    return outcomes


def changes(before: Decision, now: Decision) -> dict[str, dict[str, Any]]:
    """In which fields two decisions differ, as JSON: field → `before` and `now`."""
    one, other = (each.model_dump(mode="json", include=set(COMPARED)) for each in (before, now))
    return {name: {"before": one[name], "now": other[name]} for name in COMPARED if one[name] != other[name]}


class _Hearing:
    """The situation as the commands so far have left it."""

    def __init__(self, situation: Situation) -> None:
        self._items = dict(situation.items)
        self._claims = dict(situation.claims)
        self._proposals = dict(situation.proposals)
        self._past = dict(situation.past)
        self._amendments = situation.amendments

    def hear(self, id_: str, command: Command) -> Result:
        item = self._items.get(command.report_id)
        if item is None:
            return Refused(RefusalCode.UNKNOWN_REPORT, {})
        claim = self._claims.get(command.report_id)
        if claim is not None and claim.person != person_of(command):
            return Refused(RefusalCode.CLAIMED, {"person": claim.person, "until": claim.until.isoformat()})
        match command:
            case DecideReportV1():
                return self._decide(id_, item, command)
            case UndoDecisionV1():
                return self._undo(item, command)
            case RejectProposalV1():
                return self._reject(command)
            case EscalateReportV1():
                return HandedOn(command)

    def _decide(self, id_: str, item: Item, command: DecideReportV1) -> Result:
        outcome = decide_item(item, command)
        if isinstance(outcome, Refused):
            if outcome.code is RefusalCode.STALE_VERSION and command.version is not None:
                return self._stale(item, command.report_id, command.version, command.amendments_seen)
            return outcome
        reviewed = outcome.reviewed
        if FOUR_EYES & {reviewed.previous.category, reviewed.decision.category}:
            standing = self._proposals.get(command.report_id)
            if standing is None or not _seconds(item, standing, command, reviewed):
                proposal = Proposal(id_, item.report.version, command)
                self._proposals[command.report_id] = proposal
                return Proposed(proposal, command.report_id)
            outcome = Applied(outcome.item, reviewed.model_copy(update={"proposer": standing.command.reviewer}))
        return self._apply(command, outcome)

    def _undo(self, item: Item, command: UndoDecisionV1) -> Result:
        report = item.report
        if command.version != report.version:
            return self._stale(item, command.report_id, command.version, None)
        made = self._past.get((command.report_id, command.version))
        if made is None:
            return Refused(RefusalCode.NOTHING_TO_UNDO, {})
        if FOUR_EYES & {made.previous.category, report.decision.category}:
            return Refused(RefusalCode.NEEDS_ANOTHER_PERSON, {})
        state = State.OPEN if made.previous.disposition is Disposition.REVIEW else State.DECIDED
        if command.version == 2:
            state = first_state(made.previous)
        version = report.version + 1
        reviewed = ReportReviewedV1(
            report_id=report.report_id,
            version=version,
            facts=report.facts,
            decision=made.previous,
            previous=report.decision,
            action=ReviewAction.CONFIRM,  # of what held before: nothing is read anew
            reviewer=command.person,
            indicators=report.indicators,
            undoes=command.version,
            minor_involved=report.minor_involved,
            amounts=report.amounts,
        )
        changed = report.model_copy(update={"version": version, "decision": made.previous})
        return self._apply(command, Applied(Item(state, changed), reviewed))

    def _reject(self, command: RejectProposalV1) -> Result:
        standing = self._proposals.get(command.report_id)
        if standing is None or standing.proposal_id != command.proposal_id:
            return Refused(RefusalCode.NO_PROPOSAL, {})
        if standing.command.reviewer == command.person:
            return Refused(RefusalCode.NEEDS_ANOTHER_PERSON, {})
        del self._proposals[command.report_id]
        return Dropped(command)

    def _apply(self, command: DecideReportV1 | UndoDecisionV1, applied: Applied) -> Decided:
        report_id, reviewed = command.report_id, applied.reviewed
        self._items[report_id] = applied.item
        self._proposals.pop(report_id, None)
        self._claims.pop(report_id, None)
        at = command.decided_at if isinstance(command, DecideReportV1) else command.undone_at
        self._past[report_id, reviewed.version] = Past(
            reviewed.version, reviewed.reviewer, at, reviewed.previous, reviewed.decision
        )
        return Decided(command, applied)

    def _stale(self, item: Item, report_id: str, version: int, seen: int | None) -> Refused:
        """Why an older version is refused: what is different now, who decided meanwhile and when, and whether the
        reporter said more."""
        detail: dict[str, Any] = {"version": item.report.version}
        following = self._past.get((report_id, version + 1))
        latest = self._past.get((report_id, item.report.version))
        if following is not None and latest is not None:
            detail["changed"] = changes(following.previous, item.report.decision)
            detail |= {"person": latest.person, "decided_at": latest.decided_at.isoformat()}
        amendments = self._amendments.get(report_id, 0)
        if seen is not None and seen < amendments:
            detail["amendments"] = {"before": seen, "now": amendments}
        return Refused(RefusalCode.STALE_VERSION, detail)


def person_of(command: Command) -> str:
    """Who gave a command."""
    return command.reviewer if isinstance(command, DecideReportV1) else command.person


def _seconds(item: Item, standing: Proposal, command: DecideReportV1, wanted: ReportReviewedV1) -> bool:
    """Whether a decision is another person's of the same content as the one that was proposed."""
    if standing.version != item.report.version or standing.command.reviewer == command.reviewer:
        return False
    proposed = decide_item(item, standing.command)
    return isinstance(proposed, Applied) and all(
        getattr(proposed.reviewed.decision, name) == getattr(wanted.decision, name)
        for name in ("disposition", "category", "organisation")
    )
