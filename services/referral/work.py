"""A batch, sorted: which events of it matter to cases, and in what way. Pure.

In: events of `reports.triaged` and `cases.actions`. Out: a `Work`, in the order of the batch.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from ibalagh.events.commands import (
    ActOnCaseV1,
    ActOnCaseV2,
    CheckClockV1,
    DivideCaseV1,
    MergeCasesV1,
    ReopenCaseV1,
    UndoRegroupingV1,
)
from ibalagh.events.envelope import Data, Event
from ibalagh.events.reports import ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Disposition
from services.referral.referred import ReferredReport, referred_of

MAX_VERSION: Final = 2**31 - 1
"""The largest version that a row can hold."""


AnyCommand = ActOnCaseV2 | ActOnCaseV1 | CheckClockV1 | MergeCasesV1 | DivideCaseV1 | UndoRegroupingV1 | ReopenCaseV1
_COMMANDS: Final = frozenset(AnyCommand.__args__)


class ReportWork(NamedTuple):
    """A report's event that may change a case: `referred` unless a person set it aside, `review` if one decided."""

    event: Event[Data]
    report_id: str
    version: int
    referred: ReferredReport | None
    review: ReportReviewedV1 | None


class Work(NamedTuple):
    """A batch, sorted: `steps` are `reports` and `actions` in the order of the batch. Triaged reports that are not
    referred are in no list: they wait for a person.

    `rejected`: events that nobody can store or keep in order, each with the reason `bad_subject` or `bad_version`.
    """

    steps: Sequence[ReportWork | Event[Data]]
    reports: Sequence[ReportWork]
    actions: Sequence[Event[Data]]
    rejected: Sequence[tuple[Event[Data], str]]


def read(events: Sequence[Event[Data]]) -> Work:
    """Sort a batch; events of other types are passed over, so that a topic may gain types."""
    steps: list[ReportWork | Event[Data]] = []
    reports: list[ReportWork] = []
    actions: list[Event[Data]] = []
    rejected: list[tuple[Event[Data], str]] = []
    for event in events:
        work: ReportWork | None = None
        data: object = event.data
        kind = type(data)  # asked for by identity, since isinstance asks pydantic about each that is of another type
        if kind is ReferredReport:
            referred = cast(ReferredReport, data)
            work = ReportWork(event, referred.report_id, referred.version, referred, None)
        elif kind is ReportTriagedV1 or kind is ReportReviewedV1:
            work = _work_of(event)
        elif kind in _COMMANDS:
            if cast(AnyCommand, data).case_id == event.subject:
                steps.append(event)
                actions.append(event)
            else:
                rejected.append((event, "bad_subject"))
        if work is None:
            continue
        # Order holds per key only: a report under another key could be handled by two workers at once.
        if work.report_id != event.subject:
            rejected.append((event, "bad_subject"))
        elif work.version > MAX_VERSION:
            rejected.append((event, "bad_version"))
        elif work.referred is not None or work.review is not None:
            steps.append(work)
            reports.append(work)
    return Work(steps, reports, actions, rejected)


def _work_of(event: Event[Data]) -> ReportWork:
    """The work of an event that was parsed whole."""
    data = cast(ReportTriagedV1 | ReportReviewedV1, event.data)
    referred = referred_of(data) if data.decision.disposition is Disposition.REFER else None
    review = data if isinstance(data, ReportReviewedV1) else None
    return ReportWork(event, data.report_id, data.version, referred, review)


def cases_named(actions: Iterable[Event[Data]]) -> set[str]:
    """The cases that people's commands are about. A question about a clock is about its case's row alone."""
    named: set[str] = set()
    for event in actions:
        if not isinstance(event.data, CheckClockV1):
            command = cast(AnyCommand, event.data)
            named |= {command.case_id, getattr(command, "other_case_id", command.case_id)}
    return named


def report_ids_of(split: Event[Data]) -> frozenset[str]:
    """The reports that a split is to take out of its case."""
    return frozenset(cast(DivideCaseV1, split.data).report_ids)
