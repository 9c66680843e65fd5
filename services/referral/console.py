"""Referral's pages for officers: the list of cases, and a case with the actions that its state allows now.

Rendered on the server, without JavaScript, for those who are signed in (`ibalagh.web.signed_in`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.envelope import Uuid
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.signed_in import SignedInPages
from services.referral import store
from services.referral.competence import table_for
from services.referral.http import MAX_NUMBER, ActionIn, Text, to_command
from services.referral.lifecycle import ALLOWED, NEEDS
from services.referral.settings import ReferralSettings
from services.referral.words import WORDS
from services.referral.work import MAX_VERSION

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
        settings: ReferralSettings,
        database: Database,
        commands: Commands,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._commands = commands
        self._clock = clock
        names = {language: words["referral"] for language, words in WORDS.items()}
        self._pages = SignedInPages(settings, names, lasts_s=settings.session_s)

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        self._pages.add_routes(router)
        router.add_api_route("/", self.cases, methods=["GET"])
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
        if self._pages.session(request) is None:
            return self._pages.ask(request)
        cases, following = store.page(
            self._database, limit=_PAGE_CASES, after=after, service=service or None, state=state or None
        )
        return self._pages.render(
            "cases.html",
            request,
            say=WORDS[choose_language(request)],
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
        if self._pages.session(request) is None:
            return self._pages.ask(request)
        file = store.case_file(self._database, case_id)
        if file is None:
            raise Problem(404, "unknown_case", "No such case")
        return self._pages.render(
            "case.html",
            request,
            say=WORDS[choose_language(request)],
            file=file,
            case=file.case,
            allowed=ALLOWED[file.case.state],
            needs=NEEDS,
            results=list(CaseResult),
            services=sorted(table_for(self._clock().date()).services),
            notice=notice,
        )

    def act(self, request: Request, case_id: Annotated[Uuid, Path()], form: Annotated[ActForm, Form()]) -> Response:
        """Send one action and go back to the case with what came of it."""
        actor = self._pages.require(request, form.form_token).person
        stated = form.model_dump(exclude={"form_token"}) | {"occurred_at": _as_utc(form.occurred_at), "actor": actor}
        try:
            action = ActionIn.model_validate({name: value for name, value in stated.items() if value})
        except ValidationError as error:
            raise invalid(error) from None
        answer = self._commands.send(to_command(action, case_id, id_=command_id(None), now=self._clock()))
        members = orjson.loads(bytes(answer.body))
        return self._pages.to(f"/cases/{case_id}", request, notice=members.get("code") or members["outcome"])


def _as_utc(text: str) -> datetime | None:
    """A form's local date and time, which the page says to be UTC; raises `Problem` 422 for anything else."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(422, "invalid", "Invalid input", "Not a date and time.", field="occurred_at") from None
