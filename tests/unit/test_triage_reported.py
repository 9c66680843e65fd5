"""The classifier's reader takes at a glance what is written as intake writes it, and ends as the strict reader else."""

import random
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.reports import ReportReceivedV1, ReportTriagedV1
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.triage import reported
from services.triage.decide import decide
from services.triage.handlers import Classifier
from services.triage.reported import ReportCodec, Reported, reported_of
from tests.support.harms import header, value
from tests.support.triage import NOW, policy, received, report

CODEC = Codec()
FIELDS: tuple[dict[str, Any], ...] = (
    {"text": "escroquerie, j'ai payé et jamais reçu https://shop.example/a?b=1"},
    {
        "text": "arnaque, appelez le +212 600 000 000",
        "links": ("http://x.example/é", "y.example"),
        "platform": "TikTok",
    },
    {"text": "هددني بنشر صوري", "place": "طنجة", "language": "ary-Latn", "category_hint": "sexual_blackmail"},
    {"text": "arna\u202eque\x1b, p\u0430yez", "links": ("https://p\u0430y.example/\x07",), "platform": "TikTok"},
    {"text": "je pense au suicide", "seen_at": NOW, "place": "Rabat"},
    {"text": "arnaque", "seen_at": NOW.astimezone(timezone(timedelta(hours=1)))},
    {"text": "صفحة تمجد داعش وتشيد بالإرهاب \U0001f600", "category_hint": "terrorism_praise", "place": "nowhere"},
)


def sent(name: str = "a", **fields: Any) -> Record:
    """Intake's record of a report."""
    out = CODEC.encode(received(name=name, **fields))
    return Record(out.topic, 0, 7, out.key, out.value, out.headers)


def taught(*records: Record) -> ReportCodec:
    """A codec that has met the facts of `records`."""
    codec = ReportCodec()
    for each in records:
        codec.decode(each)
    return codec


def at_a_glance(codec: ReportCodec, record: Record) -> bool:
    """Whether the strict reader was spared."""
    try:
        return codec._at_a_glance(record) is not None
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def outcome(codec: Codec, record: Record) -> Event[Data] | str:
    """The event with what the classifier reads of it, or the reason for which the record is refused."""
    try:
        event = codec.decode(record)
    except InvalidRecordError as error:
        return error.reason
    return event._replace(data=reported_of(event.data)) if isinstance(event.data, ReportReceivedV1) else event  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_a_plain_report_is_read_at_a_glance_to_the_same(fields: dict[str, Any]) -> None:
    codec, record = taught(sent(text="x")), sent(**fields)
    assert at_a_glance(codec, record)
    assert outcome(codec, record) == outcome(CODEC, record)


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_what_is_written_of_it_is_what_the_models_write(fields: dict[str, Any]) -> None:
    record = sent(**fields)
    events = [codec.decode(record) for codec in (CODEC, taught(sent(text="x")))]
    assert isinstance(events[1].data, Reported)
    expected = decide(report(**fields), policy())
    for event in events:
        (effect,) = Classifier(policy())([event], NOW).effects
        assert effect.data.to_json() == expected.to_json()
        assert ReportTriagedV1.model_validate_json(effect.data.to_json()) == expected


