"""The desk over HTTP besides decisions: claims and the next report, what two people agree on, taking back, handing on,
history, and what a person chose and was shown.

Everything asks for the bearer token, or the session of the person who is named (`access`). Refusals are problem
details: 401, 404, 409 `claimed` and the codes of `reviews.RefusalCode`, 422, 503.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.triage import claim_store, desk_store, openapi, store, wellbeing_store
from services.triage.access import Access
from services.triage.acts import EscalationIn, Person, RejectionIn, UndoIn, to_escalation, to_rejection, to_undo
from services.triage.http import IdempotencyKey, ReportId
from services.triage.proceedings import Claim
from services.triage.settings import TriageSettings
from services.triage.wellbeing import Choices

PersonPath = Annotated[Person, Path(description="Pseudonym of the analyst")]


class ClaimIn(BaseModel):
    """Who wants to hold a report."""

    model_config = ConfigDict(extra="forbid")

    person: Person


class ClaimOut(BaseModel):
    """Who holds a report, and until when."""

    report_id: str
    person: str
    until: datetime


def routes(
    access: Access, settings: TriageSettings, database: Database, commands: Commands, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.put("/reports/{report_id}/claim", responses=openapi.refusals(401, 404, 409, 413, 503))
    def claim(report_id: ReportId, given: ClaimIn) -> ClaimOut:
        """Hold a report, or hold it on: nobody else can decide about it meanwhile. 409 `claimed` while somebody else
        holds it, with who and until when."""
        held = claim_store.take(database, report_id, given.person, now=clock(), lasts_s=settings.claim_s)
        if held is None:
            raise _unknown()
        if held.person != given.person:
            extra = {"refused": {"person": held.person, "until": held.until}}
            raise Problem(409, "claimed", "Somebody else works on it", extra=extra)
        return _claim(held)

    @router.delete("/reports/{report_id}/claim", status_code=204, responses=openapi.refusals(401, 503))
    def release(report_id: ReportId, person: Annotated[Person, Query()]) -> None:
        """Give a report back; nothing changes where this person does not hold it."""
        claim_store.release(database, report_id, person)

    @router.post("/next", responses={204: {"description": "There is none"}, **openapi.refusals(401, 413, 503)})
    def take_next(given: ClaimIn) -> Any:
        """Hold the first report of the queue that nobody holds, that this person was not shown before, and that is of
        none of the categories that they keep away from."""
        chosen = wellbeing_store.choices(database, given.person)
        held = claim_store.take_next(database, given.person, chosen.keep_away, now=clock(), lasts_s=settings.claim_s)
        return Response(status_code=204) if held is None else _claim(held)

    @router.get("/claims", responses=openapi.refusals(401, 503))
    def list_claims(person: Annotated[Person, Query()]) -> dict[str, list[ClaimOut]]:
        """What a person holds, what ends first in front."""
        return {"items": [_claim(each) for each in claim_store.held_by(database, person, clock())]}

    @router.get("/reports/{report_id}/history", responses=openapi.refusals(401, 404, 503))
    def history(report_id: ReportId) -> dict[str, Any]:
        """The versions of a report that people made, in order: by whom, when, and what held before and then."""
        if store.one(database, report_id) is None:
            raise _unknown()
        return {
            "items": [
                each.reviewed.model_dump(mode="json", exclude={"facts", "indicators", "report_id"})
                | {"command_id": each.command_id, "decided_at": each.decided_at}
                for each in desk_store.versions(database, report_id)
            ]
        }

    @router.post("/undoings", **openapi.command())
    def undo(given: UndoIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Take back the decision that made a version, while it is the current one: what held before holds again."""
        return commands.send(to_undo(given, id_=command_id(idempotency_key), now=clock()))

    @router.post("/rejections", **openapi.command())
    def reject(given: RejectionIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Do not agree with a proposed decision. To agree, decide the same: two people then did."""
        return commands.send(to_rejection(given, id_=command_id(idempotency_key), now=clock()))

    @router.post("/escalations", **openapi.command())
    def escalate(given: EscalationIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Hand a report on: it stays in the queue, marked, until it is decided."""
        return commands.send(to_escalation(given, id_=command_id(idempotency_key), now=clock()))

    @router.get("/people/{person}/choices", responses=openapi.refusals(401, 503))
    def choices(person: PersonPath) -> Choices:
        """How a person wants to be shown what."""
        return wellbeing_store.choices(database, person)

    @router.put("/people/{person}/choices", responses=openapi.refusals(401, 413, 503))
    def choose(person: PersonPath, chosen: Choices) -> Choices:
        """Change it."""
        wellbeing_store.choose(database, person, chosen)
        return chosen

    @router.get("/people/{person}/day", responses=openapi.refusals(401, 503))
    def day(person: PersonPath) -> dict[str, Any]:
        """What a person was shown today: how many reports, how many of the categories to ask about, minutes since the
        last break, and whether a break, or no more of these, would be good now."""
        return wellbeing_store.day(database, person, wellbeing_store.choices(database, person), clock())._asdict()

    return router


def _claim(held: Claim) -> ClaimOut:
    return ClaimOut(report_id=held.report_id, person=held.person, until=held.until)


def _unknown() -> Problem:
    return Problem(404, "unknown_report", "No such report")
