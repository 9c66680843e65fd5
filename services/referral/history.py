"""What is kept of a case's past: one entry per event, except what the case and its reports tell themselves. Pure.

Opening, the first referral and joining follow from the rows of the case and of its reports, so that the path of a
report writes no history; `told` puts both together for whoever reads a case.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ibalagh.events.cases import (
    CaseJoinedV1,
    CaseLeftV1,
    CaseOpenedV1,
    CaseReferredV1,
    CaseReroutedV1,
    ProsecutionNotifiedV1,
)
from ibalagh.events.envelope import Data
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import SuspectState
from services.referral.model import Case, Membership

DETAIL: Final = frozenset(
    {
        "report_id",
        "category",
        "previous_category",
        "case_category",
        "service",
        "previous_service",
        "prosecutor",
        "reason",
        "suggested_service",
        "suspect_ref",
        "result",
        "instruction",
        "clock",
        "due_at",
        "part",
        "other_case_id",
        "reports",
        "state",
    }
)
"""The fields of events that an entry keeps."""


class Entry(NamedTuple):
    """One event of a case's past. `type` is the CloudEvents type; `detail` is JSON: codes, references, the reason."""

    case_id: str
    version: int
    type: str
    occurred_at: datetime
    actor: str | None
    detail: dict[str, Any]


class Past(NamedTuple):
    """A case that was merged into another, or split off it, and what it tells of itself."""

    case: Case
    history: Sequence[Entry]


class Waiting(NamedTuple):
    """A merge across services that waits for a second person."""

    case_id: str
    other_case_id: str
    proposed_by: str


class CaseFile(NamedTuple):
    """A case with all that is kept about it and about those merged into it; `reports` are the first thousand. `merged`:
    all that are merged into it, also by way of others. `split_off`: those that were split off it and stand."""

    case: Case
    reports: Sequence[Membership]
    suspects: Sequence[tuple[str, SuspectState]]
    history: Sequence[Entry]
    merged: Sequence[Past] = ()
    split_off: Sequence[Case] = ()
    waiting: Sequence[Waiting] = ()


def entry_of(data: Data) -> Entry:
    """The entry of an event about a case."""
    fields = data.model_dump(mode="json", exclude_none=True)
    return Entry(
        fields["case_id"],
        fields["version"],
        type_of(type(data)),
        getattr(data, "occurred_at"),  # noqa: B009 - every event of a case has it, their common base is private
        fields.get("actor"),
        {name: value for name, value in fields.items() if name in DETAIL},
    )


def arrival_of(case_id: str, report: Membership) -> Entry:
    """The entry of the event that brought a report in."""
    type_ = type_of(CaseOpenedV1 if report.joined_version == 1 else CaseJoinedV1)
    return Entry(case_id, report.joined_version, type_, report.joined_at, None, {"report_id": report.report_id})


def told(case: Case, reports: Sequence[Membership], kept: Sequence[Entry]) -> list[Entry]:
    """A case's whole past in order: the kept entries, and those that its row and its reports' rows tell."""
    first_service = next(
        (entry.detail["previous_service"] for entry in kept if entry.type == type_of(CaseReroutedV1)), case.service
    )
    detail = {"service": first_service}
    referral = (
        []
        if case.split_from is not None
        else [
            Entry(case.case_id, 2, type_of(CaseReferredV1), case.opened_at, None, detail),
            Entry(case.case_id, 3, type_of(ProsecutionNotifiedV1), case.opened_at, None, detail),
        ]
    )
    arrivals = [entry for report in reports for entry in kept_arrival(case, report)]
    return sorted([*arrivals, *referral, *kept], key=lambda entry: entry.version)


def departure(data: CaseLeftV1, home: Case, report: Membership) -> tuple[Entry, ...]:
    """What to keep when a report leaves: how it came to its case's row, which forgets that now, and that it left."""
    return (*kept_arrival(home, report), entry_of(data))


def kept_arrival(home: Case, report: Membership) -> tuple[Entry, ...]:
    """How a report came to the case of its row, to be kept when it goes; of those that a split brought, that tells."""
    return () if _by_split(home, report) else (arrival_of(home.case_id, report),)


def _by_split(home: Case, report: Membership) -> bool:
    return home.split_from is not None and report.joined_version == 1
