"""The commands of one batch at the desk: gather what they meet, let the rules say what becomes of it, write that down.

In: events of commands, in order, and the unit's transaction; out: the effects, in the order of the commands. What is
decided is in `services.triage.proceedings` and `services.triage.dialogue`. Raises what the transaction raises.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from ibalagh.events.commands import DecideReportV1, SendMessageV1
from ibalagh.events.desk import EscalateReportV1, RejectProposalV1, UndoDecisionV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect
from ibalagh.storage.commands import CommandResult, applied, refused
from ibalagh.storage.transaction import Transaction
from services.triage import desk_store, dialogue_store, store
from services.triage.campaigns import desk as campaigns
from services.triage.desk_store import Version
from services.triage.dialogue import Sent, answer, changes_of
from services.triage.proceedings import (
    Command,
    Decided,
    Dropped,
    HandedOn,
    Outcome,
    Proposal,
    Proposed,
    Result,
    Situation,
    carry_out,
)
from services.triage.reviews import Item, Refused

COMMANDS: Final = (DecideReportV1, SendMessageV1, EscalateReportV1, RejectProposalV1, UndoDecisionV1)
"""The models of the commands that the desk carries out."""


def carry_out_all(events: Sequence[Event[Data]], tx: Transaction, *, source: str, now: datetime) -> list[Event[Data]]:
    """Apply the commands in order, write what changed and every result; the effects of those that took effect. A
    command that was answered before is left out."""
    answered = set(store.answered(tx, {event.id for event in events}))
    items = store.lock(tx, {_subject(event) for event in events})
    commands = [(event.id, cast(Command, event.data)) for event in events if not isinstance(event.data, SendMessageV1)]
    outcomes = carry_out(_situation(tx, items, commands, now), commands, answered) if commands else []
    messages = [(event.id, event.data) for event in events if isinstance(event.data, SendMessageV1)]
    answers = answer(items.keys(), messages, answered | {id_ for id_, _ in outcomes})
    said: dict[str, Data] = {id_: each.applied.reviewed for id_, each in outcomes if isinstance(each, Decided)}
    _write(tx, items, outcomes)
    sent = {id_: outcome for id_, outcome in answers if isinstance(outcome, Sent)}
    said |= {id_: outcome.event for id_, outcome in sent.items()}
    dialogue_store.add_messages(tx, sent.values())
    took = {id_ for id_, outcome in outcomes if isinstance(outcome, Decided | Proposed)} | sent.keys()
    dialogue_store.mark_seen(tx, changes_of(_seeing(events, took)))
    store.record(tx, [_result(id_, outcome) for id_, outcome in (*outcomes, *answers)])
    return [
        effect(event, said.pop(event.id), source=source, subject=_subject(event), number=0, now=now)
        for event in events
        if event.id in said
    ]


def _situation(
    tx: Transaction, items: Mapping[str, Item], commands: Sequence[tuple[str, Command]], now: datetime
) -> Situation:
    """What the commands meet. The past is fetched only of reports that a command calls by another version."""
    about = {command.report_id for _, command in commands}
    found = Situation(items, desk_store.claims(tx, about, now), desk_store.proposals(tx, about))
    earlier = {command.report_id for _, command in commands if _needs_the_past(items.get(command.report_id), command)}
    if len(about) < len(commands):  # one of them may be stale for what another of the batch does
        earlier = about
    if not earlier:
        return found
    return found._replace(past=desk_store.past(tx, earlier), amendments=desk_store.amendments(tx, earlier))


def _needs_the_past(item: Item | None, command: Command) -> bool:
    if isinstance(command, UndoDecisionV1):
        return True
    if item is None or not isinstance(command, DecideReportV1) or command.version is None:
        return False
    return command.version != item.report.version


def _write(tx: Transaction, before: Mapping[str, Item], outcomes: Sequence[Outcome]) -> None:
    """What changed: the reports, their campaigns, the versions that people made, and what waits for a second person at
    the end. `before`: the reports as they were."""
    decided = [(id_, each) for id_, each in outcomes if isinstance(each, Decided)]
    store.update(tx, {each.applied.reviewed.report_id: each.applied.item for _, each in decided}.values())
    campaigns.decided(tx, before, [each.applied for _, each in decided])
    desk_store.close(
        tx,
        [Version(id_, _decided_at(each.command), each.applied.reviewed) for id_, each in decided],
    )
    waiting: dict[str, Proposal] = {}
    handed_on: dict[str, EscalateReportV1] = {}
    dropped: set[str] = set()
    for _, outcome in outcomes:
        if isinstance(outcome, Proposed):
            waiting[outcome.report_id] = outcome.proposal
        elif isinstance(outcome, Dropped):
            waiting.pop(outcome.command.report_id, None)
            dropped.add(outcome.command.report_id)
        elif isinstance(outcome, HandedOn):
            handed_on[outcome.command.report_id] = outcome.command
        elif isinstance(outcome, Decided):
            waiting.pop(outcome.command.report_id, None)
            handed_on.pop(outcome.command.report_id, None)
    desk_store.drop_proposals(tx, dropped)
    desk_store.put_proposals(tx, waiting)
    desk_store.put_escalations(tx, list(handed_on.values()))


def _decided_at(command: DecideReportV1 | UndoDecisionV1) -> datetime:
    return command.decided_at if isinstance(command, DecideReportV1) else command.undone_at


def _subject(event: Event[Data]) -> str:
    return cast(Command | SendMessageV1, event.data).report_id


def _seeing(events: Iterable[Event[Data]], took: set[str]) -> list[DecideReportV1 | SendMessageV1]:
    """The commands that took effect and say what their senders had seen."""
    return [
        event.data for event in events if event.id in took and isinstance(event.data, DecideReportV1 | SendMessageV1)
    ]


def _result(command_id: str, outcome: Result | Sent) -> CommandResult:
    detail: dict[str, Any]
    match outcome:
        case Refused():
            return refused(command_id, outcome.code, dict(outcome.detail))
        case Sent():
            detail = {"report_id": outcome.event.report_id, "message_id": outcome.event.message_id}
        case Decided():
            report = outcome.applied.item.report
            detail = {
                "report_id": report.report_id,
                "version": report.version,
                "category": report.decision.category.value,
                "disposition": report.decision.disposition.value,
            }
        case Proposed():
            detail = {"report_id": outcome.report_id, "version": outcome.proposal.version, "proposal_id": command_id}
        case Dropped() | HandedOn():
            detail = {"report_id": outcome.command.report_id}
    return applied(command_id, detail)
