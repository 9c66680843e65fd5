"""Triage's pages for analysts: the queue, and a report with the form of a decision.

Rendered on the server, without JavaScript. Sign-in is by the interface's token, until people can sign in; the session
is a signed cookie (HttpOnly, SameSite=Strict), and every form carries the session's token against forgery. What was
reported is shown as text only: no link of it can be followed by a click.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import RedirectResponse

from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import token_matches
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem, invalid
from services.triage import session, store
from services.triage.http import DecisionIn, ReportAt, to_command
from services.triage.reviews import State
from services.triage.words import WORDS

_PAGE_REPORTS: Final = 50


class DecideForm(BaseModel):
    """The form of a decision; an empty field was not filled in."""

    form_token: str = Field("", max_length=200)
    action: ReviewAction
    version: int = Field(ge=1)
    category: Category | Literal[""] = ""
    organisation: ShortText = ""
    reason: ShortText = ""


class Console:
    """The pages and what they need."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        commands: Commands,
        report_at: ReportAt,
        *,
        session_s: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._token = settings.api_token.get_secret_value() if settings.api_token else ""
        self._database = database
        self._commands = commands
        self._report_at = report_at
        self._session_s = session_s
        self._clock = clock
        self._pages = Pages("services.triage")

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", self.queue, methods=["GET"])
        router.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        router.add_api_route("/reports/{report_id}", self.report, methods=["GET"])
        router.add_api_route("/reports/{report_id}/decisions", self.decide, methods=["POST"])
        return router

    def queue(self, request: Request, notice: Annotated[str, Query(pattern=r"^[a-z_]{0,40}$")] = "") -> Response:
        """The head of the queue; the sign-in form for whoever is not signed in."""
        if self._session(request) is None:
            return self._render("sign_in.html", request, wrong=False)
        return self._render(
            "queue.html",
            request,
            waiting=store.count_open(self._database),
            queue=store.queue(self._database, State.OPEN, limit=_PAGE_REPORTS, after=None),
            notice=notice,
        )

    def report(
        self,
        request: Request,
        report_id: Annotated[Uuid, Path()],
        notice: Annotated[str, Query(pattern=r"^[a-z_]{0,40}$")] = "",
    ) -> Response:
        """One report. `notice` is the code of what came of the decision before."""
        if self._session(request) is None:
            return self._render("sign_in.html", request, wrong=False)
        shown = store.one(self._database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        return self._render(
            "report.html",
            request,
            report=shown.item.report,
            decision=shown.item.report.decision,
            state=shown.item.state,
            received_at=shown.received_at,
            written=self._report_at(shown.source),
            categories=[category for category in Category if category is not Category.OUT_OF_SCOPE],
            notice=notice,
        )

    def sign_in(
        self,
        request: Request,
        token: Annotated[str, Form(max_length=500)],
        reviewer: Annotated[str, Form(min_length=1, max_length=200)],
    ) -> Response:
        """Begin a session, or show the form again (401) when the token is not right."""
        if not token_matches(self._settings, f"Bearer {token}"):
            return self._render("sign_in.html", request, status=401, wrong=True)
        ends_at_s = int(time.time()) + self._session_s
        response = self._to("/", request)
        response.set_cookie(
            session.COOKIE,
            session.issue(session.Session(reviewer, ends_at_s), self._token),
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

    def decide(
        self, request: Request, report_id: Annotated[Uuid, Path()], form: Annotated[DecideForm, Form()]
    ) -> Response:
        """Send one decision; back to the queue when it took effect, else to the report with what came of it."""
        reviewer = self._require(request, form.form_token).reviewer
        stated = form.model_dump(exclude={"form_token"}) | {"report_id": report_id, "reviewer": reviewer}
        if form.action is not ReviewAction.RECLASSIFY:
            # The form has one set of fields for three buttons: the category belongs to one of them.
            stated |= {"category": "", "organisation": ""}
        try:
            decision = DecisionIn.model_validate({name: value for name, value in stated.items() if value})
        except ValidationError as error:
            raise invalid(error) from None
        answer = self._commands.send(to_command(decision, id_=command_id(None), now=self._clock()))
        members = orjson.loads(bytes(answer.body))
        if answer.status_code == 200:
            return self._to("/", request, notice="applied")
        return self._to(f"/reports/{report_id}", request, notice=members.get("code") or members["outcome"])

    def _session(self, request: Request) -> session.Session | None:
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
        if request.query_params.get("lang"):
            query["lang"] = choose_language(request)
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
