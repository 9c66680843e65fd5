"""What a proposed model would decide otherwise, over HTTP. Refusals: 401, 403."""

from typing import Any

from fastapi import APIRouter, Depends

from ibalagh.storage.postgres import Database
from services.triage import shadow_store
from services.triage.access import Access
from services.triage.shadow import summaries


def routes(access: Access, database: Database) -> APIRouter:
    """The route under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.get("/shadow")
    def show_shadow() -> dict[str, Any]:
        """How the models that decided in the shadow of the one in use differ from it, the latest first: counts by what
        was decided and what would have been. Nothing of any report."""
        return {"compared": [each.as_json() for each in summaries(shadow_store.read(database))]}

    return router
