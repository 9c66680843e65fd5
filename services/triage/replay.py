"""Deciding a period anew, to see what another model or policy would change. Pure: nothing is published.

In: what the log says of decisions and of people's reviews, then the reports themselves. Out: a `Tally`, which holds
codes and ids and nothing of any text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ibalagh.events.envelope import Data, Event
from ibalagh.events.reports import Decision, ReportReceivedV1, ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Disposition, Urgency
from services.triage.decide import Embedder, judge_all
from services.triage.policy import Policy
from services.triage.ruling import SECOND_OPINION, Ruling

AT_A_TIME: Final = 500
"""Reports that are decided at once."""


class Outcome(NamedTuple):
    """What of a decision others act on."""

    category: Category
    disposition: Disposition
    urgency: Urgency


class Change(NamedTuple):
    """A report that would be decided otherwise."""

    report_id: str
    before: Outcome
    after: Outcome


class _Decided(NamedTuple):
    outcome: Outcome
    asked: bool


@dataclass
class Tally:
    """What deciding anew came to. `policies` counts the reports by the version that decided them; `without_text` had a
    decision in the period and no text in the log; of `reviewed`, which people decided since, `people_before` and
    `people_after` count those where the old and the new decision name the category that people found."""

    compared: int = 0
    without_text: int = 0
    reviewed: int = 0
    people_before: int = 0
    people_after: int = 0
    policies: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def moves(self, part: str) -> Counter[tuple[str, str]]:
        """(before, after) → how many reports, of one field of `Outcome`, where it changes."""
        pairs = [(str(getattr(each.before, part)), str(getattr(each.after, part))) for each in self.changes]
        return Counter(pair for pair in pairs if pair[0] != pair[1])


class Replay:
    """One run: first `note` every event of `reports.triaged`, then `decide` the reports, then `finish`."""

    def __init__(self, policy: Policy, second: Embedder | None) -> None:
        self._policy, self._second = policy, second
        self._decided: dict[str, _Decided] = {}
        self._reviewed: dict[str, Category] = {}
        self._tally = Tally()

    def note(self, event: Event[Data]) -> None:
        """Remember the machine's first decision about a report, and the last one of a person."""
        data = event.data
        if isinstance(data, ReportTriagedV1) and data.report_id not in self._decided:
            self._tally.policies[data.decision.policy] += 1
            asked = SECOND_OPINION in data.decision.reasons
            self._decided[data.report_id] = _Decided(outcome_of(data.decision), asked)
        elif isinstance(data, ReportReviewedV1):
            self._reviewed[data.report_id] = data.decision.category

    def decide(self, reports: Sequence[ReportReceivedV1]) -> None:
        """Compare some reports with what was noted of them; one without a decision, or that came before, is passed
        over. A second opinion is asked where one was heard, so that what differs is the policy and not the load."""
        known = {each.report_id: each for each in reports if each.report_id in self._decided}
        before = {report_id: self._decided.pop(report_id) for report_id in known}
        for asked in (False, True):
            some = [each for report_id, each in known.items() if before[report_id].asked is asked]
            judged = judge_all(some, self._policy, self._second if asked else None)
            for report, each in zip(some, judged, strict=True):
                self._compare(report.report_id, before[report.report_id].outcome, _after(each.ruling))

    def finish(self) -> Tally:
        """What it came to."""
        self._tally.without_text = len(self._decided)
        return self._tally

    def _compare(self, report_id: str, before: Outcome, after: Outcome) -> None:
        tally = self._tally
        tally.compared += 1
        found = self._reviewed.get(report_id)
        if found is not None:
            tally.reviewed += 1
            tally.people_before += before.category is found
            tally.people_after += after.category is found
        if before != after:
            tally.changes.append(Change(report_id, before, after))


def outcome_of(decision: Decision) -> Outcome:
    """What of a decision others act on."""
    return Outcome(decision.category, decision.disposition, decision.urgency)


def _after(ruling: Ruling) -> Outcome:
    return outcome_of(ruling.base)
