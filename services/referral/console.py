"""Referral's pages for officers: the list of cases, and a case with the actions that its state allows now.

Rendered on the server, without JavaScript. Sign-in is by the interface's token, until people can sign in; the session
is a signed cookie (HttpOnly, SameSite=Strict), and every form carries the session's token against forgery.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import RedirectResponse

from ibalagh.events.envelope import Uuid
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import token_matches
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem, invalid
from services.referral import session, store
from services.referral.batch import MAX_VERSION
from services.referral.competence import table_for
from services.referral.http import MAX_NUMBER, ActionIn, Actor, Text, to_command
from services.referral.lifecycle import ALLOWED, NEEDS
from services.referral.words import WORDS

_PAGE_CASES: Final = 50


class ActForm(BaseModel):
    """The form of an action; an empty field was not filled in."""

    form_token: str = Field("", max_length=200)
    action: CaseAction
    version: int = Field(ge=1, le=MAX_VERSION)
    occurred_at: str = Field("", max_length=40)
    service: Text = ""
    reason: Text = ""
    suspect_ref: Text = ""
    result: CaseResult | Literal[""] = ""


class Console:
    """The pages and what they need."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        commands: Commands,
        *,
        session_s: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._token = settings.api_token.get_secret_value() if settings.api_token else ""
        self._database = database
        self._commands = commands
        self._session_s = session_s
        self._clock = clock
        self._pages = Pages("services.referral")

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", self.cases, methods=["GET"])
        router.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        router.add_api_route("/cases/{case_id}", self.case, methods=["GET"])
        router.add_api_route("/cases/{case_id}/actions", self.act, methods=["POST"])
        return router

    def cases(
        self,
        request: Request,
        after: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
        service: Text = "",
        state: Text = "",
    ) -> Response:
        """The list of cases, the latest first; the sign-in form for whoever is not signed in."""
        if self._session(request) is None:
            return self._render("sign_in.html", request, wrong=False)
        cases, following = store.page(
            self._database, limit=_PAGE_CASES, after=after, service=service or None, state=state or None
        )
        return self._render(
            "cases.html",
            request,
            cases=cases,
            following=following,
            chosen={"service": service, "state": state},
            states=list(CaseState),
            services=sorted(table_for(self._clock().date()).services),
        )

    def case(
        self,
        request: Request,
        case_id: Annotated[Uuid, Path()],
        notice: Annotated[str, Query(max_length=40, pattern=r"^[a-z_]*$")] = "",
    ) -> Response:
        """One case. `notice` is the code of what came of the action before."""
        if self._session(request) is None:
            return self._render("sign_in.html", request, wrong=False)
        file = store.case_file(self._database, case_id)
        if file is None:
            raise Problem(404, "unknown_case", "No such case")
        return self._render(
            "case.html",
            request,
            file=file,
            case=file.case,
            allowed=ALLOWED[file.case.state],
            needs=NEEDS,
            results=list(CaseResult),
            services=sorted(table_for(self._clock().date()).services),
            notice=notice,
        )

    def sign_in(
        self,
        request: Request,
        token: Annotated[str, Form(max_length=500)],
        actor: Annotated[Actor, Form()],
    ) -> Response:
        """Begin a session, or show the form again (401) when the token is not right."""
        if not token_matches(self._settings, f"Bearer {token}"):
            return self._render("sign_in.html", request, status=401, wrong=True)
        ends_at_s = int(time.time()) + self._session_s
        response = self._to("/", request)
        response.set_cookie(
            session.COOKIE,
            session.issue(session.Session(actor, ends_at_s), self._token),
            max_age=self._session_s,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def sign_out(self, request: Request, form_token: Annotated[str, Form(max_length=200)] = "") -> Response:
        """End the session in this browser."""
        self._require(request, form_token)
        response = self._to("/", request)
        response.delete_cookie(session.COOKIE, httponly=True, samesite="strict")
        return response

    def act(self, request: Request, case_id: Annotated[Uuid, Path()], form: Annotated[ActForm, Form()]) -> Response:
        """Send one action and go back to the case with what came of it."""
        actor = self._require(request, form.form_token).actor
        stated = form.model_dump(exclude={"form_token"}) | {"occurred_at": _as_utc(form.occurred_at), "actor": actor}
        try:
            action = ActionIn.model_validate({name: value for name, value in stated.items() if value})
        except ValidationError as error:
            raise invalid(error) from None
        answer = self._commands.send(to_command(action, case_id, id_=command_id(None), now=self._clock()))
        members = orjson.loads(bytes(answer.body))
        return self._to(f"/cases/{case_id}", request, notice=members.get("code") or members["outcome"])

    def _session(self, request: Request) -> session.Session | None:
        if not self._token:
            return None
        return session.check(request.cookies.get(session.COOKIE), self._token, time.time())

    def _require(self, request: Request, form_token: str) -> session.Session:
        """The session of a form that was sent; raises `Problem` 401 without one, 403 for a form of another site."""
        found = self._session(request)
        if found is None:
            raise Problem(401, "not_signed_in", "Please sign in")
        if not session.form_token_matches(form_token, request.cookies[session.COOKIE], self._token):
            raise Problem(403, "foreign_form", "This form is not of this session")
        return found

    def _render(self, template: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        language = choose_language(request)
        signed_in = self._session(request)
        cookie = request.cookies.get(session.COOKIE, "")
        return self._pages.render(
            template,
            request,
            status=status,
            language=language,
            say=WORDS[language],
            signed_in=signed_in,
            form_token=session.form_token(cookie, self._token) if signed_in else "",
            **values,
        )

    def _to(self, path: str, request: Request, **query: str) -> RedirectResponse:
        language = request.query_params.get("lang")
        query = query | ({"lang": choose_language(request)} if language else {})
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def _as_utc(text: str) -> datetime | None:
    """A form's local date and time, which the page says to be UTC; raises `Problem` 422 for anything else."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(422, "invalid", "Invalid input", "Not a date and time.", field="occurred_at") from None
