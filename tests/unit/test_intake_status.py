"""Which word a reporter is told after which event."""

import itertools
import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec
from ibalagh.events import cases, make, registry, reports
from ibalagh.events.envelope import Data, Event
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Headers, Record
from services.intake.handlers import TO_REFER, TOPICS, Ignored, StatusCodec
from services.intake.status import (
    SLIM_MODELS,
    Changes,
    SlimCase,
    SlimDecision,
    SlimMember,
    SlimTriage,
    Status,
    changes,
    said,
)

START = datetime(2026, 7, 1, tzinfo=UTC)
R, A, B, C, C1, C2 = (f"01890000-0000-7000-8000-0000000000{last:02x}" for last in range(6))
FACTS = reports.ReportFacts(received_on=date(2026, 7, 1), identified=False, country="MA", channel="api")
_ticks = itertools.count()


def event(name: str, data: Data) -> Event[Data]:
    time = START + timedelta(seconds=next(_ticks))
    return Event("id", f"ibalagh.{name}.v1", "/x", "subject", time, time, data)


def changes_of(*events: Event[Data]) -> Changes:
    return changes(map(said, events))


def triaged(name: str, disposition: str, version: int = 1, report: str = R) -> Event[Data]:
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
    assert [each.status for each in changes_of(triaged(name, disposition)).triaged.values()] == (
        [status] if status else []
    )


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
    assert [each.status for each in changes_of(event(name, SlimCase(case_id=C, version=2))).cases.values()] == [status]


def test_the_latest_of_a_batch_wins_in_any_order_of_delivery() -> None:
    events = [
        triaged("report.triaged", "review"),
        triaged("report.reviewed", "refer", 2),
        event("case.opened", SlimMember(case_id=C1, report_id=R)),
        event("case.left", SlimMember(case_id=C1, report_id=R)),
        event("case.joined", SlimMember(case_id=C2, report_id=R)),
        event("case.accepted", SlimCase(case_id=C2, version=2)),
        event("case.closed", SlimCase(case_id=C2, version=3)),
    ]
    expected = changes_of(*events)
    assert [each.status for each in expected.triaged.values()] == [Status.EXAMINED]
    assert [each.case_id for each in expected.linked.values()] == [C2]
    assert [each.status for each in expected.cases.values()] == [Status.OUTCOME]
    for seed in range(20):
        shuffled = random.Random(seed).sample(events, len(events))
        assert changes_of(*shuffled) == expected


def test_a_report_that_left_its_case_is_in_none() -> None:
    opened = event("case.opened", SlimMember(case_id=C1, report_id=R))
    left = event("case.left", SlimMember(case_id=C1, report_id=R))
    assert [each.case_id for each in changes_of(opened, left).linked.values()] == [None]


def test_what_changes_no_status_changes_nothing() -> None:
    assert not any(changes_of(event("case.referred", Ignored())))


def test_changes_are_sorted_so_that_two_workers_never_deadlock() -> None:
    found = changes_of(*(triaged("report.triaged", "review", report=report) for report in (C, A, B)))
    assert list(found.triaged) == [A, B, C]


def test_the_slim_models_read_fields_that_the_events_have_and_only_types_of_our_topics() -> None:
    for name, slim in SLIM_MODELS.items():
        entry = registry.EVENT_TYPES[name]
        assert entry.topic in TOPICS
        assert slim.model_fields.keys() <= entry.model.model_fields.keys()
    assert StatusCodec("t.").topic(TOPICS[0]) == "t.reports.triaged"


CODEC = Codec("t.")


def decision(disposition: str) -> reports.Decision:
    return reports.Decision(
        disposition=disposition,
        category="fraud",
        urgency=0,
        confidence=1,
        reasons=('"decision":{"disposition":"refer",',),
        policy="p1",
    )


def triage_of(disposition: str) -> Data:
    return reports.ReportTriagedV1(
        report_id=R, facts=FACTS, variety="fr", decision=decision(disposition), indicators=()
    )


def review_of(disposition: str) -> Data:
    return reports.ReportReviewedV1(
        report_id=R,
        version=2,
        facts=FACTS,
        decision=decision(disposition),
        previous=decision("refer"),
        action="confirm",
        reviewer="analyst-1",
        indicators=(),
    )


def member(model: type[Data], **given: object) -> Data:
    return model(
        case_id=C, version=1, occurred_at=START, report_id=R, facts=FACTS, category="fraud", urgency=0, **given
    )


def at_service(model: type[Data], **given: object) -> Data:
    return model(case_id=C, version=2, occurred_at=START, category="fraud", service="s", **given)


READ = (
    triage_of("review"),
    triage_of("dismiss"),
    review_of("refer"),
    review_of("dismiss"),
    member(cases.CaseOpenedV1, indicators=()),
    member(cases.CaseJoinedV1, joined_by=()),
    member(cases.CaseLeftV1),
    at_service(cases.CaseAcceptedV1, actor="officer-1"),
    at_service(cases.CaseReroutedV1, previous_service="r", prosecutor="p", reason="x"),
)
PASSED_OVER = (
    triage_of("refer"),
    at_service(
        cases.CaseReferredV1, urgency=0, prosecutor="p", competence_table="t", competence_rule=',"previous-service":'
    ),
    at_service(cases.ProsecutionNotifiedV1, prosecutor="p"),
)
IGNORED = (
    at_service(cases.SuspectIdentifiedV1, actor="officer-1", suspect_ref="s1"),
    member(cases.CaseReclassifiedV1, previous_category="insult_defamation", case_category="fraud"),
)


