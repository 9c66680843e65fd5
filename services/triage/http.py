"""Triage's HTTP interface: the queue, all triaged reports, and decisions, which become commands on `triage.decisions`.

Everything under `/v1` asks for the bearer token, or a session (`access`). Refusals are problem details: 401, 404
`unknown_report`, 409 with the codes of `reviews.RefusalCode`, 422, 503.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.dialogue import ReportSupplementedV1
from ibalagh.events.envelope import Data, Event, Position, Uuid
from ibalagh.events.make import root
from ibalagh.events.reports import Indicator, ReportReceivedV1, ShortText
from ibalagh.events.vocabulary import Category, IndicatorKind, ReviewAction
from ibalagh.storage.postgres import Database
from ibalagh.web import ndjson
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.triage import desk_store, openapi, store, wellbeing_store
from services.triage.access import Access
from services.triage.acts import Person
from services.triage.campaigns import store as campaigns_store
from services.triage.desk_store import Between
from services.triage.entities.scripts import Suspicion, suspicion
from services.triage.filters import Filter
from services.triage.handlers import SOURCE
from services.triage.store import QueuePlace, Shown

Reviewer = Person
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]*$", max_length=100)]
"""A code and no sentence: it travels with every later event about the report, so nobody's data may be in it."""
ReportId = Annotated[Uuid, Path(description="A report's id")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
AmendmentsSeen = Annotated[int | None, Field(ge=0, description="How many amendments were looked at; all, if not given")]

_PLACE: Final = re.compile(r"([0-3])~([0-9T:.+-]{10,40})~([0-9a-f-]{36})")


class Texts(Protocol):
    """What reporters wrote, at positions of the log; see `texts.TextReader`."""

    def report_at(self, position: Position) -> ReportReceivedV1 | None: ...

    def supplements_at(self, positions: Sequence[Position]) -> list[ReportSupplementedV1 | None]: ...


class QueueQuery(Filter):
    """What is asked of the queue."""

    limit: int = Field(100, ge=1, le=1_000)
    after: str | None = Field(None, max_length=120, description="The `next` of the page before")
    person: str = Field("", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="Pseudonym, for `held`")


class DecisionIn(BaseModel):
    """A decision about a report. `version`: the one that was looked at; without it, whatever is current."""

    model_config = ConfigDict(extra="forbid")

    report_id: Uuid
    version: int | None = Field(None, ge=1)
    action: ReviewAction
    category: Category | None = Field(None, description="Needed to reclassify")
    organisation: ShortText | None = Field(None, description="The terrorist organisation that is named, if one is")
    reason: ReasonCode = Field("", description="A reason code; no personal data")
    reviewer: Reviewer = Field(description="Pseudonym of the analyst")
    decided_at: AwareDatetime | None = Field(None, description="When it was decided; now, if not given")
    amendments_seen: AmendmentsSeen = None


def to_command(decision: DecisionIn, *, id_: str, now: datetime) -> Event[Data]:
    """The command for a decision. `now` aware, UTC."""
    fields = decision.model_dump(exclude={"decided_at"})
    data = DecideReportV1(**fields, decided_at=decision.decided_at or now)
    return root(data, id_=id_, source=SOURCE, subject=decision.report_id, now=now)


def short_view(shown: Shown) -> dict[str, Any]:
    """A report in a list."""
    report, decision = shown.item.report, shown.item.report.decision
    return {
        "report_id": report.report_id,
        "version": report.version,
        "state": shown.item.state.value,
        "category": decision.category.value,
        "organisation": decision.organisation,
        "disposition": decision.disposition.value,
        "urgency": shown.urgency,
        "confidence": decision.confidence,
        "new_from_reporter": shown.dialogue.news,
        "withdrawn_at": shown.dialogue.withdrawn_at,
    }


def full_view(shown: Shown) -> dict[str, Any]:
    """A report with all that triage knows of it, but the text."""
    report, decision = shown.item.report, shown.item.report.decision
    return {
        **short_view(shown),
        "reasons": list(decision.reasons),
        "province": decision.province,
        "policy": decision.policy,
        "variety": report.variety.value,
        "received_at": shown.received_at.isoformat(),
        "facts": report.facts.model_dump(mode="json"),
        "indicators": [indicator.model_dump(mode="json") for indicator in report.indicators],
        "suspicious_links": [
            {"value": value, "reads": found.reads, "why": found.why.value}
            for value, found in suspicious_links(report.indicators).items()
        ],
    }


def between_view(between: Between, report_id: str) -> dict[str, Any]:
    """Who works on a report, what waits for a second person, and who handed it on; nulls where nobody does."""
    claim, escalation = between.claims.get(report_id), between.escalations.get(report_id)
    proposal = between.proposals.get(report_id)
    proposed = None
    if proposal is not None:
        made = proposal.command.model_dump(mode="json", include={"action", "category", "organisation", "reason"})
        proposed = made | {
            "proposal_id": proposal.proposal_id,
            "version": proposal.version,
            "person": proposal.command.reviewer,
            "proposed_at": proposal.command.decided_at,
        }
    return {
        "claim": None if claim is None else {"person": claim.person, "until": claim.until},
        "proposal": proposed,
        "escalation": None if escalation is None else escalation._asdict(),
    }


def suspicious_links(indicators: Iterable[Indicator]) -> dict[str, Suspicion]:
    """The links among `indicators` that are written to be taken for others, with what is suspicious about each."""
    links = [indicator.value for indicator in indicators if indicator.kind is IndicatorKind.URL]
    return {link: found for link in links if (found := suspicion(link)) is not None}


def text_view(received: ReportReceivedV1 | None) -> dict[str, Any]:
    """What the reporter wrote, to be read by an analyst; nulls where the log could not be read."""
    if received is None:
        return {"text": None, "links": None, "category_hint": None, "platform": None, "place": None}
    return received.model_dump(mode="json", include={"text", "links", "category_hint", "platform", "place"})


def routes(
    access: Access, database: Database, commands: Commands, texts: Texts, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.get("/reviews")
    def list_reviews(wanted: Annotated[QueueQuery, Query()]) -> dict[str, Any]:
        """A page of the queue, the most urgent first, then by age and reach; `next` is null on the last page."""
        limit, now = wanted.limit, clock()
        page = store.queue(database, wanted, limit=limit + 1, after=place(wanted.after), person=wanted.person, now=now)
        following = place_of(page[limit - 1]) if len(page) > limit else None
        page = page[:limit]
        ids = [each.item.report.report_id for each in page]
        between, campaigns = desk_store.between(database, ids, now), campaigns_store.shown(database, ids)
        items = [
            full_view(each) | between_view(between, id_) | {"campaign": campaigns_store.as_json(campaigns.get(id_))}
            for id_, each in zip(ids, page, strict=True)
        ]
        return _page(items, following)

    @router.get("/reports")
    def list_reports(
        limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
        after: Annotated[Uuid | None, Query(description="The `next` of the page before")] = None,
    ) -> dict[str, Any]:
        """A page of all triaged reports, in the order of their ids; `next` is null on the last page."""
        page = store.reports(database, limit=limit + 1, after=after)
        last = page[limit - 1].item.report.report_id if len(page) > limit else None
        return _page(list(map(short_view, page[:limit])), last)

    @router.get("/reports/{report_id}")
    def show_report(
        report_id: ReportId,
        person: Annotated[Person | None, Query(description="Who reads it: it counts in their day")] = None,
    ) -> dict[str, Any]:
        """A report with what its reporter wrote; `text` is null when the log cannot be read now."""
        shown = store.one(database, report_id)
        if shown is None:
            raise Problem(404, "unknown_report", "No such report")
        if person is not None:
            wellbeing_store.note_view(database, person, report_id, shown.item.report.decision.category, clock())
        between = desk_store.between(database, [report_id], clock())
        campaign = campaigns_store.shown(database, [report_id]).get(report_id)
        return (
            full_view(shown)
            | text_view(texts.report_at(shown.source))
            | between_view(between, report_id)
            | {"campaign": campaigns_store.as_json(campaign)}
        )

    @router.post("/decisions", **openapi.command())
    def decide(decision: DecisionIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Decide: 200 when applied within 2 s, 202 with `status_url` when not handled yet, 409 when refused."""
        return commands.send(to_command(decision, id_=command_id(idempotency_key), now=clock()))

    @router.post("/decisions:batch", **openapi.lines(DecisionIn))
    async def decide_in_batch(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Up to 1,000 decisions as NDJSON; an answer per line, in order. Decisions about the same report apply in the
        order of the lines."""
        ndjson.check_media_type(request.headers.get("content-type"))
        now = clock()

        def line_to_command(line: DecisionIn, number: int) -> Event[Data]:
            return to_command(line, id_=command_id(idempotency_key, number), now=now)

        return await run_in_threadpool(commands.send_lines, await request.body(), DecisionIn, line_to_command)

    @router.get("/commands/{id_}")
    def command_status(id_: Annotated[Uuid, Path()]) -> Response:
        """The result of a decision that was answered with 202; 404 while there is none."""
        return commands.status(id_)

    return router


def _page(items: list[dict[str, Any]], following: str | None) -> dict[str, Any]:
    return {"items": items, "next": following}


def place_of(shown: Shown) -> str:
    """The place of a report in the queue, as a `next` names it."""
    report = shown.item.report
    return f"{shown.urgency}~{shown.rank.isoformat()}~{report.report_id}"


def place(after: str | None) -> QueuePlace | None:
    """The place that a `next` names; raises `Problem` 422 for what is none."""
    if after is None:
        return None
    match = _PLACE.fullmatch(after)
    try:
        if match is not None:
            return QueuePlace(int(match[1]), datetime.fromisoformat(match[2]), match[3])
    except ValueError:
        pass
    raise Problem(422, "invalid", "Invalid input", "Not the `next` of a page.", field="after")
