"""The desk's reader takes as it is what is written as the classifier writes it, and nothing else."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.reports import Decision, Indicator, ReportFacts, ReportTriagedV1
from ibalagh.events.vocabulary import ReviewAction
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.triage import reading
from services.triage.handlers import Classifier, Desk
from services.triage.packing import Arrival
from services.triage.reading import DeskCodec
from services.triage.reviews import State
from tests.support.harms import header, value
from tests.support.triage import NOW, decision, policy, received

CODEC = Codec()
TEXTS = (
    "escroquerie, j'ai payé et jamais reçu https://shop.example/a?b=1",
    "arnaque et insultes, appelez le +212 600 000 000",
    "je pense au suicide",
    "rien",
    "Bonjour, on m'a envoyé ce message étrange et je ne sais pas quoi en penser du tout",
    "هددني بنشر صوري",
)
GOOD = TEXTS[0]
INDICATOR = b',{"kind":"url","value":"shop.example/' + b"a" * 1_000 + b'"}'


def written(text: str, name: str = "a") -> Record:
    """The classifier's record of a text."""
    (event,) = Classifier(policy())([received(text, name)], NOW).effects
    out = CODEC.encode(event)
    return Record(out.topic, 0, 7, out.key, out.value, out.headers)


def taught(*records: Record) -> DeskCodec:
    """A codec that has met the texts of `records`."""
    codec = DeskCodec()
    for each in records:
        codec.decode(each)
    return codec


class Copied(Transaction):
    """Keeps what is copied."""

    def __init__(self) -> None:
        self.payload = b""

    def execute(self, *_: object) -> int:
        return 0

    def fetch_all(self, *_: object) -> list[tuple[object, ...]]:
        return []

    def copy_binary(self, _table: str, _columns: object, payload: bytes) -> int:
        self.payload += payload
        return 1


def rows(event: Event[Data]) -> bytes:
    """What the desk writes for an event."""
    copied = Copied()
    Desk(lambda: NOW)([event], copied)
    return copied.payload


def outcome(codec: Codec, record: Record) -> str | bytes:
    """The rows that come of a record, or the reason for which it is refused."""
    try:
        return rows(codec.decode(record))
    except InvalidRecordError as error:
        return error.reason


@pytest.mark.parametrize("text", TEXTS)
def test_a_report_in_known_texts_leaves_the_same_row_as_one_that_is_read_in_full(text: str) -> None:
    codec = taught(written(text))
    again = written(text, "b")
    event = codec.decode(again)
    assert isinstance(event, Arrival)
    assert event.data is again.value
    assert event.origin_time == CODEC.decode(again).origin_time
    assert rows(event) == rows(CODEC.decode(again)) != b""


def test_texts_that_were_never_met_are_read_in_full_and_remembered() -> None:
    codec, record = DeskCodec(), written(GOOD)
    first = codec.decode(record)
    assert first == CODEC.decode(record)
    assert isinstance(codec.decode(record), Arrival)


SURE = re.compile(rb'"confidence":[0-9.]+')


@pytest.mark.parametrize("share", ["0.0", "0.1", "0.25", "0.999", "1.0"])
def test_how_sure_the_machine_is_is_no_part_of_what_must_be_known(share: str) -> None:
    codec, record = taught(written(GOOD)), written(GOOD)
    sure = record._replace(value=SURE.sub(f'"confidence":{share}'.encode(), record.value or b""))
    assert isinstance(codec.decode(sure), Arrival)
    assert rows(codec.decode(sure)) == rows(CODEC.decode(sure))


@pytest.mark.parametrize(
    "share", ["0", "1", "0.10", "1.1", "00.1", "0.1e0", "-0.1", ".5", '"0.5"', "true", "null", "0.1,"]
)
def test_a_share_that_is_written_otherwise_ends_as_with_the_strict_reader(share: str) -> None:
    codec, record = taught(written(GOOD)), written(GOOD)
    odd = record._replace(value=SURE.sub(f'"confidence":{share}'.encode(), record.value or b""))
    assert outcome(codec, odd) == outcome(CODEC, odd)


def test_where_it_stands_follows_from_the_decision() -> None:
    sure, unsure, urgent = written("escroquerie, j'ai payé et jamais reçu"), written(TEXTS[1]), written(TEXTS[2])
    codec = taught(sure, unsure, urgent)
    arrivals: list[Any] = [codec.decode(each) for each in (sure, unsure, urgent)]
    assert [(each.state, each.urgency) for each in arrivals] == [
        (State.STRAIGHT, 0),
        (State.OPEN, 0),
        (State.OPEN, 3),
    ]


