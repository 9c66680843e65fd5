"""The status projection: a slim reader of the events of triage and referral, and the handler of their batches.

In: records of `reports.triaged`, `cases.referred`, `cases.outcomes`; out: rows of `report_status` and `case_status`.
The reader looks at the few fields that the projection needs, since it reads every event of the pipeline.
"""

from collections.abc import Sequence

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import EVENT_TYPES, OUTCOMES, REFERRED, TRIAGED
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled
from services.intake.status import SLIM_MODELS, Ignored, changes
from services.intake.store import save_status

TOPICS = (TRIAGED, REFERRED, OUTCOMES)


class StatusCodec(Codec):
    """A codec that reads of each event what the projection needs and no more."""

    def __init__(self, topic_prefix: str) -> None:
        super().__init__(topic_prefix)
        self._by_wire_type = {
            name.encode(): entry._replace(model=SLIM_MODELS.get(name, Ignored)) for name, entry in EVENT_TYPES.items()
        }


def project(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
    """Apply a batch to the projection; it causes no events."""
    save_status(tx, changes(events))
    return Handled(())
