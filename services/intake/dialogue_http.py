"""The reporter's side of the dialogue as JSON: supplements and withdrawals, with the receipt in the body."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from ibalagh.web.problems import Problem, unavailable
from services.intake import openapi
from services.intake.dialogue import Dialogue, Outcome, Verdict
from services.intake.dialogue_store import WINDOW, Kept
from services.intake.http import (
    RETRY_AFTER_S,
    Intake,
    admit,
    idempotency_key,
    invalid,
    key_reused,
    read_body,
    refused_files,
    unknown_receipt,
    uploads_of,
)
from services.intake.submission import MAX_BODY_BYTES, InvalidSubmissionError, parse
from services.intake.supplements import Supplement, Withdrawal


def accepted(outcome: Outcome) -> Kept:
    """What is kept. Raises `Problem`: 404, 422, 429, 503."""
    if outcome.kept is not None:
        return outcome.kept
    match outcome.verdict:
        case Verdict.UNKNOWN_RECEIPT:
            raise unknown_receipt()
        case Verdict.TOO_MANY:
            detail = "So much was sent about this report within an hour that more is taken in later."
            later_s = int(WINDOW.total_seconds())
            raise Problem(429, "too_many", "Too many supplements", detail, retry_after_s=later_s)
        case Verdict.KEY_REUSED:
            raise key_reused()
        case Verdict.FILE_GONE | Verdict.FILES_FULL as verdict:
            raise refused_files(verdict.value)
        case _:
            raise unavailable("Nothing can be promised now. Please send it again.", RETRY_AFTER_S)


def add_routes(app: FastAPI, intake: Intake, dialogue: Dialogue) -> None:
    """Add the operations."""

    async def take_in(request: Request, model: type[Supplement] | type[Withdrawal]) -> Kept:
        admit(intake, request.headers.get("altcha"))
        key = idempotency_key(request)
        body = await read_body(request, MAX_BODY_BYTES)
        try:
            said = parse(model, body)
            uploads = await uploads_of(intake, said.attachments if isinstance(said, Supplement) else ())
        except InvalidSubmissionError as error:
            raise invalid(error) from None
        return accepted(await dialogue.amend(said, now=intake.clock(), key=key, body=body, uploads=uploads))

    @app.post("/v1/supplements", status_code=202, tags=["reports"], **openapi.SUPPLEMENT)
    async def supplement(request: Request) -> Response:
        """More about a report, a correction, or an answer to the analyst's message, with further files. 202 means
        durable. Sent again with the same `Idempotency-Key` and the same body, it is the same supplement."""
        kept = await take_in(request, Supplement)
        return _answer({"supplement_id": kept.amendment_id, "kind": kept.kind, "supplemented_at": kept.at})

    @app.post("/v1/withdrawals", status_code=202, tags=["reports"], **openapi.WITHDRAWAL)
    async def withdraw(request: Request) -> Response:
        """Take a report back. What was reported stays in the log, and an analyst decides what follows. A report is
        withdrawn once: whoever withdraws it again gets the same answer."""
        kept = await take_in(request, Withdrawal)
        return _answer({"withdrawn_at": kept.at})


def _answer(members: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(members), 202, media_type="application/json")
