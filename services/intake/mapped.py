"""What the readers of foreign formats share: bounded JSON, a refusal with its reason, and what a reading comes to.

In: bytes and values that anyone may have made; out: values whose depth and size are known. Pure.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from services.intake.submission import (
    MAX_LINKS,
    RULES,
    Broken,
    InvalidSubmissionError,
    Submission,
    parse_fields,
    refusal,
)

MAX_DOCUMENT_BYTES: Final = 2_097_152
"""One JSON document: parsed, the worst one takes some 50 times its size in memory."""
MAX_DEPTH: Final = 32
MAX_TEXT: Final = 20_000

FOREIGN_RULES: Final[Mapping[str, str]] = {
    "too_deep": f"JSON may be nested {MAX_DEPTH} levels deep.",
    "too_large": f"A document may have {MAX_DOCUMENT_BYTES} bytes.",
    "bad_id": "An id has the form that the format gives it.",
    "bad_hash": "A hash is its algorithm's name, a colon and hexadecimal digits.",
    "not_a_bundle": "The document is no bundle.",
    "unknown_type": "The format has no such type.",
    "unsupported_type": "The format has this type, but it is nothing that is reported here.",
    "unsupported_version": "This version of the format is not read here.",
    "needs_url": "A report about content names its address.",
    "unsupported_pattern": "Only patterns in STIX's own language are read.",
    "not_reported": "An observable alone says nothing: let an observed-data, a note or a report refer to it.",
    "nothing_reported": "It refers to nothing that can be reported, and says nothing itself.",
    "duplicate_id": "An earlier object of the bundle has the same id.",
    "revoked": "Its maker revoked it.",
    "marking_forbids": "Its marking does not let it go on to the services that would have to act.",
    "marking_unknown": "It has a marking whose meaning is not known here, so it is not passed on.",
}
"""Why an item of a foreign format is refused: the rule's code and what is told to the sender."""

M = TypeVar("M", bound=BaseModel)


class Reading(NamedTuple):
    """An item that became a submission. `key` makes it the same report when it is sent again; `body` is a
    fingerprint of what it was made of; `left_out` names what was sent and has no place in a report."""

    submission: Submission
    key: bytes
    body: bytes
    left_out: Sequence[str] = ()


def refused(rule: str, field: str = "") -> InvalidSubmissionError:
    """The refusal of an item by one of `FOREIGN_RULES`."""
    return InvalidSubmissionError(Broken(field, rule, FOREIGN_RULES[rule]))


def parsed(document: bytes) -> Any:
    """The value of a JSON document. Raises `InvalidSubmissionError`: `too_large`, `bad_json`, and `too_deep` for one
    that not even the parser takes."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise refused("too_large")
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError as error:
        # The parser's own limit is far beyond ours; what it says of it is held by a test.
        if "depth" in error.msg:
            raise refused("too_deep") from None
        raise InvalidSubmissionError(Broken("", "bad_json", RULES["bad_json"])) from None


def bounded(value: object) -> object:
    """`value`, when it is not nested too deep. Raises `InvalidSubmissionError`."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for each in level if isinstance(each, dict | list) for child in _children(each)]
        if not level:
            return value
    raise refused("too_deep")


def fingerprint(*values: object) -> bytes:
    """The SHA-256 of JSON values: the same for the same values, in whatever order their members were written."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).digest()


def of_form(pattern: str, rule: str) -> AfterValidator:
    """A validator of a text that must match `pattern` as a whole, else breaks `rule` of `FOREIGN_RULES`."""
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise PydanticCustomError(rule, FOREIGN_RULES[rule])
        return text

    return AfterValidator(check)


def read_as(model: type[M], value: object) -> M:
    """`value` as a model. Raises `InvalidSubmissionError` that names fields and rules."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refusal(error) from None


def submission(
    text: Iterable[str], links: Iterable[str], *, now: datetime, **fields: object
) -> tuple[Submission, list[str]]:
    """A submission of lines of text and links, and whether links were left out, as a list of their name.

    Empty fields count as not given. Raises `InvalidSubmissionError`.
    """
    distinct = list(dict.fromkeys(links))
    given = {name: value for name, value in fields.items() if value is not None}
    made = parse_fields(Submission, {"text": "\n".join(text), "links": distinct[:MAX_LINKS], **given})
    return made.checked(now, trusted=False), ["links"] if len(distinct) > MAX_LINKS else []


def _children(value: Mapping[str, object] | Sequence[object]) -> Iterable[object]:
    values = value.values() if isinstance(value, Mapping) else value
    return [child for child in values if isinstance(child, dict | list)]
