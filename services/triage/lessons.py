"""What people decided about reports, as labelled examples. Pure.

In: the log's events, topic by topic: first `reports.triaged`, `cases.referred` and `cases.outcomes` (`note`), then the
reports themselves (`take`). Out: `Lesson`s, the same for the same log, and how many there were not and why.

The last word counts: of several decisions of people about a report the latest, and none that was taken back. A decision
for which two people are needed is in the log once both agree. Without one, the machine's own word becomes an example
where an outcome confirmed it: a case of that category was prosecuted, or its suspect presented. Whatever was
withdrawn, or ended as no offence, teaches nothing; so does what was set aside for a reason that its words do not show.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from ibalagh.events.cases import (
    CaseClosedV1,
    CaseJoinedV1,
    CaseLeftV1,
    CaseOpenedV1,
    CaseReclassifiedV1,
    SuspectPresentedV1,
)
from ibalagh.events.dialogue import ReportAmendedV1, ReportWithdrawnV1
from ibalagh.events.envelope import Data
from ibalagh.events.links import ReportLinkedV1
from ibalagh.events.reports import ReportReceivedV1, ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import AmendmentKind, CaseResult, Category, Variety
from services.triage.decide import fold_own, own_words
from services.triage.entities import extract
from services.triage.links.policy import keys_of
from services.triage.links.sketch import bands_of, sketches
from services.triage.model.training import MOST_OF_CAMPAIGN
from services.triage.normalise import join, read, words
from services.triage.reasons import DismissReason

WITHOUT_TEXT: Final = "without_text"
WITHDRAWN: Final = "withdrawn"
NO_OFFENCE: Final = "no_offence"
OTHER_REASON: Final = "set_aside_for_another_reason"
MANY_ALIKE: Final = "too_many_of_one_campaign"
DECISION: Final = "decision"
OUTCOME: Final = "outcome"

_NOT_IN_ITS_WORDS: Final = frozenset(
    {
        DismissReason.NO_CONTENT,
        DismissReason.CANNOT_BE_FOUND,
        DismissReason.OTHER_AUTHORITY,
        DismissReason.ABUSE_OF_THE_PLATFORM,
    }
)
"""Reasons to set a report aside that say nothing of what its words are about."""
_LEAST_SKETCHED: Final = 5
"""Bytes that a text needs to have a sketch."""


class Lesson(NamedTuple):
    """A report and the category that people found. `folded` is all of its text, `own` what its reporter wrote freely,
    both folded; `text` is the latter as it was written. Reports of one `campaign` may speak of the same act."""

    report_id: str
    variety: Variety
    category: Category
    source: str
    text: str
    folded: bytes
    own: bytes
    campaign: str


class _Decided(NamedTuple):
    category: Category
    variety: Variety
    keys: tuple[Hashable, ...]


class Lessons:
    """One run: `note` all of what was decided, `take` the reports, `finish`. `since` is the first civil day."""

    def __init__(self, since: date = date.min) -> None:
        self._since = since
        self._machine: dict[str, _Decided] = {}
        self._people: dict[str, dict[int, tuple[Category | None, str]]] = {}
        self._withdrawn: set[str] = set()
        self._linked: list[tuple[str, ...]] = []
        self._case_of: dict[str, str] = {}
        self._confirmed: dict[str, Category] = {}
        self._no_offence: set[str] = set()
        self._labels: dict[str, tuple[Category, str]] = {}
        self._taken: dict[str, Lesson] = {}
        self.left_out: Counter[str] = Counter()

    def note(self, data: Data) -> None:
        """Remember what is decided, withdrawn, linked, in a case, or came of one; anything else is passed over."""
        match data:
            case ReportTriagedV1() if data.facts.received_on >= self._since:
                keys = tuple(keys_of(data.indicators))
                self._machine.setdefault(data.report_id, _Decided(data.decision.category, data.variety, keys))
            case ReportReviewedV1() if data.facts.received_on >= self._since:
                self._reviewed(data)
            case ReportAmendedV1() if data.kind is AmendmentKind.WITHDRAWAL:
                self._withdrawn.add(data.report_id)
            case ReportWithdrawnV1():
                self._withdrawn.add(data.report_id)
            case ReportLinkedV1():
                self._linked += [(data.report_id, group.report_id, *group.joined) for group in data.groups]
            case CaseOpenedV1() | CaseJoinedV1() | CaseReclassifiedV1():
                self._case_of[data.report_id] = data.case_id
            case CaseLeftV1():
                self._case_of.pop(data.report_id, None)
            case SuspectPresentedV1():
                self._confirmed[data.case_id] = data.category
            case CaseClosedV1(result=CaseResult.PROSECUTED):
                self._confirmed[data.case_id] = data.category
            case CaseClosedV1(result=CaseResult.NO_OFFENCE):
                self._no_offence.add(data.case_id)

    def take(self, report: ReportReceivedV1) -> None:
        """A report's text; one that is no example, or was taken already, is passed over."""
        if not self._labels:
            self._labels = self._resolved()
        label = self._labels.get(report.report_id)
        if label is None or report.report_id in self._taken:
            return
        encoded = extract(*read(report.text), report.links, report.platform).encoded
        self._taken[report.report_id] = Lesson(
            report.report_id,
            self._machine[report.report_id].variety,
            *label,
            own_words(report.text),
            join(words(encoded)),
            fold_own(encoded),
            "",
        )

    def finish(self) -> list[Lesson]:
        """The examples, by report id, the oldest few of each campaign alone. `left_out` counts the others by why."""
        self.left_out[WITHOUT_TEXT] += len(self._labels.keys() - self._taken.keys())
        found = [self._taken[report_id] for report_id in sorted(self._taken)]
        campaigns = _campaigns(found, [self._shared(lesson) for lesson in found], self._linked)
        chosen, had = [], Counter[str]()
        for lesson, campaign in zip(found, campaigns, strict=True):
            had[campaign] += 1
            if had[campaign] <= MOST_OF_CAMPAIGN:
                chosen.append(lesson._replace(campaign=campaign))
        self.left_out[MANY_ALIKE] += len(found) - len(chosen)
        self.left_out = +self.left_out
        return chosen

    def _reviewed(self, data: ReportReviewedV1) -> None:
        said = self._people.setdefault(data.report_id, {})
        if data.undoes is not None:
            before = [version for version in said if version < data.undoes]
            said[data.version] = said[max(before)] if before else (None, "")
        else:
            said[data.version] = (data.decision.category, data.decision.reasons[0] if data.decision.reasons else "")

    def _resolved(self) -> dict[str, tuple[Category, str]]:
        labels: dict[str, tuple[Category, str]] = {}
        for report_id, machine in self._machine.items():
            said = self._people.get(report_id, {})
            category, reason = said[max(said)] if said else (None, "")
            case = self._case_of.get(report_id, "")
            source = DECISION
            if category is None and self._confirmed.get(case) is machine.category:
                category, source = machine.category, OUTCOME
            if category is None:
                continue
            if report_id in self._withdrawn:
                self.left_out[WITHDRAWN] += 1
            elif case in self._no_offence:
                self.left_out[NO_OFFENCE] += 1
            elif category is Category.OUT_OF_SCOPE and reason in _NOT_IN_ITS_WORDS:
                self.left_out[OTHER_REASON] += 1
            else:
                labels[report_id] = category, source
        return labels

    def _shared(self, lesson: Lesson) -> list[Hashable]:
        """What a report may have in common with others of the same act; rather too much than too little."""
        case = self._case_of.get(lesson.report_id)
        text = lesson.folded
        bands = bands_of(sketches([text])[0]) if len(text) >= _LEAST_SKETCHED else []
        return [*self._machine[lesson.report_id].keys, text, *bands, *([("case", case)] if case else [])]


def _campaigns(
    lessons: Sequence[Lesson], shared: Iterable[Iterable[Hashable]], linked: Iterable[Sequence[str]]
) -> list[str]:
    """The name of each report's campaign: of all that hang together by what they share or by a link, the oldest id."""
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent[above]
            node = above
        return node

    for lesson, things in zip(lessons, shared, strict=True):
        for thing in things:
            parent[root(("shared", thing))] = root(lesson.report_id)
    for group in linked:
        for other in group[1:]:
            parent[root(other)] = root(group[0])
    oldest: dict[Hashable, str] = {}
    return [f"people:{oldest.setdefault(root(lesson.report_id), lesson.report_id)}" for lesson in lessons]
