"""Links in the desk's transaction: what a batch of reports joins, then what people ruled. The last step of a batch,
since it takes a lock that all workers share.

A batch without an indicator costs nothing here; one with some, two statements, whatever its size.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, cast

from ibalagh.events.envelope import Cause, Data, Event, derived_id
from ibalagh.events.links import ReportLinkedV1
from ibalagh.events.make import effect
from ibalagh.events.registry import type_of
from ibalagh.storage.commands import CommandResult, applied, known_results, record_results, refused
from ibalagh.storage.transaction import Transaction
from services.triage.links import store
from services.triage.links.plan import Joiner, events_of, joins
from services.triage.links.rulings import (
    LinkCommand,
    Ruled,
    Standing,
    Verdict,
    reports_of,
    rule_in_order,
)

_TYPE: Final = type_of(ReportLinkedV1)


def take(
    new: Sequence[Joiner],
    added_to: Sequence[Joiner],
    commands: Sequence[Event[Data]],
    tx: Transaction,
    *,
    source: str,
    now: datetime,
) -> list[Event[Data]]:
    """The effects of a batch on links. `new`: reports that came, with their keys; `added_to`: reports to which their
    reporters added keys; `commands`: `report.link` and `report.unlink`, in order. `now` aware, UTC."""
    if not (new or added_to or commands):
        return []
    effects: list[Event[Data]] = []
    if commands:
        effects += _rule(commands, tx, source, now)
    if new or added_to:
        effects += _join(new, added_to, tx, source, now)
    return effects


def _join(
    new: Sequence[Joiner], added_to: Sequence[Joiner], tx: Transaction, source: str, now: datetime
) -> list[Event[Data]]:
    store.lock(tx)
    standings = store.standings(tx, {each.report_id for each in added_to}) if added_to else {}
    added_to = [_without_apart(each, standings.get(each.report_id)) for each in added_to]
    # By their ids, which begin with the time: so the oldest of a batch is the one that the store will name.
    joiners = sorted([*new, *added_to])
    oldest = store.oldest(tx, {key.key for joiner in joiners for key in joiner.keys})

    def is_apart(report_id: str, other: str) -> bool:
        standing = standings.get(report_id)
        return standing is not None and standing.verdicts.get(other) is Verdict.UNLINKED

    found = joins(joiners, oldest, is_apart)
    store.add_new(tx, [(key.key, joiner.report_id) for joiner in new for key in joiner.keys])
    store.add(tx, {(key.key, joiner.report_id) for joiner in added_to for key in joiner.keys})
    if not found:
        return []
    last = {joiner.report_id: joiner for joiner in joiners}[found[-1].report_id]
    return [_effect(last, said, number, source, now) for number, said in enumerate(events_of(found, now), 1)]


def _effect(cause: Joiner, said: ReportLinkedV1, number: int, source: str, now: datetime) -> Event[Data]:
    """An event of the last report that joined something. Its id names that report and where it was read, since a batch
    is cut anew after a crash, and then says it again of other reports; what was published is never cut again. The first
    number, 0, is that of what a report itself causes in the urgent lane."""
    id_ = derived_id(cause.report_id, _TYPE, "/".join(map(str, (*cause.read_at, number))))
    place = Cause(*cause.read_at, number)
    return Event(id_, _TYPE, source, said.report_id, now, cause.origin_time, said, place)


def _without_apart(joiner: Joiner, standing: Standing | None) -> Joiner:
    """Without the keys that a person took from the report."""
    if standing is None:
        return joiner
    keys = tuple(key for key in joiner.keys if standing.verdicts.get(key.key) is not Verdict.UNLINKED)
    return joiner._replace(keys=keys)


def _rule(events: Sequence[Event[Data]], tx: Transaction, source: str, now: datetime) -> list[Event[Data]]:
    fresh = _each_once(events, known_results(tx, {event.id for event in events}))
    concerned = {report_id for event in fresh for report_id in reports_of(_command(event))}
    known = store.known(tx, concerned)
    before = store.standings(tx, concerned)
    oldest = store.oldest(tx, {key for event in fresh if (key := _command(event).key) is not None})
    outcomes = rule_in_order(known, before, oldest, [(event.id, _command(event)) for event in fresh])
    rulings = [ruling for _, outcome in outcomes if isinstance(outcome, Ruled) for ruling in outcome.rulings]
    store.keep(tx, rulings)
    for ruling in rulings:
        if ruling.by_key:
            change = store.add if ruling.verdict is Verdict.LINKED else store.drop
            change(tx, [(ruling.target, ruling.report_id)])
    results: list[CommandResult] = []
    effects: list[Event[Data]] = []
    for event, (id_, outcome) in zip(fresh, outcomes, strict=True):
        if isinstance(outcome, Ruled):
            results.append(applied(id_, {"report_id": outcome.report_id, "version": outcome.version}))
            subject = outcome.event.report_id
            effects.append(effect(event, outcome.event, source=source, subject=subject, number=0, now=now))
        else:
            results.append(refused(id_, outcome.code, dict(outcome.detail)))
    record_results(tx, results)
    return effects


def _command(event: Event[Data]) -> LinkCommand:
    return cast(LinkCommand, event.data)


def _each_once(events: Sequence[Event[Data]], answered: Collection[str]) -> list[Event[Data]]:
    """Those without a result: the first of an id, whose result holds."""
    first: dict[str, Event[Data]] = {}
    for event in events:
        if event.id not in answered:
            first.setdefault(event.id, event)
    return list(first.values())
