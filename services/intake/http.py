"""Intake's JSON interface: take a report, take a batch, answer for a receipt.

Bodies are validated straight from their bytes. Whoever asks leaves no trace: no address is read, stored or logged.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from ibalagh.events.vocabulary import Channel
from ibalagh.web.problems import Problem, unavailable
from services.intake import openapi
from services.intake.acceptance import Acceptance, Prepared
from services.intake.admission import Admission
from services.intake.apikeys import Reporter, Scope
from services.intake.attached import ATTACHMENT_RULES, Upload, chosen
from services.intake.edge import COUNTRY
from services.intake.gate import OPERATOR, Gate
from services.intake.metrics import intake_metrics
from services.intake.proof import Proofs
from services.intake.publisher import Outcome, OverloadedError, Verdict
from services.intake.quota import UNCOUNTED, Tally, quota_used_up
from services.intake.signing import Facts, Signer
from services.intake.store import ReportStatus
from services.intake.submission import (
    MAX_BODY_BYTES,
    RULES,
    Broken,
    InvalidSubmissionError,
    StatusQuestion,
    Submission,
    parse,
)

RETRY_AFTER_S: Final = 2
CHALLENGE: Final = "/v1/challenge"
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{16,128}", re.ASCII)
_MEDIA_TYPE: Final = "application/json"


class Queue(Protocol):
    """Where prepared reports go; see `Publisher.offer`."""

    def offer(self, reports: Sequence[Prepared], *, pressing: bool = False) -> Any: ...


class Statuses(Protocol):
    """Who knows what became of a report; see `IntakeStore.status_of`."""

    def status_of(self, receipt_hash: bytes) -> ReportStatus | None: ...


class Files(Protocol):
    """Who knows the files that were sent before; see `attachments.taking.Evidence`."""

    def hash_of(self, attachment_id: str) -> bytes: ...

    async def found(self, attachment_ids: Iterable[str]) -> Mapping[bytes, Upload]: ...


class NoFiles:
    """`Files` of an intake that takes none: nothing is known."""

    def hash_of(self, attachment_id: str) -> bytes:
        """See `Files`."""
        return attachment_id.encode()

    async def found(self, attachment_ids: Iterable[str]) -> Mapping[bytes, Upload]:
        """See `Files`."""
        del attachment_ids
        return {}


class Intake(NamedTuple):
    """What the interfaces work with. `trusts` says whether an `Authorization` header is a trusted reporter's."""

    acceptance: Acceptance
    queue: Queue
    statuses: Statuses
    trusts: Callable[[str | None], bool]
    clock: Callable[[], datetime]
    admission: Admission
    proofs: Proofs
    signer: Signer
    files: Files = NoFiles()

    def signed(self, facts: Facts | None) -> Mapping[str, Any] | None:
        """The signed receipt of an accepted report; None for a repeat of what was answered before there were any."""
        return None if facts is None else self.signer.sign(facts)


class Accepted(NamedTuple):
    """A report that is durable: its id, the receipt that is shown once, and what we sign about it."""

    report_id: str
    receipt: str
    signed_receipt: Mapping[str, Any] | None


async def accept(
    intake: Intake,
    submission: Submission,
    channel: Channel,
    *,
    key: bytes | None,
    body: bytes,
    now: datetime,
    tally: Tally = UNCOUNTED,
) -> Accepted:
    """Take one report in; a trusted reporter's is counted by `tally`, which this ends. Raises `Problem`: 422 when the
    key came with another body before, 429 when the quota is used up, 503 when nothing can be promised now."""
    try:
        uploads = await uploads_of(intake, submission.attachments)
    except InvalidSubmissionError as error:
        raise invalid(error) from None
    prepared = intake.acceptance.prepare(submission, channel=channel, now=now, key=key, body=body, uploads=uploads)
    try:
        if not all(await tally.allow([prepared])):
            raise quota_used_up(now)
        outcomes: list[Outcome] = await intake.queue.offer([prepared], pressing=submission.pressing or prepared.urgent)
        tally.answered([prepared], outcomes)
    except OverloadedError:
        tally.refused_by_queue([prepared])
        raise unavailable("Too many reports wait. Please send it again.", RETRY_AFTER_S) from None
    finally:
        await tally.settle()
    verdict, report_id, receipt, facts = outcomes[0]
    if verdict is Verdict.ACCEPTED:
        return Accepted(report_id, receipt, intake.signed(facts))
    raise refused(verdict)


