"""Between events and the pure rules: the classifier (received → triaged, supplemented → amended) and the desk (triaged,
amended, decide → reviewed, send → sent)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol, Self, cast

from ibalagh.events.commands import DecideCampaignV1
from ibalagh.events.dialogue import ReportAmendedV1, ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.envelope import Cause, Data, Event, Position
from ibalagh.events.links import LinkReportsV1, UnlinkReportsV1
from ibalagh.events.make import effects_of_types
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, URGENT, type_of
from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from ibalagh.events.written import Said
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled, Rejected
from services.triage import amendments, dialogue_store, store
from services.triage.campaigns import desk as campaigns
from services.triage.decide import Embedder, Heard, Judged, judge_all
from services.triage.desk_commands import COMMANDS, carry_out_all
from services.triage.dialogue import Amendment, amendment_of
from services.triage.links import desk as links
from services.triage.links import store as links_store
from services.triage.links.plan import Joiner
from services.triage.links.policy import keys_in, keys_of
from services.triage.packing import Arrival
from services.triage.policy import Policy, load
from services.triage.reported import Reported, reported_of
from services.triage.reviews import first_state
from services.triage.ruling import Ruling
from services.triage.writing import triaged

SOURCE: Final = "/triage"
CLASSIFIER_TOPICS: Final = (RECEIVED,)
DESK_TOPICS: Final = (TRIAGED, DECISIONS)
URGENT_TOPICS: Final = (URGENT,)
_TRIAGED_TYPE: Final = type_of(ReportTriagedV1)
_AMENDED_TYPE: Final = type_of(ReportAmendedV1)
NOT_FROM_INTAKE: Final = "no_cause"
"""A `report.triaged` that says not which report it is of: written by hand, and not by the classifier."""


class Shadow(Protocol):
    """Another model, which decides the same beside the one in use."""

    def compare(self, heard: Sequence[Heard], rulings: Sequence[Ruling | None], policy: Policy) -> None:
        """Look how the other rules on what was heard, of which `rulings` are those of `policy`, None for what is no
        report. Raises nothing."""


class InUse(Protocol):
    """What decides about a batch."""

    @property
    def policy(self) -> Policy:
        """The policy whose decisions are published."""

    @property
    def shadow(self) -> Shadow | None:
        """Another model, if one is to be compared."""


class Alone(NamedTuple):
    """One policy, with nobody beside it."""

    policy: Policy
    shadow: Shadow | None = None


class Classifier:
    """The machine: reports in, `report.triaged` out, supplements and withdrawals in, `report.amended` out, one for one,
    in order. It keeps nothing, so a repeat repeats.

    `second` is asked about the reports of batches of at most `second_most`: it takes a thousand times as long as the
    rest, which only matters while others wait. Where the policy may change, a function says once a batch which one
    is in use.
    """

    def __init__(
        self, policy: Policy | Callable[[], InUse], second: Embedder | None = None, second_most: int = 0
    ) -> None:
        self._in_use: Callable[[], InUse] = (lambda: Alone(policy)) if isinstance(policy, Policy) else policy
        self._second, self._second_most = second, second_most

    @classmethod
    def from_policy_file(cls) -> Self:
        """With the committed policy. Raises ValueError for a file of it that is wrong."""
        return cls(load())

    def __call__(self, events: Sequence[Event[Data]], now: datetime | None = None) -> Handled:
        """The effects of a batch; `now` (aware, UTC) is when they are made."""
        made_at = now or datetime.now(UTC)
        in_use = self._in_use()
        policy, shadow = in_use.policy, in_use.shadow
        reports = [_reported(event) for event in events]
        heard: list[Heard] = []
        effects: list[Event[Data]] = []
        second = self._second if len(reports) <= self._second_most else None
        judged = judge_all(reports, policy, second, None if shadow is None else heard.append)
        for event, report, each in zip(events, reports, judged, strict=True):
            said = (_TRIAGED_TYPE, triaged(report, each)) if report.facts else _amended(event, each)
            effects += effects_of_types(event, (said,), source=SOURCE, subject=event.subject, now=made_at)
        if shadow is not None:
            rulings = [each.ruling if report.facts else None for each, report in zip(judged, reports, strict=True)]
            shadow.compare(heard, rulings, policy)
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
        if batch.amendments or batch.commands or batch.rulings or batch.campaigns:
            links_store.lock(tx)  # before any report is: workers take these locks in one order
        new = _take_in(tx, batch.arrivals)
        if batch.amendments:
            dialogue_store.add(tx, batch.amendments)
        now = self._clock()
        effects = carry_out_all(batch.commands, tx, source=SOURCE, now=now) if batch.commands else []
        effects += campaigns.decide(batch.campaigns, tx, source=SOURCE, now=now)
        effects += links.take(_joiners(new), batch.added_to, batch.rulings, tx, source=SOURCE, now=now)
        return Handled(effects, batch.rejected)


class UrgentDesk:
    """Classifier and desk in one step, for the lane of what cannot wait: a report is in the queue, and what a reporter
    adds is with the report, as soon as the transaction that says so is done, whatever waits in the other topics. What
    comes back on the topic of triaged reports the desk knows already."""

    def __init__(self, classifier: Classifier, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._classifier = classifier
        self._clock = clock

    def __call__(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """Judge, take in and say what is new; of what is there already nothing is said again. What a supplement joins
        the desk tells, when it comes back to it."""
        now = self._clock()
        effects = self._classifier(events, now).effects
        added = [event for event in effects if isinstance(event.data, ReportAmendedV1)]
        if added:
            links_store.lock(tx)  # as the desk does
        said = {event.subject: event for event in effects if not isinstance(event.data, ReportAmendedV1)}
        reports = [ReportTriagedV1.model_validate_json(each.data.to_json()) for each in said.values()]
        arrivals = [
            _arrival(report, each.origin_time, cast(Cause, each.cause), Position(*cast(Cause, each.cause)[:3]))
            for report, each in zip(reports, said.values(), strict=True)
        ]
        new = _take_in(tx, arrivals)
        fresh = {arrival.report_id for arrival in new}
        attached = dialogue_store.add(tx, [_amendment(event) for event in added])
        first = {cast(ReportAmendedV1, event.data).amendment_id: event for event in reversed(added)}
        out = [event for report_id, event in said.items() if report_id in fresh]
        out += [event for amendment_id, event in first.items() if amendment_id in attached]
        out += links.take(_joiners(new), (), (), tx, source=SOURCE, now=now)
        return Handled(out)


class _Sorted(NamedTuple):
    """A batch of the desk, each part in order."""

    arrivals: list[Arrival]
    amendments: list[Amendment]
    commands: list[Event[Data]]
    rejected: list[Rejected]
    added_to: list[Joiner]
    rulings: list[Event[Data]]
    campaigns: list[Event[Data]]


def _sort(events: Sequence[Event[Data]]) -> _Sorted:
    batch = _Sorted([], [], [], [], [], [], [])
    for event in events:
        if isinstance(event, Arrival):  # from `reading.DeskCodec`: nearly all
            batch.arrivals.append(event)
        elif isinstance(event.data, COMMANDS):
            batch.commands.append(event)
        elif isinstance(event.data, LinkReportsV1 | UnlinkReportsV1):
            batch.rulings.append(event)
        elif isinstance(event.data, DecideCampaignV1):
            batch.campaigns.append(event)
        elif isinstance(event.data, ReportTriagedV1 | ReportAmendedV1):
            if event.cause is None:
                batch.rejected.append(Rejected(event, NOT_FROM_INTAKE))
            elif isinstance(event.data, ReportAmendedV1):
                batch.amendments.append(amendment_of(event.data, event.cause))
                keys = keys_of(event.data.indicators)
                if keys:
                    batch.added_to.append(Joiner(event.data.report_id, keys, _read_at(event), event.origin_time))
            else:
                batch.arrivals.append(_arrival(event.data, event.origin_time, event.cause, _read_at(event)))
    return batch


def _take_in(tx: Transaction, arrivals: Sequence[Arrival]) -> Collection[Arrival]:
    """Keep what is new of reports, the copies of a campaign behind the one that stands for them."""
    placement = campaigns.Placement()
    new = store.add(tx, arrivals, placement.place)
    placement.follow(tx, new)
    if new:
        dialogue_store.meet(tx)
    return new


def _amendment(event: Event[Data]) -> Amendment:
    return amendment_of(cast(ReportAmendedV1, event.data), cast(Cause, event.cause))


def _joiners(arrivals: Iterable[Arrival]) -> list[Joiner]:
    """Those of new reports that have something to share."""
    keyed = [(arrival, keys_in(arrival.data)) for arrival in arrivals]
    return [Joiner(each.report_id, keys, each.position, each.origin_time) for each, keys in keyed if keys]


def _read_at(event: Event[Data]) -> Position:
    """Where an event was read, as whatever the desk handles was."""
    return cast(Position, event.position)


def _arrival(report: ReportTriagedV1, received_at: datetime, cause: Cause, position: Position) -> Arrival:
    topic, partition, offset, _ = cause
    decision = report.decision
    state, urgency = first_state(decision).value, int(decision.urgency)
    data = report.to_json()
    return Arrival(report.report_id, received_at, state, urgency, (topic, partition), offset, data, position)
