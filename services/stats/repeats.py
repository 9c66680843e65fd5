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
from operator import lt
from typing import Final, NamedTuple, Protocol, cast

from ibalagh.events.envelope import Data, Event
from ibalagh.stream.unit import Rejected
from services.stats.contents import Tally
from services.stats.counted import Chain, Counted, Kind, counted


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


Once = Mapping[Kind, Collection[str]]
"""What is counted once: report ids by kind."""


class Memory(Protocol):
    """What was counted so far; reading and changing it happens in the batch's transaction."""

    def remember(self, once: Once) -> Once:
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
    """What of a batch counts: the new readings, how often each tally is among them, the last event that counted, and
    what was refused."""

    new: Sequence[Counted]
    tallies: Mapping[Tally, int]
    last: Event[Data] | None
    rejected: Sequence[Rejected]


def fresh(events: Iterable[Event[Data]], memory: Memory) -> Fresh:
    """Tell a batch's new events from its repeats, and remember them. Events are in the order of their partitions."""
    once: dict[Kind, dict[str, Counted]] = {kind: {} for kind in Kind}
    chains: dict[Chain, list[Counted]] = {}
    for reading in counted(events):
        _, tally, kind, report_id, chain, _, _, _, _, _ = reading
        if kind is not None and report_id is not None:
            once[kind].setdefault(report_id, reading)
        elif chain is None and tally is None:
            continue  # of a type that counts nothing
        elif chain is None:
            raise ValueError(f"{reading.type} {reading.id} has no cause to tell a repeat by")
        elif chain in chains:
            chains[chain].append(reading)
        else:
            chains[chain] = [reading]

    once = {kind: readings for kind, readings in once.items() if readings}
    if once:
        for kind, known in memory.remember(once).items():
            for report_id in known:
                del once[kind][report_id]
    new = [reading for readings in once.values() for reading in readings.values()]
    rejected: list[Rejected] = []
    if chains:
        derived, rejected = _derived({Source(*chain): readings for chain, readings in chains.items()}, memory)
        new += derived
    tallies = Counter([reading.tally for reading in new if reading.tally is not None])
    return Fresh(new, tallies, cast(Event[Data], new[-1]) if new else None, rejected)


def _derived(chains: Mapping[Source, Sequence[Counted]], memory: Memory) -> tuple[list[Counted], list[Rejected]]:
    stored = memory.marks(chains.keys())
    raised: dict[Source, Mark] = {}
    new: list[Counted] = []
    late: dict[Place, tuple[Counted, bool]] = {}
    refused: dict[Place, Rejected] = {}
    for source, chain in chains.items():
        before = stored.get(source, _BEFORE_ALL)
        marks = [reading.mark or _BEFORE_ALL for reading in chain]
        if _all_new(chain, marks, before):
            new += chain
            raised[source] = Mark(*marks[-1])
            continue
        highest: tuple[int, int] = before
        for reading, mark in zip(chain, marks, strict=True):
            if reading.refusal is not None:
                refused[Place(source, Mark(*mark))] = Rejected(cast(Event[Data], reading), reading.refusal)
                continue
            above = mark > highest
            if above:
                highest = mark
            if above and not reading.replayed:
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


def _all_new(chain: Sequence[Counted], marks: Sequence[tuple[int, int]], before: tuple[int, int]) -> bool:
    """Whether marks only rise, and nothing was refused or replayed: so it is but for mishaps, and cheap to see."""
    return all(map(lt, (before, *marks), marks)) and not any(reading.refusal or reading.replayed for reading in chain)
