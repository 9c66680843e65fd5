"""Between events and the pure rules: the classifier (received → triaged) and the desk (triaged, decide → reviewed)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Self, cast

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.envelope import Cause, Data, Event
from ibalagh.events.make import effect, effects_of_types
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, type_of
from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from ibalagh.storage.commands import CommandResult, applied, refused
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled, Rejected
from services.triage import store
from services.triage.decide import judge_all
from services.triage.packing import Arrival
from services.triage.policy import Policy, load
from services.triage.reported import Reported, reported_of
from services.triage.reviews import Applied, Refused, decide_in_order, first_state
from services.triage.writing import triaged

SOURCE: Final = "/triage"
CLASSIFIER_TOPICS: Final = (RECEIVED,)
DESK_TOPICS: Final = (TRIAGED, DECISIONS)
_TRIAGED_TYPE: Final = type_of(ReportTriagedV1)
NOT_FROM_INTAKE: Final = "no_cause"
"""A `report.triaged` that says not which report it is of: written by hand, and not by the classifier."""


class Classifier:
    """The machine: reports in, `report.triaged` out, one for one, in order. It keeps nothing, so a repeat repeats."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @classmethod
    def from_policy_file(cls) -> Self:
        """With the committed policy. Raises ValueError for a file of it that is wrong."""
        return cls(load())

    def __call__(self, events: Sequence[Event[Data]], now: datetime | None = None) -> Handled:
        """The effects of a batch; `now` (aware, UTC) is when they are made."""
        made_at = now or datetime.now(UTC)
        reports = [_reported(event) for event in events]
        effects: list[Event[Data]] = []
        for event, report, judged in zip(events, reports, judge_all(reports, self._policy), strict=True):
            said = ((_TRIAGED_TYPE, triaged(report, judged)),)
            effects += effects_of_types(event, said, source=SOURCE, subject=event.subject, now=made_at)
        return Handled(effects)


def _reported(event: Event[Data]) -> Reported:
    data: object = event.data
    return data if isinstance(data, Reported) else reported_of(cast(ReportReceivedV1, data))


class Desk:
    """The projection of all triaged reports, and the authority on their versions.

    Its own `report.reviewed` come back to it on the topic that it reads; it knows them already.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    def __call__(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """Take new reports in, then apply the decisions in order: effects and results of those that took effect."""
        arrivals, commands, rejected = _sort(events)
        store.add(tx, arrivals)
        return Handled(self._decide(commands, tx) if commands else (), rejected)

    def _decide(self, events: Sequence[Event[Data]], tx: Transaction) -> list[Event[Data]]:
        commands = [(event, event.id, cast(DecideReportV1, event.data)) for event in events]
        answered = store.answered(tx, {event.id for event in events})
        items = store.lock(tx, {command.report_id for _, _, command in commands})
        outcomes = decide_in_order(items, commands, answered)
        now = self._clock()
        effects = []
        changed = {}
        for event, _, outcome in outcomes:
            if isinstance(outcome, Applied):
                subject = outcome.reviewed.report_id
                changed[subject] = outcome.item
                effects.append(effect(event, outcome.reviewed, source=SOURCE, subject=subject, number=0, now=now))
        store.update(tx, changed.values())
        store.record(tx, [_result(id_, outcome) for _, id_, outcome in outcomes])
        return effects


def _sort(events: Sequence[Event[Data]]) -> tuple[list[Arrival], list[Event[Data]], list[Rejected]]:
    """New reports, decisions, and what is refused; each in order."""
    arrivals: list[Arrival] = []
    commands: list[Event[Data]] = []
    rejected: list[Rejected] = []
    for event in events:
        if isinstance(event, Arrival):  # from `reading.DeskCodec`: nearly all
            arrivals.append(event)
        elif isinstance(event.data, DecideReportV1):
            commands.append(event)
        elif isinstance(event.data, ReportTriagedV1):
            if event.cause is None:
                rejected.append(Rejected(event, NOT_FROM_INTAKE))
            else:
                arrivals.append(_arrival(event.data, event.origin_time, event.cause))
    return arrivals, commands, rejected


def _arrival(report: ReportTriagedV1, received_at: datetime, cause: Cause) -> Arrival:
    topic, partition, offset, _ = cause
    decision = report.decision
    state, urgency = first_state(decision).value, int(decision.urgency)
    data = report.to_json()
    return Arrival(report.report_id, received_at, state, urgency, (topic, partition), offset, data)


def _result(command_id: str, outcome: Applied | Refused) -> CommandResult:
    if isinstance(outcome, Refused):
        return refused(command_id, outcome.code, dict(outcome.detail))
    report = outcome.item.report
    detail = {
        "report_id": report.report_id,
        "version": report.version,
        "category": report.decision.category.value,
        "disposition": report.decision.disposition.value,
    }
    return applied(command_id, detail)
