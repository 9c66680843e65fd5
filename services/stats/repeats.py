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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, cast

from ibalagh.events.envelope import Data, Event
from ibalagh.stream.unit import Rejected
from services.stats.reading import Counted, Kind, Tally, counted


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


_BEFORE_ALL: Final = Mark(-1, -1)


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
    once: dict[Once, Counted] = {}
    chains: dict[Source, list[Counted]] = {}
    find_chain: Callable[[tuple[str, int, str, int]], list[Counted] | None] = chains.get  # type: ignore[assignment]
    for reading in counted(events):
        record, _, kind, report_id, cause, _, _ = reading
        if kind is not None and report_id is not None:
            once.setdefault((report_id, kind), reading)
            continue
        if cause is None:
            raise ValueError(f"{reading.type} {reading.id} has no cause to tell a repeat by")
        # A plain tuple is found where the same `Source` is, and costs a third: this runs once per event.
        source = (record[0], record[1], cause[0], cause[1])
        chain = find_chain(source)
        if chain is None:
            chain = chains[Source(*source)] = []
        chain.append(reading)

    if once:
        for known in memory.remember(list(once)):
            del once[known]
    new = list(once.values())
    rejected: list[Rejected] = []
    if chains:
        derived, rejected = _derived(chains, memory)
        new += derived
    tallies = Counter([reading.tally for reading in new if reading.tally is not None])
    return Fresh(tallies, cast(Event[Data], new[-1]) if new else None, rejected)


def _derived(chains: Mapping[Source, Sequence[Counted]], memory: Memory) -> tuple[list[Counted], list[Rejected]]:
    marks = memory.marks(chains.keys())
    raised: dict[Source, Mark] = {}
    new: list[Counted] = []
    late: dict[Place, tuple[Counted, bool]] = {}
    refused: dict[Place, Rejected] = {}
    for source, chain in chains.items():
        before: tuple[int, int] = marks.get(source, _BEFORE_ALL)
        highest = before
        for reading in chain:
            _, _, _, _, cause, refusal, replayed = reading
            mark = cause[2:]  # type: ignore[index] # `fresh` saw to it that there is a cause
            if refusal is not None:
                refused[Place(source, Mark(*mark))] = Rejected(cast(Event[Data], reading), refusal)
                continue
            above = mark > highest
            if above:
                highest = mark
            if above and not replayed:
                new.append(reading)
            else:
                late.setdefault(Place(source, Mark(*mark)), (reading, above))
        if highest is not before:
            raised[source] = Mark(*highest)
    if late:
        readmitted = memory.readmit(late.keys())
        new += [reading for place, (reading, above) in late.items() if above or place in readmitted]
    if refused:
        memory.refuse(refused.keys())
    if raised:
        memory.raise_marks(raised)
    return new, list(refused.values())
