"""Events of referral's input topics, made for tests: short to write, and as if read from a topic."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from ibalagh.events.commands import ActOnCaseV2
from ibalagh.events.envelope import Data, Event, Position, derived_id
from ibalagh.events.make import root
from ibalagh.events.registry import EVENT_TYPES
from ibalagh.events.reports import Amount, Decision, Indicator, ReportFacts, ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import (
    CaseAction,
    Category,
    Channel,
    Disposition,
    IndicatorKind,
    ReviewAction,
    Urgency,
    Variety,
)
from ibalagh.events.written import Written
from services.referral.checks import clock_check
from services.referral.model import Case

NOW = datetime(2024, 9, 1, 12, 0, tzinfo=UTC)
RABAT = "04.421"
_NAMESPACE = "7e1d0d7e-9c0a-4c43-8d8a-3b6f2d1e0a55"
_offsets = count()


def report_id(name: str) -> str:
    """The same id for the same name."""
    return derived_id(_NAMESPACE, "report", name)


def links(*names: str) -> tuple[Indicator, ...]:
    """Links of invented sites as indicators."""
    return tuple(Indicator(kind=IndicatorKind.URL, value=f"https://{name}.example/") for name in names)


def decision(
    category: Category = Category.FRAUD,
    *,
    disposition: Disposition = Disposition.REFER,
    province: str | None = RABAT,
    urgency: Urgency = Urgency.ROUTINE,
    organisation: str | None = None,
) -> Decision:
    """A decision as triage makes it."""
    return Decision(
        disposition=disposition,
        category=category,
        urgency=urgency,
        confidence=0.9,
        reasons=("rule",),
        organisation=organisation,
        province=province,
        policy="test",
    )


def facts(received_on: date = date(2024, 6, 3)) -> ReportFacts:
    """A domestic, anonymous report's facts."""
    return ReportFacts(received_on=received_on, identified=False, country="MA", channel=Channel.FORM)


def triaged(
    name: str,
    *indicators: str,
    received_on: date = date(2024, 6, 3),
    version: int = 1,
    minor_involved: bool = False,
    amounts: Sequence[tuple[float, str]] = (),
    **how: Any,
) -> Event[Data]:
    """`report.triaged` of the report called `name`, with links as indicators; `how` as `decision` takes it."""
    id_ = report_id(name)
    data = ReportTriagedV1(
        report_id=id_,
        version=version,
        facts=facts(received_on),
        variety=Variety.FRENCH,
        decision=decision(**how),
        indicators=links(*indicators),
        minor_involved=minor_involved,
        amounts=_sums(amounts),
    )
    return _read(root(data, id_=derived_id(id_, "triaged", ""), source="/triage", subject=id_, now=NOW))


def reviewed(
    name: str,
    *indicators: str,
    version: int = 2,
    previous: Decision | None = None,
    minor_involved: bool = False,
    amounts: Sequence[tuple[float, str]] = (),
    **how: Any,
) -> Event[Data]:
    """`report.reviewed` of the report called `name`."""
    id_ = report_id(name)
    now = decision(**how)
    action = ReviewAction.DISMISS if now.disposition is Disposition.DISMISS else ReviewAction.RECLASSIFY
    data = ReportReviewedV1(
        report_id=id_,
        version=version,
        facts=facts(),
        decision=now,
        previous=previous or decision(),
        action=action,
        reviewer="analyst-1",
        indicators=links(*indicators),
        minor_involved=minor_involved,
        amounts=_sums(amounts),
    )
    return _read(root(data, id_=derived_id(id_, "reviewed", str(version)), source="/triage", subject=id_, now=NOW))


def _sums(amounts: Sequence[tuple[float, str]]) -> tuple[Amount, ...]:
    return tuple(Amount(value=value, currency=currency) for value, currency in amounts)


def action(case_id: str, what: CaseAction, *, id_: str | None = None, **fields: Any) -> Event[Data]:
    """`case.act` on a case; `fields` as the command has them."""
    given: dict[str, Any] = {"actor": "officer-1", "occurred_at": NOW, **fields}
    data = ActOnCaseV2(case_id=case_id, action=what, **given)
    return _read(
        root(data, id_=id_ or str(uuid.uuid4()), source="/referral", subject=case_id, now=NOW), "cases.actions"
    )


def check_of(case: Case) -> Event[Data]:
    """`case.check_clock` as the timer asks for a case's clock."""
    assert case.clock is not None
    kind, started_at, _, _, level, _ = case.clock
    return _read(clock_check(case.case_id, kind, started_at, level, now=NOW), "cases.actions")


def _read(event: Event[Data], topic: str = "reports.triaged") -> Event[Data]:
    return event.at(Position(f"ibalagh.{topic}", 0, next(_offsets)))


def parsed(effect: Event[Data]) -> Event[Data]:
    """The effect as a reader has it; what is written without a model must be, byte for byte, what the model writes."""
    if not isinstance(effect.data, Written):
        return effect
    data = EVENT_TYPES[effect.type].model.model_validate_json(effect.data.json)
    assert effect.data.json == data.model_dump_json().encode()
    return effect._replace(data=data)


def short_types(events: Sequence[Event[Data]]) -> list[str]:
    """Types without prefix and version, e.g. `case.opened`."""
    return [event.type.removeprefix("ibalagh.").removesuffix(".v1") for event in events]


def command(data: Data, *, id_: str | None = None) -> Event[Data]:
    """A command about a case, as read from `cases.actions`."""
    case_id = data.case_id  # type: ignore[attr-defined]
    return _read(
        root(data, id_=id_ or str(uuid.uuid4()), source="/referral", subject=case_id, now=NOW), "cases.actions"
    )