async def uploads_of(intake: Intake, attachment_ids: Sequence[str]) -> tuple[Upload, ...]:
    """The files of these ids, in order. Raises `InvalidSubmissionError` that names each id's place, `PassingError`."""
    return chosen(attachment_ids, intake.files.hash_of, await intake.files.found(attachment_ids))


async def status_of(intake: Intake, receipt: str) -> ReportStatus:
    """What became of the report with this receipt. A wrong receipt, however wrong, costs and says the same: 404."""
    found = await run_in_threadpool(intake.statuses.status_of, intake.acceptance.receipt_hash(receipt))
    if found is None:
        raise unknown_receipt()
    return found


def unknown_receipt() -> Problem:
    """The problem of every wrong receipt."""
    return Problem(404, "unknown_receipt", "Unknown receipt", "There is no report with this receipt.")


def admit(intake: Intake, solution: str | None) -> None:
    """Let a report of the public in before anything of it is read. Raises `Problem`: 503 when too many come without a
    proof of work, 400 when the proof is worth nothing."""
    refusal = intake.admission.admit(solution)
    if refusal is None:
        return
    intake_metrics().refused("bad_proof" if refusal.bad_proof else "busy")
    if refusal.bad_proof:
        detail = f"The header Altcha holds no solution, or one that expired or was used: get a new one at {CHALLENGE}."
        raise Problem(400, "bad_proof", "Bad proof of work", detail, field="Altcha")
    raise Problem(
        503,
        "busy",
        "Very many reports come in",
        f"Send it again after Retry-After seconds, or at once with the solution of {CHALLENGE} in the header Altcha.",
        retry_after_s=refusal.retry_after_s,
        extra={"challenge": CHALLENGE},
    )


def refused(verdict: Verdict) -> Problem:
    """The problem of a report that was not accepted."""
    if verdict is Verdict.KEY_REUSED:
        return key_reused()
    if verdict is Verdict.FILE_GONE:
        return refused_files(verdict.value)
    return unavailable("Nothing can be promised now. Please send it again, with the same key.", RETRY_AFTER_S)


def refused_files(rule: str) -> Problem:
    """The problem of files that broke a rule of `ATTACHMENT_RULES` when they were to be given to a report."""
    return invalid(InvalidSubmissionError(Broken("attachments", rule, ATTACHMENT_RULES[rule])))


def key_reused() -> Problem:
    """The problem of an idempotency key that came with another body before."""
    detail = "This key came with another body before. Use a new key."
    return Problem(422, "idempotency_key_reused", "Idempotency key reused", detail)


def later(response: Response, seconds: int) -> Response:
    """The response, which asks to come again after so many seconds."""
    response.headers["Retry-After"] = str(seconds)
    return response


def invalid(error: InvalidSubmissionError) -> Problem:
    """The problem of a submission that breaks rules."""
    if error.unreadable:
        return Problem(400, "bad_json", "Not JSON", RULES["bad_json"])
    return Problem(422, "invalid", "Invalid input", "Some fields break a rule.", errors=errors_of(error.rules))


def errors_of(rules: Sequence[Broken]) -> list[Mapping[str, str]]:
    """The member `errors` of a problem detail."""
    return [{"field": each.field or "body", "rule": each.rule, "detail": each.detail} for each in rules]


