"""Between events and the pure rules: the classifier (received → triaged, supplemented → amended) and the desk (triaged,
amended, decide → reviewed, send → sent)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self, cast

from ibalagh.events.dialogue import ReportAmendedV1, ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.envelope import Cause, Data, Event
from ibalagh.events.make import effects_of_types
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, type_of
from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from ibalagh.events.written import Said
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled, Rejected
from services.triage import amendments, dialogue_store, store
from services.triage.decide import Judged, judge_all
from services.triage.desk_commands import COMMANDS, carry_out_all
from services.triage.dialogue import Amendment, amendment_of
from services.triage.packing import Arrival
from services.triage.policy import Policy, load
from services.triage.reported import Reported, reported_of
from services.triage.reviews import first_state
from services.triage.writing import triaged

SOURCE: Final = "/triage"
CLASSIFIER_TOPICS: Final = (RECEIVED,)
DESK_TOPICS: Final = (TRIAGED, DECISIONS)
_TRIAGED_TYPE: Final = type_of(ReportTriagedV1)
_AMENDED_TYPE: Final = type_of(ReportAmendedV1)
NOT_FROM_INTAKE: Final = "no_cause"
"""A `report.triaged` that says not which report it is of: written by hand, and not by the classifier."""


class Classifier:
    """The machine: reports in, `report.triaged` out, supplements and withdrawals in, `report.amended` out, one for one,
    in order. It keeps nothing, so a repeat repeats."""

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
            said = (_TRIAGED_TYPE, triaged(report, judged)) if report.facts else _amended(event, judged)
            effects += effects_of_types(event, (said,), source=SOURCE, subject=event.subject, now=made_at)
        return Handled(effects)


def _reported(event: Event[Data]) -> Reported:
    data: object = event.data
    if isinstance(data, Reported):
        return data
    if isinstance(data, ReportSupplementedV1 | ReportWithdrawnV1):
        return amendments.as_reported(data)
    return reported_of(cast(ReportReceivedV1, data))


def _amended(event: Event[Data], judged: Judged) -> Said:
    data = cast(ReportSupplementedV1 | ReportWithdrawnV1, event.data)
    return _AMENDED_TYPE, amendments.amended(data, judged, amendment_id=event.id)


class Desk:
    """The projection of all triaged reports and of what was said about them since, and the authority on their versions.

    Its own `report.reviewed` and `message.sent` come back to it on the topic that it reads; it knows them already.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    def __call__(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """Take in what is new of reports and of their reporters, then apply the commands in order: effects and results
        of those that took effect."""
        batch = _sort(events)
        store.add(tx, batch.arrivals)
        if batch.amendments:
            dialogue_store.add(tx, batch.amendments)
        if not batch.commands:
            return Handled((), batch.rejected)
        effects = carry_out_all(batch.commands, tx, source=SOURCE, now=self._clock())
        return Handled(effects, batch.rejected)


class _Sorted(NamedTuple):
    """A batch of the desk, each part in order."""

    arrivals: list[Arrival]
    amendments: list[Amendment]
    commands: list[Event[Data]]
    rejected: list[Rejected]


def _sort(events: Sequence[Event[Data]]) -> _Sorted:
    batch = _Sorted([], [], [], [])
    for event in events:
        if isinstance(event, Arrival):  # from `reading.DeskCodec`: nearly all
            batch.arrivals.append(event)
        elif isinstance(event.data, COMMANDS):
            batch.commands.append(event)
        elif isinstance(event.data, ReportTriagedV1 | ReportAmendedV1):
            if event.cause is None:
                batch.rejected.append(Rejected(event, NOT_FROM_INTAKE))
            elif isinstance(event.data, ReportAmendedV1):
                batch.amendments.append(amendment_of(event.data, event.cause))
            else:
                batch.arrivals.append(_arrival(event.data, event.origin_time, event.cause))
    return batch


def _arrival(report: ReportTriagedV1, received_at: datetime, cause: Cause) -> Arrival:
    topic, partition, offset, _ = cause
    decision = report.decision
    state, urgency = first_state(decision).value, int(decision.urgency)
    data = report.to_json()
    return Arrival(report.report_id, received_at, state, urgency, (topic, partition), offset, data)
