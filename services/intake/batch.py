"""Batches of trusted reporters: NDJSON in, one answer a line out, in order; a bad line never rejects the others.

A line may carry an `idempotency_key` of its own; otherwise the request's `Idempotency-Key` and the line's number make
one, so that a whole batch can be sent again. Lines are taken in by the hundred, so that other requests get their turn.
To sign a receipt costs as much as all else about a line, so a sender may ask to go without (RFC 7240,
`Prefer: return=minimal`): the same line sent again later gets its signed receipt all the same.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
from fastapi import Depends, FastAPI, Request, Response

from ibalagh.events.vocabulary import Channel
from ibalagh.web.problems import Problem
from services.intake import openapi
from services.intake.acceptance import Prepared
from services.intake.http import Intake, idempotency_key, invalid, read_body, refused
from services.intake.publisher import Outcome, OverloadedError, Verdict
from services.intake.submission import MAX_BODY_BYTES, BatchLine, Broken, InvalidSubmissionError, parse

MAX_LINES: Final = 5_000
MAX_BATCH_BYTES: Final = 16_777_216
_CHUNK: Final = 250
_OPEN_CHUNKS: Final = 8


_Answer = dict[str, Any]
_Sign = Callable[[Outcome], _Answer]
"""What to add to an accepted line's answer: its signed receipt, or nothing."""


class _Open(NamedTuple):
    """A chunk of lines, by their numbers, that waits for its outcomes."""

    numbers: Sequence[int]
    outcomes: Awaitable[Sequence[Outcome]]


def add_routes(app: FastAPI, intake: Intake, require_token: Any) -> None:
    """Add the operation on batches. `require_token` is the dependency that refuses everybody else."""

    @app.post("/v1/reports:batch", tags=["reports"], dependencies=[Depends(require_token)], **openapi.BATCH)
    async def receive_batch(request: Request) -> Response:
        """Take up to 5,000 reports in, one a line. 503 only when not one line could be taken in."""
        key = idempotency_key(request)
        lines = _lines(await read_body(request, MAX_BATCH_BYTES))
        minimal = prefers_minimal(request.headers.get("prefer", ""))
        answers = await _take_in(intake, lines, key, _unsigned if minimal else partial(_signed, intake))
        if answers and all(answer["status"] == 503 for answer in answers):
            raise refused(Verdict.UNAVAILABLE)
        body = b"".join(orjson.dumps(answer) + b"\n" for answer in answers)
        applied = {"Preference-Applied": "return=minimal"} if minimal else None
        return Response(body, media_type="application/x-ndjson", headers=applied)


def prefers_minimal(header: str) -> bool:
    """Whether a `Prefer` header (RFC 7240) asks for answers without what can be had later."""
    preferences = (each.partition(";")[0].replace('"', "").replace(" ", "").lower() for each in header.split(","))
    return "return=minimal" in preferences


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    if len(lines) > MAX_LINES:
        raise Problem(413, "too_many_lines", "Too many lines", f"A batch may have {MAX_LINES} lines.")
    return lines


async def _take_in(intake: Intake, lines: Sequence[tuple[int, bytes]], key: bytes | None, sign: _Sign) -> list[_Answer]:
    answers: dict[int, _Answer] = {}
    waiting: deque[_Open] = deque()
    for start in range(0, len(lines), _CHUNK):
        if len(waiting) == _OPEN_CHUNKS:
            answers |= await _settled(waiting.popleft(), sign)
        numbers: list[int] = []
        prepared: list[Prepared] = []
        for number, line in lines[start : start + _CHUNK]:
            try:
                prepared.append(_prepare(intake, number, line, key))
                numbers.append(number)
            except InvalidSubmissionError as error:
                answers[number] = _problem(number, invalid(error))
        try:
            waiting.append(_Open(numbers, intake.queue.offer(prepared)))
        except OverloadedError:
            answers |= {number: _problem(number, refused(Verdict.UNAVAILABLE)) for number in numbers}
        await asyncio.sleep(0)
    while waiting:
        answers |= await _settled(waiting.popleft(), sign)
    return [answers[number] for number, _ in lines]


def _prepare(intake: Intake, number: int, line: bytes, key: bytes | None) -> Prepared:
    if len(line) > MAX_BODY_BYTES:
        raise InvalidSubmissionError(Broken("", "too_large", f"A report may have {MAX_BODY_BYTES} bytes."))
    now = intake.clock()
    submission = parse(BatchLine, line).checked(now, trusted=True)
    if submission.idempotency_key is not None:
        key = submission.idempotency_key.encode("ascii")
    elif key is not None:
        key = b"%b#%d" % (key, number)
    return intake.acceptance.prepare(submission, channel=Channel.BATCH, now=now, key=key, body=line)


async def _settled(chunk: _Open, sign: _Sign) -> dict[int, _Answer]:
    """Other requests get their turn before the chunk's receipts are signed, which takes 10 ms."""
    outcomes = await chunk.outcomes
    await asyncio.sleep(0)
    pairs = zip(chunk.numbers, outcomes, strict=True)
    return {number: _answer(number, outcome, sign) for number, outcome in pairs}


def _answer(number: int, outcome: Outcome, sign: _Sign) -> _Answer:
    if outcome.verdict is Verdict.ACCEPTED:
        told = {"line": number, "status": 202, "report_id": outcome.report_id, "receipt": outcome.receipt}
        return told | sign(outcome)
    return _problem(number, refused(outcome.verdict))


def _signed(intake: Intake, outcome: Outcome) -> _Answer:
    return {"signed_receipt": intake.signed(outcome.facts)}


def _unsigned(_: Outcome) -> _Answer:
    return {}


def _problem(number: int, problem: Problem) -> _Answer:
    return {"line": number, **problem.body()}
