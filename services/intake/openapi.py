"""What the OpenAPI document says about bodies that are validated from their bytes, and so are no parameters."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from services.intake.signing import SignedReceipt
from services.intake.submission import BatchLine, StatusQuestion, Submission
from services.intake.supplements import Supplement, Withdrawal

_REF: Final = "#/components/schemas/{model}"
_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "16 to 128 visible ASCII characters, new for every report: the same request sent again with the "
    "same key is answered with the same report and the same receipt",
    "schema": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"},
}
PROOF: Final[Mapping[str, Any]] = {
    "name": "Altcha",
    "in": "header",
    "required": False,
    "description": "The solution of a `GET /v1/challenge`, in base64: needed when a 503 `busy` asks for it",
    "schema": {"type": "string", "maxLength": 4096},
}
_PREFER: Final[Mapping[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`return=representation` (RFC 7240) adds a `signed_receipt` to every line taken in, which is "
    "about as much work again; a line that is sent again later with its key can ask for it then",
    "schema": {"type": "string"},
}
_PROBLEMS: Final[Mapping[int, str]] = {
    400: "Not JSON, a bad idempotency key, or a proof of work that is worth nothing",
    401: "No valid token or API key",
    403: "The API key does not have the scope",
    404: "No report has this receipt",
    413: "Too large",
    422: "Some fields break a rule, nothing was sent, or the idempotency key came with another body before",
    429: "Faster than the API key may send, its daily quota is used up, or too many supplements of a report within an "
    "hour: come back after `Retry-After` seconds",
    503: "Nothing can be promised now: send it again, with the same key, after `Retry-After` seconds",
}
_PROBLEM: Final = {
    "type": "object",
    "description": "A refusal (RFC 9457); nothing of what was sent is repeated",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$", "description": "Which refusal it is, for programs"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["field", "rule", "detail"],
                "properties": {each: {"type": "string"} for each in ("field", "rule", "detail")},
            },
        },
    },
}
_RETRY_AFTER: Final = {
    "description": "Seconds",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
BEARER: Final[Mapping[str, Any]] = {"security": [{"bearer": []}]}
"""Of an operation that wants a token."""
_SCHEME: Final = {"type": "http", "scheme": "bearer", "description": "The API key of a trusted reporter"}
_REPORT_FIELDS: Final[Mapping[str, Any]] = {
    "report_id": {"type": "string", "format": "uuid"},
    "receipt": {"type": "string", "description": "Shown once: keep it to ask for the status"},
    "signed_receipt": {
        "description": "Proof that the report was received; null only for a repeat of a request that was answered "
        "before receipts were signed",
        "anyOf": [{"$ref": _REF.format(model="SignedReceipt")}, {"type": "null"}],
    },
}
_ACCEPTED: Final = {"type": "object", "required": list(_REPORT_FIELDS), "properties": _REPORT_FIELDS}
_TIME: Final = {"type": "string", "format": "date-time"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_MESSAGE: Final = _object(message_id={"type": "string", "format": "uuid"}, sent_at=_TIME, text={"type": "string"})
_STANDING: Final = _object(
    status={"type": "string"},
    updated_at=_TIME,
    messages={"type": "array", "items": _MESSAGE, "description": "What analysts wrote to the reporter, in order"},
    amendments={
        "type": "array",
        "items": _object(kind={"type": "string"}, at=_TIME),
        "description": "That the reporter said more since, and when, but not what: another may have found the receipt",
    },
    withdrawn_at={"anyOf": [_TIME, {"type": "null"}]},
)
_KEY_SET: Final = {
    "type": "object",
    "required": ["keys"],
    "properties": {"keys": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
}
_LINE: Final[dict[str, Any]] = {
    "type": "object",
    "description": "One a line, in the order of the lines: an accepted report, or a problem detail",
    "required": ["line", "status"],
    "properties": {"line": {"type": "integer", "minimum": 1}, "status": {"type": "integer"}, **_REPORT_FIELDS},
}
_ITEM: Final = {
    **_LINE,
    "description": "One an item, in order: an accepted report, a problem detail, or (STIX) an object that is no report "
    "by itself, status 200",
    "properties": {
        **_LINE["properties"],
        "left_out": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What was sent and has no place in a report, or was too much for one",
        },
        "part_of": {"type": "integer", "description": "STIX: the line of the object whose report tells of this one"},
    },
}
_XARF_REPORT: Final = {
    "type": "object",
    "description": "A report of XARF v4 (xarf.org); which types are read is in docs/trusted-reporters.md",
    "required": [
        *("xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier", "category", "type")
    ],
    "properties": {"xarf_version": {"type": "string", "pattern": r"^4\.[0-9]+\.[0-9]+$"}},
}
_STIX_BUNDLE: Final = {
    "type": "object",
    "description": "A bundle of STIX 2.1 (OASIS); which objects are read is in docs/trusted-reporters.md",
    "required": ["type", "objects"],
    "properties": {
        "type": {"const": "bundle"},
        "objects": {"type": "array", "maxItems": 5_000, "items": {"type": "object"}},
    },
}


def _operation(
    model: str,
    media_type: str,
    answer: tuple[int, str, str, Any],
    problems: tuple[int, ...],
    *headers: Mapping[str, Any],
) -> dict[str, Any]:
    return _described({media_type: {"$ref": _REF.format(model=model)}}, answer, problems, *headers)


def _described(
    schemas: Mapping[str, Any],
    answer: tuple[int, str, str, Any],
    problems: tuple[int, ...],
    *headers: Mapping[str, Any],
) -> dict[str, Any]:
    """An operation whose body is of one of these media types."""
    status, text, answer_type, schema = answer
    body = {"required": True, "content": {media_type: {"schema": each} for media_type, each in schemas.items()}}
    extra = {"requestBody": body, "parameters": list(headers)}
    return {
        "response_model": None,
        "openapi_extra": {**extra, **(BEARER if 401 in problems else {})},
        "responses": {
            status: {"description": text, "content": {answer_type: {"schema": schema}}},
            **{each: refusal(each) for each in problems},
        },
    }


def refusal(status: int, description: str | None = None) -> dict[str, Any]:
    """What a document says of a refusal; the `description`, if not given, is that of all operations."""
    refused = {
        "description": description or _PROBLEMS[status],
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    return refused | ({"headers": {"Retry-After": _RETRY_AFTER}} if status in (429, 503) else {})


_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
REPORT: Final = _operation(
    "Submission",
    _JSON,
    (202, "Durable: stored, and acknowledged by the log", _JSON, _ACCEPTED),
    (400, 401, 403, 413, 422, 429, 503),
    _KEY,
    PROOF,
)
REPORT["openapi_extra"]["security"] = [{}, {"bearer": []}]
"""Anybody may report; trusted reporters do so with their keys."""
BATCH: Final = _operation(
    "BatchLine",
    _NDJSON,
    (200, "An answer per line", _NDJSON, _LINE),
    (400, 401, 403, 413, 422, 429, 503),
    _KEY,
    _PREFER,
)
XARF: Final = _described(
    {_JSON: {"oneOf": [_XARF_REPORT, {"type": "array", "items": _XARF_REPORT}]}, _NDJSON: _XARF_REPORT},
    (200, "An answer per report", _NDJSON, _ITEM),
    (400, 401, 403, 413, 422, 429, 503),
    _PREFER,
)
STIX: Final = _described(
    {_JSON: _STIX_BUNDLE, "application/stix+json;version=2.1": _STIX_BUNDLE},
    (200, "An answer per object", _NDJSON, _ITEM),
    (400, 401, 403, 413, 422, 429, 503),
    _PREFER,
)
CHALLENGE: Final[dict[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {"description": "A challenge of altcha, version 2", "content": {_JSON: {"schema": {"type": "object"}}}}
    },
}
STATUS: Final = _operation(
    "StatusQuestion", _JSON, (200, "Where the report stands", _JSON, _STANDING), (400, 404, 413, 422, 503)
)
SUPPLEMENT: Final = _operation(
    "Supplement",
    _JSON,
    (
        202,
        "Durable: stored, and acknowledged by the log",
        _JSON,
        _object(supplement_id={"type": "string", "format": "uuid"}, kind={"type": "string"}, supplemented_at=_TIME),
    ),
    (400, 404, 413, 422, 429, 503),
    _KEY,
    PROOF,
)
WITHDRAWAL: Final = _operation(
    "Withdrawal",
    _JSON,
    (202, "Durable: stored, and acknowledged by the log", _JSON, _object(withdrawn_at=_TIME)),
    (400, 404, 413, 422, 503),
    _KEY,
    PROOF,
)
KEYS: Final[Mapping[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "A JSON Web Key Set of Ed25519 keys (RFC 7517, RFC 8037); `kid` is the key's thumbprint",
            "content": {"application/jwk-set+json": {"schema": _KEY_SET}},
        }
    },
}


def add_schemas(app: FastAPI) -> None:
    """Let the document of `app` hold the schemas that the operations refer to."""
    plain = app.openapi

    def with_schemas() -> dict[str, Any]:
        document = plain()
        named = (Submission, BatchLine, StatusQuestion, Supplement, Withdrawal, SignedReceipt)
        models = [(model, "validation") for model in named]
        _, schemas = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(schemas["$defs"], Problem=_PROBLEM)
        components["securitySchemes"] = {"bearer": _SCHEME}
        return document

    app.openapi = with_schemas  # type: ignore[method-assign]
