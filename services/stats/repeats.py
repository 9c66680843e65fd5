"""Which events of a batch are new, so that each is counted exactly once however often the log holds it.

How an event can come twice, and what refuses the repeat:

- `report.received` has no cause, and `report.triaged` is derived again, from a new offset, when a received record is
  repeated. Both are counted once per report id: an insert-only table of (report id, kind) remembers them. It is the
  cheapest exact way: the alternative, remembering where received was repeated, would need the memory of what each
  report was triaged to. Report ids begin with the time, so the index grows at its right edge; one COPY a batch.
- Every other event is derived, and published in the order of its cause (an outbox is published in the order of the
  source positions). One mark per (topic, partition, cause's topic, cause's partition), the highest (offset, number)
  counted, refuses the rest: a few hundred rows whatever the load. Their own repeats (a repeated report, a command sent
  twice) are refused before, by the stores of the services that publish them.
- An event below its mark may still be new: it was refused for its content once, and replayed from the dead letters
  after an upgrade. Each refused position is therefore remembered (there are few), and counts when it comes again. A
  refused event raises no mark: what cannot be read must not decide about what can.

All three live in the transaction that stores counters and positions. Nothing here does I/O: `Memory` is a port.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from ibalagh.events.envelope import Cause, Data, Event
from ibalagh.stream.unit import Rejected
from services.stats.reading import Kind, Tally, counted


class Source(NamedTuple):
    """Where a chain of derived events runs: read from a partition, caused by a partition."""

    topic: str
    partition: int
    cause_topic: str
    cause_partition: int


class Mark(NamedTuple):
    """The last cause counted, and the number of its effect."""

    offset: int
    number: int


class Place(NamedTuple):
    """A mark in a source: one derived event."""

    source: Source
    mark: Mark


Once = tuple[str, Kind]
"""What is counted once: (report id, kind)."""


class Memory(Protocol):
    """What was counted so far; reading and changing it happens in the batch's transaction."""

    def remember(self, once: Sequence[Once]) -> Collection[Once]:
        """Remember these, all different; returns those that were known already."""

    def marks(self, sources: Collection[Source]) -> Mapping[Source, Mark]:
        """The marks of these sources; those without one are left out."""

    def raise_marks(self, marks: Mapping[Source, Mark]) -> None:
        """Store higher marks."""

    def refuse(self, places: Collection[Place]) -> None:
        """Remember events that were refused for their content."""

    def readmit(self, places: Collection[Place]) -> Collection[Place]:
        """Forget those of these that had been refused, and return them."""


class Fresh(NamedTuple):
    """What of a batch counts: how often each tally, the last event that counted, and what was refused."""

    tallies: Mapping[Tally, int]
    last: Event[Data] | None
    rejected: Sequence[Rejected]


def fresh(events: Iterable[Event[Data]], memory: Memory) -> Fresh:
    """Tell a batch's new events from its repeats, and remember them. Events are in the order of their partitions."""
    once: dict[Once, tuple[Tally | None, Event[Data]]] = {}
    derived: list[tuple[Place, Event[Data]]] = []
    for event in events:
        tally, kind, report_id, _, _ = counted(event)
        if kind is None or report_id is None:
            derived.append((_place(event), event))
        elif (report_id, kind) not in once:
            once[report_id, kind] = tally, event

    if once:
        for known in memory.remember(list(once)):
            del once[known]
    rejected: list[Rejected] = []
    chosen = list(once.values())
    if derived:
        more, rejected = _derived(derived, memory)
        chosen += [(counted(event).tally, event) for event in more]
    tallies = Counter(tally for tally, _ in chosen if tally is not None)
    return Fresh(tallies, chosen[-1][1] if chosen else None, rejected)


def _derived(placed: Sequence[tuple[Place, Event[Data]]], memory: Memory) -> tuple[list[Event[Data]], list[Rejected]]:
    marks = dict(memory.marks({place.source for place, _ in placed}))
    raised: dict[Source, Mark] = {}
    new: list[Event[Data]] = []
    late: dict[Place, tuple[Event[Data], bool]] = {}
    refused: dict[Place, Rejected] = {}
    for place, event in placed:
        source, mark = place
        reason = counted(event).refusal
        if reason is not None:
            refused[place] = Rejected(event, reason)
            continue
        above = source not in marks or mark > marks[source]
        if above:
            marks[source] = raised[source] = mark
        if above and not counted(event).replayed:
            new.append(event)
        else:
            late.setdefault(place, (event, above))
    if late:
        readmitted = memory.readmit(late.keys())
        new += [event for place, (event, above) in late.items() if above or place in readmitted]
    if refused:
        memory.refuse(refused.keys())
    if raised:
        memory.raise_marks(raised)
    return new, list(refused.values())


def _place(event: Event[Data]) -> Place:
    position, cause = event.position, event.cause
    if position is None or not isinstance(cause, Cause):
        raise ValueError(f"{event.type} {event.id} has no cause to tell a repeat by")
    source = Source(position.topic, position.partition, cause.topic, cause.partition)
    return Place(source, Mark(cause.offset, cause.number))
