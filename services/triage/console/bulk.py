"""One decision about many reports: tick them in the list, see again which and how many, decide, watch, take back."""

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.desk import Code
from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.roles import Permission
from services.triage import bulk_store, store
from services.triage.bulk_store import BulkDecision
from services.triage.bulks import MOST, Bulks
from services.triage.console.office import Notice, Office
from services.triage.filters import Filter
from services.triage.reasons import DismissReason

_SHOWN = 50
"""Reports of a selection that a page lists."""


class SelectForm(BaseModel):
    """What is selected: the reports that are ticked, or those of the list as it is now, which are frozen then."""

    form_token: str = Field("", max_length=200)
    scope: Literal["ticked", "list"] = "ticked"
    filter: str = Field("", max_length=500)
    selected: list[Uuid] = Field([], max_length=MOST)


class BulkForm(BaseModel):
    """What is decided; an empty field was not filled in. `count` is the number of reports that was read."""

    form_token: str = Field("", max_length=200)
    action: ReviewAction
    category: Category | Literal[""] = ""
    organisation: ShortText = ""
    reason: Code = ""
    count: int = Field(ge=1)


class BulkPages:
    """The pages of a selection."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._bulks = Bulks(office.database, office.commands, office.clock)

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/selections", self.select, methods=["POST"])
        router.add_api_route("/selections/{bulk_id}", self.show, methods=["GET"], dependencies=self._office.readers())
        router.add_api_route("/selections/{bulk_id}/decision", self.decide, methods=["POST"])
        router.add_api_route("/selections/{bulk_id}/undo", self.undo, methods=["POST"])

    def select(self, request: Request, form: Annotated[SelectForm, Form()]) -> Response:
        """Freeze what is selected, and show it."""
        office, person = self._office, self._office.actor(request, form.form_token)
        try:
            wanted = Filter.model_validate(dict(parse_qsl(form.filter)))
        except ValidationError as error:
            raise invalid(error) from None
        ids: list[str] = list(form.selected)
        if form.scope == "list":
            listed = store.queue(office.database, wanted, limit=MOST + 1, after=None, person=person, now=office.clock())
            ids = [each.item.report.report_id for each in listed]
        try:
            bulk = self._bulks.select(person, ids, wanted.query())
        except Problem as problem:
            if problem.code != "bad_selection":
                raise
            return office.pages.to("/", request, notice="bad_selection", **wanted.stated())
        return office.pages.to(f"/selections/{bulk.bulk_id}", request)

    def show(self, request: Request, bulk_id: Annotated[Uuid, Path()], notice: Notice = "") -> Response:
        """A selection: to be confirmed, or how far it is."""
        office = self._office
        person = office.reader(request)
        bulk, reports = self._bulks.get(bulk_id)
        progress = self._bulks.progress(bulk, reports) if bulk.decision is not None else None
        undoing = self._bulks.undoing(bulk, reports) if bulk.undone_at is not None else None
        return office.render(
            "selection.html",
            request,
            bulk=bulk,
            yours=bulk.person == person,
            count=len(reports),
            listed=reports[:_SHOWN],
            stated=dict(parse_qsl(bulk.filter)),
            found=bulk_store.categories(office.database, bulk_id),
            progress=progress,
            undoing=undoing,
            waits=any(each is not None and each.pending for each in (progress, undoing)),
            categories=[category for category in Category if category is not Category.OUT_OF_SCOPE],
            reasons=list(DismissReason),
            notice=notice,
        )

    def decide(self, request: Request, bulk_id: Annotated[Uuid, Path()], form: Annotated[BulkForm, Form()]) -> Response:
        """Decide about all of them."""
        office, person = self._office, self._office.actor(request, form.form_token)
        dismissed, reclassified = form.action is ReviewAction.DISMISS, form.action is ReviewAction.RECLASSIFY
        if (dismissed and not form.reason) or (reclassified and not form.category):
            notice = "reason_needed" if dismissed else "category_needed"
            return office.pages.to(f"/selections/{bulk_id}", request, notice=notice)
        decision = BulkDecision(
            action=form.action,
            category=(form.category or None) if reclassified else None,
            organisation=(form.organisation or None) if reclassified else None,
            reason=form.reason if dismissed else "",
        )
        self._note(person, f"{form.action} {form.count}", bulk_id)
        return self._told(request, bulk_id, lambda: self._bulks.decide(bulk_id, person, decision, form.count))

    def undo(
        self,
        request: Request,
        bulk_id: Annotated[Uuid, Path()],
        form_token: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Take back what was applied."""
        person = self._office.actor(request, form_token)
        self._note(person, "undo", bulk_id)
        return self._told(request, bulk_id, lambda: self._bulks.undo(bulk_id, person))

    def _note(self, person: str, action: str, bulk_id: str) -> None:
        self._office.pages.audit.note(person, action, "selection", bulk_id, permission=Permission.REPORTS_DECIDE)

    def _told(self, request: Request, bulk_id: str, act: Callable[[], None]) -> Response:
        try:
            act()
        except Problem as problem:
            if problem.status not in (409, 503):
                raise
            return self._office.pages.to(f"/selections/{bulk_id}", request, notice=problem.code)
        return self._office.pages.to(f"/selections/{bulk_id}", request)
