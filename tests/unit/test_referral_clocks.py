"""Clocks of cases and the days they count by: deadlines, levels, and that time itself may do what it likes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ibalagh.events.cases import CaseClockEscalatedV1, CaseClockWarnedV1
from ibalagh.events.vocabulary import CaseState, ClockKind, Urgency
from services.referral import workdays
from services.referral.clocks import ALLOWANCES, WAITS_FOR, Level, after, started, struck
from services.referral.model import Case
from tests.unit.test_referral_lifecycle import CASE

DAYS = workdays.newest()
MOROCCO = ZoneInfo("Africa/Casablanca")
MONDAY = datetime(2024, 10, 7, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENTS = st.datetimes(datetime(2024, 1, 2), datetime(2028, 11, 1), timezones=st.just(UTC))  # noqa: DTZ001


def running(kind: ClockKind = ClockKind.ACCEPTANCE, urgency: Urgency = Urgency.ROUTINE, at: datetime = MONDAY) -> Case:
    return CASE._replace(urgency=urgency, clock=started(kind, urgency, at, DAYS))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2024, 10, 7), True),
        (date(2024, 10, 5), False),  # a Saturday
        (date(2024, 11, 6), False),  # the Green March
        (date(2024, 10, 31), True),  # Unity Day came later
        (date(2028, 10, 31), False),
        (date(2024, 4, 10), False),  # Eid al-Fitr
        (date(2024, 4, 11), False),
        (date(2024, 4, 12), True),
    ],
)
def test_weekends_and_holidays_are_no_working_days(day: date, works: bool) -> None:
    assert DAYS.is_working(day) is works


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        (MONDAY, 48 * HOUR, MONDAY + 48 * HOUR),
        (datetime(2024, 10, 4, 9, tzinfo=UTC), 48 * HOUR, datetime(2024, 10, 8, 9, tzinfo=UTC)),  # over a weekend
        (datetime(2024, 10, 5, 9, tzinfo=UTC), 24 * HOUR, datetime(2024, 10, 7, 23, tzinfo=UTC)),  # from a Saturday
        (datetime(2024, 11, 5, 9, tzinfo=UTC), 24 * HOUR, datetime(2024, 11, 7, 9, tzinfo=UTC)),  # over a holiday
        (MONDAY, timedelta(days=8), datetime(2024, 10, 17, 9, tzinfo=UTC)),
    ],
)
def test_a_span_runs_over_working_days_alone(start: datetime, span: timedelta, end: datetime) -> None:
    assert DAYS.after(start, span) == end


@given(MOMENTS, st.integers(1, 400).map(lambda hours: hours * HOUR))
def test_a_span_is_as_much_working_time_as_it_says(start: datetime, span: timedelta) -> None:
    end, counted, moment = DAYS.after(start, span), timedelta(), start
    while moment < end:
        until = min(end, (moment + HOUR).replace(minute=0, second=0, microsecond=0))
        if DAYS.is_working(moment.astimezone(MOROCCO).date()):
            counted += until - moment
        moment = until
    assert counted == span


def test_a_calendar_without_a_working_day_or_with_a_year_left_out_is_refused() -> None:
    (path,) = workdays.CALENDARS.glob("*.yaml")
    document = workdays.yaml.safe_load(path.read_text("utf-8"))
    for wrong in ({"weekend": list(range(7))}, {"valid_until": 2040}, {"colour": "red"}):
        with pytest.raises(ValidationError):
            workdays._Document.model_validate({**document, **wrong})


def test_danger_to_life_is_answered_within_the_hour_on_any_day() -> None:
    saturday = datetime(2024, 10, 5, 23, 30, tzinfo=UTC)
    clock = started(ClockKind.ACCEPTANCE, Urgency.IMMEDIATE, saturday, DAYS)
    assert (clock.warns_at, clock.due_at) == (saturday + timedelta(minutes=45), saturday + HOUR)


def test_every_urgency_has_its_time_and_none_has_less_for_being_less_urgent() -> None:
    dues = [started(ClockKind.ACCEPTANCE, urgency, MONDAY, DAYS).due_at for urgency in sorted(Urgency)]
    assert dues == sorted(dues, reverse=True)
    assert set(ALLOWANCES) == set(Urgency)


@pytest.mark.parametrize("state", list(CaseState))
def test_a_clock_runs_in_the_states_that_wait_for_the_service(state: CaseState) -> None:
    case = after(running(), running()._replace(state=state), MONDAY, DAYS)
    assert (case.clock.kind if case.clock else None) == WAITS_FOR.get(state)


def test_acceptance_starts_the_next_clock_and_an_investigation_stops_it() -> None:
    later = MONDAY + HOUR
    accepted = after(running(), running()._replace(state=CaseState.ACCEPTED), later, DAYS)
    assert accepted.clock == started(ClockKind.FIRST_ACTION, Urgency.ROUTINE, later, DAYS)
    instructed = after(accepted, accepted._replace(state=CaseState.INSTRUCTED), later + HOUR, DAYS)
    assert instructed.clock == accepted.clock  # the prosecutor's word is not the service's act
    assert after(instructed, instructed._replace(state=CaseState.INVESTIGATION), later, DAYS).clock is None


def test_a_case_that_is_declined_still_waits_and_another_service_has_its_own_time() -> None:
    declined = after(running(), running()._replace(state=CaseState.DECLINED), MONDAY + HOUR, DAYS)
    assert declined.clock == running().clock
    moved = after(declined, declined._replace(state=CaseState.REFERRED, service="PJ-FES"), MONDAY + HOUR, DAYS)
    assert moved.clock is not None
    assert moved.clock.started_at == MONDAY + HOUR


def test_more_urgency_hastens_and_never_delays() -> None:
    case = running()
    sooner = after(case, case._replace(urgency=Urgency.IMMEDIATE), MONDAY + HOUR, DAYS)
    assert sooner.clock is not None
    assert sooner.clock.due_at == MONDAY + 2 * HOUR
    assert case.clock is not None
    just_before = case.clock.due_at - timedelta(minutes=1)
    assert after(case, case._replace(urgency=Urgency.IMMEDIATE), just_before, DAYS).clock == case.clock


def test_a_warning_comes_before_the_escalation_and_each_once() -> None:
    case = running(urgency=Urgency.IMMEDIATE)
    assert struck(case, MONDAY + timedelta(minutes=44)) == (case, ())
    warned, (warning,) = struck(case, MONDAY + timedelta(minutes=45))
    assert isinstance(warning, CaseClockWarnedV1)
    assert warned.clock is not None
    assert (warned.version, warned.clock.level, warned.clock.strikes_at) == (4, Level.WARNED, warned.clock.due_at)
    assert struck(warned, MONDAY + timedelta(minutes=46)) == (warned, ())
    over, (escalation,) = struck(warned, MONDAY + HOUR)
    assert isinstance(escalation, CaseClockEscalatedV1)
    assert (escalation.version, escalation.due_at, escalation.clock) == (5, MONDAY + HOUR, ClockKind.ACCEPTANCE)
    assert over.clock is not None
    assert over.clock.strikes_at is None
    assert struck(over, MONDAY + timedelta(days=400)) == (over, ())


@given(st.lists(MOMENTS, max_size=12), st.sampled_from(Urgency))
def test_however_the_time_jumps_each_level_is_said_once_in_order_and_never_early(
    looks: list[datetime], urgency: Urgency
) -> None:
    case, said = running(urgency=urgency, at=datetime(2026, 3, 18, 9, tzinfo=UTC)), list[str]()
    assert case.clock is not None
    clock = case.clock
    for now in looks:
        case, events = struck(case, now)
        said += [type(each).__name__ for each in events]
    latest = max(looks, default=clock.started_at)
    expected = ["CaseClockWarnedV1"] * (latest >= clock.warns_at) + ["CaseClockEscalatedV1"] * (latest >= clock.due_at)
    assert said == expected
    assert case.version == CASE.version + len(expected)
