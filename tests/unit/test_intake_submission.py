"""What a reporter may send: every field bounded, every refusal naming its field and its rule."""

import json
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
        ({"text": "\x00" * 3_334}, "text", "string_too_long"),
        ({"text": "x", "place": "a\x00b"}, "place", "no_control_characters"),
        ({"text": "x", "platform": "a\x9bb"}, "platform", "no_control_characters"),
        ({"text": "x", "identity": {"name": "a\x1bb"}}, "identity.name", "no_control_characters"),
        ({"text": "x", "place": "a\nb"}, "place", "no_control_characters"),
        ({"text": "x", "platform": "x" * 201}, "platform", "string_too_long"),
        ({"text": "x", "links": ["https://a.example/\n"]}, "links.0", "no_control_characters"),
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
        rb'{"text": "\ud800}',
        rb'{"text": NaN, "place": "\ud800"}',
        rb'{"text": "\ud800", "place": "' + b'\xff"}',
        b'{"text": "\\ud800", "links": ' + b"[" * 100_000,
        b'{"text": "x"',
        b'{"links": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_json_in_utf8_is_told_so(body: bytes) -> None:
    assert refusal(body) == ("", "bad_json")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (rb"fra\u0000ud", "fra\\u0000ud"),
        (rb"\ud800 \uDC00\ud800x", "\\ud800 \\udc00\\ud800x"),
        (rb"\ud83d\ude00 \u202Ea\u0007b\u009b \u200b", "\U0001f600 \u202ea\x07b\x9b \u200b"),
        (rb"a literal \\ud800 and \\u0000", "a literal \\ud800 and \\u0000"),
        ("\u202e\u2066\x7f".encode(), "\u202e\u2066\x7f"),
    ],
)
def test_what_was_seen_is_kept_with_every_character_or_as_what_can_be_read_of_it(sent: bytes, text: str) -> None:
    given = parse(Submission, b'{"text": "%b", "links": ["https://a.example/%b"]}' % (sent, sent))
    assert given.text == text
    assert given.links == (f"https://a.example/{text}",)
    given.model_dump_json()


@pytest.mark.parametrize("field", ["place", "platform", "language"])
def test_half_a_character_is_kept_in_what_was_seen_only(field: str) -> None:
    assert refusal(rb'{"text": "\ud800", "%b": "a\udc00"}' % field.encode()) == (field, "no_control_characters")
    assert refusal(rb'{"text": "x", "identity": {"name": "\ud800"}}') == ("identity.name", "no_control_characters")
    assert refusal(rb'{"text": "x", "\ud800": 1}') == ("", "no_control_characters")


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
    | st.text(st.characters(categories=("Cs", "Cc", "Cf", "Ll")), max_size=20).map(
        lambda odd: json.dumps({"text": odd, "links": [odd], "place": odd, odd: odd}).encode()
    )
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
            orjson.dumps([each._asdict() for each in error.rules])


@given(
    st.builds(
        dict,
        text=st.text(min_size=1, max_size=300).filter(str.strip) | st.just("\ud800\x00\x1b"),
        place=st.none() | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200),
        links=st.lists(st.text(st.characters(exclude_characters="\t\n\r"), min_size=1, max_size=50), max_size=20),
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
