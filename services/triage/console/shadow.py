"""What a proposed model would decide otherwise, for those who are asked whether it should be promoted."""

from fastapi import APIRouter, Request, Response

from ibalagh.web.roles import Permission
from services.triage import shadow_store
from services.triage.console.office import Office
from services.triage.shadow import PARTS, summaries


class ShadowPages:
    """The page of the shadow."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_routes(self, router: APIRouter) -> None:
        """Add the route."""
        allowed = [self._office.pages.needs(Permission.MODELS_READ)]
        router.add_api_route("/shadow", self.show, methods=["GET"], dependencies=allowed)

    def show(self, request: Request) -> Response:
        """The latest versions that decided side by side."""
        compared = summaries(shadow_store.read(self._office.database))
        return self._office.render("shadow.html", request, compared=compared[:3], parts=PARTS)
