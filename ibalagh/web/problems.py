"""Every refusal as a problem detail (RFC 9457): a short machine code, a sentence, never the input.

Members: `type`, `title`, `status`, `code`, `detail`, and for input that breaks a rule `errors`:
`[{field, rule, detail}]`.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from ibalagh.stream.errors import PassingError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2

_log = logging.getLogger(__name__)
_CODES: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
_READABLE: Final = frozenset({"application/json", "application/x-www-form-urlencoded", "multipart/form-data"})


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """A refusal, raised by any handler. `field` names the input that is at fault; `extra` adds members of one's own."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        field: str | None = None,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = [{"field": field, "rule": code, "detail": detail or title}] if field else list(errors)
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        self.extra = dict(extra or {})

    def body(self) -> dict[str, Any]:
        """The members of the problem detail."""
        members: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        if self.detail:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = self.errors
        return members | self.extra

    def response(self) -> Response:
        """The HTTP response."""
        return Response(orjson.dumps(self.body()), self.status, self.headers, MEDIA_TYPE)


def invalid(error: ValidationError | RequestValidationError) -> Problem:
    """422 for input that breaks a rule: which field, which rule, why; the input itself is not repeated."""
    # RFC 9457 asks for no echo, and pydantic's `msg` of a failed pattern or type names the rule only.
    errors = [
        {
            "field": _field(problem["loc"]),
            "rule": str(problem["type"]),
            "detail": str(problem["msg"]),
        }
        for problem in error.errors()
    ]
    if any(each["rule"] == "json_invalid" for each in errors):
        return Problem(400, "bad_json", "Not JSON", "The body is not a JSON document in UTF-8.")
    return Problem(422, "invalid", "Invalid input", "Some fields break a rule.", errors=errors)


def _field(location: Sequence[str | int]) -> str:
    """`body.links.0` → `links.0`; a name that the sender made up is cut short."""
    return ".".join(str(part) for part in location if part not in {"body", "query", "path"})[:100] or "body"


def unavailable(detail: str = "Please try again shortly.", retry_after_s: int = RETRY_AFTER_S) -> Problem:
    """503 with `Retry-After`: something that is needed is away for now."""
    return Problem(503, "unavailable", "Not available now", detail, retry_after_s=retry_after_s)


def install(app: FastAPI) -> None:
    """Answer every refusal and every error of `app` as a problem detail."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for Problem only
        return error.response()

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _READABLE and any(problem["loc"][:1] == ("body",) for problem in error.errors()):
            return Problem(415, "unsupported_media_type", "Unsupported media type", "Send application/json.").response()
        return invalid(error).response()

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        title = HTTPStatus(error.status_code).phrase
        code = _CODES.get(error.status_code, "refused")
        return Problem(error.status_code, code, title, headers=error.headers).response()

    async def on_passing(_request: Request, _error: Exception) -> Response:
        return unavailable().response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(PassingError, on_passing)


def internal_error(error: Exception) -> Response:
    """500 without anything of the inside; the error goes to the log, once."""
    _log.error("a request failed", exc_info=error)
    return Problem(500, "internal_error", "Something went wrong here", "It has been noted.").response()
