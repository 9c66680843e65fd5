"""Reports in foreign formats: XARF v4 and STIX 2.1 in, one answer an item out, in order, as NDJSON.

`/v1/reports:xarf` takes one report or an array of them as JSON, or one a line as NDJSON; `/v1/reports:stix` takes a
bundle. Items that are the same as before (XARF's `report_id`; STIX's `id` and `modified`) answer with the same report.
"""

from datetime import datetime
from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from ibalagh.events.vocabulary import Channel
from ibalagh.web import ndjson
from ibalagh.web.problems import Problem
from services.intake import openapi
from services.intake.apikeys import Reporter, Scope
from services.intake.batch import MAX_BATCH_BYTES, numbered_lines
from services.intake.gate import Gate
from services.intake.http import Intake, invalid, read_body
from services.intake.mapped import MAX_DOCUMENT_BYTES, Reading, bounded, parsed
from services.intake.stix import Context, read_bundle
from services.intake.submission import InvalidSubmissionError
from services.intake.taking import MAX_ITEMS, Answer, Item, Made, problem_line, respond, take_in, wants_proofs
from services.intake.xarf import read_report

_NDJSON: Final = frozenset({ndjson.MEDIA_TYPE, "application/ndjson"})


def add_routes(app: FastAPI, intake: Intake, gate: Gate) -> None:
    """Add the operations on foreign formats; `gate` refuses everybody but trusted reporters."""

    @app.post("/v1/reports:xarf", tags=["reports"], **openapi.XARF)
    async def receive_xarf(request: Request) -> Response:
        """Take reports of XARF v4 in: one, an array, or one a line. Every one is answered for itself, in order."""
        reporter = await gate.admit(request.headers.get("authorization"), Scope.XARF)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type in _NDJSON:
            lines = numbered_lines(await read_body(request, MAX_BATCH_BYTES))
            items = [Item(number, partial(_from_line, intake, reporter, line)) for number, line in lines]
        else:
            values = await _document(request)
            reports = values if isinstance(values, list) else [values]
            if len(reports) > MAX_ITEMS:
                raise Problem(413, "too_many_items", "Too many reports", f"A request may have {MAX_ITEMS} reports.")
            items = [
                Item(number, partial(_from_value, intake, reporter, each)) for number, each in enumerate(reports, 1)
            ]
        signed = wants_proofs(request)
        tally = await gate.tally(reporter, len(items))
        return respond(request, await take_in(intake, items, tally, signed=signed), signed=signed)

    @app.post("/v1/reports:stix", tags=["reports"], **openapi.STIX)
    async def receive_stix(request: Request) -> Response:
        """Take a bundle of STIX 2.1 in. Every object is answered for itself, in order: taken in, part of another one,
        or refused."""
        reporter = await gate.admit(request.headers.get("authorization"), Scope.STIX)
        value = await _document(request)
        try:
            objects = await run_in_threadpool(read_bundle, value, intake.clock())
        except InvalidSubmissionError as error:
            raise invalid(error) from None
        answers: dict[int, Answer] = {}
        items: list[Item] = []
        for number, each in enumerate(objects, 1):
            if isinstance(each, Reading):
                items.append(Item(number, partial(_made, intake, reporter, each)))
            elif isinstance(each, Context):
                answers[number] = _context(number, each)
            else:
                answers[number] = problem_line(number, invalid(each))
        signed = wants_proofs(request)
        taken = await take_in(intake, items, await gate.tally(reporter, len(items)), signed=signed)
        answers |= {answer["line"]: answer for answer in taken}
        return respond(request, [answers[number] for number in sorted(answers)], signed=signed)


async def _document(request: Request) -> Any:
    body = await read_body(request, MAX_DOCUMENT_BYTES)
    try:
        return await run_in_threadpool(parsed, body)
    except InvalidSubmissionError as error:
        raise invalid(error) from None


def _from_line(intake: Intake, reporter: Reporter, line: bytes, now: datetime) -> Made:
    return _from_value(intake, reporter, parsed(line), now)


def _from_value(intake: Intake, reporter: Reporter, value: object, now: datetime) -> Made:
    return _made(intake, reporter, read_report(bounded(value), now), now)


def _made(intake: Intake, reporter: Reporter, reading: Reading, now: datetime) -> Made:
    prepared = intake.acceptance.prepare(
        reading.submission,
        channel=Channel.BATCH,
        now=now,
        key=reporter.own_key(reading.key),
        body=reading.body,
    )
    return Made(prepared, reading.left_out)


def _context(number: int, context: Context) -> Answer:
    answer: Answer = {"line": number, "status": 200, "code": "part_of" if context.part_of else "context"}
    return answer | ({"part_of": context.part_of} if context.part_of else {})
