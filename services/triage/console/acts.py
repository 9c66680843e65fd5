"""What an analyst does about one report: hold it, decide, take back, reject a proposal, hand on, write to the reporter.

Each is a form; whatever comes of it is told on the page that follows.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import BaseModel, Field, ValidationError

from ibalagh.events.desk import Code
from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import ShortText
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.web.commands import command_id
from ibalagh.web.problems import Problem, invalid
from ibalagh.web.roles import Permission
from services.triage import acts, claim_store, desk_store, dialogue_http
from services.triage.console.office import Office
from services.triage.dialogue_http import MessageIn
from services.triage.http import DecisionIn, to_command
from services.triage.reasons import EscalateReason, RejectReason

_REPORT: Final = "/reports/{report_id}"
ReportId = Annotated[Uuid, Path()]
FormToken = Annotated[str, Form(max_length=200)]


class DecideForm(BaseModel):
    """The form of a decision; an empty field was not filled in. `then` says where to go afterwards."""

    form_token: str = Field("", max_length=200)
    action: ReviewAction
    version: int = Field(ge=1)
    category: Category | Literal[""] = ""
    organisation: ShortText = ""
    reason: Code = ""
    amendments_seen: int | None = Field(None, ge=0)
    then: Literal["queue", "next"] = "queue"


class MessageForm(BaseModel):
    """The form of a message to the reporter."""

    form_token: str = Field("", max_length=200)
    text: str = Field("", max_length=20_000)
    amendments_seen: int = Field(ge=0)


class ActPages:
    """The forms of a report's page."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes."""
        forms: dict[str, Callable[..., Response]] = {
            "claim": self.claim,
            "release": self.release,
            "decisions": self.decide,
            "undo": self.undo,
            "rejection": self.reject,
            "escalation": self.escalate,
            "messages": self.write,
        }
        for path, act in forms.items():
            router.add_api_route(f"{_REPORT}/{path}", act, methods=["POST"])

    def claim(self, request: Request, report_id: ReportId, form_token: FormToken = "") -> Response:
        """Hold the report, or hold it on."""
        office, person = self._office, self._office.actor(request, form_token)
        claim = claim_store.take(office.database, report_id, person, now=office.clock(), lasts_s=office.claim_s)
        if claim is None:
            raise Problem(404, "unknown_report", "No such report")
        if claim.person != person:
            if request.headers.get("accept") == "application/json":  # the script renews, and wants no page
                raise Problem(409, "claimed", "Somebody else works on it")
            return office.pages.to(f"/reports/{report_id}", request, notice="claimed")
        return office.pages.to(f"/reports/{report_id}", request)

    def release(self, request: Request, report_id: ReportId, form_token: FormToken = "") -> Response:
        """Give the report back, to the queue."""
        person = self._office.actor(request, form_token)
        claim_store.release(self._office.database, report_id, person)
        return self._office.pages.to("/", request, notice="released")

    def decide(self, request: Request, report_id: ReportId, form: Annotated[DecideForm, Form()]) -> Response:
        """Send one decision; on to the queue or the next report when it took effect, else back with what came of it."""
        needed = self._deciding(report_id)
        office, reviewer = self._office, self._office.actor(request, form.form_token, needed)
        stated = form.model_dump(exclude={"form_token", "then"}) | {"report_id": report_id, "reviewer": reviewer}
        if form.action is not ReviewAction.RECLASSIFY:
            # The form has one set of fields for three buttons: the category belongs to one of them.
            stated |= {"category": "", "organisation": ""}
        if form.action is ReviewAction.DISMISS and not form.reason:
            return office.pages.to(f"/reports/{report_id}", request, notice="reason_needed")
        if form.action is not ReviewAction.DISMISS:
            stated |= {"reason": ""}  # the list is of reasons to set aside
        try:
            decision = DecisionIn.model_validate(
                {name: value for name, value in stated.items() if value not in ("", None)}
            )
        except ValidationError as error:
            raise invalid(error) from None
        done, members = office.give(
            to_command(decision, id_=command_id(None), now=office.clock()), reviewer, form.action, needed
        )
        if not done:
            return office.back(request, report_id, members, looked_at=form.version)
        notice = "proposed_now" if "proposal_id" in members["detail"] else "applied"
        if form.then == "next":
            return office.onward(request, reviewer, notice)
        return office.pages.to("/", request, notice=notice)

    def undo(
        self,
        request: Request,
        report_id: ReportId,
        version: Annotated[int, Form(ge=2)],
        form_token: FormToken = "",
    ) -> Response:
        """Take back the decision that made the version."""
        office, person = self._office, self._office.actor(request, form_token)
        stated = acts.UndoIn(report_id=report_id, version=version, person=person)
        done, members = office.give(acts.to_undo(stated, id_=command_id(None), now=office.clock()), person, "undo")
        if not done:
            return office.back(request, report_id, members, looked_at=version)
        return office.pages.to(f"/reports/{report_id}", request, notice="undone")

    def reject(
        self,
        request: Request,
        report_id: ReportId,
        proposal_id: Annotated[Uuid, Form()],
        reason: Annotated[RejectReason, Form()],
        form_token: FormToken = "",
    ) -> Response:
        """Do not agree with a proposed decision."""
        office, person = self._office, self._office.actor(request, form_token)
        stated = acts.RejectionIn(report_id=report_id, proposal_id=proposal_id, person=person, reason=reason)
        done, members = office.give(
            acts.to_rejection(stated, id_=command_id(None), now=office.clock()), person, "reject"
        )
        if not done:
            return office.back(request, report_id, members)
        return office.pages.to(f"/reports/{report_id}", request, notice="rejected")

    def escalate(
        self,
        request: Request,
        report_id: ReportId,
        reason: Annotated[EscalateReason, Form()],
        form_token: FormToken = "",
    ) -> Response:
        """Hand the report on."""
        office, person = self._office, self._office.actor(request, form_token)
        stated = acts.EscalationIn(report_id=report_id, person=person, reason=reason)
        done, members = office.give(
            acts.to_escalation(stated, id_=command_id(None), now=office.clock()), person, "escalate"
        )
        if not done:
            return office.back(request, report_id, members)
        return office.pages.to("/", request, notice="handed_on")

    def write(self, request: Request, report_id: ReportId, form: Annotated[MessageForm, Form()]) -> Response:
        """Write to the reporter; back to the report with what came of it."""
        office, sender = self._office, self._office.actor(request, form.form_token, Permission.REPORTS_MESSAGE)
        stated = form.model_dump(exclude={"form_token"}) | {"report_id": report_id, "sender": sender}
        stated["text"] = form.text.replace("\r\n", "\n")
        try:
            message = MessageIn.model_validate(stated)
        except ValidationError as error:
            raise invalid(error) from None
        done, members = office.give(
            dialogue_http.to_command(message, id_=command_id(None), now=office.clock()),
            sender,
            "messaged",
            Permission.REPORTS_MESSAGE,
        )
        if not done:
            return office.back(request, report_id, members)
        return office.pages.to(f"/reports/{report_id}", request, notice="sent")

    def _deciding(self, report_id: str) -> Permission:
        """What a decision asks for: more of whoever confirms what another one proposed."""
        standing = desk_store.between(self._office.database, [report_id], self._office.clock()).proposals
        return Permission.REPORTS_DECIDE_MINORS if report_id in standing else Permission.REPORTS_DECIDE
