"""Newline-delimited JSON, in and out: each line stands for itself, and each answer stands in the place of its line."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import orjson
from fastapi import Response
from pydantic import BaseModel, ValidationError

from ibalagh.web.problems import Problem, invalid

MEDIA_TYPE: Final = "application/x-ndjson"
M = TypeVar("M", bound=BaseModel)


class NdjsonResponse(Response):
    """A response of lines, as the OpenAPI document is told of it."""

    media_type = MEDIA_TYPE


def check_media_type(content_type: str | None) -> None:
    """Raises `Problem` 415 unless a request's `Content-Type` is NDJSON."""
    if (content_type or "").partition(";")[0].strip().lower() not in {MEDIA_TYPE, "application/ndjson"}:
        raise Problem(415, "unsupported_media_type", "Unsupported media type", f"Send {MEDIA_TYPE}.")


def read_lines(body: bytes, model: type[M], max_lines: int) -> list[M | Problem]:
    """Each line that is not blank as a model, or as the problem that it is refused with, in order.

    Raises `Problem`: 413 for more than `max_lines`, 422 for a body without lines.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > max_lines:
        raise Problem(413, "too_many_lines", "Too many lines", f"A request may have {max_lines} lines.")
    if not lines:
        raise Problem(422, "no_lines", "No lines", "The body has no line with a JSON object.")
    return [_read_line(line, model) for line in lines]


def _read_line(line: bytes, model: type[M]) -> M | Problem:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        return invalid(error)


def respond(answers: Iterable[tuple[int, Mapping[str, Any]]], status: int = 200) -> Response:
    """One line per answer (status, members), in order: the members, the line's number from 1, and the status that it
    would have had alone."""
    lines = [orjson.dumps({**members, "line": line, "status": code}) for line, (code, members) in enumerate(answers, 1)]
    return Response(b"\n".join([*lines, b""]), status, media_type=MEDIA_TYPE)
