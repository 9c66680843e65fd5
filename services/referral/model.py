"""The values that referral decides about: a case, and a report's place in one. Immutable; no I/O."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from ibalagh.events.vocabulary import CaseResult, CaseState, Category, ClockKind, Urgency

SOURCE: Final = "/referral"
"""The CloudEvents `source` of everything that this service says."""

MACHINE_ACTOR: Final = "referral"
"""The `actor` of what the service does by itself, such as closing a case that the last report has left."""


class Clock(NamedTuple):
    """A deadline that a case's service has: what it waits for, since when, when most of the time is gone, and all.

    `level` counts what was said of it already (`clocks.Level`). `strikes_at` is when it has to be looked at next, which
    the timer moves ahead whenever it asks; None once there is nothing left to say.
    """

    kind: ClockKind
    started_at: datetime
    warns_at: datetime
    due_at: datetime
    level: int
    strikes_at: datetime | None


class Merged(NamedTuple):
    """That a case is merged into another, and what that one was before: its urgency, first day and clock, for an undo
    as long as it still has the `version` that the merge gave it."""

    into: str
    version: int
    urgency: Urgency
    received_on: date
    clock: Clock | None


class Closing(NamedTuple):
    """Where a case stood when it was closed, and the time and category that this was said with."""

    state: CaseState
    at: datetime
    category: Category


class Case(NamedTuple):
    """A case as it stands.

    `number` counts cases in the order of opening and is the database's to give: None until the case is stored.
    `version` is that of the case's latest event. `tally` counts the case's reports by category, in the order in which
    the case met the categories. `received_on` is the civil day of its earliest report.

    A merged case keeps its state, its reports and its clock, which stands still, for an undo; the tally of the case
    that it is merged into holds its reports too. `opened_as` is the category of the opening, where it is another now.
    """

    case_id: str
    number: int | None
    version: int
    state: CaseState
    category: Category
    province: str | None
    urgency: Urgency
    service: str
    prosecutor: str
    competence_table: str
    competence_rule: str
    received_on: date
    opened_at: datetime
    tally: Mapping[Category, int]
    result: CaseResult | None = None
    clock: Clock | None = None
    merged: Merged | None = None
    split_from: str | None = None
    opened_as: Category | None = None
    closing: Closing | None = None

    @property
    def is_open(self) -> bool:
        """Whether reports may still join."""
        return self.state is not CaseState.CLOSED and self.merged is None

    @property
    def reports(self) -> int:
        """How many reports the case holds now."""
        return sum(self.tally.values())

    def told(self, at: datetime) -> dict[str, Any]:
        """What nearly every event of a case says of it as it stands after the event, which was `at`."""
        return {
            "case_id": self.case_id,
            "version": self.version,
            "occurred_at": at,
            "category": self.category,
            "service": self.service,
            "province": self.province,
        }


class Membership(NamedTuple):
    """A report that referral has placed: the version of the report that it knows, and the case that holds it.

    `case_id` is None after a person dismissed the report. `joined_version` is the case's version of the event
    `case.opened` or `case.joined` that brought the report in, 1 for one that was split off with its case. `keys` are
    its indicators', by `linking.key_of`; none for what was stored before they were kept.
    """

    report_id: str
    case_id: str | None
    version: int
    joined_version: int
    category: Category
    received_on: date
    joined_at: datetime
    keys: tuple[str, ...] = ()
