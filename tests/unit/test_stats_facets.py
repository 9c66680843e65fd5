"""Facets and what was learned late: exact, moved by corrections, the same in any batches and after any repeats."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events import cases, reports
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import Category, Channel, Disposition, ReviewAction, Urgency, Variety
from ibalagh.stream.ports import Record
from services.stats.counting import Cell, Measure
from services.stats.facets import KEPT, Facet, FacetCell
from services.stats.reading import CountingCodec
from services.stats.recount import Recalled
from services.stats.repeats import fresh
from services.stats.summing import Sums, sums
from tests.unit.stats_log import DAY, NOW, Log, decision
from tests.unit.test_stats_counting import SMALL, count

CODEC = CountingCodec()


def facts(channel: Channel, day: date = DAY) -> reports.ReportFacts:
    return reports.ReportFacts(received_on=day, identified=True, country="MA", channel=channel)


def decided(category: Category, urgency: Urgency, province: str | None) -> reports.Decision:
    return decision(category).model_copy(update={"urgency": urgency, "province": province})


def placed_log() -> Log:
    """Three reports with a place or without one: one referred and taken out again, one reviewed, one that joins."""
    log = Log()
    for number, (channel, urgency, province) in enumerate(
        [
            (Channel.FORM, Urgency.SOON, "01.511"),
            (Channel.PARTNER, Urgency.IMMEDIATE, None),
            (Channel.FORM, 0, "06.141"),
        ]
    ):
        of = facts(channel)
        found = decided(Category.FRAUD, Urgency(urgency), province)
        received = log.received(number, of)
        verdict = reports.ReportTriagedV1(
            report_id=received.id, facts=of, variety=Variety.DARIJA, decision=found, indicators=()
        )
        triaged = log.effect(received, verdict, received.id)
        in_case = {"case_id": triaged.subject, "version": 1, "occurred_at": NOW, "report_id": triaged.subject}
        in_case |= {"facts": of, "category": Category.FRAUD, "urgency": urgency, "province": province}
        opened = {**in_case, "indicators": ()} if number < 2 else {**in_case, "joined_by": ()}
        model: type[Data] = cases.CaseOpenedV1 if number < 2 else cases.CaseJoinedV1
        log.effect(triaged, model.model_validate(opened), triaged.subject)
        if number == 0:
            log.effect(triaged, cases.CaseLeftV1.model_validate(in_case), triaged.subject, 1)
        if number == 1:
            changed = decided(Category.VIOLENCE_THREATS, Urgency.HIGH, "06.141")
            log.reviewed(triaged, of, changed, found)
    return log


def add_up(batches: Sequence[Sequence[Record]]) -> Sums:
    memory = Recalled()
    totals: tuple[Counter[object], ...] = (Counter(), Counter(), Counter())
    for batch in batches:
        for total, found in zip(totals, sums(fresh([CODEC.decode(each) for each in batch], memory)), strict=True):
            total.update(dict(found))  # type: ignore[arg-type]
    return Sums(*({cell: number for cell, number in total.items() if number} for total in totals))  # type: ignore[arg-type]


def by_value(
    cells: Mapping[FacetCell, int], measure: Measure, facet: Facet
) -> dict[tuple[str | None, str | None], int]:
    return {
        (cell.category, cell.value): number for cell, number in cells.items() if cell[:2] == (measure, facet) and number
    }


def test_reports_are_counted_by_channel_urgency_province_and_variety() -> None:
    cells = add_up([placed_log().records]).facets
    assert by_value(cells, Measure.RECEIVED, Facet.CHANNEL) == {(None, "form"): 2, (None, "partner"): 1}
    assert by_value(cells, Measure.MACHINE, Facet.VARIETY) == {("fraud", "ary"): 3}


def test_a_review_moves_a_report_to_its_new_category_urgency_and_province() -> None:
    cells = add_up([placed_log().records]).facets
    assert by_value(cells, Measure.TRIAGED, Facet.URGENCY) == {
        ("fraud", "1"): 1,
        ("fraud", "0"): 1,
        ("violence_threats", "2"): 1,
    }
    assert by_value(cells, Measure.TRIAGED, Facet.PROVINCE) == {
        ("fraud", "01.511"): 1,
        ("fraud", "06.141"): 1,
        ("violence_threats", "06.141"): 1,
    }


def test_a_report_that_left_its_case_counts_in_no_facet_of_those_referred() -> None:
    cells = add_up([placed_log().records]).facets
    assert by_value(cells, Measure.REFERRED, Facet.PROVINCE) == {(None, None): 1, (None, "06.141"): 1}
    assert by_value(cells, Measure.REFERRED, Facet.URGENCY) == {(None, "3"): 1, (None, "0"): 1}


@pytest.mark.parametrize("log", [placed_log(), *[None]], ids=["placed", "small"])
def test_every_facet_adds_up_to_its_measure(log: Log | None) -> None:
    found = add_up([log.records if log else SMALL])
    for measure, kept in KEPT.items():
        total = sum(number for cell, number in found.cells.items() if cell.measure is measure)
        for facet in kept:
            assert sum(by_value(found.facets, measure, facet).values()) == total


@given(st.data())
def test_any_split_into_batches_and_any_repeat_give_the_same_sums(data: st.DataObject) -> None:
    log = placed_log()
    once = add_up([placed_log().records])
    for record in data.draw(st.lists(st.sampled_from(list(log.records)), max_size=12)):
        log.repeat(record)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log.records)), max_size=6)))
    edges = [0, *cuts, len(log.records)]
    assert add_up([log.records[start:end] for start, end in itertools.pairwise(edges)]) == once


def later(log: Log, cause: Event[Data], data: Data, days: int, number: int) -> None:
    """An effect that was made so many days later."""
    log.effect(cause, data, cause.subject, number)
    record = log.records[-1]
    made = (NOW + timedelta(days=days)).isoformat().replace("+00:00", "Z").encode()
    log.records[-1] = record._replace(
        headers=[(name, made if name == "ce_time" else value) for name, value in record.headers]
    )


def test_what_happens_on_its_own_day_is_not_late_and_a_correction_is_known_on_the_day_it_was_made() -> None:
    log = Log()
    of = facts(Channel.FORM)
    triaged = log.triaged(log.received(1, of), of, decision(Category.FRAUD))
    opened = log.opened(triaged, of, Category.FRAUD)
    assert add_up([log.records]).late == {}
    left = {"case_id": opened.subject, "version": 2, "occurred_at": NOW, "report_id": opened.subject}
    left |= {"facts": of, "category": Category.FRAUD, "urgency": 0}
    later(log, triaged, cases.CaseLeftV1.model_validate(left), 3, 1)
    cell = Cell(Measure.REFERRED, DAY, Category.FRAUD, None, True, "MA")
    found = add_up([log.records])
    assert found.late == {(DAY + timedelta(days=3), cell): -1}
    assert cell not in found.cells


def test_counters_less_what_was_learned_later_are_the_counters_as_they_stood() -> None:
    """Day by day, against counting only what had been made by then."""
    log = Log()
    of = facts(Channel.FORM)
    unsure = decision(Category.INSULT_DEFAMATION, Disposition.REVIEW)
    for number in range(4):
        triaged = log.triaged(log.received(number, of), of, unsure)
        review = reports.ReportReviewedV1(
            report_id=triaged.subject,
            version=2,
            facts=of,
            decision=decision(Category.FRAUD),
            previous=unsure,
            action=ReviewAction.RECLASSIFY,
            reviewer="analyst-1",
            indicators=(),
        )
        later(log, triaged, review, number, 0)
    found = add_up([log.records])
    for after in range(5):
        day = DAY + timedelta(days=after)
        known = [
            each for each in log.records if (dict(each.headers)["ce_time"] or b"")[:10] <= day.isoformat().encode()
        ]
        stood = Counter(found.cells)
        for (known_on, cell), number in found.late.items():
            stood[cell] -= number if known_on > day else 0
        assert {cell: number for cell, number in stood.items() if number} == count([known])


@pytest.mark.parametrize("made", [b"not a time", b"2031-99-01T12:00:00Z", b"2031-07-01T12:00:00+00:00", b"Z", b""])
def test_an_event_whose_making_cannot_be_read_was_known_on_the_day_of_its_origin(made: bytes) -> None:
    record = SMALL[0]._replace(
        headers=[(name, made if name == "ce_time" else value) for name, value in SMALL[0].headers]
    )
    (reading,) = fresh([CODEC.decode(record)], Recalled()).new
    assert reading.known_on == DAY