def idempotency_key(request: Request) -> bytes | None:
    """The request's `Idempotency-Key`. Raises `Problem` 400 when it is not 16 to 128 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem(
            400, "bad_idempotency_key", "Bad idempotency key", RULES["bad_idempotency_key"], field="Idempotency-Key"
        )
    return key.encode("ascii")


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises `Problem` 413 as soon as it exceeds `limit_bytes`."""
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise Problem(413, "too_large", "Too large", f"A report may have {limit_bytes} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


async def sender(intake: Intake, gate: Gate, request: Request) -> Reporter | None:
    """Who sends a report: a trusted reporter, or None for the public, which is let in as `admit` says. Raises
    `Problem`; a token or key that came and is none is 401, since its sender takes itself for somebody."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        admit(intake, request.headers.get("altcha"))
        return None
    return OPERATOR if intake.trusts(authorization) else await gate.admit(authorization, Scope.BATCH)


class _Directly:
    """Serves requests by a handler and nothing else; what the handler raises is answered by the application."""

    def __init__(self, handler: Callable[[Request], Awaitable[Response]]) -> None:
        self._handler = handler

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        response = await self._handler(Request(scope, receive, send))
        await response(scope, receive, send)


def add_routes(app: FastAPI, intake: Intake, gate: Gate) -> None:
    """Add the operations on single reports; `gate` knows trusted reporters."""

    @app.post("/v1/reports", status_code=202, tags=["reports"], **openapi.REPORT)
    async def receive_report(request: Request) -> Response:
        """Take one report in. The receipt is shown once, and answers for what is durable. Sent again with the same
        `Idempotency-Key` and the same body, a report answers with the same id and the same receipts."""
        reporter = await sender(intake, gate, request)
        key = idempotency_key(request)
        body = await read_body(request, MAX_BODY_BYTES)
        now = intake.clock()
        try:
            trusted = reporter is not None and Scope.SUBMITTED_AT in reporter.scopes
            submission = parse(Submission, body).checked(now, trusted=trusted)
        except InvalidSubmissionError as error:
            raise invalid(error) from None
        tally = UNCOUNTED
        if reporter is None:
            submission = submission.located(request.scope.get(COUNTRY))
        else:
            key, tally = reporter.own_key(key), await gate.tally(reporter, 1)
        accepted = await accept(intake, submission, Channel.API, key=key, body=body, now=now, tally=tally)
        return Response(orjson.dumps(accepted._asdict()), 202, media_type=_MEDIA_TYPE)

    # FastAPI describes the operation. Its dependencies and exit stacks would cost a quarter of all that a report costs.
    app.router.routes.insert(0, Route("/v1/reports", _Directly(receive_report), methods=["POST"]))

    @app.get("/v1/challenge", tags=["reports"], **openapi.CHALLENGE)
    async def give_challenge() -> Response:
        """A proof of work to be done (altcha, version 2): its solution, in the header `Altcha` of a report, has the
        report taken in at once however many others come. One solution is worth one report; it expires after 10
        minutes."""
        return Response(orjson.dumps(intake.proofs.challenge()), media_type=_MEDIA_TYPE)

    @app.post("/v1/status", tags=["reports"], **openapi.STATUS)
    async def tell_status(request: Request) -> Response:
        """What became of a report, what analysts wrote to its reporter, and that the reporter said more since. The
        receipt goes in the body, so that no address and no log ever holds it."""
        try:
            question = parse(StatusQuestion, await read_body(request, MAX_BODY_BYTES))
        except InvalidSubmissionError as error:
            raise invalid(error) from None
        found = await status_of(intake, question.receipt)
        answer = {
            "status": found.status,
            "updated_at": found.updated_at,
            "messages": [each._asdict() for each in found.messages],
            "amendments": [each._asdict() for each in found.amendments],
            "withdrawn_at": found.withdrawn_at,
        }
        return Response(orjson.dumps(answer), media_type=_MEDIA_TYPE)
