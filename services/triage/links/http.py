"""Links over HTTP: what belongs to a report, and people's word on it, which becomes a command.

Everything asks for the bearer token, or a session (`access`). Refusals are problem details: 401, 404 `unknown_report`,
409 with the codes of `rulings.LinkRefusal`, 422, 503.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.links import LinkKey, LinkReportsV1, UnlinkReportsV1
from ibalagh.events.make import root
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.triage.access import Access
from services.triage.handlers import SOURCE
from services.triage.http import IdempotencyKey, ReasonCode, ReportId, Reviewer
from services.triage.links import store
from services.triage.links.rulings import Ruling
from services.triage.links.store import Links


class RulingIn(BaseModel):
    """A person's word about a report and another (`other_id`), or those that share an indicator (`key`); one of both.
    `version`: the one of its links that was looked at; without it, whatever is current."""

    model_config = ConfigDict(extra="forbid")

    report_id: Uuid
    other_id: Uuid | None = None
    key: LinkKey | None = None
    version: int | None = Field(None, ge=0)
    actor: Reviewer = Field(description="Pseudonym of the analyst")
    reason: ReasonCode = Field("", description="A reason code; no personal data")
    decided_at: AwareDatetime | None = Field(None, description="When it was decided; now, if not given")


def to_command(
    ruling: RulingIn, model: type[LinkReportsV1 | UnlinkReportsV1], *, id_: str, now: datetime
) -> Event[Data]:
    """The command for a ruling. `now` aware, UTC."""
    data = model(**ruling.model_dump(exclude={"decided_at"}), decided_at=ruling.decided_at or now)
    return root(data, id_=id_, source=SOURCE, subject=ruling.report_id, now=now)


def view(links: Links) -> dict[str, Any]:
    """What belongs to a report, as JSON. Of an indicator only its kind and key: its value is in the report's own."""
    return {
        "report_id": links.report_id,
        "version": links.version,
        "groups": [
            {
                "kind": group.key.kind.value,
                "shown_as": group.shown_as,
                "key": group.key.key,
                "reports": group.reports,
                "others": group.others,
            }
            for group in links.groups
        ],
        "linked": list(map(_ruling_view, links.linked)),
        "unlinked": list(map(_ruling_view, links.unlinked)),
        "suggested": [each._asdict() for each in links.suggested],
    }


def _ruling_view(ruling: Ruling) -> dict[str, Any]:
    return {
        "key" if ruling.by_key else "report_id": ruling.target,
        "actor": ruling.actor,
        "reason": ruling.reason,
        "ruled_at": ruling.ruled_at.isoformat(),
    }


def routes(access: Access, database: Database, commands: Commands, clock: Callable[[], datetime]) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.get("/reports/{report_id}/links")
    def show_links(
        report_id: ReportId,
        limit: Annotated[int, Query(ge=1, le=1_000, description="Most reports named of each group")] = 100,
    ) -> dict[str, Any]:
        """The reports that share an indicator with a report, those that people linked to it, and those that people
        took from it; and as suggestions the reports before a person whose texts resemble its own."""
        links = store.of_report(database, report_id, limit=limit)
        if links is None:
            raise Problem(404, "unknown_report", "No such report")
        return view(links)

    @router.post("/links")
    def link(ruling: RulingIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Link two reports, or undo that a report was taken from an indicator: 200 when applied within 2 s, 202 with
        `status_url` when not handled yet, 409 when refused."""
        return commands.send(to_command(ruling, LinkReportsV1, id_=command_id(idempotency_key), now=clock()))

    @router.post("/unlinks")
    def unlink(ruling: RulingIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Rule that two reports do not belong together, or that a report does not belong to those with an indicator;
        no machine undoes it. Answers as linking does."""
        return commands.send(to_command(ruling, UnlinkReportsV1, id_=command_id(idempotency_key), now=clock()))

    return router
