"""Which records referral reads, and how far: as much as a case needs, and nothing else than every reader would."""

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Cause, Data, Event
from ibalagh.events.vocabulary import CaseAction, Disposition
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.referral.handlers import CasesCodec, waits_for_a_person
from services.referral.referred import referred_of
from services.referral.work import read
from tests.support.referral import action, report_id, reviewed, triaged

CODEC = Codec("t.")
WAITING = (Disposition.REVIEW, Disposition.DISMISS)
CAUSE = Cause("t.reports.received", 3, 4_711, 0)


def record(event: Event[Data]) -> Record:
    out = CODEC.encode(event)
    return Record(out.topic, 0, 7, out.key, out.value, out.headers)


@pytest.mark.parametrize(
    "event",
    [
        reviewed("a"),
        reviewed("a", disposition=Disposition.DISMISS),
        action(report_id("c"), CaseAction.ACCEPT),
    ],
    ids=lambda event: event.type,
)
def test_what_may_change_a_case_is_read_whole(event: Event[Data]) -> None:
    written = record(event)
    assert not waits_for_a_person(written.topic, written.value)
    assert CasesCodec("t.").decode(written) == CODEC.decode(written)
    assert read([CasesCodec("t.").decode(written)]).steps


def caused(event: Event[Data]) -> Event[Data]:
    """As triage says it: with a cause."""
    return event._replace(cause=CAUSE)


def test_a_referred_report_is_read_as_far_as_a_case_needs_it() -> None:
    written = record(caused(triaged("a", "x", "y", organisation="a group", province=None)))
    whole, event = CODEC.decode(written), CasesCodec("t.").decode(written)
    assert event.data == referred_of(whole.data)  # type: ignore[arg-type]
    assert event._replace(data=whole.data, cause=CAUSE) == whole
    assert read([event]).reports[0][1:] == read([whole]).reports[0][1:]


def without(value: bytes, part: bytes, instead: bytes = b"") -> bytes:
    assert part in value
    return value.replace(part, instead, 1)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b"}", b""),
        (b"{", b"{{"),
        (b'"version":1', b'"version":0'),
        (b'"version":1', b'"version":1.5'),
        (b'"version":1', b'"version":"one"'),
        (b"2024-06-03", b"2024-02-30"),
        (b"2024-06-03", b"03/06/2024"),
        (b'"MA"', b'"ma"'),
        (b'"form"', b'"pigeon"'),
        (b'"fr"', b'"xx"'),
        (b'"fraud"', b'"frauds"'),
        (b'"urgency":0', b'"urgency":4'),
        (b"0.9", b"1.9"),
        (b'"rule"', b'"' + b"r" * 201 + b'"'),
        (b'"rule"', b"7"),
        (b'"04.421"', b'"' + b"4" * 201 + b'"'),
        (b'"organisation":null', b'"organisation":"\\u0000"'),
        (b'"organisation":null', b'"organisation":"\xff"'),
        (b'"url"', b'"post"'),
        (b"https://x.example/", b""),
        (b"https://x.example/", b"x" * 2_049),
    ],
)
def test_a_referred_report_that_is_not_valid_is_refused_for_the_same_reason_as_by_every_reader(
    part: bytes, instead: bytes
) -> None:
    good = record(caused(triaged("a", "x")))
    refused_alike(good._replace(value=without(good.value or b"", part, instead)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"1"),
        ("ce_source", b""),
        ("ce_time", b"yesterday"),
        ("ce_origintime", b"2024-09-01T12:00:00"),
        ("ce_cause", b"t.reports.received/3/4711"),
        ("ce_cause", b"t.reports.received/3/4711/-1"),
        ("ce_cause", None),
        ("ce_subject", b"another"),
        ("ce_specversion", b"2.0"),
        ("content-type", b"text/plain"),
    ],
)
def test_an_attribute_that_is_not_valid_is_refused_for_the_same_reason_as_by_every_reader(
    name: str, value: bytes | None
) -> None:
    good = record(caused(triaged("a", "x")))
    refused_alike(good._replace(headers=[(each, value if each == name else kept) for each, kept in good.headers]))


def test_another_topic_or_key_is_refused_for_the_same_reason_as_by_every_reader() -> None:
    good = record(caused(triaged("a", "x")))
    refused_alike(good._replace(topic="t.cases.actions"))
    refused_alike(good._replace(key=b"another"))
    refused_alike(good._replace(headers=[*good.headers, ("ce_id", b"twice")]))


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b'"version":1', b'"version": 1'),
        (b'"version":1,', b""),
        (b'"organisation":null', b'"organisation":"caf\xc3\xa9"'),
        (b'"organisation":null', b'"organisation":"a \\"quoted\\" one"'),
        (b'"facts":{', b'"later":[1],"facts":{'),
        (b"0.9", b"9e-1"),
        (b'"urgency":0', b'"urgency":"0"'),
    ],
)
def test_a_referred_report_that_is_valid_but_written_otherwise_is_parsed_whole(part: bytes, instead: bytes) -> None:
    good = record(caused(triaged("a", "x")))
    odd = good._replace(value=without(good.value or b"", part, instead))
    assert CasesCodec("t.").decode(odd) == CODEC.decode(odd)


@pytest.mark.parametrize("disposition", WAITING)
def test_what_the_machine_did_not_refer_is_passed_over(disposition: Disposition) -> None:
    written = record(triaged("a", disposition=disposition))
    assert waits_for_a_person(written.topic, written.value)
    assert not any(read([CasesCodec("t.").decode(written)]))


def test_what_the_machine_referred_is_not_passed_over() -> None:
    written = record(triaged("a", "x"))
    assert not waits_for_a_person(written.topic, written.value)
    assert not waits_for_a_person(written.topic, None)


@pytest.mark.parametrize("disposition", WAITING)
def test_a_decision_that_is_written_otherwise_is_read_and_changes_as_little(disposition: Disposition) -> None:
    plain = record(triaged("a", disposition=disposition))
    assert plain.value is not None
    spaced = plain._replace(value=plain.value.replace(b":{", b": {"))
    assert not waits_for_a_person(spaced.topic, spaced.value)
    assert not any(read([CasesCodec("t.").decode(spaced)]))


def test_a_text_that_quotes_a_decision_decides_nothing() -> None:
    event = triaged("a", "x")
    quoted = tuple(f'"decision":{{"disposition":"{each}",' for each in WAITING)
    data = event.data.model_copy(
        update={"decision": event.data.decision.model_copy(update={"reasons": quoted})}  # type: ignore[attr-defined]
    )
    written = record(event._replace(data=data))
    assert not waits_for_a_person(written.topic, written.value)
    assert read([CasesCodec("t.").decode(written)]).steps


def test_a_record_without_type_or_value_is_refused_as_by_every_reader() -> None:
    good = record(triaged("a"))
    for bad in (good._replace(headers=()), good._replace(value=None)):
        refused_alike(bad)


def refused_alike(bad: Record) -> None:
    reasons = []
    for codec in (CODEC, CasesCodec("t.")):
        with pytest.raises(InvalidRecordError) as caught:
            codec.decode(bad)
        reasons.append(caught.value.reason)
    assert reasons[0] == reasons[1]
