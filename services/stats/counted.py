"""What is read of an event, in the place of the event. In: values. Out: `Counted`."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import IntEnum
from functools import partial
from typing import Final, NamedTuple, cast

from ibalagh.contracts.codec import parse_cause
from ibalagh.events.envelope import Cause, Data, Event, Position
from ibalagh.stream.ports import Record
from services.stats.contents import Tally
from services.stats.facets import Traits


class Kind(IntEnum):
    """Events that are counted once per report id, however often they come."""

    RECEIVED = 0
    TRIAGED = 1


Chain = tuple[str, int, str, int]
"""Where a derived event was read and where its cause lies: (topic, partition, cause's topic, cause's partition)."""


class Counted(NamedTuple):
    """What one event does, in the place of the event: the runtime only hands it through to our handler.

    `kind` and `report_id` are set for events that are counted once per report; all others have their `chain`, and in it
    a `mark`, (cause's offset, number). `refusal` is set when the content cannot be counted; `replayed` when the event
    came back from the dead letters. `known_on` is the civil day on which the event was made, `traits` what facets count
    of it (`facets.Traits`). An event of a type that counts nothing has none of all these. The properties are those of
    an `Event`, worked out when the runtime asks, which it does for a few events of a batch.
    """

    record: Record
    tally: Tally | None
    kind: Kind | None
    report_id: str | None
    chain: Chain | None
    mark: tuple[int, int] | None
    refusal: str | None
    replayed: bool
    known_on: date | None
    traits: Traits | None

    @property
    def id(self) -> str:
        """See `Event`."""
        return self._attribute("ce_id")

    @property
    def type(self) -> str:
        """See `Event`."""
        return self._attribute("ce_type")

    @property
    def subject(self) -> str:
        """See `Event`."""
        return self._attribute("ce_subject")

    @property
    def origin_time(self) -> datetime:
        """See `Event`."""
        return datetime.fromisoformat(self._attribute("ce_origintime") or self._attribute("ce_time"))

    @property
    def cause(self) -> Cause | None:
        """See `Event`."""
        cause = self._attribute("ce_cause")
        return parse_cause(cause.encode()) if cause else None

    @property
    def position(self) -> Position:
        """See `Event`."""
        return Position(*self.record[:3])

    def _attribute(self, name: str) -> str:
        return (dict(self.record.headers).get(name) or b"").decode()


make: Final = cast(Callable[[tuple[object, ...]], Event[Data]], partial(tuple.__new__, Counted))
"""A `Counted` of its values, in the place of an event. A named tuple's own constructor would take twice as long."""


def counted(events: Iterable[Event[Data]]) -> Iterable[Counted]:
    """What `CountingCodec` decoded, as what it is."""
    return cast(Iterable[Counted], events)
