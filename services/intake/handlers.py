"""The status projection: a slim reader of the events of triage and referral, and the handler of their batches.

In: records of `reports.triaged`, `cases.referred`, `cases.outcomes`; out: rows of `report_status` and `case_status`.
The reader meets every event of the pipeline and most of them change no status: these it knows by their raw bytes.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Final

from ibalagh.contracts.codec import MAX_VALUE_BYTES
from ibalagh.contracts.passing import PassedOver, PassingCodec
from ibalagh.events.envelope import Data, Event, Position
from ibalagh.events.registry import EVENT_TYPES, OUTCOMES, REFERRED, TRIAGED, EventType, type_of
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.ports import Record
from ibalagh.stream.unit import Handled
from services.intake.status import SLIM_MODELS, changes
from services.intake.store import save_status

TOPICS = (TRIAGED, REFERRED, OUTCOMES)

REFERRED_BY_MACHINE: Final = b'"decision":{"disposition":"refer",'
"""How triage's codec writes a decision to refer. No text of a report can hold it: quotes within a string are escaped.
Who writes the same JSON otherwise is read in full, with the same result."""
_WIRE_TRIAGED: Final = type_of(ReportTriagedV1).encode()


class StatusCodec(PassingCodec):
    """A codec that reads of each event what the projection needs and no more; nor does it check attributes that
    nothing here depends on."""

    def __init__(self, topic_prefix: str) -> None:
        super().__init__(topic_prefix)
        self._by_wire_type = {
            name.encode(): entry._replace(model=SLIM_MODELS.get(name, PassedOver))
            for name, entry in EVENT_TYPES.items()
        }
        self._slim = {wire: entry for wire, entry in self._by_wire_type.items() if entry.model is not PassedOver}
        self._ignored = {
            name.encode() for name, entry in EVENT_TYPES.items() if entry.topic in TOPICS and name not in SLIM_MODELS
        }

    def passes_over(self, wire_type: bytes, value: bytes) -> bool:
        """What changes no status."""
        return wire_type in self._ignored or (wire_type == _WIRE_TRIAGED and REFERRED_BY_MACHINE in value)

    def read(self, wire_type: bytes, record: Record) -> Event[Data]:
        """The few fields that the projection needs."""
        entry, value = self._slim.get(wire_type), record[4]
        if entry is not None and value is not None and len(value) <= MAX_VALUE_BYTES:
            with suppress(KeyError, ValueError):
                return self._read(record, value, entry)
        # `Codec` names the reason, after the same checks in the same order as for every reader.
        return super().read(wire_type, record)

    def _read(self, record: Record, value: bytes, entry: EventType) -> Event[Data]:
        """The event, without its id, source and cause. Raises KeyError or ValueError for what `Codec` refuses."""
        topic, partition, offset, key, _, pairs, _ = record
        headers = dict(pairs)
        subject = headers["ce_subject"]
        if topic != self._topic_of[entry.name] or not key or key != subject or len(headers) != len(pairs):
            raise ValueError("no record of this event")
        time = _aware(headers["ce_time"])
        origin_time = _aware(headers.get("ce_origintime") or headers["ce_time"])
        data = entry.model.__pydantic_validator__.validate_json(value)
        position = Position(topic, partition, offset)
        return Event("", entry.name, "", key.decode(), time, origin_time, data, None, position)


def project(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """Apply a batch to the projection; it causes no events."""
    save_status(tx, changes(events))
    return Handled(())


@lru_cache(maxsize=256)
def _aware(wire: bytes | None) -> datetime:
    """A time with its offset; cached, since referral gives all events of a batch the same one."""
    time = datetime.fromisoformat((wire or b"").decode())
    if time.tzinfo is None:
        raise ValueError("a time without its offset from UTC")
    return time
