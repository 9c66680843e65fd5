"""The OpenAPI document as a plain page: no script, so it stands under the strict Content-Security-Policy.

In: an OpenAPI 3.1 document; out: HTML.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from fastapi import Request
from starlette.responses import HTMLResponse

from ibalagh.web.pages import Pages

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_PAGES: Final = Pages(default_language="en")


class Field(NamedTuple):
    """A parameter, or a field of a body."""

    name: str
    place: str
    type: str
    required: bool
    description: str


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    summary: str
    description: str
    fields: list[Field]
    responses: list[tuple[str, str]]


def render_docs(document: Mapping[str, Any], request: Request) -> HTMLResponse:
    """The page of a document."""
    return _PAGES.render("api.html", request, info=_info(document), operations=list(operations(document)))


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations in the order of the document."""
    for path, methods in document.get("paths", {}).items():
        for method in _METHODS:
            if method in methods:
                entry = methods[method]
                yield Operation(
                    method.upper(),
                    path,
                    entry.get("summary", ""),
                    entry.get("description", ""),
                    [*_parameters(entry), *_body(entry, document)],
                    [(status, response.get("description", "")) for status, response in entry["responses"].items()],
                )


def _info(document: Mapping[str, Any]) -> dict[str, str]:
    info = document["info"]
    return {"title": info["title"], "version": info["version"], "description": info.get("description", "")}


def _parameters(entry: Mapping[str, Any]) -> Iterator[Field]:
    for parameter in entry.get("parameters", []):
        schema = parameter.get("schema", {})
        description = parameter.get("description", schema.get("description", ""))
        yield Field(parameter["name"], parameter["in"], _type(schema), parameter.get("required", False), description)


def _body(entry: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Field]:
    for media_type, content in entry.get("requestBody", {}).get("content", {}).items():
        schema = _resolve(content.get("schema", {}), document)
        for name, field in schema.get("properties", {}).items():
            required = name in schema.get("required", [])
            yield Field(name, media_type, _type(field), required, field.get("description", ""))


def _resolve(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    target: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return target


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
