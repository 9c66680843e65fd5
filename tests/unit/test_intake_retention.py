"""The retention policy: what is due when, and what is read of a decision."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.vocabulary import Category
from ibalagh.stream.ports import Record
from services.intake.retention import passes_over
from services.intake.retention_policy import Finding, Policy, finding, latest, limits, parse, reason_for
from tests.support.storage import uuid_of
from tests.support.vault import decided

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def record(*, identified: bool = True, value: bytes | None = None) -> Record:
    outgoing = Codec("t.").encode(decided(1, "fraud", identified=identified))
    return Record("t.reports.triaged", 0, 0, outgoing.key, value or outgoing.value, outgoing.headers)


def test_the_policy_that_comes_with_intake_keeps_what_is_out_of_scope_shorter() -> None:
    policy = parse((files("services.intake") / "retention.yaml").read_text("utf-8"))
    assert policy.days[Category.OUT_OF_SCOPE] < policy.default_days


@pytest.mark.parametrize(
    "text",
    ["", "days: {}", "default_days: 0", "default_days: 1\ndays: {no_category: 3}", "default_days: 1\nday: 3", "{"],
)
def test_a_policy_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="policy"):
        parse(text)


def test_each_category_has_its_own_limit_and_the_others_the_default() -> None:
    policy = Policy(default_days=100, days={Category.FRAUD: 10, Category.SEXUAL_BLACKMAIL: 200})
    times = limits(policy, NOW)
    assert times.by_category == {"fraud": NOW - timedelta(days=10), "sexual_blackmail": NOW - timedelta(days=200)}
    assert (times.other, times.newest) == (NOW - timedelta(days=100), NOW - timedelta(days=10))
    assert [reason_for(policy, each) for each in ("fraud", "out_of_scope", "")] == [
        "kept for 10 days: fraud", "kept for 100 days: default", "kept for 100 days: default",
    ]  # fmt: skip


def test_what_is_passed_over_by_its_bytes_is_what_has_no_identity() -> None:
    for identified in (True, False):
        each = record(identified=identified)
        assert passes_over(each.topic, each.value) is not identified
        assert finding(each) == (Finding(uuid_of(1), 1, "fraud") if identified else None)


def test_what_cannot_be_read_finds_nothing() -> None:
    assert finding(record(value=b"{")) is None
    assert finding(record(value=b"[]")) is None
    assert finding(record()._replace(headers=[("ce_type", b"ibalagh.case.opened.v1")])) is None


def test_the_newest_decision_on_a_report_counts() -> None:
    found = [Finding("b", 1, "fraud"), Finding("a", 2, "fraud"), Finding("a", 1, "out_of_scope")]
    assert latest(found) == [Finding("a", 2, "fraud"), Finding("b", 1, "fraud")]
