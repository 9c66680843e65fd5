"""Pages to merge and split cases, to undo that, and to open closed ones again; the forms for it are on a case's page.

Rendered on the server, without JavaScript, like the rest of the console (`console`). A merge is asked for by the other
case's number, and shown before it is done.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import orjson
from fastapi import APIRouter, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.envelope import Data, Uuid
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import invalid
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from services.referral import reading, regroup_http
from services.referral.access import Access
from services.referral.http import Text, unknown_case
from services.referral.preview import preview
from services.referral.regroup_http import MergeIn, ReopenIn, SplitIn, UndoIn, as_event, check_seen
from services.referral.scope import Scope
from services.referral.searching import MAX_NUMBER
from services.referral.work import MAX_VERSION
from services.referral.workdays import newest

MOST_SPLIT: Final = 200
"""The most reports that one split may name, and so the most that are offered."""
CaseIdInPath = Annotated[Uuid, Path()]
A = TypeVar("A", bound=ReopenIn)


class RegroupForm(BaseModel):
    """What each of the forms has; a form gives what it needs of the rest."""

    form_token: str = Field("", max_length=200)
    version: int = Field(ge=1, le=MAX_VERSION)
    reason: Text = ""


class OtherForm(RegroupForm):
    """A form that names another case, and for a merge the version of it that was looked at."""

    other_case_id: Uuid
    other_version: Annotated[int, Field(ge=1, le=MAX_VERSION)] | None = None


class SplitForm(RegroupForm):
    """The reports that were ticked."""

    report: Annotated[list[Uuid], Field(max_length=MOST_SPLIT)] = []


class RegroupPages:
    """The routes, and what they need; `render` is the console's, with its words."""

    def __init__(
        self,
        pages: SignedInPages,
        database: Database,
        commands: Commands,
        access: Access,
        render: Callable[..., Response],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._pages = pages
        self._database = database
        self._commands = commands
        self._access = access
        self._render = render
        self._clock = clock

    def add_routes(self, router: APIRouter, reads: Sequence[Any]) -> None:
        """Add the routes; `reads` are the dependencies of a page that only shows."""
        router.add_api_route("/cases/{case_id}/merge", self.show_merge, methods=["GET"], dependencies=reads)
        router.add_api_route("/cases/{case_id}/merge", self.merge, methods=["POST"])
        router.add_api_route("/cases/{case_id}/split", self.split, methods=["POST"])
        router.add_api_route("/cases/{case_id}/undo", self.undo, methods=["POST"])
        router.add_api_route("/cases/{case_id}/reopen", self.reopen, methods=["POST"])

    def show_merge(
        self, request: Request, case_id: CaseIdInPath, number: Annotated[int, Query(ge=1, le=MAX_NUMBER)]
    ) -> Response:
        """What merging the case with this number into this one would do, with the form to ask for it."""
        session = self._pages.session(request)
        assert session is not None  # noqa: S101 - the route's dependency lets nobody else through
        scope = self._access.of_person(session.person)
        named = reading.case_of_number(self._database, scope, number)
        other_id = None if named is None else reading.standing(self._database, scope, named)
        if other_id is None:
            return self._pages.to(f"/cases/{case_id}", request, notice="unknown_case")
        kept, other = (reading.case_file(self._database, scope, each) for each in (case_id, other_id))
        if kept is None or other is None:
            raise unknown_case()
        self._pages.viewed(request, "case", other_id, permission=Permission.CASES_READ)
        return self._render(
            "merge.html", request, scope, preview=preview(kept, other, now=self._clock(), workdays=newest())
        )

    def merge(self, request: Request, case_id: CaseIdInPath, form: Annotated[OtherForm, Form()]) -> Response:
        """Merge the case that was shown."""
        fields = {"other_case_id": form.other_case_id, "other_version": form.other_version}
        return self._send(request, case_id, form, (MergeIn, regroup_http.merge_command), **fields)

    def split(self, request: Request, case_id: CaseIdInPath, form: Annotated[SplitForm, Form()]) -> Response:
        """Make the ticked reports a case of their own."""
        if not form.report:
            return self._pages.to(f"/cases/{case_id}", request, notice="nothing_ticked")
        to = (SplitIn, regroup_http.split_command)
        return self._send(request, case_id, form, to, report_ids=tuple(form.report))

    def undo(self, request: Request, case_id: CaseIdInPath, form: Annotated[OtherForm, Form()]) -> Response:
        """Undo a merge or a split."""
        to = (UndoIn, regroup_http.undo_command)
        return self._send(request, case_id, form, to, other_case_id=form.other_case_id)

    def reopen(self, request: Request, case_id: CaseIdInPath, form: Annotated[RegroupForm, Form()]) -> Response:
        """Open the case again."""
        return self._send(request, case_id, form, (ReopenIn, regroup_http.reopen_command))

    def _send(
        self,
        request: Request,
        case_id: str,
        form: RegroupForm,
        to: tuple[type[A], Callable[[A, str], Data]],
        **fields: Any,
    ) -> Response:
        """Send the command of a form, note who did, and go back to the case with what came of it."""
        actor = self._pages.require(request, form.form_token, Permission.CASES_ACT).person
        scope: Scope = self._access.of_person(actor)
        model, to_data = to
        try:
            asked = model(actor=actor, reason=form.reason, version=form.version, **fields)
        except ValidationError as error:
            raise invalid(error) from None
        other = fields.get("other_case_id")
        check_seen(self._database, scope, [case_id] if other is None else [case_id, other])
        command = as_event(to_data(asked, case_id), case_id, id_=command_id(None), now=self._clock())
        self._pages.audit.note(
            actor,
            command.type.split(".")[2],
            "case",
            case_id,
            permission=Permission.CASES_ACT,
            detail=f"version {form.version} {other or ''} {command.id}",
        )
        members = orjson.loads(bytes(self._commands.send(command).body))
        waits = (members.get("detail") or {}).get("waits_for_second_person")
        notice = "waits_for_second" if waits else members.get("code") or members["outcome"]
        return self._pages.to(f"/cases/{case_id}", request, notice=notice)
