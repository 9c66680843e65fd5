"""Reading at a glance: what our services publish is read so, and nothing is read otherwise than it is with care."""

from collections.abc import Iterator
from operator import itemgetter
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events import cases, reports
from ibalagh.events.envelope import Data
from ibalagh.events.vocabulary import Category, Disposition, IndicatorKind, Urgency, Variety
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from services.stats.counted import counted
from services.stats.glance import PATTERNS
from services.stats.reading import CountingCodec
from services.stats.repeats import Fresh
from services.stats.summing import Sums, sums
from tests.unit.stats_log import DAY, NOW, Log, decision, facts

LINK = reports.Indicator(kind=IndicatorKind.URL, value="fair.example/a?b=c")
HANDLE = reports.Indicator(kind=IndicatorKind.HANDLE, value="telegram:someone_invented")


def often_log() -> list[Record]:
    """The events that come by the thousand, each with all that it may carry, and again with as little as it may."""
    log = Log()
    for number, full in enumerate((True, False)):
        of = facts(identified=full, country="MA" if full else "FR")
        received = log.received(number, of)
        decided = decision(Category.TERRORISM_PRAISE, Disposition.REFER, "isis" if full else None)
        decided = decided.model_copy(
            update={"reasons": ("a.b", "c.d") if full else (), "province": "01.511" if full else None}
        )
        indicators = (LINK, HANDLE) if full else ()
        verdict = reports.ReportTriagedV1(
            report_id=received.id, facts=of, variety=Variety.ARABIC, decision=decided, indicators=indicators
        )
        triaged = log.effect(received, verdict, received.id)
        report = {"case_id": triaged.subject, "version": 1, "occurred_at": NOW, "report_id": triaged.subject}
        report |= {"facts": of, "category": Category.TERRORISM_PRAISE, "urgency": Urgency.ROUTINE}
        report |= {"province": decided.province, "organisation": decided.organisation}
        case = {"case_id": triaged.subject, "version": 12, "occurred_at": NOW, "category": Category.FRAUD}
        case |= {"service": "test-service", "province": decided.province, "prosecutor": "test-court"}
        effects: list[Data] = [
            cases.CaseOpenedV1.model_validate({**report, "indicators": indicators}),
            cases.CaseJoinedV1.model_validate({**report, "joined_by": indicators}),
            cases.CaseReferredV1.model_validate(
                {**case, "urgency": Urgency.ROUTINE, "competence_table": "test", "competence_rule": "test"}
            ),
            cases.ProsecutionNotifiedV1.model_validate(case),
        ]
        for place, data in enumerate(effects):
            log.effect(triaged, data, triaged.subject, place)
    return log.records


OFTEN = often_log()
CAREFUL, WARM = CountingCodec(), CountingCodec()
for each in OFTEN * 2:  # a source is learned by its first record, what a value does by the next
    WARM.decode(each)


def outcome(codec: CountingCodec, record: Record, *, with_care: bool) -> object:
    """All that follows from a record: what is counted of it, or the reason of its refusal."""
    try:
        (read,) = counted([codec._with_care(record) if with_care else codec.decode(record)])
    except InvalidRecordError as error:
        return error.reason
    counts = Sums({}, {}, {}) if read.tally is None else sums(Fresh([read], {read.tally: 1}, None, ()))
    return counts, *read[2:-1]


def type_of(record: Record) -> str:
    return (dict(record.headers)["ce_type"] or b"").decode()


@pytest.mark.parametrize("record", OFTEN, ids=type_of)
def test_what_comes_often_is_read_at_a_glance_and_as_with_care(record: Record) -> None:
    expected = outcome(CAREFUL, record, with_care=True)
    with patch.object(WARM, "_with_care", side_effect=AssertionError("not at a glance")):
        assert outcome(WARM, record, with_care=False) == expected


def test_there_is_an_example_of_every_pattern() -> None:
    assert PATTERNS.keys() < {type_of(record) for record in OFTEN}


def test_every_value_that_decides_is_seen_at_a_glance() -> None:
    """Values that differ in one thing that decides are counted apart: none is taken for another's."""
    changes = [
        (b'"identified":true', b'"identified":false'),
        (b'"country":"MA"', b'"country":"ES"'),
        (DAY.isoformat().encode(), b"2031-06-30"),
        (b'"category":"terrorism_praise"', b'"category":"fraud"'),
        (b'"category":"fraud"', b'"category":"sexual_blackmail"'),
        (b'"organisation":"isis"', b'"organisation":null'),
        (b'"channel":"api"', b'"channel":"form"'),
        (b'"urgency":0', b'"urgency":2'),
        (b'"province":"01.511"', b'"province":"06.141"'),
        (b'"variety":"ar"', b'"variety":"ary"'),
        (b'"disposition":"refer"', b'"disposition":"review"'),
        (b'T12:00:00Z"', b'T23:00:00Z"'),
    ]
    told = 0
    for record in OFTEN:
        for old, new in changes:
            changed = record._replace(value=(record.value or b"").replace(old, new))
            expected = outcome(CAREFUL, changed, with_care=True)
            assert outcome(WARM, changed, with_care=False) == expected
            assert outcome(WARM, changed, with_care=False) == expected
            told += outcome(WARM, record, with_care=True) != expected
    assert told > len(changes)


@pytest.mark.parametrize("byte", [b"\\", b'"', b"\0", b"\xff", b"x", b"7", b",", b"}", b""])
@pytest.mark.parametrize("record", OFTEN, ids=type_of)
def test_a_record_changed_anywhere_by_one_byte_is_read_as_with_care(record: Record, byte: bytes) -> None:
    for changed in [
        *(record._replace(value=value) for value in one_byte_put(record.value or b"", byte)),
        *(record._replace(key=key) for key in one_byte_put(record.key or b"", byte)),
        *(
            record._replace(headers=[(n, changed if n == name else v) for n, v in record.headers])
            for name, old in record.headers
            for changed in one_byte_put(old or b"", byte)
        ),
    ]:
        assert outcome(WARM, changed, with_care=False) == outcome(CAREFUL, changed, with_care=True)


def one_byte_put(old: bytes, byte: bytes) -> Iterator[bytes]:
    """`old` with every one of its bytes in turn replaced, and with `byte` put in before it."""
    for at in range(len(old)):
        yield old[:at] + byte + old[at + 1 :]
        yield old[:at] + byte + old[at:]


@given(st.sampled_from(OFTEN), st.permutations(range(9)), st.lists(st.integers(0, 8), max_size=2), st.booleans())
def test_headers_in_any_order_doubled_or_left_out_are_read_as_with_care(
    record: Record, order: list[int], doubled: list[int], nulled: bool
) -> None:
    headers = [each for place in [*order, *doubled] for each in record.headers[place : place + 1]]
    if nulled:
        headers[-1] = (headers[-1][0], None)
    for kept in (headers, headers[:9], headers[:8], sorted(headers, key=itemgetter(0))):
        changed = record._replace(headers=kept)
        assert outcome(WARM, changed, with_care=False) == outcome(CAREFUL, changed, with_care=True)


def test_a_field_named_twice_is_read_as_with_care() -> None:
    """JSON may name a field twice, and then the last counts: no pattern may take such a value."""
    for record in OFTEN:
        value = record.value or b""
        for field in (b'"category":"fraud"', b'"report_id":"x"', b'"facts":null', b'"organisation":"x"'):
            changed = record._replace(value=value[:-1] + b"," + field + b"}")
            assert outcome(WARM, changed, with_care=False) == outcome(CAREFUL, changed, with_care=True)