HARMS: tuple[Callable[[Record], Record], ...] = (
    lambda good: good._replace(value=None),
    lambda good: good._replace(value=b""),
    lambda good: good._replace(key=b"other"),
    lambda good: good._replace(key=None),
    lambda good: good._replace(topic="ibalagh.triage.decisions"),
    lambda good: good._replace(headers=[*good.headers, good.headers[-1]]),
    lambda good: good._replace(headers=[*good.headers, ("trace", b"x"), ("trace", b"x")]),
    lambda good: good._replace(headers=[each for each in good.headers if each[0] != "ce_cause"]),
    lambda good: good._replace(headers=[each for each in good.headers if each[0] != "ce_origintime"]),
    lambda good: header(good, "ce_id", b"x"),
    lambda good: header(good, "ce_id", None),
    lambda good: header(good, "ce_time", b"noon"),
    lambda good: header(good, "ce_origintime", b"2024-06-03T12:00:00"),
    lambda good: header(good, "ce_specversion", b"0.3"),
    lambda good: header(good, "ce_source", b"\xff"),
    lambda good: header(good, "content-type", b"text/plain"),
    lambda good: header(good, "content-type", b"application/json; charset=utf-8"),
    lambda good: header(good, "ce_type", b"ibalagh.report.reviewed.v1"),
    lambda good: header(good, "ce_cause", b"ibalagh.reports.received/0/9223372036854775808/0"),
    lambda good: header(good, "ce_cause", b"ibalagh.reports.received/0/9223372036854775807/0"),
    lambda good: header(good, "ce_cause", b"ibalagh.reports.received/2147483648/1/0"),
    lambda good: header(good, "ce_cause", b"ibalagh.reports.received/0/-1/0"),
    lambda good: header(good, "ce_cause", b"ibalagh.reports.received/0/1/1"),
    lambda good: header(good, "ce_cause", b"a/b/0/1/0"),
    lambda good: value(good, b'"indicators":[', b'"indicators":[['),
    lambda good: value(good, b'"kind":"url"', b'"kind":"shoe"'),
    lambda good: value(good, b'"value":"', b'"value":"\\u0000'),
    lambda good: value(good, b'"value":"', b'"value":"\xc3\xa9'),
    lambda good: value(good, b'"value":"', b'"value":"\xff'),
    lambda good: value(good, b'"value":"', b'"value":"' + b"x" * 2_048),
    lambda good: value(good, b"]}", b"]} "),
    lambda good: value(good, b'"version":1', b'"version":0'),
    lambda good: value(good, b'"version":1', b'"version":1.0'),
    lambda good: value(good, b'"version":1', b'"version":true'),
    lambda good: value(good, b'"urgency":0', b'"urgency":4'),
    lambda good: value(good, b'"confidence":', b'"confidence":9'),
    lambda good: value(good, b',"indicators"', b',"x":{},"indicators"'),
    lambda good: value(good, b"]}", b'],"indicators":[]}'),
    lambda good: value(good, b"]}", INDICATOR * (MAX_VALUE_BYTES // len(INDICATOR) + 1) + b"]}"),
)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: str(HARMS.index(harm)))
def test_whatever_is_odd_ends_as_with_the_strict_reader(harm: Callable[[Record], Record]) -> None:
    good = written(GOOD)
    odd = harm(good)
    assert outcome(taught(good), odd) == outcome(CODEC, odd)


def test_any_change_of_a_byte_ends_as_with_the_strict_reader() -> None:
    rng = random.Random(3)
    goods = [written(each) for each in TEXTS]
    codec = taught(*goods)
    taken = 0
    for _ in range(4_000):
        good = rng.choice(goods)
        data = bytearray(good.value or b"")
        data[rng.randrange(len(data))] = rng.choice(b'{}[]",:\\0129az \x00\xff')
        odd = good._replace(value=bytes(data))
        taken += isinstance(safely(codec, odd), Arrival)
        assert outcome(codec, odd) == outcome(CODEC, odd)
    assert taken  # a letter of an indicator, say


def safely(codec: Codec, record: Record) -> Event[Data] | None:
    try:
        return codec.decode(record)
    except InvalidRecordError:
        return None


def test_decisions_come_as_events() -> None:
    out = CODEC.encode(decision("a", ReviewAction.DISMISS))
    record = Record(out.topic, 0, 7, out.key, out.value, out.headers)
    assert DeskCodec().decode(record) == CODEC.decode(record)


def test_one_part_of_a_known_text_in_the_place_of_another_is_not_known() -> None:
    good = written(GOOD)
    codec = taught(good)
    odd = value(good, b'"organisation":null', b'"organisation":0.63')
    assert outcome(codec, odd) == outcome(CODEC, odd) == "bad_data"


def test_of_what_is_long_nothing_is_remembered_and_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = written(GOOD)
    monkeypatch.setattr(reading, "MAX_LEARNT_BYTES", len(good.value or b"") - 1)
    assert not isinstance(taught(good).decode(good), Arrival)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MAX_TEXTS", 1)
    codec = taught(good, written(TEXTS[3]))
    assert not isinstance(codec.decode(good), Arrival)
    assert isinstance(codec.decode(good), Arrival)


def test_no_model_of_a_triaged_report_has_a_rule_across_fields() -> None:
    """Else three texts that are good in one value might be bad together in another."""
    for model in (ReportTriagedV1, ReportFacts, Decision, Indicator):
        rules = model.__pydantic_decorators__
        assert not rules.model_validators
        assert not rules.root_validators
        assert not rules.field_validators
        assert not rules.computed_fields