HARMS: tuple[Callable[[Record], Record], ...] = (
    lambda good: good._replace(value=None),
    lambda good: good._replace(value=b""),
    lambda good: good._replace(value=b"[]"),
    lambda good: good._replace(value=b"null"),
    lambda good: good._replace(key=b"other"),
    lambda good: good._replace(key=None),
    lambda good: good._replace(topic="ibalagh.reports.triaged"),
    lambda good: good._replace(headers=[*good.headers, good.headers[-1]]),
    lambda good: good._replace(headers=[*good.headers, ("trace", b"x")]),
    lambda good: good._replace(headers=good.headers[:-1]),
    lambda good: good._replace(headers=()),
    lambda good: header(good, "ce_id", b"x"),
    lambda good: header(good, "ce_id", None),
    lambda good: header(good, "ce_time", b"noon"),
    lambda good: header(good, "ce_origintime", b"2024-06-03T12:00:00"),
    lambda good: header(good, "ce_specversion", b"0.3"),
    lambda good: header(good, "ce_source", b"\xff"),
    lambda good: header(good, "ce_source", b"/partner"),
    lambda good: header(good, "content-type", b"text/plain"),
    lambda good: header(good, "content-type", b"application/json; charset=utf-8"),
    lambda good: value(good, b'"report_id":"', b'"report_id":"0'),
    lambda good: value(good, b'"received_at":"2024-06', b'"received_at":"2024-13'),
    lambda good: value(good, b'"received_at":"2024-06-03T12:00:00Z"', b'"received_at":1717416000'),
    lambda good: value(good, b'"identified":false', b'"identified":0'),
    lambda good: value(good, b'"identified":false', b'"identified":[]'),
    lambda good: value(good, b'"country":"MA"', b'"country":"ma"'),
    lambda good: value(good, b'"channel":"form"', b'"channel":"form","x":1'),
    lambda good: value(good, b'"facts":{', b'"facts":[{'),
    lambda good: value(good, b'"text":"', b'"text":"\\u0000'),
    lambda good: value(good, b'"text":"', b'"text":"\\ud800'),
    lambda good: value(good, b'"text":"', b'"text":"\xff'),
    lambda good: value(good, b'"text":"', b'"text":"' + b"x" * 20_000),
    lambda good: value(good, b'"text":"', b'"text":"' + b"x" * MAX_VALUE_BYTES),
    lambda good: value(good, b'"text":"', b'"text":"","x":"'),
    lambda good: value(good, b'"text":"', b'"text":12,"x":"'),
    lambda good: value(good, b'"links":[]', b'"links":["' + b"x" * 2_049 + b'"]'),
    lambda good: value(good, b'"links":[]', b'"links":[1]'),
    lambda good: value(good, b'"links":[]', b'"links":"x"'),
    lambda good: value(good, b'"links":[]', b'"links":{}'),
    lambda good: value(good, b'"links":[]', b'"links":null'),
    lambda good: value(good, b'"language":null', b'"language":"FR"'),
    lambda good: value(good, b'"language":null', b'"language":"fr\\n"'),
    lambda good: value(good, b'"language":null', b'"language":true'),
    lambda good: value(good, b'"category_hint":null', b'"category_hint":"shoes"'),
    lambda good: value(good, b'"category_hint":null', b'"category_hint":[]'),
    lambda good: value(good, b'"platform":null', b'"platform":"' + b"x" * 201 + b'"'),
    lambda good: value(good, b'"place":null', b'"place":7'),
    lambda good: value(good, b'"seen_at":null', b'"seen_at":"2024-06-03"'),
    lambda good: value(good, b'"seen_at":null', b'"seen_at":"2024-06-03T12:00:60Z"'),
    lambda good: value(good, b'"seen_at":null', b'"seen_at":"2024-06-03T12:00:00+01:00"'),
    lambda good: value(good, b'"seen_at":null', b'"seen_at":NaN'),
    lambda good: value(good, b',"seen_at":null', b""),
    lambda good: value(good, b"}", b'},"new_field":' + b"[" * 300 + b"]" * 300),
)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: str(HARMS.index(harm)))
def test_whatever_is_odd_ends_as_with_the_strict_reader(harm: Callable[[Record], Record]) -> None:
    good = sent(text="arnaque")
    odd = harm(good)
    assert outcome(taught(good), odd) == outcome(CODEC, odd)


def test_any_change_of_a_byte_ends_as_with_the_strict_reader() -> None:
    rng = random.Random(5)
    goods = [sent(**fields) for fields in FIELDS]
    codec = taught(*goods)
    taken = 0
    for _ in range(4_000):
        good = rng.choice(goods)
        data = bytearray(good.value or b"")
        data[rng.randrange(len(data))] = rng.choice(b'{}[]",:\\0129az \x00\xff')
        odd = good._replace(value=bytes(data))
        taken += at_a_glance(codec, odd)
        assert outcome(codec, odd) == outcome(CODEC, odd)
    assert taken  # a letter of a text, say


def test_a_report_with_files_or_from_before_there_were_any_is_read_in_full_to_the_same() -> None:
    codec = taught(sent(text="x"))
    file = {"sha256": "0" * 64, "size_bytes": 1, "media_type": "image/png"}
    with_files = sent(text="x", attachments=(file,))
    plain = sent(text="x")
    before = plain._replace(value=(plain.value or b"").replace(b',"attachments":[]', b""))
    assert before.value != plain.value
    for record in (with_files, before):
        assert not at_a_glance(codec, record)
        assert outcome(codec, record) == outcome(CODEC, record)
        assert isinstance(codec.decode(record).data, Reported)


def test_facts_that_were_never_met_are_read_in_full_and_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = sent(text="x")
    assert not at_a_glance(ReportCodec(), good)
    monkeypatch.setattr(reported, "_MAX_REMEMBERED", 1)
    codec = taught(good)
    assert at_a_glance(codec, good)
    codec.decode(value(good, b'"country":"MA"', b'"country":"FR"'))
    assert not at_a_glance(codec, good)


def test_the_limits_here_are_those_of_the_model() -> None:
    schema = ReportReceivedV1.model_json_schema()["properties"]
    assert schema["text"]["maxLength"] == reported._MAX_TEXT
    assert schema["links"]["items"]["maxLength"] == reported._MAX_LINK
    for name in ("platform", "place"):
        assert schema[name]["anyOf"][0]["maxLength"] == reported._MAX_SHORT
    assert not ReportReceivedV1.__pydantic_decorators__.model_validators


@pytest.mark.parametrize("odd", ["\\u0000", "\\ud800 \\udc00", "\\\\u0000"])
def test_what_intake_writes_for_characters_that_nothing_can_store_is_read_and_no_dead_letter(odd: str) -> None:
    codec, record = taught(sent(text="x")), sent(text=f"arna{odd}que", links=(f"https://a.example/{odd}",))
    assert at_a_glance(codec, record) is ("u0000" not in odd)
    event = codec.decode(record)
    assert isinstance(event.data, Reported)
    assert event.data.text == f"arna{odd}que"
    assert outcome(codec, record) == outcome(CODEC, record)
