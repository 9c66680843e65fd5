"""Reports made for tests of triage: short to write, invented, and as if read from a topic."""

import uuid
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from ibalagh.events.commands import DecideReportV1, SendMessageV1
from ibalagh.events.dialogue import ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.envelope import Data, Event, Position, derived_id
from ibalagh.events.make import root
from ibalagh.events.reports import ReportFacts, ReportReceivedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Channel, ReviewAction, SupplementKind
from services.triage.decide import decide
from services.triage.model.linear import CATEGORIES, COLUMNS, LEVELS, Logistic
from services.triage.policy import Policy, load
from tests.support.storage import uuid_of

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
FACTS = ReportFacts(received_on=date(2024, 6, 3), identified=False, country="MA", channel=Channel.FORM)
_offsets = count()


_OF_RULES = 4.0
"""What the logarithm of a rule's weight is worth to `policy`: one strong rule alone makes it sure."""


@cache
def learnt() -> Policy:
    """The committed policy, compiled once a session."""
    return load()


@cache
def policy() -> Policy:
    """The committed rules with a model that hears nothing else: what a test says of a report's way holds whatever is
    learnt. Two categories that are level are unsure, and what no rule speaks of is out of scope."""
    count = len(CATEGORIES)
    weights = np.vstack([np.zeros((count, count)), _OF_RULES * np.eye(count)]).astype(np.float32)
    bias = np.array([float(each is Category.OUT_OF_SCOPE) for each in CATEGORIES], np.float32)
    never = Logistic(np.zeros((COLUMNS + LEVELS, 1), np.float32), np.full(1, -10, np.float32))
    real = learnt()
    model = real.model._replace(
        table=np.zeros_like(real.model.table),
        bias=np.zeros(COLUMNS, np.float32),
        category=Logistic(weights, bias),
        urgent=never,
    )
    return real._replace(model=model)


def report_id(name: str) -> str:
    """The same id for the same name."""
    return derived_id("7e1d0d7e-9c0a-4c43-8d8a-3b6f2d1e0a55", "report", name)


def report(text: str, name: str = "a", **fields: Any) -> ReportReceivedV1:
    """A report with this text."""
    return ReportReceivedV1(report_id=report_id(name), received_at=NOW, facts=FACTS, text=text, **fields)


def triage(text: str, *, by: Policy | None = None, **fields: Any) -> ReportTriagedV1:
    """What the machine makes of a text: by its rules alone, unless another policy is given."""
    return decide(report(text, **fields), by or policy())


def received(text: str, name: str = "a", *, offset: int | None = None, **fields: Any) -> Event[Data]:
    """`report.received`, as read from its topic."""
    data = report(text, name, **fields)
    event = root(data, id_=data.report_id, source="/intake", subject=data.report_id, now=NOW)
    return event.at(Position("ibalagh.reports.received", 0, next(_offsets) if offset is None else offset))


def decision(name: str, action: ReviewAction, *, id_: str | None = None, **fields: Any) -> Event[Data]:
    """`report.decide` about the report called `name`, as read from its topic."""
    data = DecideReportV1(report_id=report_id(name), action=action, reviewer="analyst-1", decided_at=NOW, **fields)
    event = root(data, id_=id_ or str(uuid.uuid4()), source="/triage", subject=data.report_id, now=NOW)
    return event.at(Position("ibalagh.triage.decisions", 0, next(_offsets)))


def supplemented(text: str, name: str = "a", number: int = 1, kind: str = "addition") -> Event[Data]:
    """`report.supplemented`, as read from its topic."""
    data = ReportSupplementedV1(
        report_id=report_id(name),
        supplement_id=uuid_of(number),
        kind=SupplementKind(kind),
        supplemented_at=NOW,
        text=text,
    )
    event = root(data, id_=uuid_of(number), source="/intake", subject=data.report_id, now=NOW)
    return event.at(Position("ibalagh.reports.received", 0, 1_000 + number))


def withdrawn(name: str = "a", number: int = 9) -> Event[Data]:
    """`report.withdrawn`, as read from its topic."""
    data = ReportWithdrawnV1(report_id=report_id(name), withdrawn_at=NOW)
    event = root(data, id_=uuid_of(number), source="/intake", subject=data.report_id, now=NOW)
    return event.at(Position("ibalagh.reports.received", 0, 1_000 + number))


def message(name: str, text: str = "?", *, id_: str | None = None, **fields: Any) -> Event[Data]:
    """`message.send` to the reporter of the report called `name`, as read from its topic."""
    data = SendMessageV1(report_id=report_id(name), text=text, sender="analyst-1", sent_at=NOW, **fields)
    event = root(data, id_=id_ or str(uuid.uuid4()), source="/triage", subject=data.report_id, now=NOW)
    return event.at(Position("ibalagh.triage.decisions", 0, next(_offsets)))
