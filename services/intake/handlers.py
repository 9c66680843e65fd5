"""The status projection: a slim reader of the events of triage and referral, and the handler of their batches.

In: records of `reports.triaged`, `cases.referred`, `cases.outcomes`; out: rows of `report_status` and `case_status`,
and the messages that analysts write. The reader meets every event of the pipeline and most of them change no status:
these it knows by their raw bytes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from re import compile as regex
from typing import Any, Final, cast

import orjson

from ibalagh.contracts.codec import MAX_VALUE_BYTES, Codec, parse_time
from ibalagh.events.cases import CaseReopenedV1
from ibalagh.events.dialogue import MessageSentV1
from ibalagh.events.envelope import UUID_FORM, Data, Event
from ibalagh.events.links import says_of_links
from ibalagh.events.registry import EVENT_TYPES, OUTCOMES, REFERRED, TRIAGED, type_of
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.ports import Record
from ibalagh.stream.unit import Handled
from services.intake.dialogue_store import save_messages
from services.intake.status import (
    AFTER_ACT,
    AFTER_TRIAGE,
    LEFT,
    MAX_VERSION,
    REGROUPINGS,
    SLIM_MODELS,
    CaseStanding,
    Linked,
    SlimCase,
    SlimMember,
    SlimTriage,
    Triaged,
    changes,
    said,
    said_of_regrouping,
)
from services.intake.store import save_status

TOPICS = (TRIAGED, REFERRED, OUTCOMES)

TO_REFER: Final = b'"decision":{"disposition":"refer",'
REVIEWER: Final = b',"reviewer":'
"""How triage's codec writes a decision to refer, and that a person took it. No text can hold it, since quotes
within a string are escaped. Who writes the same JSON otherwise is read in full, with the same result."""
PROSECUTOR: Final = b',"prosecutor":'
PREVIOUS_SERVICE: Final = b',"previous_service":'
"""A prosecutor is named when a case is referred and when the prosecution is notified of it, neither of which says more
than that the report is in a case; and when a case goes from one service to another, which says more."""
_is_id: Final = regex(UUID_FORM).fullmatch
_aware: Final = lru_cache(maxsize=256)(parse_time)
"""Cached, since referral gives all events of a batch the same one."""


class Ignored(Data):
    """What is read of events that change no status and yet were not passed over."""


_WHOLE: Final = (MessageSentV1, CaseReopenedV1, *REGROUPINGS)
_READ: Final[dict[str, type[Data]]] = {**SLIM_MODELS, **{type_of(model): model for model in _WHOLE}}
"""By event type, what to read of it; a message whole, since reporters are shown it, and what comes seldom."""


class StatusCodec(Codec):
    """A codec that reads of each event what the projection needs and no more, as what it says to the reporter; nor does
    it check attributes that nothing here depends on. One thread reads with it.

    orjson and a few look-ups do for what is in order; whatever is odd is read again by `Codec`, with slim models, which
    names the reason after the same checks in the same order as for every reader, or accepts it after all.
    """

    def __init__(self, topic_prefix: str) -> None:
        super().__init__(topic_prefix)
        self._by_wire_type = {
            name.encode(): entry._replace(model=_READ.get(name, Ignored)) for name, entry in EVENT_TYPES.items()
        }
        self._slim = {
            name.encode(): (name, self._topic_of[name], _SAYERS[model]) for name, model in SLIM_MODELS.items()
        }
        self._triaged = self.topic(TRIAGED)
        self._referred = self.topic(REFERRED)

    def passes_over(self, topic: str, value: bytes | None) -> bool:
        """Whether it is known by its bytes to change no status: a referral by the machine, or what follows of it; links
        between reports."""
        if value is None:
            return False
        if topic == self._triaged:
            return says_of_links(value) or (TO_REFER in value and REVIEWER not in value)
        return topic == self._referred and PROSECUTOR in value and PREVIOUS_SERVICE not in value

    def decode(self, record: Record) -> Event[Data]:
        """What an event says that may change a status. Raises as `Codec.decode` does."""
        value, wire_type = record[4], None
        for name, attribute in record[5]:
            if name == "ce_type":
                wire_type = attribute
                break
        slim = self._slim.get(wire_type or b"")
        if slim is not None and value is not None and len(value) <= MAX_VALUE_BYTES:
            try:
                return _quickly(record, value, *slim)
            except (KeyError, TypeError, ValueError):
                pass  # `Codec` says what is wrong with it
        event = super().decode(record)
        saying = said(event)
        return event if saying is None else cast(Event[Data], saying)


Payload = dict[str, Any]
Sayer = Callable[[str, Payload, datetime, datetime], Event[Data]]
"""From an event's type, its JSON, its time and its origin's time to what it says, in the place of the event. Raises
KeyError, TypeError or ValueError for what is not in order, and for what says nothing."""


def _quickly(record: Record, value: bytes, type_: str, own_topic: str, say: Sayer) -> Event[Data]:
    """What an event says. Raises KeyError, TypeError or ValueError for what `Codec` must look at."""
    topic, _, _, key, _, pairs = record
    headers = dict(pairs)
    if topic != own_topic or not key or key != headers["ce_subject"] or len(headers) != len(pairs):
        raise ValueError("no record of this event")
    key.decode()
    wire_time = headers["ce_time"]
    at = _aware(wire_time)
    origin_time = _aware(headers.get("ce_origintime") or wire_time)
    return say(type_, orjson.loads(value), at, origin_time)


def _say_triaged(type_: str, payload: Payload, at: datetime, origin_time: datetime) -> Event[Data]:
    report_id, version = payload["report_id"], payload["version"]
    _check(report_id, version)
    return _triaged((report_id, version, AFTER_TRIAGE[type_, payload["decision"]["disposition"]], at, origin_time))


def _say_linked(type_: str, payload: Payload, at: datetime, origin_time: datetime) -> Event[Data]:
    report_id, case_id = payload["report_id"], payload["case_id"]
    if not (_is_id(report_id) and _is_id(case_id)):
        raise ValueError("no UUID")
    return _linked((report_id, None if type_ == LEFT else case_id, at, origin_time))


def _say_standing(type_: str, payload: Payload, at: datetime, origin_time: datetime) -> Event[Data]:
    case_id, version = payload["case_id"], payload["version"]
    _check(case_id, version)
    return _standing((case_id, version, AFTER_ACT[type_], at, origin_time))


_SAYERS: Final[dict[type[Data], Sayer]] = {
    SlimTriage: _say_triaged,
    SlimMember: _say_linked,
    SlimCase: _say_standing,
}


def _made_of_values(saying: type[tuple[object, ...]]) -> Callable[[tuple[object, ...]], Event[Data]]:
    """Makes a named tuple of its values, in half of the time that its own constructor takes."""
    return cast(Callable[[tuple[object, ...]], Event[Data]], partial(tuple.__new__, saying))


_triaged: Final = _made_of_values(Triaged)
_linked: Final = _made_of_values(Linked)
_standing: Final = _made_of_values(CaseStanding)


def _check(id_: str, version: object) -> None:
    if not _is_id(id_) or type(version) is not int or not 1 <= version <= MAX_VERSION:
        raise ValueError("no UUID, or no version that a row can hold")


def project(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """Apply a batch to the projection; it causes no events."""
    whole = [each for each in events if type(each) is Event and isinstance(each.data, _WHOLE)]
    save_status(tx, changes(chain(events, *map(said_of_regrouping, whole))))
    save_messages(tx, [each.data for each in whole if isinstance(each.data, MessageSentV1)])
    return Handled(())
