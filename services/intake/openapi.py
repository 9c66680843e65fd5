"""What the OpenAPI document says about bodies that are validated from their bytes, and so are no parameters."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from services.intake.signing import SignedReceipt
from services.intake.submission import BatchLine, StatusQuestion, Submission

_REF: Final = "#/components/schemas/{model}"
_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "16 to 128 visible ASCII characters, new for every report: the same request sent again with the "
    "same key is answered with the same report and the same receipt",
    "schema": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"},
}
_PROOF: Final[Mapping[str, Any]] = {
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
    "description": "`return=minimal` (RFC 7240) leaves `signed_receipt` out of the lines, which spares about "
    "half of the work; a line sent again later with its key gets it all the same",
    "schema": {"type": "string"},
}
_PROBLEMS: Final[Mapping[int, str]] = {
    400: "Not JSON, a bad idempotency key, or a proof of work that is worth nothing",
    401: "No bearer token",
    404: "No report has this receipt",
    413: "Too large",
    422: "Some fields break a rule, or the idempotency key came with another body before",
    503: "Nothing can be promised now: send it again, with the same key, after `Retry-After` seconds",
}
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
_STANDING: Final = {
    "type": "object",
    "required": ["status", "updated_at"],
    "properties": {"status": {"type": "string"}, "updated_at": {"type": "string", "format": "date-time"}},
}
_KEY_SET: Final = {
    "type": "object",
    "required": ["keys"],
    "properties": {"keys": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
}
_LINE: Final = {
    "type": "object",
    "description": "One a line, in the order of the lines: an accepted report, or a problem detail",
    "required": ["line", "status"],
    "properties": {"line": {"type": "integer", "minimum": 1}, "status": {"type": "integer"}, **_REPORT_FIELDS},
}


def _operation(
    model: str,
    media_type: str,
    answer: tuple[int, str, str, Any],
    problems: tuple[int, ...],
    *headers: Mapping[str, Any],
) -> dict[str, Any]:
    status, text, answer_type, schema = answer
    body = {"required": True, "content": {media_type: {"schema": {"$ref": _REF.format(model=model)}}}}
    return {
        "response_model": None,
        "openapi_extra": {"requestBody": body, "parameters": list(headers)},
        "responses": {
            status: {"description": text, "content": {answer_type: {"schema": schema}}},
            **{
                each: {
                    "description": _PROBLEMS[each],
                    "content": {"application/problem+json": {"schema": {"type": "object"}}},
                }
                for each in problems
            },
        },
    }


_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
REPORT: Final = _operation(
    "Submission",
    _JSON,
    (202, "Durable: stored, and acknowledged by the log", _JSON, _ACCEPTED),
    (400, 413, 422, 503),
    _KEY,
    _PROOF,
)
BATCH: Final = _operation(
    "BatchLine", _NDJSON, (200, "An answer per line", _NDJSON, _LINE), (400, 401, 413, 503), _KEY, _PREFER
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
        models = [(model, "validation") for model in (Submission, BatchLine, StatusQuestion, SignedReceipt)]
        _, schemas = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        return document

    app.openapi = with_schemas  # type: ignore[method-assign]
