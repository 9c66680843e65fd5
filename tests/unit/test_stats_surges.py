"""Surges: what opens one, what closes it, and that a repeated delta changes nothing."""

import uuid
from datetime import UTC, datetime

from ibalagh.events.envelope import Cause, Event
from ibalagh.events.statistics import CellIncrement, CountersChangedV1, SurgeClosedV1, SurgeOpenedV1
from ibalagh.events.vocabulary import Category
from services.stats.counting import Measure
from services.stats.surges import KEPT_MINUTES, Rules, WindowState, watch

RULES = Rules(minimum=30, ratio=3.0)
BASE = int(datetime(2031, 7, 1, tzinfo=UTC).timestamp()) // 60


def delta(offset: int, minute: int, count: int, measure: str = Measure.MACHINE) -> Event[CountersChangedV1]:
    moment = datetime.fromtimestamp((BASE + minute) * 60 + 5, UTC)
    increment = CellIncrement(measure=measure, day=moment.date(), category=Category.FRAUD, count=count)
    data = CountersChangedV1(batch_id=str(uuid.uuid4()), counted_at=moment, increments=(increment,))
    type_ = "ibalagh.counters.changed.v1"
    return Event(data.batch_id, type_, "/stats", "0", moment, moment, data, Cause("reports.triaged", 0, offset, 0))


def run(counts: list[int], state: WindowState | None = None, start: int = 0) -> list[SurgeOpenedV1 | SurgeClosedV1]:
    """What happens over minutes with so many reports each."""
    state = state or WindowState()
    happened: list[SurgeOpenedV1 | SurgeClosedV1] = []
    for minute, count in enumerate(counts, start):
        assert state.apply(delta(minute, minute, count))
        happened += watch(state, state.latest, RULES)
    return happened


def test_a_burst_opens_a_surge_and_calm_closes_it() -> None:
    opened, closed = run([2] * 60 + [200] + [2] * 25)
    assert isinstance(opened, SurgeOpenedV1)
    assert isinstance(closed, SurgeClosedV1)
    assert (opened.category, opened.surge_id) == (Category.FRAUD, closed.surge_id)
    assert opened.observed >= 200
    assert opened.expected <= 30
    assert closed.peak >= 200


def test_steady_traffic_however_heavy_is_no_surge() -> None:
    assert run([500] * 200) == []


def test_few_reports_are_no_surge_however_rare_they_usually_are() -> None:
    assert run([0] * 60 + [29] + [0] * 20) == []


def test_without_history_nothing_is_unusual() -> None:
    assert run([0] * 10 + [500]) == []


def test_reviews_that_move_reports_fill_no_window() -> None:
    state = WindowState()
    state.apply(delta(1, 0, 100, Measure.TRIAGED))
    state.apply(delta(2, 0, -5))
    assert state.window(Category.FRAUD, BASE, 15) == 0


def test_a_repeated_delta_changes_nothing() -> None:
    state = WindowState()
    assert state.apply(delta(7, 0, 5))
    assert state.apply(delta(9, 0, 5))
    for offset in (7, 8, 9):
        assert not state.apply(delta(offset, 0, 5))
    assert state.window(Category.FRAUD, BASE, 1) == 10


def test_the_state_survives_being_written_and_stays_small() -> None:
    state = WindowState()
    run([40] * (3 * KEPT_MINUTES), state)
    again = WindowState.model_validate_json(state.model_dump_json())
    assert again == state
    assert len(state.panes[Category.FRAUD]) <= KEPT_MINUTES


def test_the_same_surge_found_again_has_the_same_id() -> None:
    first, second = (run([2] * 60 + [200])[0] for _ in range(2))
    assert first.surge_id == second.surge_id
