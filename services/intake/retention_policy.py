"""How long identities are kept, by category, and which category a report was found to have. Pure.

In: the policy's text, a time, records of `reports.triaged`; out: the times before which identities are due, findings.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ibalagh.events import reports
from ibalagh.events.envelope import Data, Uuid
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import Category
from ibalagh.stream.ports import Record
from services.intake.status import StorableVersion

Days = Annotated[int, Field(ge=1, le=36_500)]
ANONYMOUS: Final = b'"identified":false'
"""How triage's codec writes that there is no identity; no text can hold it, since quotes in it are escaped."""
_TYPES: Final = frozenset(type_of(model).encode() for model in (reports.ReportTriagedV1, reports.ReportReviewedV1))


class Policy(BaseModel):
    """Days that identities are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_days: Days
    days: Mapping[Category, Days] = {}


class Limits(NamedTuple):
    """What was sealed before is due: per category, for the other ones, and the newest of these times."""

    by_category: Mapping[str, datetime]
    other: datetime
    newest: datetime


class Finding(NamedTuple):
    """What a report with an identity was found to be about, by a version of its decision."""

    report_id: str
    version: int
    category: str


class _Facts(Data):
    identified: bool


class _Decision(Data):
    category: Category


class _Triage(Data):
    report_id: Uuid
    version: StorableVersion = 1
    facts: _Facts
    decision: _Decision


def parse(text: str) -> Policy:
    """A policy of YAML. Raises ValueError naming what is wrong."""
    try:
        return Policy.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"the retention policy cannot be used: {error}") from None


def limits(policy: Policy, now: datetime) -> Limits:
    """The times before which identities are due at `now`."""
    by_category = {str(category): now - timedelta(days=days) for category, days in policy.days.items()}
    other = now - timedelta(days=policy.default_days)
    return Limits(by_category, other, max([other, *by_category.values()]))


def reason_for(policy: Policy, category: str) -> str:
    """What the audit says when an identity of a report of `category` (empty: undecided) is erased."""
    own = policy.days.get(Category(category)) if category else None
    return f"kept for {own} days: {category}" if own else f"kept for {policy.default_days} days: default"


def finding(record: Record) -> Finding | None:
    """What a record says; None when it is no decision on a report with an identity, or cannot be read: the readers that
    depend on it put it to the dead letters, and the report has the default time."""
    if record.value is None or not _TYPES.intersection(value for name, value in record.headers if name == "ce_type"):
        return None
    try:
        triage = _Triage.model_validate(orjson.loads(record.value))
    except (ValueError, ValidationError):
        return None
    return Finding(triage.report_id, triage.version, triage.decision.category) if triage.facts.identified else None


def latest(findings: list[Finding]) -> list[Finding]:
    """The newest of each report, in the order of the ids."""
    newest: dict[str, Finding] = {}
    for each in findings:
        before = newest.get(each.report_id)
        if before is None or each.version > before.version:
            newest[each.report_id] = each
    return [newest[report_id] for report_id in sorted(newest)]
