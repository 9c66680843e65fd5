"""The dialogue with reporters over HTTP: what is new from them, what they said, and messages, which become commands.

Everything asks for the bearer token, or a session (`access`). Refusals are problem details: 401, 404 `unknown_report`,
422, 503.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ibalagh.events.commands import SendMessageV1
from ibalagh.events.dialogue import MAX_MESSAGE_CHARS, ReportSupplementedV1
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from ibalagh.events.vocabulary import AmendmentKind
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from services.triage import dialogue_store, openapi, store
from services.triage.access import Access
from services.triage.dialogue_store import Dialogue
from services.triage.handlers import SOURCE
from services.triage.http import AmendmentsSeen, IdempotencyKey, ReportId, Reviewer, Texts, full_view

MOST_TEXTS: Final = 50
"""Supplements of which the text is read for one page: the newest ones."""
MessageText = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=MAX_MESSAGE_CHARS,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
    ),
]


class MessageIn(BaseModel):
    """A message to the reporter of a report, who reads it when asking with the receipt."""

    model_config = ConfigDict(extra="forbid")

    report_id: Uuid
    text: MessageText
    sender: Reviewer = Field(description="Pseudonym of the analyst; the reporter is not told")
    sent_at: AwareDatetime | None = Field(None, description="When it was written; now, if not given")
    amendments_seen: AmendmentsSeen = None


def to_command(message: MessageIn, *, id_: str, now: datetime) -> Event[Data]:
    """The command for a message. `now` aware, UTC."""
    data = SendMessageV1(**message.model_dump(exclude={"sent_at"}), sent_at=message.sent_at or now)
    return root(data, id_=id_, source=SOURCE, subject=message.report_id, now=now)


def said(dialogue: Dialogue, texts: Texts) -> list[ReportSupplementedV1 | None]:
    """What stands in the log for each amendment; None for a withdrawal, which has no text, for what cannot be read,
    and for all but the newest."""
    found: list[ReportSupplementedV1 | None] = [None] * len(dialogue.amendments)
    newest = range(len(found))[-MOST_TEXTS:]
    wanted = [place for place in newest if dialogue.amendments[place].data.kind is not AmendmentKind.WITHDRAWAL]
    read = texts.supplements_at([dialogue.amendments[place].source for place in wanted])
    for place, text in zip(wanted, read, strict=True):
        found[place] = text
    return found


def view(dialogue: Dialogue, texts: Sequence[ReportSupplementedV1 | None]) -> dict[str, Any]:
    """A dialogue as JSON."""
    return {
        "amendments": [
            amendment.data.model_dump(mode="json", exclude={"report_id"})
            | {name: None if text is None else getattr(text, name) for name in ("text", "links", "attachments")}
            for amendment, text in zip(dialogue.amendments, texts, strict=True)
        ],
        "messages": [message._asdict() for message in dialogue.messages],
    }


def routes(
    access: Access,
    database: Database,
    commands: Commands,
    texts: Texts,
    clock: Callable[[], datetime],
) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(access)])

    @router.get("/news")
    def list_news(limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> dict[str, Any]:
        """Reports, in whatever state, with something new from their reporters: the most urgent first. One leaves the
        list when somebody who saw all that is new decides about the report or writes to its reporter."""
        return {"items": list(map(full_view, store.news(database, limit=limit)))}

    @router.get("/reports/{report_id}/dialogue")
    def show_dialogue(report_id: ReportId) -> dict[str, Any]:
        """What the reporter said after the report, and what analysts wrote; a `text` is null when the log cannot be
        read now."""
        if store.one(database, report_id) is None:
            raise Problem(404, "unknown_report", "No such report")
        dialogue = dialogue_store.read(database, report_id)
        return view(dialogue, said(dialogue, texts))

    @router.post("/messages", **openapi.command())
    def send(message: MessageIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Write to a reporter: 200 when applied within 2 s, 202 with `status_url` when not handled yet, 404 for a
        report that is unknown."""
        return commands.send(to_command(message, id_=command_id(idempotency_key), now=clock()))

    return router
