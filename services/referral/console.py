"""Referral's pages for officers and prosecutors: the inbox by deadline, the list of cases and the search, and a case
with the actions that are possible now. Everybody sees the cases of their own service or office (`access`).

Rendered on the server, without JavaScript, for those who are signed in (`ibalagh.web.signed_in`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.envelope import UUID_FORM, Uuid
from ibalagh.events.vocabulary import CaseAction, CaseResult, CaseState
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from services.referral import reading
from services.referral.access import Access
from services.referral.clocks import Level
from services.referral.competence import table_for
from services.referral.history import CaseFile
from services.referral.http import ActionIn, Text, check_may, place_of, shown_place, to_command, unknown_case
from services.referral.lifecycle import ALLOWED, NEEDS
from services.referral.regroup_pages import MOST_SPLIT, RegroupPages
from services.referral.scope import Scope
from services.referral.searching import MAX_NUMBER, search_of
from services.referral.settings import ReferralSettings
from services.referral.suspects import ACTIONS
from services.referral.suspects import allowed as allowed_of_suspect
from services.referral.words import WORDS
from services.referral.work import MAX_VERSION

_PAGE_CASES: Final = 50
_TICKED: Final = rf"^{UUID_FORM}:[1-9][0-9]{{0,9}}$"
_ACCEPTED: Final = re.compile(r"([0-9]{1,4})_of_([0-9]{1,4})")
_LEVELS: Final = {level.value: level.name.lower() for level in Level}


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


class AcceptForm(BaseModel):
    """The form of the inbox: the cases that were ticked, each with the version that was looked at."""

    form_token: str = Field("", max_length=200)
    case: Annotated[list[Annotated[str, Field(pattern=_TICKED)]], Field(max_length=_PAGE_CASES)] = []


class Console:
    """The pages and what they need."""

    def __init__(
        self,
        settings: ReferralSettings,
        database: Database,
        commands: Commands,
        access: Access,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._commands = commands
        self._access = access
        self._clock = clock
        names = {language: words["referral"] for language, words in WORDS.items()}
        self._pages = SignedInPages(settings, names, database, clock=clock)
        self._regroup = RegroupPages(self._pages, database, commands, access, self._page, clock=clock)

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        self._pages.add_routes(router)
        reads = [self._pages.needs(Permission.CASES_READ)]
        router.add_api_route("/", self.cases, methods=["GET"], dependencies=reads)
        router.add_api_route("/inbox", self.inbox, methods=["GET"], dependencies=reads)
        router.add_api_route("/inbox/accept", self.accept, methods=["POST"])
        router.add_api_route("/cases/{case_id}", self.case, methods=["GET"], dependencies=reads)
        router.add_api_route("/cases/{case_id}/actions", self.act, methods=["POST"])
        self._regroup.add_routes(router, reads)
        return router

    def cases(
        self,
        request: Request,
        after: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
        service: Text = "",
        state: Text = "",
        q: Text = "",
    ) -> Response:
        """The list of cases, the latest first, or what a search finds."""
        scope = self._scope(request)
        if q:
            cases, following = reading.search(self._database, scope, search_of(q), limit=_PAGE_CASES), None
        else:
            cases, following = reading.page(
                self._database, scope, limit=_PAGE_CASES, after=after, service=service or None, state=state or None
            )
        return self._page(
            "cases.html",
            request,
            scope,
            cases=cases,
            following=following,
            chosen={"service": service, "state": state},
            q=q,
            states=list(CaseState),
        )

    def inbox(
        self,
        request: Request,
        after: Annotated[str, Query(max_length=80)] = "",
        service: Text = "",
        notice: Annotated[str, Query(max_length=40, pattern=r"^[0-9a-z_]*$")] = "",
    ) -> Response:
        """The cases that wait for somebody, the nearest deadline first. `notice`: how many were accepted just now, and
        of how many, as `3_of_4`."""
        scope = self._scope(request)
        cases, following = reading.inbox(
            self._database, scope, limit=_PAGE_CASES, after=place_of(after), service=service or None
        )
        return self._page(
            "inbox.html",
            request,
            scope,
            cases=cases,
            following=shown_place(following),
            chosen={"service": service},
            may_accept=scope.may(CaseAction.ACCEPT),
            levels=_LEVELS,
            accepted=_ACCEPTED.fullmatch(notice),
        )

    def accept(self, request: Request, form: Annotated[AcceptForm, Form()]) -> Response:
        """Accept the cases that were ticked, each as it was looked at, and go back to the inbox."""
        session = self._pages.require(request, form.form_token, Permission.CASES_ACT)
        scope = self._access.of_person(session.person)
        check_may(scope, CaseAction.ACCEPT)
        ticked = dict(each.split(":") for each in form.case)
        seen = reading.visible(self._database, scope, ticked)
        now = self._clock()
        commands = [
            to_command(
                ActionIn(action=CaseAction.ACCEPT, actor=session.person, version=int(version)),
                case_id,
                id_=command_id(None),
                now=now,
            )
            for case_id, version in ticked.items()
            if case_id in seen
        ]
        for command in commands:
            self._pages.audit.note(
                session.person,
                CaseAction.ACCEPT,
                "case",
                command.subject,
                permission=Permission.CASES_ACT,
                detail=command.id,
            )
        answers = self._commands.submit(commands)
        accepted = sum(status == 200 for status, _ in answers)
        return self._pages.to("/inbox", request, notice=f"{accepted}_of_{len(ticked)}")

    def case(
        self,
        request: Request,
        case_id: Annotated[Uuid, Path()],
        notice: Annotated[str, Query(max_length=40, pattern=r"^[a-z_]*$")] = "",
    ) -> Response:
        """One case. `notice` is the code of what came of the action before."""
        scope = self._scope(request)
        file = reading.case_file(self._database, scope, case_id)
        if file is None:
            raise unknown_case()
        standing = reading.standing(self._database, scope, case_id) or case_id
        if standing != case_id:
            return self._pages.to(f"/cases/{standing}", request, notice="led_here")
        self._pages.viewed(request, "case", case_id, permission=Permission.CASES_READ)
        return self._page(
            "case.html",
            request,
            scope,
            file=file,
            case=file.case,
            allowed=[] if file.case.merged else [action for action in possible(file) if scope.may(action)],
            splittable=file.reports[:MOST_SPLIT] if file.case.is_open and file.case.reports > 1 else [],
            references={action: references(file, action) for action in ACTIONS},
            needs=NEEDS,
            results=list(CaseResult),
            levels=_LEVELS,
            notice=notice,
        )

    def act(self, request: Request, case_id: Annotated[Uuid, Path()], form: Annotated[ActForm, Form()]) -> Response:
        """Send one action and go back to the case with what came of it."""
        actor = self._pages.require(request, form.form_token, Permission.CASES_ACT).person
        scope = self._access.of_person(actor)
        check_may(scope, form.action)
        if case_id not in reading.visible(self._database, scope, [case_id]):
            raise unknown_case()
        stated = form.model_dump(exclude={"form_token"}) | {"occurred_at": _as_utc(form.occurred_at), "actor": actor}
        try:
            action = ActionIn.model_validate({name: value for name, value in stated.items() if value})
        except ValidationError as error:
            raise invalid(error) from None
        command = to_command(action, case_id, id_=command_id(None), now=self._clock())
        self._pages.audit.note(
            actor,
            form.action,
            "case",
            case_id,
            permission=Permission.CASES_ACT,
            detail=f"version {form.version} {command.id}",
        )
        answer = self._commands.send(command)
        members = orjson.loads(bytes(answer.body))
        return self._pages.to(f"/cases/{case_id}", request, notice=members.get("code") or members["outcome"])

    def _scope(self, request: Request) -> Scope:
        """What whoever looks may see; the routes' dependency lets nobody through who is not signed in."""
        session = self._pages.session(request)
        assert session is not None  # noqa: S101
        return self._access.of_person(session.person)

    def _page(self, template: str, request: Request, scope: Scope, *, q: str = "", **values: Any) -> Response:
        """A page with the words, and the services that there are to choose from where the scope is not one of them."""
        return self._pages.render(
            template,
            request,
            say=WORDS[choose_language(request)],
            here=template.removesuffix(".html"),
            q=q,
            place=scope.service or scope.prosecutor,
            services=sorted(table_for(self._clock().date()).services),
            **values,
        )


def possible(file: CaseFile) -> list[CaseAction]:
    """The actions that a case allows now; those about a suspect only where there is one to take them on."""
    return [
        action
        for action in ALLOWED[file.case.state]
        if action not in ACTIONS or action in allowed_of_suspect(None) or references(file, action)
    ]


def references(file: CaseFile, action: CaseAction) -> list[str]:
    """The suspects of a case on whom an action may be taken."""
    return [reference for reference, state in file.suspects if action in allowed_of_suspect(state)]


def _as_utc(text: str) -> datetime | None:
    """A form's local date and time, which the page says to be UTC; raises `Problem` 422 for anything else."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(422, "invalid", "Invalid input", "Not a date and time.", field="occurred_at") from None
