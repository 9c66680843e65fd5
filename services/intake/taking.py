"""Many reports in one request: one answer each, in order; one that is refused never rejects the others.

In: items that know how to prepare themselves; out: answers as NDJSON, refusals among them in the reader's language.
Items are taken in by the hundred, so that other requests get their turn. A reporter's idempotency keys are its own:
another's equal key is another key.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import compress
from operator import not_
from typing import Any, Final, NamedTuple

import orjson
from fastapi import Request, Response

from ibalagh.web import ndjson
from ibalagh.web.problems import Problem
from ibalagh.web.refusals import Texts, language_of, translated
from services.intake.acceptance import Prepared
from services.intake.http import Intake, invalid, refused
from services.intake.metrics import intake_metrics
from services.intake.publisher import Outcome, OverloadedError, Verdict
from services.intake.quota import Tally, quota_used_up
from services.intake.refusals import problem_texts
from services.intake.submission import InvalidSubmissionError

MAX_ITEMS: Final = 5_000
_CHUNK: Final = 250
_OPEN_CHUNKS: Final = 8
_PROOFS: Final = "return=representation"

Answer = dict[str, Any]


class Item(NamedTuple):
    """A report of a request: its number from 1, and how to make it at a time (raises `InvalidSubmissionError`)."""

    number: int
    make: Callable[[datetime], "Made"]


class Made(NamedTuple):
    """A prepared report, and the names of what was sent with it and has no place in a report."""

    report: Prepared
    left_out: Sequence[str] = ()


class _Open(NamedTuple):
    """Reports, by the numbers of their items, that wait for their outcomes."""

    numbers: Sequence[int]
    made: Sequence[Made]
    outcomes: Awaitable[Sequence[Outcome]]


async def take_in(intake: Intake, items: Sequence[Item], tally: Tally, *, signed: bool = False) -> list[Answer]:
    """Take the items in; their answers in order, with signed receipts if `signed`. Raises `Problem` when not one could
    be: 503, or 429 by the quota."""
    try:
        answers = await _answers(intake, items, tally, signed=signed)
    finally:
        await tally.settle()
    statuses = {answer["status"] for answer in answers}
    if statuses == {503}:
        raise refused(Verdict.UNAVAILABLE)
    if statuses == {429}:
        raise quota_used_up(intake.clock())
    return answers


def wants_proofs(request: Request) -> bool:
    """Whether the sender asks for signed receipts too (RFC 7240): to sign costs as much as all else about a report, and
    most senders keep books of their own. Who needs one later sends the report again with its key."""
    header = request.headers.get("prefer", "")
    preferences = (each.partition(";")[0].replace('"', "").replace(" ", "").lower() for each in header.split(","))
    return _PROOFS in preferences


def respond(request: Request, answers: Sequence[Answer], *, signed: bool = False) -> Response:
    """The answers, one a line, with the texts of the request's language where one refuses."""
    texts = problem_texts()
    language = language_of(request, texts)
    told = (_told(each, texts[language]) for each in answers) if language in texts else answers
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if signed:
        headers["Preference-Applied"] = _PROOFS
    body = b"".join(orjson.dumps(answer) + b"\n" for answer in told)
    return Response(body, media_type=ndjson.MEDIA_TYPE, headers=headers)


def _told(answer: Answer, texts: Texts) -> Answer:
    return translated(answer, texts) if answer["status"] >= HTTPStatus.BAD_REQUEST else answer


def problem_line(number: int, problem: Problem) -> Answer:
    """A refusal in the place of its item."""
    return {"line": number, **problem.body()}


async def _answers(intake: Intake, items: Sequence[Item], tally: Tally, *, signed: bool) -> list[Answer]:
    answers: dict[int, Answer] = {}
    waiting: deque[_Open] = deque()
    for start in range(0, len(items), _CHUNK):
        if len(waiting) == _OPEN_CHUNKS:
            answers |= await _settled(intake, waiting.popleft(), tally, signed=signed)
        numbers: list[int] = []
        made: list[Made] = []
        now = intake.clock()  # one for the chunk: what is the same is written and packed once
        for item in items[start : start + _CHUNK]:
            try:
                made.append(item.make(now))
                numbers.append(item.number)
            except InvalidSubmissionError as error:
                answers[item.number] = problem_line(item.number, invalid(error))
        allowed = await tally.allow([each.report for each in made])
        if not all(allowed):
            over = quota_used_up(now)
            answers |= {number: problem_line(number, over) for number in compress(numbers, map(not_, allowed))}
            intake_metrics().answered([over.code] * allowed.count(False))
            numbers, made = list(compress(numbers, allowed)), list(compress(made, allowed))
        reports = [each.report for each in made]
        try:
            waiting.append(_Open(numbers, made, intake.queue.offer(reports)))
        except OverloadedError:
            tally.refused_by_queue(reports)
            answers |= {number: problem_line(number, refused(Verdict.UNAVAILABLE)) for number in numbers}
        await asyncio.sleep(0)
    while waiting:
        answers |= await _settled(intake, waiting.popleft(), tally, signed=signed)
    return [answers[item.number] for item in items]


async def _settled(intake: Intake, chunk: _Open, tally: Tally, *, signed: bool) -> dict[int, Answer]:
    outcomes = await chunk.outcomes
    tally.answered([each.report for each in chunk.made], outcomes)
    # Other requests get their turn before a chunk's receipts are signed, which takes 10 ms.
    await asyncio.sleep(0)
    answered = zip(chunk.numbers, chunk.made, outcomes, strict=True)
    answers = {number: _answer(number, made, outcome) for number, made, outcome in answered}
    if signed:
        for number, outcome in zip(chunk.numbers, outcomes, strict=True):
            if outcome.verdict is Verdict.ACCEPTED:
                answers[number]["signed_receipt"] = intake.signed(outcome.facts)
    return answers


def _answer(number: int, made: Made, outcome: Outcome) -> Answer:
    if outcome.verdict is not Verdict.ACCEPTED:
        return problem_line(number, refused(outcome.verdict))
    answer: Answer = {"line": number, "status": 202, "report_id": outcome.report_id, "receipt": outcome.receipt}
    return answer | {"left_out": made.left_out} if made.left_out else answer
