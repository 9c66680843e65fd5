"""Answers of a service held to its OpenAPI document: whatever is sent, what comes back is what the document tells of.

In: a case that schemathesis made of an operation, and the service's address. Out: nothing, or a failure with the
request that shows it. Operations that answer per line, as NDJSON, refuse in the place of the line: every line is
checked for itself.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import jsonschema
import orjson
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup

NDJSON: Final = "application/x-ndjson"
_TIMEOUT_S: Final = 30
T = TypeVar("T", bound=Callable[..., object])


@schemathesis.serializer(NDJSON)
def one_line(_context: object, value: object) -> bytes:
    """A body of lines: its schema is a line's."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode() + b"\n"


def fuzzed(examples: int) -> Callable[[T], T]:
    """Run a test with so many examples, the same ones in every run and on every machine."""
    bounded = settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
    )
    return lambda test: bounded(seed(4)(test))  # type: ignore[no-any-return, return-value]


def hold_to_document(
    case: schemathesis.Case,
    url: str,
    token: str,
    beyond_the_schema: frozenset[str] = frozenset(),
    *,
    away: bool = False,
) -> None:
    """Send the case, with the token where the operation wants one, and check the answer.

    `beyond_the_schema` are rules that no JSON Schema can say, so that input that fits the schema may break them.
    `away`: what the service stands on is, so that it may answer 503 where the document says so.
    """
    raw = case.operation.definition.raw
    headers = {"Authorization": f"Bearer {token}"} if raw.get("security") == [{"bearer": []}] else {}
    response = case.call(base_url=url, headers=headers, timeout=_TIMEOUT_S)
    if away and response.status_code == 503:
        case.validate_response(response, excluded_checks=[not_a_server_error])
        return
    lines = [orjson.loads(line) for line in response.content.splitlines()] if _is_ndjson(response.headers) else []
    try:
        case.validate_response(response)
    except FailureGroup as group:
        wrong = [each for each in group.exceptions if not _excused(each, response, lines, beyond_the_schema)]
        if wrong:
            raise
    if lines:
        schema = raw["responses"][str(response.status_code)]["content"][NDJSON]["schema"]
        validator = jsonschema.Draft202012Validator({**schema, **_components(case)})
        for line in lines:
            validator.validate(line)


def _excused(failure: Exception, response: Any, lines: list[Any], beyond_the_schema: frozenset[str]) -> bool:
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        return any(line["status"] >= 400 for line in lines)
    if kind == "RejectedPositiveData":
        problem = response.json()
        rules = {each["rule"] for each in problem.get("errors", [])} or {problem["code"]}
        return rules <= beyond_the_schema
    return False


def _is_ndjson(headers: Mapping[str, Any]) -> bool:
    return any(name.lower() == "content-type" and NDJSON in str(value) for name, value in headers.items())


def _components(case: schemathesis.Case) -> dict[str, Any]:
    return {"components": case.operation.schema.raw_schema.get("components", {})}
