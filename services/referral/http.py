"""Referral's HTTP interface: lists and files of cases, and actions on them, which become commands on `cases.actions`.

Everything under `/v1` asks for a bearer token: the operator's sees all cases, a service's key its own only (others are
404 `unknown_case`). Refusals are problem details: 401, 403 `not_yours`, 404, 409 with the codes of
`lifecycle.RefusalCode`, 422, 503.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from ibalagh.events.commands import ActOnCaseV2
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web import ndjson
from ibalagh.web.auth import not_signed_in, token_matches
from ibalagh.web.commands import MAX_LINES, Commands, command_id
from ibalagh.web.problems import Problem
from services.referral import reading
from services.referral.access import Access
from services.referral.model import SOURCE
from services.referral.scope import EVERYTHING, Scope
from services.referral.searching import MAX_NUMBER, search_of
from services.referral.views import case_view, file_view
from services.referral.work import MAX_VERSION

_PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_PLAIN)]
"""One line without control characters."""
Actor = Annotated[Text, StringConstraints(min_length=1)]
CaseId = Annotated[Uuid, Path(description="A case's id")]
Limit = Annotated[int, Query(ge=1, le=1_000)]
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


_LINE: Final = ActionLine.model_json_schema(ref_template="#/components/schemas/{model}")
BATCH_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "One action a line",
        "content": {ndjson.MEDIA_TYPE: {"schema": {name: _LINE[name] for name in _LINE if name != "$defs"}}},
    },
    "responses": {
        "200": {
            "description": "An answer a line, in order, with the `status` that it would have had alone",
            "content": {
                ndjson.MEDIA_TYPE: {
                    "schema": {
                        "type": "object",
                        "required": ["line", "status", "outcome"],
                        "properties": {
                            "line": {"type": "integer", "minimum": 1},
                            "status": {"type": "integer"},
                            "outcome": {"enum": ["applied", "refused", "pending", "not_accepted", "invalid"]},
                        },
                    }
                }
            },
        }
    },
}
"""What OpenAPI says of a body that is read line by line; the words that a line refers to are those of `ActionIn`."""


MERGED: Final[dict[int | str, dict[str, Any]]] = {
    307: {
        "description": "The case is merged: `Location` is the case that stands, as long as the merge does",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["merged_into"],
                    "properties": {"merged_into": {"type": "string"}},
                }
            }
        },
    }
}
"""What OpenAPI says of a case that is merged."""


def unknown_case() -> Problem:
    """The refusal of a case that does not exist, or not for whoever asks."""
    return Problem(404, "unknown_case", "No such case")


def check_may(scope: Scope, action: CaseAction) -> None:
    """Raises `Problem` 403 for an action that is not for whoever works there."""
    if not scope.may(action):
        raise Problem(403, "not_yours", "This is not for you to do", "A service acts, a prosecutor instructs.")


def place_of(text: str | None) -> reading.Place | None:
    """Where a page of an inbox goes on; raises `Problem` 422 for what no page gave."""
    if not text:
        return None
    moment, _, number = text.partition("|")
    try:
        due_at = datetime.fromisoformat(moment)
        place = reading.Place(due_at.astimezone(UTC), int(number))
    except (ValueError, OverflowError):
        due_at, place = None, None
    if due_at is None or place is None or due_at.tzinfo is None or not 0 < place.number <= MAX_NUMBER:
        raise Problem(422, "invalid", "Invalid input", "Not the `next` of a page.", field="after")
    return place


def shown_place(place: reading.Place | None) -> str | None:
    """`place_of`, the other way."""
    return None if place is None else f"{place.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}|{place.number}"


def to_command(action: ActionIn, case_id: str, *, id_: str, now: datetime) -> Event[Data]:
    """The command for an action. `now` aware, UTC."""
    fields = action.model_dump(exclude={"case_id", "occurred_at"})
    data = ActOnCaseV2(**fields, case_id=case_id, occurred_at=action.occurred_at or now)
    return root(data, id_=id_, source=SOURCE, subject=case_id, now=now)


def who_asks(settings: Settings, access: Access) -> Callable[[str | None], Scope]:
    """The dependency that says what whoever asks may see: the operator's token all, a service's key its own cases."""

    def asking(authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> Scope:
        scope = EVERYTHING if token_matches(settings, authorization) else access.of_key(authorization)
        if scope is None:
            raise not_signed_in()
        return scope

    return asking


def routes(
    settings: Settings, database: Database, commands: Commands, access: Access, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1")

    Asking = Annotated[Scope, Depends(who_asks(settings, access))]  # noqa: N806 - a type

    @router.get("/cases")
    def list_cases(
        scope: Asking,
        limit: Limit = 100,
        after: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="The `next` of the page before")] = None,
        service: Text | None = None,
        state: CaseState | None = None,
    ) -> dict[str, Any]:
        """A page of cases, the latest first; `next` is null on the last page."""
        cases, following = reading.page(database, scope, limit=limit, after=after, service=service, state=state)
        return {"items": [case_view(case, scope) for case in cases], "next": following}

    @router.get("/inbox")
    def list_inbox(
        scope: Asking,
        limit: Limit = 100,
        after: Annotated[str | None, Query(max_length=80, description="The `next` of the page before")] = None,
        service: Text | None = None,
    ) -> dict[str, Any]:
        """A page of the cases that wait for somebody, the nearest deadline first; `next` is null on the last page."""
        place = place_of(after)
        cases, following = reading.inbox(database, scope, limit=limit, after=place, service=service)
        return {"items": [case_view(case, scope) for case in cases], "next": shown_place(following)}

    @router.get("/cases:search")
    def search(
        scope: Asking,
        q: Annotated[Text, Query(min_length=1, description="A number, an id, an indicator, or a place's name or code")],
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """The cases that have a number or an id, hold a report or an indicator, or are of a place; the latest first."""
        cases = reading.search(database, scope, search_of(q), limit=limit)
        return {"items": [case_view(case, scope) for case in cases]}

    @router.get("/cases/{case_id}", response_model=None, responses=MERGED)
    def show_case(scope: Asking, case_id: CaseId) -> dict[str, Any] | Response:
        """A case with its reports (the first thousand), its suspects and its history. For one that is merged: the way
        to the case that stands, where whoever asks may see that."""
        file = reading.case_file(database, scope, case_id)
        if file is None:
            raise unknown_case()
        standing = reading.standing(database, scope, case_id) or case_id
        if standing != case_id:
            return JSONResponse({"merged_into": standing}, 307, {"Location": f"/v1/cases/{standing}"})
        return file_view(file, scope)

    @router.post("/cases/{case_id}/actions")
    def act(scope: Asking, case_id: CaseId, action: ActionIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Act on a case: 200 when applied within 2 s, 202 with `status_url` when not handled yet, 409 when refused;
        then `refused` says why, and names in `allowed` what is possible."""
        check_may(scope, action.action)
        if case_id not in reading.visible(database, scope, [case_id]):
            raise unknown_case()
        id_ = command_id(own_key(scope, idempotency_key))
        return commands.send(to_command(action, case_id, id_=id_, now=clock()))

    @router.post("/actions:batch", response_class=ndjson.NdjsonResponse, openapi_extra=BATCH_BODY)
    async def act_in_batch(scope: Asking, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Up to 1,000 actions as NDJSON, each with its `case_id`; an answer per line, in order. Actions on the same
        case apply in the order of the lines."""
        ndjson.check_media_type(request.headers.get("content-type"))
        now, body = clock(), await request.body()

        def send() -> Response:
            lines = ndjson.read_lines(body, ActionLine, MAX_LINES)
            seen = reading.visible(database, scope, {each.case_id for each in lines if isinstance(each, ActionLine)})

            def line_to_command(line: ActionLine, number: int) -> Event[Data]:
                check_may(scope, line.action)
                if line.case_id not in seen:
                    raise unknown_case()
                id_ = command_id(own_key(scope, idempotency_key), number)
                return to_command(line, line.case_id, id_=id_, now=now)

            return commands.answer_lines(lines, line_to_command)

        return await run_in_threadpool(send)

    @router.get("/commands/{id_}")
    def command_status(scope: Asking, id_: Annotated[Uuid, Path()]) -> Response:
        """The result of a command that was answered with 202; 404 while there is none."""
        answer = commands.status(id_)
        case_id = orjson.loads(bytes(answer.body))["detail"].get("case_id")
        if case_id is not None and case_id not in reading.visible(database, scope, [case_id]):
            raise Problem(404, "no_result", "No result", "No such command was handled yet.", retry_after_s=1)
        return answer

    return router


def own_key(scope: Scope, idempotency_key: str | None) -> str | None:
    """A service's idempotency keys are its own: another's with the same text is another key."""
    return idempotency_key if scope.everything or not idempotency_key else f"{scope.service}|{idempotency_key}"
