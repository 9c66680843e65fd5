"""What people ask of the desk besides a decision, as the interface takes it, and the commands for it.

In: the models that a body or a form is validated by; out: events for `triage.decisions`. Pure; `now` aware, UTC.
"""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ibalagh.events.desk import EscalateReportV1, RejectProposalV1, UndoDecisionV1
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from services.triage.reasons import EscalateReason, RejectReason

SOURCE: Final = "/triage"
Person = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")

    report_id: Uuid
    person: Person = Field(description="Pseudonym of the analyst")


class UndoIn(_Act):
    """Take back the decision that made `version`, which must be the current one."""

    version: Annotated[int, Field(ge=2)]


class RejectionIn(_Act):
    """Do not agree with a proposed decision; not by whoever proposed it."""

    proposal_id: Uuid
    reason: RejectReason


class EscalationIn(_Act):
    """Hand a report on to somebody with more experience or authority."""

    reason: EscalateReason


def to_undo(given: UndoIn, *, id_: str, now: datetime) -> Event[Data]:
    """The command that takes a decision back."""
    return root(
        UndoDecisionV1(**given.model_dump(), undone_at=now), id_=id_, source=SOURCE, subject=given.report_id, now=now
    )


def to_rejection(given: RejectionIn, *, id_: str, now: datetime) -> Event[Data]:
    """The command that drops a proposal."""
    return root(
        RejectProposalV1(**given.model_dump(), rejected_at=now),
        id_=id_,
        source=SOURCE,
        subject=given.report_id,
        now=now,
    )


def to_escalation(given: EscalationIn, *, id_: str, now: datetime) -> Event[Data]:
    """The command that hands a report on."""
    return root(
        EscalateReportV1(**given.model_dump(), escalated_at=now),
        id_=id_,
        source=SOURCE,
        subject=given.report_id,
        now=now,
    )
