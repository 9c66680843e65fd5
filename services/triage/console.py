"""Triage's pages for analysts: the queue, and a report with the form of a decision.

Rendered on the server, without JavaScript, for those who are signed in (`ibalagh.web.signed_in`). What was reported is
shown as text only: no link of it can be followed by a click.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.signed_in import SignedInPages
from services.triage import store
from services.triage.http import DecisionIn, ReportAt, suspicious_links, to_command
from services.triage.reviews import State
from services.triage.settings import TriageSettings
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
        settings: TriageSettings,
        database: Database,
        commands: Commands,
        report_at: ReportAt,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._commands = commands
        self._report_at = report_at
        self._clock = clock
        names = {language: words["triage"] for language, words in WORDS.items()}
        self._pages = SignedInPages(settings, names, lasts_s=settings.session_s)

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        self._pages.add_routes(router)
        router.add_api_route("/", self.queue, methods=["GET"])
        router.add_api_route("/reports/{report_id}", self.report, methods=["GET"])
        router.add_api_route("/reports/{report_id}/decisions", self.decide, methods=["POST"])
        return router

    def queue(self, request: Request, notice: Annotated[str, Query(pattern=r"^[a-z_]{0,40}$")] = "") -> Response:
        """The head of the queue; the sign-in form for whoever is not signed in."""
        if self._pages.session(request) is None:
            return self._pages.ask(request)
        return self._pages.render(
            "queue.html",
            request,
            say=WORDS[choose_language(request)],
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
        if self._pages.session(request) is None:
            return self._pages.ask(request)
        shown = store.one(self._database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        return self._pages.render(
            "report.html",
            request,
            say=WORDS[choose_language(request)],
            report=shown.item.report,
            decision=shown.item.report.decision,
            suspicious=suspicious_links(shown.item.report.indicators),
            state=shown.item.state,
            received_at=shown.received_at,
            written=self._report_at(shown.source),
            categories=[category for category in Category if category is not Category.OUT_OF_SCOPE],
            notice=notice,
        )

    def decide(
        self, request: Request, report_id: Annotated[Uuid, Path()], form: Annotated[DecideForm, Form()]
    ) -> Response:
        """Send one decision; back to the queue when it took effect, else to the report with what came of it."""
        reviewer = self._pages.require(request, form.form_token).person
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
            return self._pages.to("/", request, notice="applied")
        return self._pages.to(f"/reports/{report_id}", request, notice=members.get("code") or members["outcome"])
