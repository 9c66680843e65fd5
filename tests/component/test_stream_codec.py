"""The codec: what it writes it reads, and everything else gets a reason, never an exception of another kind."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, InvalidReason
from ibalagh.stream.errors import InvalidRecordError
from ibalagh.stream.ports import Record
from tests.support.streams import NOW, received, triaged

CODEC = Codec("t.")


def as_record(number: int = 1) -> Record:
    """A good record of `reports.received`."""
    topic, key, value, headers = CODEC.encode(received(number))
    return Record(topic, 0, 7, key, value, tuple(headers))


def header(name: str, value: bytes | None) -> Callable[[Record], Record]:
    """Replace a header."""
    return lambda record: record._replace(
        headers=tuple((each, value if each == name else old) for each, old in record.headers)
    )


def without(name: str) -> Callable[[Record], Record]:
    """Leave a header out."""
    return lambda record: record._replace(headers=tuple(pair for pair in record.headers if pair[0] != name))


def more(name: str, value: bytes | None) -> Callable[[Record], Record]:
    """One header more."""
    return lambda record: record._replace(headers=(*record.headers, (name, value)))


def value(new: bytes | None) -> Callable[[Record], Record]:
    """Another value."""
    return lambda record: record._replace(value=new)


def text(new: bytes) -> Callable[[Record], Record]:
    """The same JSON, with other bytes in the report's text."""
    return lambda record: record._replace(value=(record.value or b"").replace(b"a shop that never delivers", new))


def key(new: bytes | None) -> Callable[[Record], Record]:
    """Another key."""
    return lambda record: record._replace(key=new)


CASES: list[tuple[str, Callable[[Record], Record], InvalidReason]] = [
    ("null", value(None), InvalidReason.NULL_VALUE),
    ("empty", value(b""), InvalidReason.BAD_JSON),
    ("not json", value(b"not json"), InvalidReason.BAD_JSON),
    ("bad utf-8 in the value", text(b"\xff\xfe"), InvalidReason.BAD_JSON),
    ("a lone surrogate", text(b"\\ud800"), InvalidReason.BAD_JSON),
    ("1 MiB + 1", value(b'"' + b"x" * (MAX_VALUE_BYTES - 1) + b'"'), InvalidReason.TOO_LARGE),
    ("10,000 levels of lists", value(b"[" * 10_000 + b"]" * 10_000), InvalidReason.BAD_JSON),
    ("10,000 levels in a field", value(b'{"x":' * 10_000 + b"1" + b"}" * 10_000), InvalidReason.BAD_JSON),
    ("nan", value(b'{"report_id": NaN}'), InvalidReason.BAD_DATA),
    ("an object of the wrong kind", value(b"{}"), InvalidReason.BAD_DATA),
    ("a list", value(b"[]"), InvalidReason.BAD_DATA),
    ("a NUL in the text", text(b"a\\u0000b"), InvalidReason.NUL_CHARACTER),
    ("a NUL after a backslash", text(b"a\\\\\\u0000b"), InvalidReason.NUL_CHARACTER),
    ("a raw NUL", text(b"a\x00b"), InvalidReason.BAD_JSON),
    ("no headers", lambda record: record._replace(headers=()), InvalidReason.MISSING_ATTRIBUTE),
    ("no type", without("ce_type"), InvalidReason.MISSING_ATTRIBUTE),
    ("no id", without("ce_id"), InvalidReason.MISSING_ATTRIBUTE),
    ("no time", without("ce_time"), InvalidReason.MISSING_ATTRIBUTE),
    ("no source", without("ce_source"), InvalidReason.MISSING_ATTRIBUTE),
    ("no spec version", without("ce_specversion"), InvalidReason.MISSING_ATTRIBUTE),
    ("a null id", header("ce_id", None), InvalidReason.BAD_ATTRIBUTE),
    ("a null type", header("ce_type", None), InvalidReason.UNKNOWN_TYPE),
    ("a null time", header("ce_time", None), InvalidReason.BAD_ATTRIBUTE),
    ("an id that is no uuid", header("ce_id", b"1"), InvalidReason.BAD_ATTRIBUTE),
    ("an id in upper case", header("ce_id", b"A" * 8 + b"-0000-0000-0000-000000000000"), InvalidReason.BAD_ATTRIBUTE),
    ("bad utf-8 in a header", header("ce_source", b"\xff"), InvalidReason.BAD_ATTRIBUTE),
    ("bad utf-8 in the type", header("ce_type", b"\xff"), InvalidReason.UNKNOWN_TYPE),
    ("a NUL in the subject", header("ce_subject", b"a\0"), InvalidReason.BAD_ATTRIBUTE),
    ("an endless subject", header("ce_subject", b"a" * 201), InvalidReason.BAD_ATTRIBUTE),
    ("an empty source", header("ce_source", b""), InvalidReason.BAD_ATTRIBUTE),
    ("another spec version", header("ce_specversion", b"0.3"), InvalidReason.BAD_ATTRIBUTE),
    ("a time without offset", header("ce_time", b"2031-06-01T12:00:00"), InvalidReason.BAD_ATTRIBUTE),
    ("no time at all", header("ce_origintime", b"yesterday"), InvalidReason.BAD_ATTRIBUTE),
    ("another content type", header("content-type", b"text/html"), InvalidReason.BAD_ATTRIBUTE),
    ("two ids", more("ce_id", b"x"), InvalidReason.DUPLICATE_ATTRIBUTE),
    ("two content types", more("content-type", b"application/json"), InvalidReason.DUPLICATE_ATTRIBUTE),
    ("half a cause", more("ce_cause", b"t.x/1/2"), InvalidReason.BAD_ATTRIBUTE),
    ("a cause beyond any log", more("ce_cause", b"t.x/1/9223372036854775808/0"), InvalidReason.BAD_ATTRIBUTE),
    ("a cause before any log", more("ce_cause", b"t.x/1/-1/0"), InvalidReason.BAD_ATTRIBUTE),
    ("a cause in no topic", more("ce_cause", b"a\0b/1/2/0"), InvalidReason.BAD_ATTRIBUTE),
    ("an unknown version", header("ce_type", b"ibalagh.report.received.v99"), InvalidReason.UNKNOWN_TYPE),
    ("a type of another topic", header("ce_type", b"ibalagh.case.opened.v1"), InvalidReason.WRONG_TOPIC),
    ("no key", key(None), InvalidReason.BAD_KEY),
    ("bad utf-8 in the key", key(b"\xff"), InvalidReason.BAD_KEY),
    ("another key", key(b"other"), InvalidReason.BAD_KEY),
]


