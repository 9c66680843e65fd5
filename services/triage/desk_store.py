"""The desk's rows of what goes on between people: claims, versions that they made, proposals, escalations.

Inside the unit's transaction unless a page asks; raises what `ibalagh.storage.postgres.Database` raises.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.desk import EscalateReportV1
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.triage.proceedings import Claim, Past, Proposal

_SQL: Final = load("services.triage")


class Version(NamedTuple):
    """A version of a report that a person made, and by which command."""

    command_id: str
    decided_at: datetime
    reviewed: ReportReviewedV1


class Escalation(NamedTuple):
    """Who handed a report on, why (a code), and when."""

    person: str
    reason: str
    escalated_at: datetime


class Between(NamedTuple):
    """What goes on between people about some reports, by report id."""

    claims: Mapping[str, Claim]
    proposals: Mapping[str, Proposal]
    escalations: Mapping[str, Escalation]


def claims(tx: Transaction, report_ids: Collection[str], now: datetime) -> dict[str, Claim]:
    """Who holds these reports at `now`."""
    rows = tx.fetch_all(_SQL["claims_of"], {"report_ids": list(report_ids), "now": now})
    return {row[0]: Claim(*row) for row in rows}


def proposals(tx: Transaction, report_ids: Collection[str]) -> dict[str, Proposal]:
    """What waits for a second person, of these reports."""
    rows = tx.fetch_all(_SQL["proposals_of"], {"report_ids": list(report_ids)})
    return {row[0]: Proposal(row[1], row[2], DecideReportV1.model_validate_json(row[3])) for row in rows}


def past(tx: Transaction, report_ids: Collection[str]) -> dict[tuple[str, int], Past]:
    """All versions of these reports that people made."""
    rows = tx.fetch_all(_SQL["decisions_of"], {"report_ids": list(report_ids)})
    found = {}
    for report_id, version, person, decided_at, json, _ in rows:
        reviewed = ReportReviewedV1.model_validate_json(json)
        found[report_id, version] = Past(version, person, decided_at, reviewed.previous, reviewed.decision)
    return found


def amendments(tx: Transaction, report_ids: Collection[str]) -> dict[str, int]:
    """How many amendments these reports have, as far as they have any."""
    return dict(tx.fetch_all(_SQL["amendments_counted"], {"report_ids": list(report_ids)}))


def close(tx: Transaction, versions: Sequence[Version]) -> None:
    """Remember what people decided; nobody holds these reports any more, nothing is proposed, nothing handed on."""
    if not versions:
        return
    tx.execute(
        _SQL["add_decisions"],
        {
            "report_ids": [each.reviewed.report_id for each in versions],
            "versions": [each.reviewed.version for each in versions],
            "command_ids": [each.command_id for each in versions],
            "decided_ats": [each.decided_at for each in versions],
            "persons": [each.reviewed.reviewer for each in versions],
            "reviewed": [each.reviewed.to_json().decode() for each in versions],
        },
    )
    decided = {"report_ids": sorted({each.reviewed.report_id for each in versions})}
    for query in ("release_claims", "drop_proposals", "drop_escalations"):
        tx.execute(_SQL[query], decided)


def put_proposals(tx: Transaction, given: Mapping[str, Proposal]) -> None:
    """Decisions that wait for a second person from now on, by report id."""
    if given:
        ordered = sorted(given.items())
        tx.execute(
            _SQL["put_proposals"],
            {
                "report_ids": [report_id for report_id, _ in ordered],
                "proposal_ids": [each.proposal_id for _, each in ordered],
                "versions": [each.version for _, each in ordered],
                "commands": [each.command.to_json().decode() for _, each in ordered],
            },
        )
        tx.execute(_SQL["release_claims"], {"report_ids": [report_id for report_id, _ in ordered]})


def drop_proposals(tx: Transaction, report_ids: Collection[str]) -> None:
    """These reports stand as before anything was proposed; nobody holds them."""
    if report_ids:
        for query in ("drop_proposals", "release_claims"):
            tx.execute(_SQL[query], {"report_ids": sorted(report_ids)})


def put_escalations(tx: Transaction, given: Sequence[EscalateReportV1]) -> None:
    """These reports are handed on; whoever held them does so no longer."""
    for each in given:
        tx.execute(_SQL["put_escalation"], each.model_dump())
    if given:
        tx.execute(_SQL["release_claims"], {"report_ids": sorted({each.report_id for each in given})})


def between(database: Database, report_ids: Collection[str], now: datetime) -> Between:
    """What goes on about these reports at `now`. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["escalations_of"], {"report_ids": list(report_ids)})
        return Between(
            claims(tx, report_ids, now),
            proposals(tx, report_ids),
            {row[0]: Escalation(*row[1:]) for row in rows},
        )


def versions(database: Database, report_id: str) -> list[Version]:
    """The versions of a report that people made, in order, each with its command's id. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["decisions_of"], {"report_ids": [report_id]})
    return [Version(row[5], row[3], ReportReviewedV1.model_validate_json(row[4])) for row in rows]
