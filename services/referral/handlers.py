"""Which records matter, and a batch from events to events: gather the rows, decide, apply, inside the transaction."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ibalagh.contracts.passing import PassingCodec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import type_of
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled, Rejected
from services.referral import batch, store
from services.referral.competence import Competence, table_for

_WIRE_TRIAGED: Final = type_of(ReportTriagedV1).encode()
NOT_REFERRED: Final = tuple([f'"decision":{{"disposition":"{each}",'.encode() for each in ("review", "dismiss")])
"""How triage's codec writes that the machine does not refer. No text of a report can hold it: quotes within a string
are escaped. Who writes the same JSON otherwise is read in full, with the same result."""


class CasesCodec(PassingCodec):
    """A codec that does not parse what the machine did not refer: that waits for a person."""

    def passes_over(self, wire_type: bytes, value: bytes) -> bool:
        """Whether it is a `report.triaged` that is not referred."""
        return wire_type == _WIRE_TRIAGED and (NOT_REFERRED[0] in value or NOT_REFERRED[1] in value)


class Handler:
    """Handles batches of `reports.triaged` and `cases.actions`; raises what `store` raises."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        competence: Callable[[datetime], Competence] = lambda now: table_for(now.date()),
    ) -> None:
        self._clock = clock
        self._competence = competence

    def __call__(self, events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        """The events that follow from a batch; the rows are written in `tx`."""
        work = batch.read(events)
        rejected = [Rejected(event, reason) for event, reason in work.rejected]
        if not work.steps:
            return Handled((), rejected)
        snapshot = store.gather(tx, work)
        now = self._clock()
        decided = batch.decide(work, snapshot, now=now, competence=self._competence(now))
        store.apply(tx, decided)
        return Handled(decided.effects, rejected)
