"""What a reporter may send: every field bounded, every refusal naming its field and its rule."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import ReportReceivedV1
from services.intake.submission import (
    BatchLine,
    InvalidSubmissionError,
    StatusQuestion,
    Submission,
    parse,
    parse_fields,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def refusal(body: bytes, *, trusted: bool = False) -> tuple[str, str]:
    with pytest.raises(InvalidSubmissionError) as caught:
        parse(Submission, body).checked(NOW, trusted=trusted)
    return caught.value.rules[0].field, caught.value.rules[0].rule


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({}, "text", "missing"),
        ({"text": ""}, "text", "string_too_short"),
        ({"text": " \n\t"}, "text", "not_blank"),
        ({"text": "x" * 20_001}, "text", "string_too_long"),
        ({"text": 7}, "text", "string_type"),
        ({"text": None}, "text", "string_type"),
        ({"text": "a\x00b"}, "text", "no_control_characters"),
        ({"text": "a\x1bb"}, "text", "no_control_characters"),
        ({"text": "a\x9bb"}, "text", "no_control_characters"),
        ({"text": "x", "place": "a\nb"}, "place", "no_control_characters"),
        ({"text": "x", "platform": "x" * 201}, "platform", "string_too_long"),
        ({"text": "x", "links": ["https://a.example/\x00"]}, "links.0", "no_control_characters"),
        ({"text": "x", "links": ["x" * 2_049]}, "links.0", "string_too_long"),
        ({"text": "x", "links": ["a"] * 21}, "links", "too_long"),
        ({"text": "x", "language": "FRENCH"}, "language", "string_pattern_mismatch"),
        ({"text": "x", "category_hint": "gossip"}, "category_hint", "enum"),
        ({"text": "x", "origin_country": "ma"}, "origin_country", "string_pattern_mismatch"),
        ({"text": "x", "seen_at": "yesterday"}, "seen_at", "datetime_from_date_parsing"),
        ({"text": "x", "seen_at": "1999-12-31T00:00:00Z"}, "seen_at", "not_before_2000"),
        ({"text": "x", "seen_at": "0001-01-01T00:00:00+14:00"}, "seen_at", "not_before_2000"),
        ({"text": "x", "seen_at": "9999-12-31T23:59:59-14:00"}, "seen_at", "not_in_future"),
        ({"text": "x", "seen_at": "2026-07-01T12:06:00Z"}, "seen_at", "not_in_future"),
        ({"text": "x", "submitted_at": "2026-06-30T12:00:00Z"}, "submitted_at", "needs_token"),
        ({"text": "x", "identity": {"name": "x" * 201}}, "identity.name", "string_too_long"),
        ({"text": "x", "identity": {"nom": "x"}}, "identity.nom", "extra_forbidden"),
        ({"text": "x", "ip": "x"}, "ip", "extra_forbidden"),
    ],
)
def test_each_rule_is_named_with_its_field(fields: dict[str, Any], field: str, rule: str) -> None:
    assert refusal(orjson.dumps(fields)) == (field, rule)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b'{"text": "\xff"}',
        rb'{"text": "\ud800"}',
        rb'{"text": "\udc00\ud800"}',
        b'{"text": "x"',
        b'{"links": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_json_in_utf8_is_told_so(body: bytes) -> None:
    assert refusal(body) == ("", "bad_json")


def test_a_refusal_holds_nothing_of_what_was_sent() -> None:
    with pytest.raises(InvalidSubmissionError) as caught:
        parse(Submission, orjson.dumps({"text": "secret" * 5_000, "seen_at": "secret", "category_hint": "secret"}))
    assert len(caught.value.rules) == 3
    assert "secret" not in repr(caught.value.rules)
    assert "secret" not in repr(caught.value)


def test_a_time_of_submission_is_taken_from_trusted_reporters_and_not_from_the_future() -> None:
    body = orjson.dumps({"text": "x", "submitted_at": NOW - timedelta(days=30)})
    assert parse(Submission, body).checked(NOW, trusted=True).submitted_at == NOW - timedelta(days=30)
    late = orjson.dumps({"text": "x", "submitted_at": NOW + timedelta(minutes=6)})
    assert refusal(late, trusted=True) == ("submitted_at", "not_in_future")
    parse(Submission, orjson.dumps({"text": "x", "submitted_at": NOW + timedelta(minutes=4)})).checked(
        NOW, trusted=True
    )


def test_a_time_without_an_offset_is_moroccos_civil_time() -> None:
    given = parse(Submission, b'{"text": "x", "seen_at": "2026-06-01T10:00:00"}').seen_at
    assert given == datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("identity", "identified"),
    [
        (None, False),
        ({}, False),
        ({"name": "A Name"}, False),
        ({"phone": "+212 600 000 000"}, False),
        ({"phone": "+212 600 000 000", "email": "a@b.example"}, False),
        ({"name": "A Name", "phone": "+212 600 000 000"}, True),
        ({"name": "A Name", "email": "a@b.example"}, True),
        ({"name": "A Name", "national_id": "ZZ000000"}, True),
    ],
)
def test_identified_is_a_name_and_one_way_to_be_reached(identity: dict[str, str] | None, identified: bool) -> None:
    assert parse(Submission, orjson.dumps({"text": "x", "identity": identity})).identified is identified


def test_a_report_from_nowhere_stated_is_from_home() -> None:
    assert parse(Submission, b'{"text": "x"}').origin_country == "MA"


@pytest.mark.parametrize("key", ["short", "x" * 129, "a key with spaces!", "clé-d-idempotence"])
def test_a_bad_key_of_a_batch_line_is_told_so(key: str) -> None:
    with pytest.raises(InvalidSubmissionError) as caught:
        parse(BatchLine, orjson.dumps({"text": "x", "idempotency_key": key}))
    assert caught.value.rules[0][:2] == ("idempotency_key", "bad_idempotency_key")


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.integers(-(2**60), 2**60),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(Submission.model_fields)) | st.text(max_size=5), inner, max_size=4)
        ),
        max_leaves=8,
    ).map(lambda value: orjson.dumps(value, default=str))
)
def test_anything_at_all_is_either_a_submission_or_a_named_rule(body: bytes) -> None:
    for model in (Submission, BatchLine, StatusQuestion):
        try:
            parse(model, body)
        except InvalidSubmissionError as error:
            assert error.rules  # noqa: PT017


@given(
    st.builds(
        dict,
        text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=300).filter(str.strip),
        place=st.none() | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200),
        links=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=50), max_size=20),
        seen_at=st.none() | st.dates(date(2000, 1, 2), date(2026, 6, 30)).map(lambda day: f"{day}T10:00"),
    )
)
def test_whatever_is_accepted_fits_into_the_event(fields: dict[str, Any]) -> None:
    submission = parse_fields(Submission, fields).checked(NOW, trusted=False)
    ReportReceivedV1.model_validate(
        {
            **submission.model_dump(
                include={"text", "links", "language", "category_hint", "platform", "place", "seen_at"}
            ),
            "report_id": "01890000-0000-7000-8000-000000000001",
            "received_at": NOW,
            "facts": {"received_on": NOW.date(), "identified": False, "country": "MA", "channel": "api"},
        }
    )
