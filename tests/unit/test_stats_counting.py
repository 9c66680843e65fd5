"""Counting: what each event does to the counters, and that nothing is counted twice or left out."""

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events import cases
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import EVENT_TYPES
from ibalagh.events.vocabulary import Category, Disposition, ReviewAction
from ibalagh.stream.deadletters import dead_letter as letter_of
from ibalagh.stream.deadletters import parse, replay
from ibalagh.stream.ports import Outgoing, Record
from services.stats.counted import Kind
from services.stats.counting import COUNTED, MEANING, NOT_COUNTED, TOPICS, Cell, Measure, fold
from services.stats.reading import CountingCodec
from services.stats.repeats import Mark, Once, Place, Source, fresh
from tests.unit.stats_log import DAY, NOW, Log, decision, facts

CODEC = CountingCodec()


class InMemory:
    """The memory of `repeats` without a database."""

    def __init__(self) -> None:
        self.seen: set[tuple[Kind, str]] = set()
        self.at: dict[Source, Mark] = {}
        self.refused: set[Place] = set()

    def remember(self, once: Once) -> Once:
        known = {kind: [each for each in ids if (kind, each) in self.seen] for kind, ids in once.items()}
        self.seen.update((kind, each) for kind, ids in once.items() for each in ids)
        return known

    def marks(self, sources: Collection[Source]) -> Mapping[Source, Mark]:
        return {source: self.at[source] for source in sources if source in self.at}

    def raise_marks(self, marks: Mapping[Source, Mark]) -> None:
        self.at.update(marks)

    def refuse(self, places: Collection[Place]) -> None:
        self.refused.update(places)

    def readmit(self, places: Collection[Place]) -> Collection[Place]:
        back = self.refused.intersection(places)
        self.refused -= back
        return back


def count(batches: Sequence[Sequence[Record]], memory: InMemory | None = None) -> dict[Cell, int]:
    """What batches of records add up to."""
    memory = memory or InMemory()
    total: Counter[Cell] = Counter()
    for batch in batches:
        total.update(count_batch([CODEC.decode(record) for record in batch], memory))
    return {cell: count for cell, count in total.items() if count}


def count_batch(events: Sequence[Event[Data]], memory: InMemory) -> dict[Cell, int]:
    new = fresh(events, memory)
    return fold((tally.moves, times) for tally, times in new.tallies.items())


