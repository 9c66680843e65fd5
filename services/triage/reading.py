"""From a record to what the desk keeps of it: the desk meets every report, and copies most of them as they are.

In: records of `reports.triaged` and `triage.decisions`. Out: an `Arrival` in the place of an event for a
`report.triaged` that is written exactly as our classifier writes it, else the event, read by `Codec` with all its
checks; so what is bad is refused for the same reason as everywhere. Raises as `Codec.decode` does.

How "exactly" is known without parsing: the classifier's JSON, from the id to the indicators, is put together of three
texts which come again and again (a rule's reasons, a policy's version), and of how sure it is. A text is remembered
when `Codec` accepted a value that has it and renders that value to the same bytes. A value of three remembered texts,
whose id, confidence and indicators have the right form, is therefore what `Codec` would accept and render: no model has
a rule across fields. The raw bytes go to the row, and whoever reads the row finds what the strict reader would have put
there.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from re import compile as regex
from typing import Final, cast

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, parse_cause, parse_time
from ibalagh.events.envelope import UUID_FORM, Data, Event
from ibalagh.events.links import says_of_links
from ibalagh.events.registry import PREFIX, TRIAGED, type_of
from ibalagh.events.reports import TRIAGED_TAIL, ReportTriagedV1
from ibalagh.events.vocabulary import IndicatorKind
from ibalagh.stream.ports import Record
from services.triage.packing import Arrival
from services.triage.reviews import first_state

_FIXED_HEADERS: Final = (
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_type", type_of(ReportTriagedV1).encode()),
    ("ce_source", b"/triage"),
)
_OWN_HEADERS: Final = ("ce_id", "ce_subject", "ce_time", "ce_origintime", "ce_cause")
"""As our codec writes them, in its order."""
_is_id: Final = regex(UUID_FORM.encode()).fullmatch
_start: Final = regex(rf'\{{"report_id":"({UUID_FORM})"'.encode()).match
_AFTER_ID: Final = len(b'{"report_id":""') + 36
_is_confidence: Final = regex(rb"0\.(?:0|[0-9]{0,2}[1-9])|1\.0").fullmatch
"""Of three digits at most, as JSON of a number has them; others are read in full."""
_INDICATOR: Final = rf'\{{"kind":"(?:{"|".join(IndicatorKind)})","value":"[ !#-\[\]-~]{{1,2048}}"\}}'
"""Of printable ASCII without what JSON escapes; others are read in full. What follows the indicators goes with them."""
_are_indicators: Final = regex(rf"\[(?:{_INDICATOR}(?:,{_INDICATOR})*)?\]{TRIAGED_TAIL}\}}".encode()).fullmatch
_NO_INDICATORS: Final = b"[]}"
_OFFSET_DIGITS: Final = 18
"""Of any number of so many digits, PostgreSQL's bigint and `Codec` can hold it."""

MAX_TEXTS: Final = 10_000
"""Texts kept of each of the three kinds; beyond, they are forgotten and learnt anew. A quarter has about 2,500."""
MAX_LEARNT_BYTES: Final = 2_000
"""Of a longer value nothing is remembered, so that no input can fill the memory."""

_arrival: Final = cast(Callable[[tuple[object, ...]], Event[Data]], partial(tuple.__new__, Arrival))
"""An `Arrival` of its values, in the place of an event: the runtime only hands it through to the desk. A named tuple's
own constructor would take twice as long."""


def is_our_own_word(topic: str, value: bytes | None) -> bool:
    """Whether it is what the desk itself said of links, which comes back to it; to be passed over. A command about
    links has another second field."""
    return topic.endswith(TRIAGED) and says_of_links(value)


class DeskCodec(Codec):
    """A codec that writes every event and reads what the desk needs. One thread reads with it."""

    def __init__(self, topic_prefix: str = PREFIX) -> None:
        super().__init__(topic_prefix)
        self._triaged = self.topic(TRIAGED)
        self._openings: dict[bytes, tuple[str, int]] = {}
        self._grounds: set[bytes] = set()
        self._closings: set[bytes] = set()

    def decode(self, record: Record) -> Event[Data]:
        """See the module's docstring."""
        if record[0] == self._triaged:
            try:
                arrival = self._as_written(record)
            except ValueError:  # not as many attributes, or no time, or no position
                arrival = None
            if arrival is not None:
                return arrival
        event = super().decode(record)
        if isinstance(event.data, ReportTriagedV1):
            self._learn(record, event.data)
        return event

    def _as_written(self, record: Record) -> Event[Data] | None:
        """The report, if it is one and written in known texts; checks whatever `Codec` checks."""
        topic, partition, at, key, value, headers = record
        *fixed, (n1, id_), (n2, subject), (n3, time), (n4, origin_time), (n5, cause) = headers
        usual = tuple(fixed) == _FIXED_HEADERS and (n1, n2, n3, n4, n5) == _OWN_HEADERS
        if not usual or value is None or len(value) > MAX_VALUE_BYTES:
            return None
        start = _start(value)
        if start is None or not start[1] == key == subject or not _is_id(id_ or b""):
            return None
        opening, confidence, grounds, closing, indicators = _texts(value)
        standing = self._openings.get(opening)
        known = grounds in self._grounds and closing in self._closings and _is_confidence(confidence)
        if standing is None or not known:
            return None
        if indicators != _NO_INDICATORS and not _are_indicators(indicators):
            return None
        source, offset, number = (cause or b"").rsplit(b"/", 2)
        if number != b"0" or not offset.isdigit() or len(offset) > _OFFSET_DIGITS:
            return None
        self._parse(time)
        received_at = parse_time(origin_time)
        return _arrival(
            (start[1].decode(), received_at, *standing, _source(source), int(offset), value, (topic, partition, at))
        )

    def _learn(self, record: Record, report: ReportTriagedV1) -> None:
        value = record.value or b""
        if len(value) > MAX_LEARNT_BYTES or report.to_json() != value:
            return
        opening, _, grounds, closing, _ = _texts(value)
        for known in (self._openings, self._grounds, self._closings):
            if len(known) >= MAX_TEXTS:
                known.clear()
        self._openings[opening] = first_state(report.decision).value, int(report.decision.urgency)
        self._grounds.add(grounds)
        self._closings.add(closing)


def _texts(value: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """The first text of a value, its confidence, the other two texts, and its indicators. What they are split at holds
    quotes, and so is in no string."""
    opening, _, rest = value[_AFTER_ID:].partition(b',"confidence":')
    confidence, _, rest = rest.partition(b',"runner_up":')
    grounds, _, rest = rest.partition(b',"organisation":')
    closing, _, indicators = rest.partition(b',"indicators":')
    return opening, confidence, grounds, closing, indicators


@lru_cache(maxsize=1_000)
def _source(wire: bytes) -> tuple[str, int]:
    """A topic and a partition, from `topic/partition`. Raises ValueError for anything else."""
    return parse_cause(wire + b"/0/0")[:2]
