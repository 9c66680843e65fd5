"""What the classifier reads of a report: at a glance where it is written as intake's codec writes it.

In: records of `reports.received`. Out: events with a `Reported` for data, at half the cost of the model. Whatever is
written otherwise, and any facts that were not met before, are read by `Codec` with all its checks; so what is bad is
refused for the same reason as everywhere.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from re import compile as regex
from typing import Any, Final, NamedTuple, cast

import orjson
from pydantic_core import to_json

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, parse_time
from ibalagh.events.envelope import UUID_FORM, Data, Event, Position
from ibalagh.events.registry import PREFIX, RECEIVED, type_of
from ibalagh.events.reports import Attachment, ReportReceivedV1
from ibalagh.events.vocabulary import Category
from ibalagh.stream.ports import Record


class Reported(NamedTuple):
    """A report as far as the classifier reads it. `facts` is canonical JSON: it is passed on as it stands."""

    report_id: str
    facts: bytes
    text: str
    links: tuple[str, ...]
    language: str | None
    category_hint: Category | None
    platform: str | None
    place: str | None
    attachments: tuple[Attachment, ...] = ()


_TYPE: Final = type_of(ReportReceivedV1)
_HEADERS: Final = (
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_type", _TYPE.encode()),
    ("ce_source", b"/intake"),
)
_OWN_HEADERS: Final = ("ce_id", "ce_subject", "ce_time", "ce_origintime")
"""As our codec writes them, in its order."""
_FIELDS: Final = len(ReportReceivedV1.model_fields)
_FACTS: Final = 4
_MAX_TEXT: Final = 20_000
_MAX_LINK: Final = 2_048
_MAX_SHORT: Final = 200
_MAX_REMEMBERED: Final = 10_000
"""Facts that are remembered at most: a quarter has a few hundred of a day, country and channel."""
_is_id: Final = regex(UUID_FORM.encode()).fullmatch
_is_language: Final = lru_cache(maxsize=256)(regex("[a-z]{2,3}(?:-[A-Za-z]+)?").fullmatch)
_is_moment: Final = regex(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_CATEGORIES: Final[dict[str | None, Category | None]] = {None: None, **{each.value: each for each in Category}}

_made: Final = tuple.__new__
_event: Final = cast(Callable[[tuple[object, ...]], Event[Data]], partial(_made, Event))
"""An event of its values: a named tuple's own constructor would take twice as long."""


class ReportCodec(Codec):
    """A codec that writes every event and reads reports as `Reported`. One thread reads with it."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        super().__init__(topic_prefix)
        self._received = self.topic(RECEIVED)
        self._facts: dict[tuple[object, ...], bytes] = {}

    def decode(self, record: Record) -> Event[Data]:
        """See the module's docstring. Raises as `Codec.decode` does.

        A None in the place of bytes, a field that is not there or of another type are some of many oddities that end
        in an exception here.
        """
        try:
            event = self._at_a_glance(record)
        except (AttributeError, KeyError, TypeError, ValueError):
            event = None
        if event is not None:
            return event
        event = super().decode(record)
        report = event.data
        if not isinstance(report, ReportReceivedV1):
            return event
        reported = reported_of(report)
        self._learn(record, reported)
        return event._replace(data=cast(Data, reported))

    def _at_a_glance(self, record: Record) -> Event[Data] | None:
        """The report, if it is one and plainly written; checks whatever `Codec` and the model check."""
        anything: Any = record
        topic, partition, offset, key, value, headers = anything
        *fixed, (n1, id_), (n2, subject), (n3, time), (n4, origin_time) = headers
        if tuple(fixed) != _HEADERS or (n1, n2, n3, n4) != _OWN_HEADERS or key != subject or topic != self._received:
            return None
        if id_ != subject or not _is_id(id_) or len(value) > MAX_VALUE_BYTES or b"\\u0000" in value:
            return None
        report = self._reported(subject.decode(), orjson.loads(value))
        if report is None:
            return None
        made_at = self._parse(time)
        received_at = made_at if origin_time == time else parse_time(origin_time)
        position = _made(Position, (topic, partition, offset))
        return _event((id_.decode(), _TYPE, "/intake", report[0], made_at, received_at, report, None, position))

    def _reported(self, report_id: str, fields: dict[str, Any]) -> Reported | None:
        facts = self._facts.get(_of_facts(fields["facts"]))
        text, links, hint = fields["text"], fields["links"], fields["category_hint"]
        language, platform, place = fields["language"], fields["platform"], fields["place"]
        if len(fields) != _FIELDS or fields["report_id"] != report_id or facts is None:
            return None
        if fields["attachments"] != []:  # files come seldom: the model reads what is said of them
            return None
        if type(text) is not str or not 0 < len(text) <= _MAX_TEXT or type(links) is not list:
            return None
        if links and not all([type(link) is str and len(link) <= _MAX_LINK for link in links]):  # noqa: C419 - twice as fast
            return None
        if not (_is_short(platform) and _is_short(place) and (language is None or _is_language(language))):
            return None
        _check_moment(fields["received_at"])
        if fields["seen_at"] is not None:
            _check_moment(fields["seen_at"])
        return _made(Reported, (report_id, facts, text, tuple(links), language, _CATEGORIES[hint], platform, place, ()))

    def _learn(self, record: Record, reported: Reported) -> None:
        try:
            facts = _of_facts(orjson.loads(record.value or b"")["facts"])
            if len(self._facts) >= _MAX_REMEMBERED:
                self._facts.clear()
            self._facts[facts] = reported.facts
        except (KeyError, TypeError, ValueError):
            return  # written otherwise than a glance takes it


def reported_of(report: ReportReceivedV1) -> Reported:
    """What the classifier reads of a report that was parsed whole."""
    return Reported(
        report.report_id,
        to_json(report.facts),
        report.text,
        report.links,
        report.language,
        report.category_hint,
        report.platform,
        report.place,
        report.attachments,
    )


def _of_facts(facts: dict[str, object]) -> tuple[object, ...]:
    """The values of facts, which are remembered by them: what is equal is the same to the model too.

    Raises KeyError for what is not there, ValueError for what is there besides.
    """
    if len(facts) != _FACTS:
        raise ValueError("other facts")
    return facts["received_on"], facts["identified"], facts["country"], facts["channel"]


def _is_short(text: object) -> bool:
    return text is None or (type(text) is str and len(text) <= _MAX_SHORT)


def _check_moment(text: str) -> None:
    """Raises ValueError, or TypeError for what is no text, for what is no time as our codec writes it."""
    if not _is_moment(text):
        raise ValueError("no time, or written otherwise")
    datetime.fromisoformat(text)
