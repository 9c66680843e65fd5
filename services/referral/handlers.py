"""Which records matter, and a batch from events to events: gather the rows, decide, apply, inside the transaction."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, cast

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, parse_time
from ibalagh.events.envelope import UUID_FORM, Data, Event, Position
from ibalagh.events.links import says_of_links
from ibalagh.events.registry import TRIAGED, type_of
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.ports import Record
from ibalagh.stream.unit import Handled, Rejected
from services.referral import batch, store
from services.referral.competence import Competence, table_for
from services.referral.referred import quick_look
from services.referral.work import read
from services.referral.workdays import Workdays, newest

_TRIAGED: Final = type_of(ReportTriagedV1)
_WIRE_TRIAGED: Final = _TRIAGED.encode()
_DECISION: Final = b'"decision":{"disposition":"'
_NOT_REFERRED: Final = (b'review",', b'dismiss",')
_REVIEWER: Final = b',"reviewer":'
"""How triage's codec writes that the machine does not refer, and that a person decided. No text can hold it, since
quotes within a string are escaped. Who writes the same JSON otherwise is read in full, with the same result."""

_FIRST: Final = [("content-type", b"application/json"), ("ce_specversion", b"1.0"), ("ce_type", _WIRE_TRIAGED)]
_OTHERS: Final = ("ce_source", "ce_id", "ce_subject", "ce_time", "ce_origintime", "ce_cause")
"""The attributes of an effect of triage, in the order in which our codec writes them."""
_ATTRIBUTES: Final = len(_FIRST) + len(_OTHERS)
_is_id: Final = re.compile(UUID_FORM.encode()).fullmatch
_time: Final = lru_cache(maxsize=1_024)(parse_time)
_is_cause: Final = re.compile(rb"[a-zA-Z0-9._-]{1,249}/[0-9]{1,9}/[0-9]{1,18}/[0-9]{1,9}").fullmatch


def waits_for_a_person(topic: str, value: bytes | None) -> bool:  # noqa: ARG001 - the same on whatever topic
    """Whether it is a `report.triaged` that the machine did not refer, or about links: to be passed over."""
    if says_of_links(value):
        return True
    decision = -1 if value is None else value.find(_DECISION)
    if value is None or decision < 0:
        return False
    return value.startswith(_NOT_REFERRED, decision + len(_DECISION)) and _REVIEWER not in value


class CasesCodec(Codec):
    """A codec that reads of a report that the machine referred what a case needs (`ReferredReport` for data) where all
    is written as our own codec writes it. Whatever is written otherwise is parsed and refused as by every reader."""

    def __init__(self, topic_prefix: str) -> None:
        super().__init__(topic_prefix)
        self._triaged = self.topic(TRIAGED)

    def decode(self, record: Record) -> Event[Data]:
        """See `Codec.decode`."""
        return self._referred(record) or super().decode(record)

    def _referred(self, record: Record) -> Event[Data] | None:
        """The event of a report that is referred, None for what is not plainly one. It is without its cause: referral
        refuses repeats by the offsets that it stores and by the report's version."""
        topic, partition, offset, key, value, headers = record
        if value is None or len(value) > MAX_VALUE_BYTES or topic != self._triaged or len(headers) != _ATTRIBUTES:
            return None
        (n1, source), (n2, id_), (n3, subject), (n4, time), (n5, origin_time), (n6, cause) = headers[3:]
        if key != subject or headers[:3] != _FIRST or (n1, n2, n3, n4, n5, n6) != _OTHERS:
            return None
        report = quick_look(value)
        if report is None or subject != report.report_id.encode():
            return None
        if id_ is None or not _is_id(id_) or not _is_cause(cause or b""):
            return None
        try:
            return Event(
                id_.decode(),
                _TRIAGED,
                self._text(source),
                report.report_id,
                _time(time),
                _time(origin_time),
                cast(Data, report),
                position=Position(topic, partition, offset),
            )
        except ValueError:
            return None


class Handler:
    """Handles batches of `reports.triaged` and `cases.actions`; raises what `store` raises."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        competence: Callable[[datetime], Competence] = lambda now: table_for(now.date()),
        workdays: Callable[[], Workdays] = newest,
    ) -> None:
        self._clock = clock
        self._workdays = workdays
        self._competence = competence

    def __call__(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """The events that follow from a batch; the rows are written in `tx`."""
        work = read(events)
        rejected = [Rejected(event, reason) for event, reason in work.rejected]
        if not work.steps:
            return Handled((), rejected)
        snapshot = store.gather(tx, work)
        now = self._clock()
        decided = batch.decide(work, snapshot, now=now, competence=self._competence(now), workdays=self._workdays())
        store.apply(tx, decided)
        return Handled(decided.effects, rejected)
