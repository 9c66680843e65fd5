"""Campaigns in the desk's transaction: which of the reports that came open waits behind another, and who stands for
those that wait when one was decided. A batch without an open report costs nothing here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast

from ibalagh.events.commands import DecideCampaignV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.storage.commands import CommandResult, applied, known_results, record_results, refused
from ibalagh.storage.transaction import Transaction
from services.triage import desk_store, store
from services.triage.campaigns import store as queue
from services.triage.campaigns.decisions import CampaignRefusal, of_report
from services.triage.campaigns.grouping import group, keys_of, sketch_of
from services.triage.campaigns.store import Standing
from services.triage.desk_store import Version
from services.triage.links import store as links
from services.triage.packing import Arrival
from services.triage.proceedings import Decided, Situation, carry_out
from services.triage.reviews import Applied, Item, RefusalCode, Refused, State

_WAITING = frozenset((State.OPEN, State.COPY))


class Placement:
    """Where the new reports of one batch stand: `place` before they are written, `follow` then."""

    def __init__(self) -> None:
        self._grown: Collection[str] = ()

    def place(self, tx: Transaction, new: Collection[Arrival]) -> list[Arrival]:
        """New reports, before they are written: those that wait behind another of their campaign as copies."""
        placed, self._grown = _place(tx, new)
        return placed

    def follow(self, tx: Transaction, new: Collection[Arrival]) -> None:
        """New reports, now that they are written: who stands for a campaign is as urgent as its most urgent copy and
        reaches as far as the campaign, and the texts of those that stand for themselves are kept as sketches."""
        _follow(tx, new)
        if self._grown:
            queue.reach_heads(tx, self._grown)


def _place(tx: Transaction, new: Collection[Arrival]) -> tuple[list[Arrival], Collection[str]]:
    opened = sorted((arrival for arrival in new if arrival.state == State.OPEN.value), key=_id)
    keyed = [(arrival.report_id, keys) for arrival in opened if (keys := keys_of(arrival))]
    if not keyed:
        return list(new), ()
    links.lock(tx)
    grouped = group(keyed, queue.of_keys(tx, {key for _, keys in keyed for key in keys}))
    queue.add_keys(tx, grouped.new_keys)
    joining = [arrival for arrival in opened if grouped.campaign_of.get(arrival.report_id, arrival[0]) != arrival[0]]
    if not joining:
        return list(new), ()
    copies = _join(tx, joining, grouped.campaign_of, {arrival.report_id for arrival in opened})
    placed = [arrival._replace(state=State.COPY.value) if arrival.report_id in copies else arrival for arrival in new]
    return placed, {grouped.campaign_of[arrival.report_id] for arrival in joining}


def _follow(tx: Transaction, new: Collection[Arrival]) -> None:
    opened = {arrival.report_id: arrival for arrival in new if arrival.state == State.OPEN.value}
    links.add_sketches(
        tx, {report_id: sketch for report_id, each in opened.items() if (sketch := sketch_of(each)) is not None}
    )
    copies = {arrival.report_id: arrival.urgency for arrival in new if arrival.state == State.COPY.value}
    urgent = {report_id: urgency for report_id, urgency in copies.items() if urgency}
    if urgent:
        campaign_of = queue.of_reports(tx, urgent)
        standing = queue.lock(tx, set(campaign_of.values()))
        highest: dict[str, int] = {}
        for report_id, campaign_id in campaign_of.items():
            head = standing[campaign_id].head
            if head is not None:
                highest[head] = max(urgent[report_id], highest.get(head, 0))
        queue.raise_heads(tx, dict(sorted(highest.items())))


def decided(tx: Transaction, before: Mapping[str, Item], outcomes: Sequence[Applied]) -> None:
    """Reports were decided and written: they wait no longer. `before`: the items as they were."""
    left = [each for each in outcomes if before[each.reviewed.report_id].state in _WAITING]
    campaign_of = queue.of_reports(tx, {each.reviewed.report_id for each in left}) if left else {}
    if not campaign_of:
        return
    gone: dict[str, set[str]] = {}
    last: dict[str, Applied] = {}
    for each in left:
        campaign_id = campaign_of.get(each.reviewed.report_id)
        if campaign_id is not None:
            gone.setdefault(campaign_id, set()).add(each.reviewed.report_id)
            last[campaign_id] = each
    queue.lock(tx, gone)
    queue.leave(tx, {campaign_id: (len(reports), _said_of(last[campaign_id])) for campaign_id, reports in gone.items()})


def decide(events: Sequence[Event[Data]], tx: Transaction, *, source: str, now: datetime) -> list[Event[Data]]:
    """Carry out `campaign.decide` commands, in order; the effects of those that took effect. `now` aware, UTC."""
    if not events:
        return []
    done = set(known_results(tx, {event.id for event in events}))
    effects: list[Event[Data]] = []
    for event in events:
        if event.id not in done:
            done.add(event.id)
            reviewed, result = _decide_one(event.id, cast(DecideCampaignV1, event.data), tx, now)
            record_results(tx, [result])
            effects += [
                effect(event, each, source=source, subject=each.report_id, number=number, now=now)
                for number, each in enumerate(reviewed)
            ]
    return effects


def _decide_one(
    id_: str, command: DecideCampaignV1, tx: Transaction, now: datetime
) -> tuple[Sequence[ReportReviewedV1], CommandResult]:
    report_ids = queue.waiting(tx, command.campaign_id, after=command.after, upto=command.upto)
    if not report_ids:
        return (), refused(id_, CampaignRefusal.NOTHING_WAITS)
    items = store.lock(tx, report_ids)
    situation = Situation(items, desk_store.claims(tx, report_ids, now))
    outcomes = [each for _, each in carry_out(situation, [(each, of_report(command, each)) for each in report_ids], ())]
    # One decision is for all of them, or for none; and one that takes two people is taken report by report.
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    if refusals:
        return (), refused(id_, refusals[0].code, dict(refusals[0].detail))
    applied_ = [outcome.applied for outcome in outcomes if isinstance(outcome, Decided)]
    if len(applied_) < len(outcomes):
        return (), refused(id_, RefusalCode.NEEDS_ANOTHER_PERSON)
    store.update(tx, [outcome.item for outcome in applied_])
    desk_store.close(tx, [Version(id_, command.decided_at, outcome.reviewed) for outcome in applied_])
    decided(tx, items, applied_)
    detail = {"campaign_id": command.campaign_id, "decided": len(applied_), "upto": command.upto}
    return [outcome.reviewed for outcome in applied_], applied(id_, detail)


def _join(
    tx: Transaction, joining: Sequence[Arrival], campaign_of: Mapping[str, str], here: Collection[str]
) -> set[str]:
    """Write who joins which campaign; those that wait behind another."""
    joined = {campaign_of[arrival.report_id] for arrival in joining}
    queue.begin(tx, joined - set(here), from_items=True)
    queue.begin(tx, joined & set(here), from_items=False)
    standing = queue.lock(tx, joined)
    copies: set[str] = set()
    members: list[tuple[str, int, str]] = []
    for arrival in joining:
        campaign_id = campaign_of[arrival.report_id]
        reports, waiting, head = standing[campaign_id]
        if head is not None:
            copies.add(arrival.report_id)
        standing[campaign_id] = Standing(reports + 1, waiting + 1, head or arrival.report_id)
        members.append((campaign_id, reports + 1, arrival.report_id))
    queue.join(tx, members, standing)
    return copies


def _said_of(outcome: Applied) -> dict[str, str]:
    decision = outcome.reviewed.decision
    return {
        "category": decision.category.value,
        "disposition": decision.disposition.value,
        "action": outcome.reviewed.action.value,
        "reviewer": outcome.reviewed.reviewer,
    }


def _id(arrival: Arrival) -> str:
    return arrival.report_id