@pytest.mark.parametrize(("spoil", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_cannot_be_read_has_its_reason(spoil: Callable[[Record], Record], reason: InvalidReason) -> None:
    spoilt = spoil(as_record())
    assert spoilt != as_record()
    for codec in (
        CODEC,
        Codec(CODEC.topic_prefix),
    ):  # with a memory, and without
        with pytest.raises(InvalidRecordError) as caught:
            codec.decode(spoilt)
        assert caught.value.reason == reason


def test_every_reason_has_a_case() -> None:
    assert {reason for _, _, reason in CASES} == set(InvalidReason)


@pytest.mark.parametrize(
    "accept",
    [
        more("traceparent", b"\xff"),
        lambda record: more("x", b"1")(more("x", b"2")(record)),
        without("content-type"),
        without("ce_origintime"),
        header("content-type", b"application/json; charset=utf-8"),
        header("content-type", b"application/cloudevents+json"),
        header("ce_time", b"2031-06-01T13:00:00+01:00"),
        text(b"a\\\\u0000b"),
        value(b'{"unknown": {"x": [1]}, ' + (as_record().value or b"")[1:]),
    ],
)
def test_what_is_unusual_but_right_is_read(accept: Callable[[Record], Record]) -> None:
    assert CODEC.decode(accept(as_record())).id == received(1).id


def test_what_is_written_is_read_the_same() -> None:
    read = CODEC.decode(as_record())
    assert read.position is not None
    assert read == received(1).at(read.position)
    derived = triaged(read)
    topic, record_key, record_value, headers = CODEC.encode(derived)
    again = CODEC.decode(Record(topic, 3, 9, record_key, record_value, headers))
    assert again._replace(position=None) == derived
    assert (topic, record_key) == ("t.reports.triaged", derived.subject.encode())


def test_a_codec_that_remembers_keeps_events_apart() -> None:
    """What is remembered from one event (time, source, type) must not leak into the next."""
    one = received(1)
    two = one._replace(source="/other", time=NOW.replace(hour=1), origin_time=NOW.replace(hour=2))
    codec = Codec("t.")
    for event in (one, two, one, two):
        topic, record_key, record_value, headers = codec.encode(event)
        read = codec.decode(Record(topic, 0, 0, record_key, record_value, headers))
        assert read._replace(position=None) == event


def test_what_is_remembered_is_bounded() -> None:
    codec = Codec("t.")
    for number in range(3_000):
        codec.decode(header("ce_source", b"/s%d" % number)(as_record()))
    assert len(codec._texts) <= 1_000


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.none(), st.binary(max_size=50)),
    st.one_of(st.none(), st.binary(max_size=200)),
    st.lists(
        st.tuples(
            st.sampled_from([*dict(as_record().headers), "ce_cause"]),
            st.one_of(st.none(), st.binary(max_size=60), st.sampled_from([v for _, v in as_record().headers])),
        )
    ),
)
def test_no_bytes_make_the_codec_raise_anything_else(
    any_key: bytes | None, any_value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    merged = tuple({**dict(as_record().headers), **dict(headers)}.items())
    for record in (
        Record("t.reports.received", 0, 0, any_key, any_value, headers),
        as_record()._replace(headers=merged),
        as_record()._replace(value=any_value),
    ):
        try:
            CODEC.decode(record)
        except InvalidRecordError as error:
            assert error.reason in set(InvalidReason)  # noqa: PT017 - both outcomes are right


def test_a_lane_holds_the_types_that_it_is_for_and_no_others() -> None:
    lane = "t.reports.received.urgent"
    assert CODEC.decode(as_record()._replace(topic=lane)).position == (lane, 0, 7)
    with pytest.raises(InvalidRecordError) as refused:
        CODEC.decode(header("ce_type", b"ibalagh.report.withdrawn.v1")(as_record())._replace(topic=lane))
    assert refused.value.reason == InvalidReason.WRONG_TOPIC
