"""Reading only what is counted: agrees with the full codec on what is valid, refuses what it cannot count."""

import uuid
from collections.abc import Sized

import orjson
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import EVENT_TYPES
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.stats.counted import Kind, counted
from services.stats.counting import COUNTED, NOT_COUNTED, moves_of
from services.stats.reading import CountingCodec
from services.stats.recount import Recalled
from services.stats.repeats import fresh
from tests.unit.test_stats_counting import SMALL

FULL, SLIM = Codec(), CountingCodec()
RECEIVED = SMALL[0]
OPENED = next(record for record in SMALL if dict(record.headers)["ce_type"] == b"ibalagh.case.opened.v1")


def changed(record: Record, **values: object) -> Record:
    return record._replace(value=orjson.dumps({**orjson.loads(record.value or b""), **values}))


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    return record._replace(headers=[*(each for each in record.headers if each[0] != name), (name, value)])


@pytest.mark.parametrize("record", SMALL)
def test_what_the_full_codec_reads_is_counted_the_same(record: Record) -> None:
    full, slim = FULL.decode(record), SLIM.decode(record)
    assert (slim.id, slim.type, slim.subject, slim.origin_time, slim.cause, slim.position) == (
        full.id,
        full.type,
        full.subject,
        full.origin_time,
        full.cause,
        full.position,
    )
    (tally,) = [each.tally for each in counted([slim])]
    assert tally is not None
    view = COUNTED[full.type].view.model_validate(full.data.model_dump())
    assert tally.moves == moves_of(full.type, view)


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_every_counted_view_is_a_part_of_the_events_model(name: str) -> None:
    model = EVENT_TYPES[name].model.model_fields
    for field, info in COUNTED[name].view.model_fields.items():
        assert field in model
        assert info.is_required() <= model[field].is_required()


def test_only_receipts_and_triage_are_remembered_by_report() -> None:
    kinds = {each.type: each.kind for each in counted([SLIM.decode(record) for record in SMALL])}
    assert {type_: kind for type_, kind in kinds.items() if kind is not None} == {
        "ibalagh.report.received.v1": Kind.RECEIVED,
        "ibalagh.report.triaged.v1": Kind.TRIAGED,
    }


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (RECEIVED._replace(value=None), "null_value"),
        (RECEIVED._replace(value=b"x" * (1_048_576 + 1)), "too_large"),
        (RECEIVED._replace(value=b"not json"), "bad_json"),
        (RECEIVED._replace(value=b"[" * 10_000 + b"]" * 10_000), "bad_json"),
        (RECEIVED._replace(value=b'{"text": "\xff"}'), "bad_json"),
        (RECEIVED._replace(value=b"[]"), "bad_data"),
        (RECEIVED._replace(value=b"{}"), "bad_data"),
        (changed(RECEIVED, facts=[]), "bad_data"),
        (changed(RECEIVED, facts={"received_on": [], "identified": True, "country": "MA"}), "bad_data"),
        (changed(RECEIVED, facts={"received_on": "2031-02-30", "identified": True, "country": "MA"}), "bad_data"),
        (changed(RECEIVED, facts={"received_on": "2031-02-03", "identified": True, "country": "ma"}), "bad_data"),
        (changed(RECEIVED, report_id="' or 1=1"), "bad_data"),
        (changed(RECEIVED, report_id=7), "bad_data"),
        (RECEIVED._replace(key=b"other"), "bad_key"),
        (RECEIVED._replace(topic="ibalagh.reports.triaged"), "wrong_topic"),
        (RECEIVED._replace(headers=[]), "missing_attribute"),
        (with_header(RECEIVED, "ce_id", None), "missing_attribute"),
        (with_header(RECEIVED, "ce_id", b"no uuid"), "bad_attribute"),
        (with_header(RECEIVED, "ce_id", b"\xff"), "bad_attribute"),
        (with_header(RECEIVED, "ce_origintime", b"2031-01-01T00:00:00"), "bad_attribute"),
        (with_header(RECEIVED, "ce_type", b"ibalagh.report.received.v9"), "unknown_type"),
        (with_header(OPENED, "ce_cause", b"t/0/" + b"9" * 30 + b"/0"), "bad_attribute"),
        (with_header(OPENED, "ce_cause", b"t/0/0/-1"), "bad_attribute"),
        (with_header(OPENED, "ce_cause", b"a\0b/0/0/0"), "bad_attribute"),
        (OPENED._replace(headers=[each for each in OPENED.headers if "cause" not in each[0]]), "missing_attribute"),
    ],
)
def test_what_cannot_be_read_is_invalid_with_its_reason(record: Record, reason: str) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        SLIM.decode(record)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    "record",
    [
        OPENED._replace(value=b"{}"),
        changed(OPENED, organisation="a\0b"),
        changed(OPENED, category="no such"),
        changed(OPENED, occurred_at="0001-01-01T00:00:00+14:00"),
        changed(OPENED, occurred_at=12),
    ],
)
def test_a_derived_event_with_bad_content_is_refused_with_its_cause_kept(record: Record) -> None:
    (event,) = counted([SLIM.decode(record)])
    assert event.refusal == "bad_data"
    assert event.cause is not None


@pytest.mark.parametrize("name", sorted(NOT_COUNTED))
def test_what_reporters_and_analysts_say_to_each_other_counts_nothing_and_is_no_dead_letter(name: str) -> None:
    record = with_header(RECEIVED, "ce_type", name.encode())._replace(value=b'{"text": "x"}')
    talk, report = SLIM.decode(record), SLIM.decode(RECEIVED)
    found = fresh([talk, report, talk], Recalled())
    assert list(found.tallies.values()) == [1]
    assert (found.last, found.rejected) == (report, [])
    assert fresh([talk], Recalled()) == ([], {}, None, [])
    with pytest.raises(InvalidRecordError):
        SLIM.decode(with_header(record, "ce_origintime", b"soon"))


def test_hostile_variety_does_not_make_the_cache_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stats.contents.CACHE_SIZE", 10)
    codec = CountingCodec()
    for number in range(50):
        hostile = changed(OPENED, organisation=uuid.uuid4().hex)
        codec.decode(with_header(hostile, "ce_cause", f"topic-{number}/0/0/0".encode()))
    kept: list[Sized] = [codec._contents._tallies, codec._chains, *(reader.known for reader in codec._readers.values())]
    assert max(len(each) for each in kept) == 10


def test_a_report_in_the_urgent_lane_is_read_as_any_other_and_nothing_else_belongs_there() -> None:
    there = RECEIVED._replace(topic="ibalagh.reports.received.urgent")
    one, other = counted([SLIM.decode(there), SLIM.decode(RECEIVED)])
    assert (one.tally, one.kind, one.report_id) == (other.tally, other.kind, other.report_id)
    triaged = next(each for each in SMALL if dict(each.headers)["ce_type"] == b"ibalagh.report.triaged.v1")
    with pytest.raises(InvalidRecordError, match="wrong_topic"):
        SLIM.decode(triaged._replace(topic="ibalagh.reports.received.urgent"))
