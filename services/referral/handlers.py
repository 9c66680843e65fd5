"""A batch, from events to events: gather the rows, decide, apply. Called inside the unit's transaction."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ibalagh.events.envelope import Data, Event
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.unit import Handled, Rejected
from services.referral import batch, store
from services.referral.competence import Competence, table_for


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
