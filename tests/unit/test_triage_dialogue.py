"""The dialogue in triage, pure: what the machine makes of a supplement, what becomes of messages, what is new."""

from typing import Any, cast

from ibalagh.contracts.codec import Codec
from ibalagh.events.commands import SendMessageV1
from ibalagh.events.dialogue import ReportAmendedV1
from ibalagh.events.envelope import Cause, Position
from ibalagh.events.vocabulary import ReviewAction
from ibalagh.stream.ports import Record
from services.triage.dialogue import SILENT, Sent, Standing, amendment_of, answer, changes_of
from services.triage.handlers import Classifier
from services.triage.reported import ReportCodec
from services.triage.reviews import Refused
from tests.support.storage import uuid_of
from tests.support.triage import NOW, decision, message, policy, received, report_id, supplemented, withdrawn

TEXT = "Je pense au suicide, escroquerie, https://a.example/x et +212 661 234 567"


def command(name: str, text: str = "?", **fields: Any) -> SendMessageV1:
    return cast(SendMessageV1, message(name, text, **fields).data)


def test_the_classifier_answers_each_in_order_and_judges_the_supplement_alone() -> None:
    events = [received("arnaque", "a"), supplemented(TEXT), received("rien", "b"), withdrawn()]
    effects = Classifier(policy())(events, NOW).effects
    assert [each.type.removeprefix("ibalagh.report.") for each in effects] == [
        *("triaged.v1", "amended.v1", "triaged.v1", "amended.v1")
    ]
    assert [each.cause for each in effects] == [
        None if each.position is None else Cause(*each.position, 0) for each in events
    ]
    first, second = (cast(ReportAmendedV1, effects[place].data) for place in (1, 3))
    assert (first.amendment_id, first.kind, first.urgency, first.amended_at) == (uuid_of(1), "addition", 3, NOW)
    assert {each.kind.value: each.value for each in first.indicators} == {
        "url": "a.example/x",
        "phone": "+212661234567",
    }
    assert first.reasons
    assert "escroquerie" not in first.to_json().decode()
    assert (second.kind, second.urgency, second.reasons, second.indicators) == ("withdrawal", 0, (), ())


def test_the_same_supplement_gives_the_same_event_again() -> None:
    once, again = (Classifier(policy())([supplemented(TEXT)], NOW).effects for _ in range(2))
    assert once == again


def test_the_classifiers_codec_reads_supplements_and_withdrawals_as_they_are() -> None:
    codec = ReportCodec()
    for event in (supplemented(TEXT), withdrawn()):
        outgoing = Codec().encode(event)
        assert event.position is not None
        record = Record(*event.position, outgoing.key, outgoing.value, outgoing.headers)
        assert codec.decode(record) == event


def test_a_message_is_sent_once_and_to_a_known_report_only() -> None:
    commands = [
        (uuid_of(1), command("a", "one")),
        (uuid_of(2), command("nowhere")),
        (uuid_of(1), command("a", "two")),
        (uuid_of(3), command("a", "three")),
    ]
    outcomes = answer({report_id("a")}, commands, {uuid_of(3)})
    assert [id_ for id_, _ in outcomes] == [uuid_of(1), uuid_of(2)]
    sent, refused = (outcome for _, outcome in outcomes)
    assert isinstance(sent, Sent)
    assert (sent.event.message_id, sent.event.text, sent.sender) == (uuid_of(1), "one", "analyst-1")
    assert "analyst-1" not in sent.event.to_json().decode()
    assert refused == Refused("unknown_report", {})


def test_what_was_shown_to_people_counts_as_seen_and_no_more() -> None:
    decided = decision("b", ReviewAction.CONFIRM, amendments_seen=1).data
    commands = [command("a", amendments_seen=2), command("a", amendments_seen=1), decided, command("c")]
    assert changes_of(commands) == {report_id("a"): 2, report_id("b"): 1, report_id("c"): None}  # type: ignore[arg-type]
    assert changes_of([command("a"), command("a", amendments_seen=1)]) == {report_id("a"): None}


def test_more_than_was_seen_is_new() -> None:
    assert not SILENT.news
    assert Standing(2, 1, NOW, None).news
    assert not Standing(2, 2, NOW, NOW).news


def test_an_amendment_knows_where_its_text_stands() -> None:
    [event] = Classifier(policy())([supplemented(TEXT)], NOW).effects
    assert event.cause is not None
    found = amendment_of(cast(ReportAmendedV1, event.data), event.cause)
    assert found.source == Position("ibalagh.reports.received", 0, 1_001)
