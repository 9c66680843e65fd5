"""What the OpenAPI document says about answers that no return type tells of, and about bodies of lines."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ibalagh.web.ndjson import MEDIA_TYPE as NDJSON

_REF: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_PROBLEMS: Final[Mapping[int, str]] = {
    401: "No valid token",
    403: "Somebody else's",
    404: "There is no such thing",
    409: "Refused: `code` says why, `refused` what to show of it",
    413: "Too large, or too many lines",
    415: "Not the media type that is asked for",
    422: "Some fields break a rule",
    503: "Nothing can be promised now: send it again, with the same key, after `Retry-After` seconds",
}
PROBLEM: Final = {
    "type": "object",
    "description": "A refusal (RFC 9457); nothing of what was sent is repeated",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$", "description": "Which refusal it is, for programs"},
        "detail": {"type": "string"},
        "refused": {"type": "object", "description": "Of a refused command: what to show of it"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "detail"],
                "properties": {each: {"type": "string"} for each in ("field", "rule", "detail")},
            },
        },
    },
}
OUTCOME: Final = {
    "type": "object",
    "required": ["command_id", "outcome", "code", "detail"],
    "properties": {
        "command_id": {"type": "string", "format": "uuid"},
        "outcome": {"enum": ["applied", "refused", "pending", "not_accepted"]},
        "code": {"type": ["string", "null"], "description": "Why it was refused"},
        "detail": {"type": "object"},
        "status_url": {"type": "string", "description": "Where to ask, of one that is pending"},
    },
}
"""How a command ended."""
_ANSWER_LINE: Final = {
    "type": "object",
    "description": "One a line, in the order of the lines: how the command ended, or a problem detail",
    "required": ["line", "status", "outcome"],
    "properties": {"line": {"type": "integer", "minimum": 1}, "status": {"type": "integer"}},
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation."""
    schema = {"$ref": _REF.format(model="Problem")}
    return {
        each: {"description": _PROBLEMS[each], "content": {"application/problem+json": {"schema": schema}}}
        for each in sorted(statuses)
    }


def command(*statuses: int) -> dict[str, Any]:
    """The operation of one command."""
    content = {_JSON: {"schema": OUTCOME}}
    return {
        "response_model": None,
        "responses": {
            200: {"description": "It took effect", "content": content},
            202: {"description": "Accepted, and not handled yet", "content": content},
            **refusals(401, 404, 409, 413, 422, 503, *statuses),
        },
    }


def lines(model: type[BaseModel]) -> dict[str, Any]:
    """The operation of commands by the line; a line's schema is the model's."""
    body = {"required": True, "content": {NDJSON: {"schema": {"$ref": _REF.format(model=model.__name__)}}}}
    return {
        "response_model": None,
        "response_class": Response,  # not the JSON that FastAPI would add
        "openapi_extra": {"requestBody": body},
        "responses": {
            200: {"description": "An answer per line", "content": {NDJSON: {"schema": _ANSWER_LINE}}},
            **refusals(401, 413, 415, 422, 503),
        },
    }


def add_schemas(app: FastAPI, *models: type[BaseModel]) -> None:
    """Let the document of `app` hold the schemas that operations refer to."""
    plain = app.openapi

    def with_schemas() -> dict[str, Any]:
        document = plain()
        _, schemas = models_json_schema([(each, "validation") for each in models], ref_template=_REF)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(schemas["$defs"], Problem=PROBLEM)
        return document

    app.openapi = with_schemas  # type: ignore[method-assign]
