"""Any bytes at all, given to whatever intake reads, become a value or a refusal that names its rule."""

import copy
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from ibalagh.ops.keyfiles import read_keys
from ibalagh.web.problems import Problem
from services.intake.batch import numbered_lines
from services.intake.http import idempotency_key
from services.intake.mapped import FOREIGN_RULES, bounded, parsed
from services.intake.signing import InvalidReceiptError, KeySet, Signer, read_receipt
from services.intake.signing import read_keys as read_public_keys
from services.intake.stix import read_bundle
from services.intake.submission import InvalidSubmissionError
from services.intake.taking import MAX_ITEMS, wants_proofs
from services.intake.xarf import read_report
from tests.unit.test_intake_signing import FACTS
from tests.unit.test_intake_stix import made
from tests.unit.test_intake_xarf import REPORT

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
URL = made("url")
BUNDLE = {
    "type": "bundle",
    "objects": [made("report", object_refs=[URL["id"]]), URL, made("note", 2, object_refs=[URL["id"]])],
}
RECEIPT = Signer(bytes(32)).sign(FACTS)
PUBLISHED = Signer(bytes(32)).keys.jwks
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """Where every value within a JSON value stands, as the steps to it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return [(), *((step, *rest) for step, each in members for rest in places(each))]


@st.composite
def nearly(draw: Callable[..., Any], good: Any) -> bytes:
    """A good document with other values in one or two of its places, or a few other bytes."""
    document = orjson.loads(orjson.dumps(good))
    for place in draw(st.lists(st.sampled_from(places(document)), min_size=1, max_size=2)):
        document = put(document, place, draw(JSON))
    text = orjson.dumps(document)
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.binary(max_size=3)) + text[cut + draw(st.integers(0, 3)) :]
    return text


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """The document with a value in a place; as it is, when the place is not there any more."""
    if not place:
        return value
    changed = copy.copy(document)
    try:
        changed[place[0]] = put(document[place[0]], place[1:], value)
    except (KeyError, IndexError, TypeError):
        return document
    return changed


def anything(good: Any) -> st.SearchStrategy[bytes]:
    return nearly(good) | JSON.map(orjson.dumps) | st.binary(max_size=100)


def outcome(reads: Callable[[Any], Any], given: object) -> tuple[Any, Problem | None]:
    """What reading came to, or the problem that it was refused with."""
    try:
        return reads(given), None
    except Problem as problem:
        return None, problem


def assert_named(error: InvalidSubmissionError) -> None:
    assert error.rules
    assert all(re.fullmatch("[a-z][a-z0-9_]+", each.rule) and each.detail for each in error.rules)
    assert all(each.detail == FOREIGN_RULES[each.rule] for each in error.rules if each.rule in FOREIGN_RULES)


@settings(max_examples=300, deadline=None)
@given(anything(REPORT))
def test_bytes_are_a_report_of_xarf_or_a_named_rule(document: bytes) -> None:
    try:
        reading = read_report(bounded(parsed(document)), NOW)
    except InvalidSubmissionError as error:
        assert_named(error)
    else:
        assert reading.submission.text.strip()


@settings(max_examples=300, deadline=None)
@given(anything(BUNDLE))
def test_bytes_are_a_bundle_of_stix_with_an_answer_for_each_object_or_a_named_rule(document: bytes) -> None:
    try:
        value = parsed(document)
        answers = read_bundle(value, NOW)
    except InvalidSubmissionError as error:
        assert_named(error)
        return
    assert len(answers) == len(value["objects"])
    for answer in answers:
        if isinstance(answer, InvalidSubmissionError):
            assert_named(answer)


PIECES = st.sampled_from([b"\n", b"\r", b" ", b"\t", b"\0", b"\xff", b"{}", b"\xe2\x80\xa8", b"x"])


@given(st.lists(PIECES).map(b"".join))
def test_a_batch_is_its_lines_by_their_numbers_and_nothing_is_lost(body: bytes) -> None:
    lines, problem = outcome(numbered_lines, body)
    if problem is not None:
        assert (problem.status, problem.code, body.strip()) == (422, "no_lines", b"")
        return
    every = body.split(b"\n")
    assert all(line == every[number - 1] for number, line in lines)
    left_out = set(range(1, len(every) + 1)) - {number for number, _ in lines}
    assert not b"".join(every[number - 1] for number in left_out).strip()


def test_more_lines_than_a_batch_may_have_are_refused_before_any_is_read() -> None:
    assert len(numbered_lines(b"x\n\n" * MAX_ITEMS)) == MAX_ITEMS
    with pytest.raises(Problem, match="too_many_lines"):
        numbered_lines(b"x\n" * (MAX_ITEMS + 1))


def asked(name: str, value: bytes) -> Request:
    return Request({"type": "http", "headers": [(name.encode(), value)]})


@given(st.binary(max_size=140) | st.text("!~aZ09", min_size=14, max_size=130).map(str.encode))
def test_an_idempotency_key_is_taken_as_it_is_or_refused(value: bytes) -> None:
    good = 16 <= len(value) <= 128 and all(0x21 <= byte <= 0x7E for byte in value)
    key, problem = outcome(idempotency_key, asked("idempotency-key", value))
    if good:
        assert (key, problem) == (value, None)
    else:
        assert problem is not None
        assert (problem.status, problem.code) == (400, "bad_idempotency_key")


WORDS = st.sampled_from(
    ["return", "=", "representation", '"', " ", ",", ";", "minimal", "x", "wait=5", "\t", "RETURN", "é"]
)


@given(st.lists(WORDS).map("".join).map(lambda text: text.encode("latin-1")) | st.binary(max_size=60))
def test_a_preference_is_understood_or_left_out_of_account(value: bytes) -> None:
    wants = wants_proofs(asked("prefer", value))
    assert not wants or b"representation" in value.lower()


@pytest.mark.parametrize(
    ("value", "wants"),
    [
        (b"return=representation", True),
        (b'respond-async, Return = "representation"; x=y', True),
        (b"return=minimal", False),
        (b"x-return=representation", False),
        (b"", False),
    ],
)
def test_a_preference_is_written_as_its_rfc_has_it(value: bytes, wants: bool) -> None:
    assert wants_proofs(asked("prefer", value)) is wants


LINES = st.lists(st.binary(max_size=40) | st.binary(min_size=30, max_size=40).map(lambda key: key.hex().encode()))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES.flatmap(lambda lines: st.sampled_from([b"\n", b"\r\n", b" \n\n"]).map(lambda end: end.join(lines))))
def test_a_key_file_holds_whole_keys_or_is_refused_without_a_word_of_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    try:
        keys = read_keys(path)
    except ValueError as error:
        said, cause = str(error), error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    else:
        assert min(map(len, keys)) >= 32
        return
    assert said in {
        f"{path} does not hold hexadecimal digits",
        *(f"{path} holds {n} bytes, 32 are needed" for n in range(32)),
    }
    assert cause is None


@given(anything(RECEIPT))
def test_bytes_are_a_signed_receipt_or_not(document: bytes) -> None:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        return
    with pytest.raises(InvalidReceiptError):
        KeySet([bytes(range(32))]).verify(read_receipt(value))


@given(anything(PUBLISHED))
def test_bytes_are_published_keys_or_not(document: bytes) -> None:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        return
    with suppress(ValueError):
        assert read_public_keys(value).jwks["keys"]
