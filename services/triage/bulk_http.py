"""One decision about many reports over HTTP: freeze a selection, decide by its exact number, watch, take back.

Everything asks for the bearer token, or a session (`access`). Refusals are problem details: 401, 403 `not_yours`, 404
`unknown_selection`, 409 `wrong_count`, `decided_already` or `nothing_to_undo`, 422, 503.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.envelope import Uuid
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands
from services.triage import bulk_store, openapi
from services.triage.access import Access
from services.triage.acts import Person
from services.triage.bulk_store import BulkDecision
from services.triage.bulks import MOST, Bulks

BulkId = Annotated[Uuid, Path(description="A selection's id")]


class SelectionIn(BaseModel):
    """Which reports; `filter` is a note of how they were found."""

    model_config = ConfigDict(extra="forbid")

    person: Person
    report_ids: Annotated[list[Uuid], Field(min_length=1, max_length=MOST)]
    filter: str = Field("", max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")


class BulkDecisionIn(BulkDecision):
    """What is decided; `count` is the number of reports, to be repeated."""

    person: Person
    count: int = Field(ge=1)


class PersonIn(BaseModel):
    """Who asks."""

    model_config = ConfigDict(extra="forbid")

    person: Person


def routes(access: Access, database: Database, commands: Commands, clock: Callable[[], datetime]) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])
    bulks = Bulks(database, commands, clock)

    def view(bulk_id: str) -> dict[str, Any]:
        bulk, reports = bulks.get(bulk_id)
        return {
            **bulk._asdict(),
            "count": len(reports),
            "reports": [each._asdict() for each in reports],
            "progress": bulks.progress(bulk, reports)._asdict() if bulk.decision is not None else None,
            "undoing": bulks.undoing(bulk, reports)._asdict() if bulk.undone_at is not None else None,
        }

    @router.post("/selections", status_code=201, responses=openapi.refusals(401, 413, 422, 503))
    def select(given: SelectionIn) -> dict[str, Any]:
        """Freeze a selection: these reports, each on the version that it has now."""
        return view(bulks.select(given.person, given.report_ids, given.filter).bulk_id)

    @router.get("/selections", responses=openapi.refusals(401, 503))
    def latest(person: Annotated[Person, Query()], limit: Annotated[int, Query(ge=1, le=100)] = 10) -> dict[str, Any]:
        """A person's latest selections about which something was decided, the newest first."""
        return {"items": [each._asdict() for each in bulk_store.by(database, person, limit)]}

    @router.get("/selections/{bulk_id}", responses=openapi.refusals(401, 404, 503))
    def show(bulk_id: BulkId) -> dict[str, Any]:
        """A selection, and how far its decision, and taking it back, are."""
        return view(bulk_id)

    @router.post("/selections/{bulk_id}/decision", responses=openapi.refusals(401, 403, 404, 409, 413, 422, 503))
    def decide(bulk_id: BulkId, given: BulkDecisionIn) -> dict[str, Any]:
        """Decide about all of them; reports that changed since they were selected are refused and told of. The same
        again sends what is not known to be handled."""
        decision = BulkDecision(**given.model_dump(include=set(BulkDecision.model_fields)))
        bulks.decide(bulk_id, given.person, decision, given.count)
        return view(bulk_id)

    @router.post("/selections/{bulk_id}/undo", responses=openapi.refusals(401, 403, 404, 409, 413, 422, 503))
    def undo(bulk_id: BulkId, given: PersonIn) -> dict[str, Any]:
        """Take back what was applied; a report that was decided about since is refused and told of."""
        bulks.undo(bulk_id, given.person)
        return view(bulk_id)

    return router
