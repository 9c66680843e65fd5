"""Evidence over HTTP: `POST /v1/attachments` for anyone, the viewing copies for operators.

In: a file as the raw body, its name in `Content-Disposition` (RFC 6266) or `?name=`; out: the id that its uploader
holds. Whoever looks at a viewing copy is in the vault's audit before they see it.
"""

import uuid
from email.message import Message
from itertools import chain
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from ibalagh.web.auth import not_signed_in
from ibalagh.web.problems import Problem
from services.intake.attachments import openapi
from services.intake.attachments.blobs import MissingBlobError
from services.intake.attachments.records import Records
from services.intake.attachments.taking import Evidence, Limits, Taken, too_large
from services.intake.attachments.vessel import Vessel
from services.intake.evidence.kinds import SUFFIXES, Kind, RefusedFileError
from services.intake.evidence.viewing import VIEW_KINDS
from services.intake.http import Intake, admit
from services.intake.metrics import intake_metrics
from services.intake.vault import SealBrokenError

PATH: Final = "/v1/attachments"
_MEDIA_TYPE: Final = "application/json"
_INERT: Final = "sandbox; default-src 'none'"
"""Nothing that a viewing copy may still hold runs or loads, even where a browser shows it after all."""


def add_routes(app: FastAPI, intake: Intake, evidence: Evidence, records: Records, vessel: Vessel) -> None:
    """Add the operations on files."""

    @app.post(PATH, status_code=201, tags=["reports"], **openapi.UPLOAD)
    async def take_file(request: Request) -> Response:
        """Take one file in, as evidence for a report that names its `attachment_id` within some hours. Only who has
        that id can attach the file, and only to one report."""
        admit(intake, request.headers.get("altcha"))
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > evidence.limits.file_bytes:
            raise too_large(evidence.limits.file_bytes)
        try:
            taken = await _received(request, evidence)
        except RefusedFileError as error:
            intake_metrics().refused_file(error.code)
            raise refusal(error, evidence.limits) from None
        return Response(orjson.dumps(said_of(taken)), 201, media_type=_MEDIA_TYPE)

    @app.get("/v1/reports/{report_id}/attachments", tags=["operators"], **openapi.LIST)
    async def list_files(report_id: str, request: Request) -> Response:
        """The files of a report: what they are, and whether there is a copy to look at. Never their names."""
        _require_operator(intake, request)
        files = await run_in_threadpool(records.files_of, _uuid(report_id))
        listed = [
            {
                "number": each.number,
                "sha256": each.sha256.hex(),
                "size_bytes": each.size_bytes,
                "media_type": each.media_type,
                "view_bytes": each.view_bytes,
            }
            for each in files
        ]
        return Response(orjson.dumps({"attachments": listed}), media_type=_MEDIA_TYPE)

    @app.get("/v1/reports/{report_id}/attachments/{number}", tags=["operators"], **openapi.VIEW)
    async def show_file(report_id: str, number: int, request: Request) -> Response:
        """The copy of a file without metadata. Each look is a row of the vault's audit."""
        _require_operator(intake, request)
        if not 0 < number < 1_000:
            raise _no_file()
        audited = await run_in_threadpool(records.note_view, _uuid(report_id), number)
        file = None if audited is None else await run_in_threadpool(records.viewable, audited)
        if file is None:
            raise _no_file()
        pieces = vessel.view(file.upload_id, file.key)
        try:
            first = await run_in_threadpool(next, pieces, b"")
        except (MissingBlobError, SealBrokenError):
            raise _no_file() from None
        copied = VIEW_KINDS[Kind(file.media_type)]
        name = f"{report_id}-{number}{SUFFIXES[copied]}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(file.size_bytes),
            "Content-Security-Policy": _INERT,
        }
        return StreamingResponse(chain((first,), pieces), headers=headers, media_type=copied.value)


def said_of(taken: Taken) -> dict[str, Any]:
    """What the uploader is told; not the name, which they know."""
    return {name: value for name, value in taken._asdict().items() if name != "name"}


def refusal(error: RefusedFileError, limits: Limits) -> Problem:
    """The problem of a file that is not taken: 413 for its size, else 422."""
    if error.code == "too_large":
        return too_large(limits.file_bytes)
    return Problem(422, error.code, "This file is not taken", str(error), field="body")


async def _received(request: Request, evidence: Evidence) -> Taken:
    async with await evidence.begin() as incoming:
        async for piece in request.stream():
            if piece:
                await incoming.write(piece)
        return await incoming.keep(_name_of(request))


def _name_of(request: Request) -> str | None:
    header = request.headers.get("content-disposition")
    if header is None:
        return request.query_params.get("name")
    message = Message()
    message["Content-Disposition"] = header[:2_000]
    return message.get_filename()


def _require_operator(intake: Intake, request: Request) -> None:
    if not intake.trusts(request.headers.get("authorization")):
        raise not_signed_in()


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise _no_file() from None


def _no_file() -> Problem:
    return Problem(404, "not_found", "Not found", "There is no such file, or no copy of it that can be looked at.")
