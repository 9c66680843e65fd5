"""Triage's pages for analysts: the queue, what is new from reporters, and a report with all that was said about it and
the forms of a decision and of a message.

Rendered on the server, without JavaScript, for those who are signed in (`ibalagh.web.signed_in`). What was reported is
shown as text only: no link of it can be followed by a click.
"""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Final, Literal, NamedTuple

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.dialogue import ReportAmendedV1, ReportSupplementedV1
from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from services.triage import dialogue_http, dialogue_store, store
from services.triage.dialogue_http import MessageIn
from services.triage.http import DecisionIn, Texts, suspicious_links, to_command
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
    amendments_seen: int | None = Field(None, ge=0)


class MessageForm(BaseModel):
    """The form of a message to the reporter."""

    form_token: str = Field("", max_length=200)
    text: str = Field("", max_length=20_000)
    amendments_seen: int = Field(ge=0)


class Entry(NamedTuple):
    """Something that was said about a report, at a time: an amendment with what the log holds of it, or a message."""

    at: datetime
    amendment: ReportAmendedV1 | None
    text: ReportSupplementedV1 | None
    message: dialogue_store.Message | None


class Console:
    """The pages and what they need."""

    def __init__(
        self,
        settings: TriageSettings,
        database: Database,
        commands: Commands,
        texts: Texts,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._commands = commands
        self._texts = texts
        self._clock = clock
        names = {language: words["triage"] for language, words in WORDS.items()}
        self._pages = SignedInPages(settings, names, database, clock=clock)

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        self._pages.add_routes(router)
        reads = [self._pages.needs(Permission.REPORTS_READ)]
        router.add_api_route("/", self.queue, methods=["GET"], dependencies=reads)
        router.add_api_route("/reports/{report_id}", self.report, methods=["GET"], dependencies=reads)
        router.add_api_route("/reports/{report_id}/decisions", self.decide, methods=["POST"])
        router.add_api_route("/reports/{report_id}/messages", self.write, methods=["POST"])
        return router

    def queue(self, request: Request, notice: Annotated[str, Query(pattern=r"^[a-z_]{0,40}$")] = "") -> Response:
        """The head of the queue."""
        return self._pages.render(
            "queue.html",
            request,
            say=WORDS[choose_language(request)],
            waiting=store.count_open(self._database),
            queue=store.queue(self._database, State.OPEN, limit=_PAGE_REPORTS, after=None),
            news=store.news(self._database, limit=_PAGE_REPORTS),
            notice=notice,
        )

    def report(
        self,
        request: Request,
        report_id: Annotated[Uuid, Path()],
        notice: Annotated[str, Query(pattern=r"^[a-z_]{0,40}$")] = "",
    ) -> Response:
        """One report. `notice` is the code of what came of the decision before."""
        shown = store.one(self._database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        self._pages.viewed(request, "report", report_id, permission=Permission.REPORTS_READ)
        dialogue = dialogue_store.read(self._database, report_id)
        return self._pages.render(
            "report.html",
            request,
            say=WORDS[choose_language(request)],
            report=shown.item.report,
            decision=shown.item.report.decision,
            suspicious=suspicious_links(shown.item.report.indicators),
            state=shown.item.state,
            urgency=shown.urgency,
            standing=shown.dialogue,
            entries=self._entries(dialogue),
            amendments_seen=len(dialogue.amendments),
            received_at=shown.received_at,
            written=self._texts.report_at(shown.source),
            categories=[category for category in Category if category is not Category.OUT_OF_SCOPE],
            notice=notice,
        )

    def _entries(self, dialogue: dialogue_store.Dialogue) -> list[Entry]:
        """What was said, in the order of time."""
        texts = dialogue_http.said(dialogue, self._texts)
        entries = [
            Entry(each.data.amended_at, each.data, text, None)
            for each, text in zip(dialogue.amendments, texts, strict=True)
        ]
        entries += [Entry(each.sent_at, None, None, each) for each in dialogue.messages]
        return sorted(entries, key=attrgetter("at"))

    def write(
        self, request: Request, report_id: Annotated[Uuid, Path()], form: Annotated[MessageForm, Form()]
    ) -> Response:
        """Write to the reporter; back to the report with what came of it."""
        sender = self._pages.require(request, form.form_token, Permission.REPORTS_MESSAGE).person
        stated = form.model_dump(exclude={"form_token"}) | {"report_id": report_id, "sender": sender}
        stated["text"] = form.text.replace("\r\n", "\n")
        try:
            message = MessageIn.model_validate(stated)
        except ValidationError as error:
            raise invalid(error) from None
        command = dialogue_http.to_command(message, id_=command_id(None), now=self._clock())
        self._pages.audit.note(
            sender, "messaged", "report", report_id, permission=Permission.REPORTS_MESSAGE, detail=command.id
        )
        members = orjson.loads(bytes(self._commands.send(command).body))
        sent = members.get("outcome") == "applied"
        notice = "sent" if sent else members.get("code") or members["outcome"]
        return self._pages.to(f"/reports/{report_id}", request, notice=notice)

    def decide(
        self, request: Request, report_id: Annotated[Uuid, Path()], form: Annotated[DecideForm, Form()]
    ) -> Response:
        """Send one decision; back to the queue when it took effect, else to the report with what came of it."""
        reviewer = self._pages.require(request, form.form_token, Permission.REPORTS_DECIDE).person
        needed = self._deciding(report_id, form)
        self._pages.require(request, form.form_token, needed)
        stated = form.model_dump(exclude={"form_token"}) | {"report_id": report_id, "reviewer": reviewer}
        if form.action is not ReviewAction.RECLASSIFY:
            # The form has one set of fields for three buttons: the category belongs to one of them.
            stated |= {"category": "", "organisation": ""}
        try:
            decision = DecisionIn.model_validate(
                {name: value for name, value in stated.items() if value not in ("", None)}
            )
        except ValidationError as error:
            raise invalid(error) from None
        command = to_command(decision, id_=command_id(None), now=self._clock())
        self._pages.audit.note(
            reviewer, form.action, "report", report_id, permission=needed, detail=f"version {form.version} {command.id}"
        )
        answer = self._commands.send(command)
        members = orjson.loads(bytes(answer.body))
        if answer.status_code == 200:
            return self._pages.to("/", request, notice="applied")
        return self._pages.to(f"/reports/{report_id}", request, notice=members.get("code") or members["outcome"])

    def _deciding(self, report_id: str, form: DecideForm) -> Permission:
        """What a decision asks for: more where minors are exploited, before it or after."""
        shown = store.one(self._database, report_id)
        before = None if shown is None else shown.item.report.decision.category
        minors = Category.SEXUAL_EXPLOITATION_MINORS in (before, form.category)
        return Permission.REPORTS_DECIDE_MINORS if minors else Permission.REPORTS_DECIDE
