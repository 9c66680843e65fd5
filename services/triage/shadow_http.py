"""What a proposed model would decide otherwise, over HTTP. Asks for the bearer token. Refusals: 401."""

from typing import Any

from fastapi import APIRouter, Depends

from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import bearer
from services.triage import shadow_store
from services.triage.shadow import summaries


def routes(settings: Settings, database: Database) -> APIRouter:
    """The route under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(settings))])

    @router.get("/shadow")
    def show_shadow() -> dict[str, Any]:
        """How the models that decided in the shadow of the one in use differ from it, the latest first: counts by what
        was decided and what would have been. Nothing of any report."""
        return {"compared": [each.as_json() for each in summaries(shadow_store.read(database))]}

    return router
