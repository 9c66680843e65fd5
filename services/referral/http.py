"""Referral's HTTP interface: lists and files of cases, and actions on them, which become commands on `cases.actions`.

Everything under `/v1` asks for the bearer token. Refusals are problem details: 401, 404 `unknown_case`, 409 with the
codes of `lifecycle.RefusalCode`, 422, 503.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from ibalagh.events.commands import ActOnCaseV2
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web import ndjson
from ibalagh.web.auth import bearer
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.referral import store
from services.referral.lifecycle import ALLOWED
from services.referral.model import SOURCE, Case, Membership
from services.referral.work import MAX_VERSION

_PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_PLAIN)]
"""One line without control characters."""
Actor = Annotated[Text, StringConstraints(min_length=1)]
MAX_NUMBER: Final = 2**63 - 1
"""The largest case number that a row can hold."""
CaseId = Annotated[Uuid, Path(description="A case's id")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class ActionIn(BaseModel):
    """An action on a case. `version`: the one that was looked at; without it, whatever is current."""

    model_config = ConfigDict(extra="forbid")

    action: CaseAction
    actor: Actor = Field(description="Pseudonym of the officer or prosecutor")
    version: int | None = Field(None, ge=1, le=MAX_VERSION)
    occurred_at: AwareDatetime | None = Field(None, description="When it happened; now, if not given")
    service: Text | None = None
    reason: Text | None = None
    suspect_ref: Text | None = Field(None, description="The service's own reference; never a name")
    result: CaseResult | None = None


class ActionLine(ActionIn):
    """A line of a batch: an action, and the case that it is for."""

    case_id: Uuid


def to_command(action: ActionIn, case_id: str, *, id_: str, now: datetime) -> Event[Data]:
    """The command for an action. `now` aware, UTC."""
    fields = action.model_dump(exclude={"case_id", "occurred_at"})
    data = ActOnCaseV2(**fields, case_id=case_id, occurred_at=action.occurred_at or now)
    return root(data, id_=id_, source=SOURCE, subject=case_id, now=now)


def case_view(case: Case) -> dict[str, Any]:
    """A case as the interface shows it."""
    return {
        "case_id": case.case_id,
        "number": case.number,
        "version": case.version,
        "state": case.state.value,
        "category": case.category.value,
        "province": case.province,
        "urgency": int(case.urgency),
        "service": case.service,
        "prosecutor": case.prosecutor,
        "competence_table": case.competence_table,
        "competence_rule": case.competence_rule,
        "received_on": case.received_on.isoformat(),
        "opened_at": case.opened_at.isoformat(),
        "report_count": case.reports,
        "result": None if case.result is None else case.result.value,
        "allowed": [action.value for action in ALLOWED[case.state]],
    }


def file_view(file: store.CaseFile) -> dict[str, Any]:
    """A case with its reports, its suspects and its history."""
    return {
        **case_view(file.case),
        "tally": {category.value: count for category, count in file.case.tally.items()},
        "reports": _report_views(file.reports),
        "suspects": [{"suspect_ref": reference, "state": state.value} for reference, state in file.suspects],
        "history": [
            {
                "version": entry.version,
                "type": entry.type,
                "occurred_at": entry.occurred_at.isoformat(),
                "actor": entry.actor,
                "detail": entry.detail,
            }
            for entry in file.history
        ],
    }


def _report_views(reports: Sequence[Membership]) -> list[dict[str, Any]]:
    return [
        {
            "report_id": report.report_id,
            "version": report.version,
            "category": report.category.value,
            "received_on": report.received_on.isoformat(),
            "joined_version": report.joined_version,
            "joined_at": report.joined_at.isoformat(),
        }
        for report in reports
    ]


def routes(settings: Settings, database: Database, commands: Commands, clock: Callable[[], datetime]) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(settings))])

    @router.get("/cases")
    def list_cases(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        after: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="The `next` of the page before")] = None,
        service: Text | None = None,
        state: CaseState | None = None,
    ) -> dict[str, Any]:
        """A page of cases, the latest first; `next` is null on the last page."""
        cases, following = store.page(database, limit=limit, after=after, service=service, state=state)
        return {"items": [case_view(case) for case in cases], "next": following}

    @router.get("/cases/{case_id}")
    def show_case(case_id: CaseId) -> dict[str, Any]:
        """A case with its reports (the first thousand), its suspects and its history."""
        file = store.case_file(database, case_id)
        if file is None:
            raise Problem(404, "unknown_case", "No such case")
        return file_view(file)

    @router.post("/cases/{case_id}/actions")
    def act(case_id: CaseId, action: ActionIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Act on a case: 200 when applied within 2 s, 202 with `status_url` when not handled yet, 409 when refused."""
        return commands.send(to_command(action, case_id, id_=command_id(idempotency_key), now=clock()))

    @router.post("/actions:batch")
    async def act_in_batch(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Up to 1,000 actions as NDJSON, each with its `case_id`; an answer per line, in order. Actions on the same
        case apply in the order of the lines."""
        ndjson.check_media_type(request.headers.get("content-type"))
        now = clock()

        def line_to_command(line: ActionLine, number: int) -> Event[Data]:
            return to_command(line, line.case_id, id_=command_id(idempotency_key, number), now=now)

        return await run_in_threadpool(commands.send_lines, await request.body(), ActionLine, line_to_command)

    @router.get("/commands/{id_}")
    def command_status(id_: Annotated[Uuid, Path()]) -> Response:
        """The result of a command that was answered with 202; 404 while there is none."""
        return commands.status(id_)

    return router
