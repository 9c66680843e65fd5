"""Campaigns over HTTP: how many wait, which they are, and a decision about all that were there when a person looked.

Everything asks for the bearer token, or a session (`access`). Refusals are problem details: 401, 404
`unknown_campaign`, 422, 503; those of single commands are in the lines of the answer.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ibalagh.events.commands import DecideCampaignV1
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.postgres import Database
from ibalagh.web import ndjson
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.triage.access import Access
from services.triage.campaigns import store
from services.triage.campaigns.decisions import parts
from services.triage.handlers import SOURCE
from services.triage.http import IdempotencyKey, ReasonCode, Reviewer

CampaignId = Annotated[Uuid, Path(description="The id of the campaign's first report")]
MOST_DECIDED: Final = 100_000
"""Reports that one request decides at most."""


class CampaignDecisionIn(BaseModel):
    """A decision about the reports of a campaign that wait, up to the number that was the last when a person looked."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, le=2**31 - 1, description="Leave out the reports up to this number")
    upto: int = Field(ge=1, le=2**31 - 1, description="`reports` of the campaign as it was looked at")
    action: ReviewAction
    category: Category | None = Field(None, description="Needed to reclassify")
    organisation: ShortText | None = Field(None, description="The terrorist organisation that is named, if one is")
    reason: ReasonCode = Field("", description="A reason code; no personal data")
    reviewer: Reviewer = Field(description="Pseudonym of the analyst")
    decided_at: AwareDatetime | None = Field(None, description="When it was decided; now, if not given")


def to_commands(
    decision: CampaignDecisionIn, campaign_id: str, idempotency_key: str | None, now: datetime
) -> list[Event[Data]]:
    """The commands for a decision, each about so many reports that they are one transaction. `now` aware, UTC."""
    fields = decision.model_dump(exclude={"decided_at"})
    whole = DecideCampaignV1(campaign_id=campaign_id, **fields, decided_at=decision.decided_at or now)
    return [
        root(part, id_=command_id(idempotency_key, number), source=SOURCE, subject=campaign_id, now=now)
        for number, part in enumerate(parts(whole))
    ]


def routes(access: Access, database: Database, commands: Commands, clock: Callable[[], datetime]) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    def known(campaign_id: str) -> store.Campaign:
        campaign = store.one(database, campaign_id)
        if campaign is None:
            raise Problem(404, "unknown_campaign", "No such campaign")
        return campaign

    @router.get("/campaigns/{campaign_id}")
    def show_campaign(
        campaign_id: CampaignId,
        after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The `next` of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    ) -> dict[str, Any]:
        """How many reports a campaign has and how many wait, with a page of them in the order in which they came;
        `next` is null on the last page."""
        campaign = known(campaign_id)
        page = store.members(database, campaign_id, after=after, limit=limit + 1)
        shown = [{**each._asdict(), "received_at": each.received_at.isoformat()} for each in page[:limit]]
        following = page[limit - 1].number if len(page) > limit else None
        return {**(store.as_json(campaign) or {}), "items": shown, "next": following}

    @router.post("/campaigns/{campaign_id}/decisions")
    def decide_campaign(
        campaign_id: CampaignId, decision: CampaignDecisionIn, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Decide all that wait up to a number, by the thousand; NDJSON, an answer per thousand, in order. Whoever came
        after that number waits on, as one item of the queue that shows the decision."""
        campaign = known(campaign_id)
        if not 0 < decision.upto - decision.after <= MOST_DECIDED or decision.upto > campaign.reports:
            raise Problem(422, "invalid", "Invalid input", "No such reports, or too many at once.", field="upto")
        sent = commands.submit(to_commands(decision, campaign_id, idempotency_key, clock()))
        return ndjson.respond(sent)

    return router
