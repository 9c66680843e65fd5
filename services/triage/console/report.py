"""A report: who works on it, its content with what was found in it, what was said and decided since, and the forms."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ibalagh.events.dialogue import ReportAmendedV1, ReportSupplementedV1
from ibalagh.events.envelope import Uuid
from ibalagh.events.reports import Decision, ReportReviewedV1
from ibalagh.events.vocabulary import Category
from ibalagh.web.problems import Problem
from ibalagh.web.roles import Permission
from services.triage import desk_store, dialogue_http, dialogue_store, store, wellbeing_store
from services.triage.campaigns import store as campaigns_store
from services.triage.console.office import Office
from services.triage.entities.attached import shown_kind
from services.triage.explain import explain_decision
from services.triage.highlight import defang, pieces, spans
from services.triage.http import suspicious_links
from services.triage.links import store as links_store
from services.triage.proceedings import changes
from services.triage.reasons import DismissReason, EscalateReason, RejectReason
from services.triage.reviews import State, machine_decision
from services.triage.wellbeing import asks_first


class Look(BaseModel):
    """What of the page is asked for."""

    notice: str = Field("", pattern=r"^[a-z_]{0,40}$", description="The code of what came of the act before")
    show: bool = Field(False, description="Content was asked for")
    since: int | None = Field(None, ge=1, description="Tell what changed since this version")
    why: bool = Field(False, description="Tell why the machine takes it for what it does")


_LINKED: Final = 10
"""Reports of each kind that the page names."""


class Entry(NamedTuple):
    """Something that was said about a report, at a time: an amendment with what the log holds of it, or a message."""

    at: datetime
    amendment: ReportAmendedV1 | None
    text: ReportSupplementedV1 | None
    message: dialogue_store.Message | None


class ReportPages:
    """One report's page."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_routes(self, router: APIRouter) -> None:
        """Add the route."""
        router.add_api_route("/reports/{report_id}", self.report, methods=["GET"], dependencies=self._office.readers())

    def report(
        self,
        request: Request,
        report_id: Annotated[Uuid, Path()],
        look: Annotated[Look, Query()],
    ) -> Response:
        """One report; its content only when asked for, where the person chose so or has read it already."""
        office = self._office
        person = office.reader(request)
        shown = store.one(office.database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        office.pages.viewed(request, "report", report_id, permission=Permission.REPORTS_READ)
        now = office.clock()
        report, category = shown.item.report, shown.item.report.decision.category
        between = desk_store.between(office.database, [report_id], now)
        claim = between.claims.get(report_id)
        chosen = wellbeing_store.choices(office.database, person)
        seen_at = wellbeing_store.seen_at(office.database, person, report_id)
        working = claim is not None and claim.person == person
        proposal = between.proposals.get(report_id)
        feared = category if proposal is None or proposal.command.category is None else proposal.command.category
        if category in chosen.ask_first:
            feared = category
        hidden = not look.show and asks_first(chosen, feared, seen=seen_at is not None, working=working)
        dialogue = dialogue_store.read(office.database, report_id)
        written, said = None, list[ReportSupplementedV1 | None]([None] * len(dialogue.amendments))
        if not hidden:
            written = office.texts.report_at(shown.source)
            said = dialogue_http.said(dialogue, office.texts)
            wellbeing_store.note_view(office.database, person, report_id, feared, now)
        versions = desk_store.versions(office.database, report_id)
        machine = machine_decision(report, [each.reviewed for each in versions])
        return office.render(
            "report.html",
            request,
            person=person,
            shown=shown,
            report=report,
            decision=report.decision,
            hidden=hidden,
            feared=feared,
            seen_at=seen_at,
            guarded=feared in chosen.ask_first,
            chosen=chosen,
            day=wellbeing_store.day(office.database, person, chosen, now),
            keys=chosen.keys,
            pieces=[] if written is None else pieces(written.text, spans(written.text, report.indicators)),
            defang=defang,
            shown_kind=shown_kind,
            suspicious=suspicious_links(report.indicators),
            standing=shown.dialogue,
            entries=_entries(dialogue, said),
            amendments_seen=len(dialogue.amendments),
            written=written,
            claim=claim,
            working=working,
            held_by_other=claim is not None and not working,
            claim_s=office.claim_s,
            proposal=proposal,
            escalation=between.escalations.get(report_id),
            versions=versions,
            machine=machine,
            campaign=campaigns_store.shown(office.database, [report_id]).get(report_id),
            links=links_store.of_shown(office.database, shown, dialogue, limit=_LINKED),
            explanation=None
            if written is None or not look.why
            else explain_decision(written, machine, office.policy(), office.second),
            changed=_changed(look.since, [each.reviewed for each in versions], report.decision),
            undoable=shown.item.state is State.DECIDED and bool(versions),
            categories=[category for category in Category if category is not Category.OUT_OF_SCOPE],
            dismiss_reasons=list(DismissReason),
            escalate_reasons=list(EscalateReason),
            reject_reasons=list(RejectReason),
            notice=look.notice,
        )


def _entries(dialogue: dialogue_store.Dialogue, texts: Sequence[ReportSupplementedV1 | None]) -> list[Entry]:
    """What was said, in the order of time."""
    entries = [
        Entry(each.data.amended_at, each.data, text, None)
        for each, text in zip(dialogue.amendments, texts, strict=True)
    ]
    entries += [Entry(each.sent_at, None, None, each) for each in dialogue.messages]
    return sorted(entries, key=attrgetter("at"))


def _changed(
    since: int | None, reviewed: Sequence[ReportReviewedV1], now: Decision
) -> dict[str, dict[str, object]] | None:
    """What changed since a version; None when it is not asked for, or not remembered."""
    before = next((each.previous for each in reviewed if since is not None and each.version == since + 1), None)
    return None if before is None else changes(before, now)
