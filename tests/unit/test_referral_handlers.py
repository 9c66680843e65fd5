"""Which records referral parses: those that it may have to act on."""

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.contracts.passing import PassedOver
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import CaseAction, Disposition
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.referral.batch import read
from services.referral.handlers import NOT_REFERRED, CasesCodec
from tests.support.referral import action, report_id, reviewed, triaged

CODEC = Codec("t.")
WAITING = (Disposition.REVIEW, Disposition.DISMISS)


def record(event: Event[Data]) -> Record:
    out = CODEC.encode(event)
    return Record(out.topic, 0, 7, out.key, out.value, out.headers, 0)


@pytest.mark.parametrize(
    "event",
    [
        triaged("a", "x"),
        reviewed("a"),
        reviewed("a", disposition=Disposition.DISMISS),
        action(report_id("c"), CaseAction.ACCEPT),
    ],
    ids=lambda event: event.type,
)
def test_what_may_change_a_case_is_read_whole(event: Event[Data]) -> None:
    written = record(event)
    assert CasesCodec("t.").decode(written) == CODEC.decode(written)
    assert read([CasesCodec("t.").decode(written)]).steps


@pytest.mark.parametrize("disposition", WAITING)
def test_what_the_machine_did_not_refer_is_passed_over(disposition: Disposition) -> None:
    codec = CasesCodec("t.")
    events = [codec.decode(record(triaged(name, disposition=disposition))) for name in "ab"]
    assert [type(each.data) for each in events] == [PassedOver, PassedOver]
    assert events[0] is events[1]
    assert not any(read(events))


@pytest.mark.parametrize(("disposition", "mark"), list(zip(WAITING, NOT_REFERRED, strict=True)))
def test_a_decision_that_is_written_otherwise_is_read_and_changes_as_little(
    disposition: Disposition, mark: bytes
) -> None:
    plain = record(triaged("a", disposition=disposition))
    assert plain.value is not None
    assert mark in plain.value
    spaced = CasesCodec("t.").decode(plain._replace(value=plain.value.replace(b":{", b": {")))
    assert not isinstance(spaced.data, PassedOver)
    assert not any(read([spaced]))


def test_a_text_that_quotes_a_decision_decides_nothing() -> None:
    event = triaged("a", "x")
    data = event.data.model_copy(
        update={"decision": event.data.decision.model_copy(update={"reasons": tuple(map(bytes.decode, NOT_REFERRED))})}  # type: ignore[attr-defined]
    )
    assert read([CasesCodec("t.").decode(record(event._replace(data=data)))]).steps


def test_a_record_without_type_or_value_is_refused_as_by_every_reader() -> None:
    good = record(triaged("a"))
    for bad in (good._replace(headers=()), good._replace(value=None)):
        reasons = []
        for codec in (CODEC, CasesCodec("t.")):
            with pytest.raises(InvalidRecordError) as caught:
                codec.decode(bad)
            reasons.append(caught.value.reason)
        assert reasons[0] == reasons[1]
