"""Which word a reporter is told after which event."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from ibalagh.events import registry
from ibalagh.events.envelope import Data, Event
from services.intake.handlers import TOPICS, StatusCodec
from services.intake.status import SLIM_MODELS, Ignored, SlimCase, SlimDecision, SlimMember, SlimTriage, Status, changes

START = datetime(2026, 7, 1, tzinfo=UTC)
_ticks = itertools.count()


def event(name: str, data: Data) -> Event[Data]:
    time = START + timedelta(seconds=next(_ticks))
    return Event("id", f"ibalagh.{name}.v1", "/x", "subject", time, time, data)


def triaged(name: str, disposition: str, version: int = 1, report: str = "r") -> Event[Data]:
    return event(name, SlimTriage(report_id=report, version=version, decision=SlimDecision(disposition=disposition)))


@pytest.mark.parametrize(
    ("name", "disposition", "status"),
    [
        ("report.triaged", "refer", None),
        ("report.triaged", "review", Status.UNDER_REVIEW),
        ("report.triaged", "dismiss", Status.SET_ASIDE),
        ("report.reviewed", "refer", Status.EXAMINED),
        ("report.reviewed", "dismiss", Status.SET_ASIDE),
    ],
)
def test_after_triage(name: str, disposition: str, status: Status | None) -> None:
    assert [each.status for each in changes([triaged(name, disposition)]).triaged] == ([status] if status else [])


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("case.accepted", Status.ACCEPTED),
        ("case.declined", Status.REFERRED),
        ("case.rerouted", Status.REFERRED),
        ("investigation.opened", Status.INVESTIGATION_OPENED),
        ("suspect.presented", Status.OUTCOME),
        ("case.closed", Status.OUTCOME),
    ],
)
def test_after_an_act_on_the_case(name: str, status: Status) -> None:
    assert [each.status for each in changes([event(name, SlimCase(case_id="c", version=2))]).cases] == [status]


def test_the_latest_of_a_batch_wins_in_any_order_of_delivery() -> None:
    events = [
        triaged("report.triaged", "review"),
        triaged("report.reviewed", "refer", 2),
        event("case.opened", SlimMember(case_id="c1", report_id="r")),
        event("case.left", SlimMember(case_id="c1", report_id="r")),
        event("case.joined", SlimMember(case_id="c2", report_id="r")),
        event("case.accepted", SlimCase(case_id="c2", version=2)),
        event("case.closed", SlimCase(case_id="c2", version=3)),
    ]
    expected = changes(events)
    assert [each.status for each in expected.triaged] == [Status.EXAMINED]
    assert [each.case_id for each in expected.linked] == ["c2"]
    assert [each.status for each in expected.cases] == [Status.OUTCOME]
    for seed in range(20):
        shuffled = random.Random(seed).sample(events, len(events))
        assert changes(shuffled) == expected


def test_a_report_that_left_its_case_is_in_none() -> None:
    opened = event("case.opened", SlimMember(case_id="c1", report_id="r"))
    left = event("case.left", SlimMember(case_id="c1", report_id="r"))
    assert [each.case_id for each in changes([opened, left]).linked] == [None]


def test_what_changes_no_status_changes_nothing() -> None:
    assert changes([event("case.referred", Ignored())]) == ([], [], [])


def test_changes_are_sorted_so_that_two_workers_never_deadlock() -> None:
    found = changes([triaged("report.triaged", "review", report=report) for report in "cab"])
    assert [each.report_id for each in found.triaged] == ["a", "b", "c"]


def test_the_slim_models_read_fields_that_the_events_have_and_only_types_of_our_topics() -> None:
    for name, slim in SLIM_MODELS.items():
        entry = registry.EVENT_TYPES[name]
        assert entry.topic in TOPICS
        assert slim.model_fields.keys() <= entry.model.model_fields.keys()
    assert StatusCodec("t.").topic(TOPICS[0]) == "t.reports.triaged"
