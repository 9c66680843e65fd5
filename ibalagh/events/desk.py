"""Commands of triage's desk besides the decision itself: hand on, reject a proposal, take a decision back.

The id of each is the event's id; the key is the report's id, so they apply in order with the decisions about it.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from ibalagh.events.envelope import Data, Uuid

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]*$", max_length=100)]
"""A code and no sentence: nobody's data may be in it."""

Pseudonym = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""What an analyst is called."""


class EscalateReportV1(Data):
    """An analyst hands a report on to somebody with more experience or authority; it stays in the queue, marked."""

    report_id: Uuid
    person: Pseudonym = Field(description="Pseudonym of the analyst")
    reason: Code = ""
    escalated_at: datetime


class RejectProposalV1(Data):
    """A second person does not agree with a proposed decision: it is dropped, and the report stands as before."""

    report_id: Uuid
    proposal_id: Uuid = Field(description="The id of the command that proposed")
    person: Pseudonym = Field(description="Pseudonym of the analyst")
    reason: Code = ""
    rejected_at: datetime


class UndoDecisionV1(Data):
    """Take back the decision that made `version`: what held before it holds again, as a new version."""

    report_id: Uuid
    version: Annotated[int, Field(ge=2)] = Field(description="Refused when it is not the current one any more")
    person: Pseudonym = Field(description="Pseudonym of the analyst")
    reason: Code = ""
    undone_at: datetime
