"""XARF v4 reports: what is read, what is refused and why, and that nothing hostile gets further than its answer."""

import contextlib
import copy
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.vocabulary import Category
from services.intake.mapped import MAX_DEPTH, MAX_DOCUMENT_BYTES, bounded, parsed
from services.intake.submission import MAX_LINKS, InvalidSubmissionError
from services.intake.xarf import CATEGORY_OF, OTHER_TYPES, read_report

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
REPORT: dict[str, Any] = {
    "xarf_version": "4.2.0",
    "report_id": "550e8400-e29b-41d4-a716-446655440000",
    "timestamp": "2026-06-30T10:30:00Z",
    "reporter": {"org": "Hotline Rabat", "contact": "desk@hotline.example", "domain": "hotline.example"},
    "sender": {"org": "Clearing House", "contact": "desk@clearing.example", "domain": "clearing.example"},
    "source_identifier": "shop.example",
    "category": "content",
    "type": "fraud",
    "url": "https://shop.example/pay",
    "description": "A shop that takes payments and sends nothing",
    "fraud_type": "shopping",
    "payment_methods": ["bank_transfer", "gift_cards"],
    "cryptocurrency_addresses": [{"currency": "bitcoin", "address": "bc1-invented"}],
    "evidence": [
        {"content_type": "image/png", "payload": "aW52ZW50ZWQ=", "hash": "sha256:" + "ab" * 32, "description": "Page"}
    ],
}


def changed(**fields: Any) -> dict[str, Any]:
    """The report with other fields; one that is set to `...` is left out."""
    report = {**copy.deepcopy(REPORT), **fields}
    return {name: value for name, value in report.items() if value is not ...}


def refusal(value: object) -> tuple[str, str]:
    """Field and rule of the first thing that is wrong."""
    with pytest.raises(InvalidSubmissionError) as raised:
        read_report(value, NOW)
    return raised.value.rules[0][:2]


def test_a_report_becomes_a_submission() -> None:
    submission, key, _, left_out = read_report(REPORT, NOW)
    assert submission.text.splitlines() == [
        "A shop that takes payments and sends nothing",
        "XARF content/fraud, source shop.example",
        "fraud_type: shopping",
        "payment_methods: bank_transfer, gift_cards",
        "cryptocurrency_addresses: bitcoin, bc1-invented",
        f"evidence 1: image/png, sha256:{'ab' * 32}, Page",
    ]
    assert submission.links == ("https://shop.example/pay",)
    assert submission.category_hint is Category.FRAUD
    assert submission.seen_at == datetime(2026, 6, 30, 10, 30, tzinfo=UTC)
    assert submission.identity is not None
    assert (submission.identity.name, submission.identity.email) == ("Hotline Rabat", "desk@hotline.example")
    assert submission.submitted_at is None
    assert key == b"xarf:550e8400-e29b-41d4-a716-446655440000"
    assert left_out == ["evidence"]


def test_who_reports_is_in_the_identity_only() -> None:
    text = read_report(REPORT, NOW).submission.text
    for word in ("Hotline", "Clearing", "desk@", "hotline.example"):
        assert word not in text


@pytest.mark.parametrize(("category", "kind"), sorted(CATEGORY_OF))
def test_every_type_that_is_read_gives_its_hint(category: str, kind: str) -> None:
    reading = read_report(changed(category=category, type=kind), NOW)
    assert reading.submission.category_hint is CATEGORY_OF[category, kind]


@pytest.mark.parametrize(("category", "kind"), [(c, k) for c, kinds in OTHER_TYPES.items() for k in sorted(kinds)])
def test_every_other_type_is_refused_by_name(category: str, kind: str) -> None:
    assert refusal(changed(category=category, type=kind)) == ("type", "unsupported_type")


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"type": "nonsense"}, "type", "unknown_type"),
        ({"category": "nonsense"}, "type", "unknown_type"),
        ({"xarf_version": "3.0.0"}, "xarf_version", "unsupported_version"),
        ({"xarf_version": "5.0.0"}, "xarf_version", "unsupported_version"),
        ({"xarf_version": 4}, "xarf_version", "string_type"),
        ({"xarf_version": ...}, "xarf_version", "missing"),
        ({"report_id": ...}, "report_id", "missing"),
        ({"report_id": "1"}, "report_id", "bad_id"),
        ({"url": ...}, "url", "needs_url"),
        ({"url": "x" * 3_000}, "url", "string_too_long"),
        ({"url": "https://a\nb.example"}, "url", "no_control_characters"),
        ({"timestamp": "yesterday"}, "timestamp", "datetime_from_date_parsing"),
        ({"timestamp": "2027-01-01T00:00:00Z"}, "timestamp", "not_in_future"),
        ({"reporter": "Hotline"}, "reporter", "model_type"),
        ({"sender": {"org": "x"}}, "sender.contact", "missing"),
        ({"description": "x" * 1_000_000}, "description", "string_too_long"),
        ({"evidence": [{"content_type": "x"}] * 51}, "evidence", "too_long"),
        ({"evidence": [{"content_type": "x", "hash": "sha256:g"}]}, "evidence.0.hash", "bad_hash"),
    ],
)
def test_a_refusal_names_the_field_and_the_rule(fields: dict[str, Any], field: str, rule: str) -> None:
    assert refusal(changed(**fields)) == (field, rule)


def test_what_is_no_object_is_refused() -> None:
    for value in (None, 1, "x", [], [REPORT], {}):
        assert refusal(value)


def test_more_links_than_a_report_holds_are_named_as_left_out() -> None:
    chain = [f"https://hop.example/{number}" for number in range(30)]
    reading = read_report(changed(redirect_chain=chain, evidence=...), NOW)
    assert len(reading.submission.links) == MAX_LINKS
    assert reading.left_out == ["links"]


def test_the_same_report_written_in_another_order_is_the_same() -> None:
    other = dict(reversed(REPORT.items()))
    assert read_report(other, NOW) == read_report(REPORT, NOW)
    assert read_report(changed(fraud_type="romance"), NOW).body != read_report(REPORT, NOW).body


def test_a_language_that_is_no_tag_is_not_passed_on() -> None:
    spam = changed(category="messaging", type="spam", url=..., protocol="sms")
    assert read_report({**spam, "language": "fr"}, NOW).submission.language == "fr"
    assert read_report({**spam, "language": "French, I think"}, NOW).submission.language is None


@pytest.mark.parametrize(
    "document",
    [b"[" * 10_000, b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000],
)
def test_ten_thousand_levels_are_too_deep_for_the_parser(document: bytes) -> None:
    with pytest.raises(InvalidSubmissionError) as raised:
        parsed(document)
    assert raised.value.rules[0].rule == "too_deep"


def test_what_the_parser_takes_is_held_to_our_own_depth() -> None:
    def nested(levels: int) -> Any:
        return orjson.loads(b"[" * levels + b"]" * levels)

    assert bounded(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 2, 1_000):
        with pytest.raises(InvalidSubmissionError) as raised:
            bounded({"tags": nested(levels)})
        assert raised.value.rules[0].rule == "too_deep"


def test_a_document_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(InvalidSubmissionError) as raised:
        parsed(b"\xff" * (MAX_DOCUMENT_BYTES + 1))
    assert raised.value.rules[0].rule == "too_large"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(sorted({*REPORT, "platform", "language", "redirect_chain", "tags"})), JSON))
def test_whatever_stands_in_a_field_the_answer_is_a_reading_or_a_refusal(fields: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidSubmissionError):
        reading = read_report({**REPORT, "report_id": str(uuid.uuid4()), **fields}, NOW)
        assert len(reading.submission.text) <= 20_000