def by_measure(cells: Mapping[Cell, int]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for cell, count_ in cells.items():
        totals[cell.measure.value] += count_
    return {measure: total for measure, total in totals.items() if total}


def small_log() -> Log:
    """Three reports: one straight, one corrected by an analyst, one dismissed; and a case's life."""
    log = Log()
    home, away = facts(), facts(identified=False, country="FR")
    first = log.received(1, home)
    straight = log.triaged(first, home, decision(Category.FRAUD))
    second = log.received(2, away)
    unsure = decision(Category.INSULT_DEFAMATION, Disposition.REVIEW)
    second_triaged = log.triaged(second, away, unsure)
    third = log.received(3, home)
    third_triaged = log.triaged(third, home, unsure)
    opened = log.opened(straight, home, Category.FRAUD)
    log.act(straight, cases.CaseReferredV1, Category.FRAUD)
    praise = decision(Category.TERRORISM_PRAISE, organisation="isis")
    reviewed = log.reviewed(second_triaged, away, praise, unsure)
    log.opened(reviewed, away, Category.TERRORISM_PRAISE, "isis")
    out = decision(Category.OUT_OF_SCOPE, Disposition.DISMISS)
    log.reviewed(third_triaged, home, out, unsure, ReviewAction.DISMISS)
    log.act(opened, cases.SuspectIdentifiedV1, Category.FRAUD, 0)
    log.act(opened, cases.SuspectPresentedV1, Category.FRAUD, 1)
    return log


SMALL = small_log().records


def test_every_event_of_the_topics_is_counted_or_named_as_not_counted() -> None:
    read = {name for name, entry in EVENT_TYPES.items() if entry.topic in TOPICS}
    assert COUNTED.keys() | NOT_COUNTED == read
    assert not COUNTED.keys() & NOT_COUNTED
    assert MEANING.keys() == set(Measure)


def test_a_small_log_is_counted_by_stage() -> None:
    assert by_measure(count([SMALL])) == {
        "received": 3,
        "triaged_by_machine": 3,
        "triaged": 3,
        "to_review": 2,
        "reviewed": 2,
        "reclassified": 1,
        "dismissed": 1,
        "referred": 2,
        "cases_opened": 2,
        "cases_referred": 1,
        "suspects_identified": 1,
        "suspects_presented": 1,
    }


def test_a_review_moves_a_report_to_its_new_category_and_out_of_the_queue() -> None:
    cells = count([SMALL])
    assert cells[Cell(Measure.TRIAGED, DAY, Category.TERRORISM_PRAISE, "isis", False, "FR")] == 1
    assert Cell(Measure.TRIAGED, DAY, Category.INSULT_DEFAMATION, None, False, "FR") not in cells
    assert cells[Cell(Measure.MACHINE, DAY, Category.INSULT_DEFAMATION, None, False, "FR")] == 1
    assert not any(cell.measure is Measure.AWAITING_REVIEW for cell in cells)


def test_a_case_reclassified_moves_its_report_and_one_left_takes_it_away() -> None:
    log = Log()
    of = facts()
    triaged = log.triaged(log.received(1, of), of, decision(Category.FRAUD))
    opened = log.opened(triaged, of, Category.FRAUD)
    base = {"case_id": opened.subject, "version": 2, "occurred_at": NOW, "report_id": opened.subject, "facts": of}
    moved = {**base, "category": Category.SEXUAL_BLACKMAIL, "urgency": 1}
    data = cases.CaseReclassifiedV1.model_validate(
        {**moved, "previous_category": Category.FRAUD, "case_category": Category.SEXUAL_BLACKMAIL}
    )
    log.effect(triaged, data, opened.subject, 1)
    assert count([log.records])[Cell(Measure.REFERRED, DAY, Category.SEXUAL_BLACKMAIL, None, True, "MA")] == 1
    log.effect(triaged, cases.CaseLeftV1.model_validate(moved), opened.subject, 2)
    assert "referred" not in by_measure(count([log.records]))


def test_an_act_counts_on_the_civil_day_of_morocco() -> None:
    log = Log()
    of = facts()
    triaged = log.triaged(log.received(1, of), of, decision(Category.FRAUD))
    late = cases.CaseAcceptedV1.model_validate(
        {
            "case_id": triaged.subject,
            "version": 2,
            "occurred_at": "2031-07-01T23:30:00+00:00",
            "category": "fraud",
            "service": "s",
            "actor": "a",
        }
    )
    log.effect(triaged, late, triaged.subject, 1)
    (day,) = [cell.day for cell in count([log.records]) if cell.measure is Measure.CASES_ACCEPTED]
    assert str(day) == "2031-07-02"


@given(st.data())
def test_any_split_into_batches_and_any_repeat_give_the_same_totals(data: st.DataObject) -> None:
    log = small_log()
    repeated = data.draw(st.lists(st.sampled_from(SMALL), max_size=12))
    for record in repeated:
        log.repeat(record)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log.records)), max_size=6)))
    edges = [0, *cuts, len(log.records)]
    batches = [log.records[start:end] for start, end in itertools.pairwise(edges)]
    assert count(batches) == count([SMALL])


def test_a_report_triaged_again_after_a_repeated_receipt_counts_once() -> None:
    log = Log()
    of = facts()
    received = log.received(1, of)
    log.triaged(received, of, decision(Category.FRAUD))
    repeated = log.repeat(log.records[0])
    again = received.at(received.position._replace(offset=repeated.offset))  # type: ignore[union-attr]
    log.triaged(again, of, decision(Category.FRAUD))
    assert by_measure(count([[record] for record in log.records])) == {
        "received": 1,
        "triaged_by_machine": 1,
        "triaged": 1,
    }


def test_an_event_refused_and_later_replayed_counts_once_below_or_above_its_mark() -> None:
    reviewed = [record for record in SMALL if dict(record.headers)["ce_type"] == b"ibalagh.report.reviewed.v1"]
    memory = InMemory()
    for record in reviewed:
        new = fresh([CODEC.decode(record._replace(value=b"{}"))], memory)
        assert [each.reason for each in new.rejected] == ["bad_data"]
        assert new.last is None
    assert not memory.at
    for record in reversed(reviewed):
        again = replay(parse(as_record(letter_of(record, "bad_data", "x.deadletters", "stats", NOW), record)))
        for offset in (1_000, 1_001):
            events = [CODEC.decode(as_record(again, record)._replace(offset=offset))]
            counted = by_measure(count_batch(events, memory)).get("reviewed", 0)
            assert counted == (1 if offset == 1_000 else 0)
    assert not memory.refused


def as_record(outgoing: Outgoing, like: Record) -> Record:
    topic, key, value, headers = outgoing
    return like._replace(topic=topic, key=key, value=value, headers=headers)