def record(data: Data) -> Record:
    now = START + timedelta(seconds=next(_ticks))
    root = make.root(data, id_=R, source="/x", subject=getattr(data, "case_id", R), now=now)
    out = CODEC.encode(root)
    return Record(out.topic, 0, 7, out.key, out.value, out.headers)


def other_time(good: Record, time: bytes | None) -> Headers:
    others = [(name, value) for name, value in good.headers if name != "ce_time"]
    return others if time is None else [*others, ("ce_time", time)]


def other_subject(good: Record, subject: bytes) -> Record:
    others = [(name, subject if name == "ce_subject" else value) for name, value in good.headers]
    return good._replace(key=subject, headers=others)


def reason(codec: Codec, bad: Record) -> str:
    with pytest.raises(InvalidRecordError) as caught:
        codec.decode(bad)
    return caught.value.reason


@pytest.mark.parametrize("data", READ, ids=lambda data: type(data).__name__)
def test_what_is_read_says_what_the_whole_event_would_say(data: Data) -> None:
    written = record(data)
    whole = CODEC.decode(written)
    slim = SLIM_MODELS[whole.type].model_validate(data.model_dump())
    saying: object = StatusCodec("t.").decode(written)
    assert saying == said(whole._replace(data=slim))
    assert StatusCodec("t.").decode(written).origin_time == whole.origin_time
    assert any(changes([saying]))


@pytest.mark.parametrize("data", READ, ids=lambda data: type(data).__name__)
def test_json_that_is_written_otherwise_says_the_same(data: Data) -> None:
    written = record(data)
    other = {"added": "by a newer version", **json.loads(written.value or b"")}
    if "version" in other:
        other["version"] = str(other["version"])
    spelled = written._replace(value=json.dumps(other, indent=1).encode())
    assert StatusCodec("t.").decode(spelled) == StatusCodec("t.").decode(written)


def passes_over(written: Record) -> bool:
    return StatusCodec("t.").passes_over(written.topic, written.value)


@pytest.mark.parametrize("data", PASSED_OVER, ids=lambda data: type(data).__name__)
def test_what_is_known_by_its_bytes_to_change_nothing_is_passed_over_and_would_change_nothing(data: Data) -> None:
    written = record(data)
    assert passes_over(written)
    assert not any(changes([StatusCodec("t.").decode(written)]))


@pytest.mark.parametrize("data", IGNORED, ids=lambda data: type(data).__name__)
def test_what_is_not_known_by_its_bytes_is_read_and_changes_nothing(data: Data) -> None:
    written = record(data)
    assert not passes_over(written)
    assert not any(changes([StatusCodec("t.").decode(written)]))


@pytest.mark.parametrize("data", READ, ids=lambda data: type(data).__name__)
def test_what_changes_a_status_is_not_passed_over(data: Data) -> None:
    written = record(data)
    assert not passes_over(written)
    assert not passes_over(written._replace(value=None))


def test_the_machines_referral_is_known_by_its_bytes_and_otherwise_by_reading_it() -> None:
    plain = record(triage_of("refer"))
    assert plain.value is not None
    assert TO_REFER in plain.value
    spaced = plain._replace(value=plain.value.replace(b":", b": "))
    assert not passes_over(spaced)
    assert not any(changes([StatusCodec("t.").decode(spaced)]))


@pytest.mark.parametrize("data", READ, ids=lambda data: type(data).__name__)
@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda good: good._replace(value=None), "null_value"),
        (lambda good: good._replace(value=good.value[:-1]), "bad_json"),
        (lambda good: good._replace(value=b"[]"), "bad_data"),
        (lambda good: good._replace(value=b"7"), "bad_data"),
        (lambda good: good._replace(value=b'{"a":' * 10_000), "bad_json"),
        (lambda good: good._replace(value=good.value.replace(b'{"', b'{"\xff')), "bad_json"),
        (lambda good: good._replace(value=good.value + b" " * MAX_VALUE_BYTES), "too_large"),
        (lambda good: good._replace(value=good.value.replace(R[:-4].encode(), b"x")), "bad_data"),
        (lambda good: good._replace(key=b"other"), "bad_key"),
        (lambda good: other_subject(good, b"\xff"), "bad_attribute"),
        (lambda good: good._replace(topic="t.triage.decisions"), "wrong_topic"),
        (lambda good: good._replace(headers=[*good.headers, ("ce_time", b"x")]), "duplicate_attribute"),
        (lambda good: good._replace(headers=other_time(good, None)), "missing_attribute"),
        (lambda good: good._replace(headers=other_time(good, b"noon")), "bad_attribute"),
        (lambda good: good._replace(headers=good.headers[:2]), "missing_attribute"),
    ],
)
def test_what_cannot_be_read_is_refused_for_the_reason_that_every_reader_gives(
    data: Data, harm: Callable[[Record], Record], expected: str
) -> None:
    assert reason(StatusCodec("t."), harm(record(data))) == expected
    assert reason(CODEC, harm(record(data))) == expected


def test_a_version_that_no_row_can_hold_is_refused() -> None:
    good = record(READ[-1])
    assert good.value is not None
    for version in (b"2147483648", b"0", b"-1", b"1.5", b"null"):
        odd = good._replace(value=good.value.replace(b'"version":2', b'"version":' + version))
        assert reason(StatusCodec("t."), odd) == "bad_data"
