"""What the OpenAPI document says about the operations on files."""

from typing import Any, Final

from services.intake.openapi import BEARER, PROOF, refusal

_JSON: Final = "application/json"
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FILE: Final[dict[str, Any]] = {
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "size_bytes": {"type": "integer", "minimum": 1},
    "media_type": {"type": "string", "description": "Found from the content"},
}
_TAKEN: Final = {
    "type": "object",
    "required": ["attachment_id", *_FILE],
    "properties": {
        "attachment_id": {"type": "string", "description": "To be named in a report; keep it as secret as the report"},
        **_FILE,
    },
}
_LISTED: Final = {
    "type": "object",
    "required": ["attachments"],
    "properties": {
        "attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["number", *_FILE, "view_bytes"],
                "properties": {"number": {"type": "integer"}, **_FILE, "view_bytes": {"type": ["integer", "null"]}},
            },
        }
    },
}


def _responses(status: int, text: str, content: dict[str, Any], *problems: tuple[int, str]) -> dict[int, Any]:
    return {
        status: {"description": text, "content": content},
        **{each: refusal(each, why) for each, why in problems},
    }


UPLOAD: Final[dict[str, Any]] = {
    "response_model": None,
    "openapi_extra": {
        "requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}},
        "parameters": [
            {
                "name": "name",
                "in": "query",
                "required": False,
                "description": "What the file is called, unless `Content-Disposition` says it; it is sealed with it",
                "schema": {"type": "string", "maxLength": 1000},
            },
            PROOF,
        ],
    },
    "responses": _responses(
        201,
        "Sealed and durable; to be named by a report within some hours",
        {_JSON: {"schema": _TAKEN}},
        (400, "A proof of work that is worth nothing"),
        (408, "Too slow"),
        (413, "Larger than 20 MB"),
        (422, "A kind that is not taken, or a file that is damaged: `code` says which rule"),
        (503, "No room, or something that is needed is away: come back after `Retry-After` seconds"),
    ),
}
_AWAY: Final = (503, "The database is away: come back after `Retry-After` seconds")
LIST: Final[dict[str, Any]] = {
    "response_model": None,
    "openapi_extra": BEARER,
    "responses": _responses(
        200,
        "The files, in order",
        {_JSON: {"schema": _LISTED}},
        (401, "No valid token"),
        (404, "No such report"),
        (422, "Not a report's id"),
        _AWAY,
    ),
}
VIEW: Final[dict[str, Any]] = {
    "response_model": None,
    "openapi_extra": BEARER,
    "responses": _responses(
        200,
        "The copy without metadata",
        {"application/octet-stream": _BINARY},
        (401, "No valid token"),
        (404, "No such file, or no copy that can be looked at"),
        (422, "Not a number"),
        _AWAY,
    ),
}
