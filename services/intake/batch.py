"""Batches of trusted reporters: NDJSON in, one answer a line out, in order; a bad line never rejects the others.

A line may carry an `idempotency_key` of its own; otherwise the request's `Idempotency-Key` and the line's number make
one, so that a whole batch can be sent again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from fastapi import FastAPI, Request, Response

from ibalagh.events.vocabulary import Channel
from ibalagh.web.problems import Problem
from services.intake import openapi
from services.intake.apikeys import Reporter, Scope
from services.intake.attached import Upload, chosen
from services.intake.gate import Gate
from services.intake.http import Intake, idempotency_key, read_body
from services.intake.submission import MAX_BODY_BYTES, BatchLine, Broken, InvalidSubmissionError, parse
from services.intake.taking import MAX_ITEMS, Item, Made, respond, take_in, wants_proofs

MAX_BATCH_BYTES: Final = 16_777_216
_FILES: Final = b'"attachments"'


class _Sender(NamedTuple):
    """Whose lines these are, and the files that the lines name, as far as known."""

    reporter: Reporter
    files: Mapping[bytes, Upload]


def add_routes(app: FastAPI, intake: Intake, gate: Gate) -> None:
    """Add the operation on batches; `gate` refuses everybody else."""

    @app.post("/v1/reports:batch", tags=["reports"], **openapi.BATCH)
    async def receive_batch(request: Request) -> Response:
        """Take up to 5,000 reports in, one a line. 503 only when not one line could be taken in."""
        reporter = await gate.admit(request.headers.get("authorization"), Scope.BATCH)
        whole = idempotency_key(request)
        lines = numbered_lines(await read_body(request, MAX_BATCH_BYTES))
        sender = _Sender(reporter, await intake.files.found(named_files(line for _, line in lines)))
        items = [
            Item(number, partial(_prepare, intake, sender, line, whole and b"%b#%d" % (whole, number)))
            for number, line in lines
        ]
        signed = wants_proofs(request)
        tally = await gate.tally(reporter, len(items))
        return respond(request, await take_in(intake, items, tally, signed=signed), signed=signed)


def numbered_lines(body: bytes) -> list[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1. Raises `Problem`: 413, and 422 when there is none."""
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    if len(lines) > MAX_ITEMS:
        raise Problem(413, "too_many_lines", "Too many lines", f"A batch may have {MAX_ITEMS} lines.")
    if not lines:
        raise Problem(422, "no_lines", "No lines", "The body has no line with a report.")
    return lines


def named_files(lines: Iterable[bytes]) -> set[str]:
    """The ids of files that lines name, so that all are looked up at once; what is wrong with a line is told later."""
    found: set[str] = set()
    for line in lines:
        if _FILES not in line or len(line) > MAX_BODY_BYTES:
            continue
        try:
            named = parse(BatchLine, line).attachments
        except InvalidSubmissionError:
            continue
        found.update(named)
    return found


def _prepare(intake: Intake, sender: _Sender, line: bytes, key: bytes | None, now: datetime) -> Made:
    reporter, files = sender
    if len(line) > MAX_BODY_BYTES:
        raise InvalidSubmissionError(Broken("", "too_large", f"A report may have {MAX_BODY_BYTES} bytes."))
    submission = parse(BatchLine, line).checked(now, trusted=Scope.SUBMITTED_AT in reporter.scopes)
    if submission.idempotency_key is not None:
        key = submission.idempotency_key.encode("ascii")
    uploads = chosen(submission.attachments, intake.files.hash_of, files)
    prepared = intake.acceptance.prepare(
        submission, channel=Channel.BATCH, now=now, key=reporter.own_key(key), body=line, uploads=uploads
    )
    return Made(prepared)
