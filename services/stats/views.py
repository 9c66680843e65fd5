"""What stats reads of each event: the few fields that decide what is counted, and nothing else of it.

Each view is a part of the event's full model in `ibalagh.events` (same names, same constraints), so that a full event
can be counted through its view too. Leaving the rest unread is what keeps counting at a few microseconds an event; that
an event is valid as a whole is for the service to say that acts on it.
"""

from datetime import date, datetime

from ibalagh.events.envelope import Data
from ibalagh.events.reports import Country, ShortText
from ibalagh.events.vocabulary import CasePart, Category, Channel, Disposition, ReviewAction, Urgency, Variety


class Facts(Data):
    """The dimensions of a report."""

    received_on: date
    identified: bool
    country: Country
    channel: Channel


class Decision(Data):
    """What a decision moves in the counters."""

    disposition: Disposition
    category: Category
    urgency: Urgency
    organisation: ShortText | None = None
    province: ShortText | None = None


class Received(Data):
    """Of `report.received`."""

    facts: Facts


class Triaged(Data):
    """Of `report.triaged`."""

    facts: Facts
    variety: Variety
    decision: Decision


class Reviewed(Data):
    """Of `report.reviewed`."""

    facts: Facts
    decision: Decision
    previous: Decision
    action: ReviewAction


class InCase(Data):
    """A report in a case."""

    facts: Facts
    category: Category
    urgency: Urgency
    organisation: ShortText | None = None
    province: ShortText | None = None


class Left(InCase):
    """Of `case.left`."""


class Joined(InCase):
    """Of `case.joined`."""


class Opened(Joined):
    """Of `case.opened`."""

    occurred_at: datetime


class Reclassified(InCase):
    """Of `case.reclassified`: where the report was counted before."""

    previous_category: Category
    previous_organisation: ShortText | None = None


class CaseAct(Data):
    """Of every event about a case as a whole."""

    category: Category
    occurred_at: datetime


class Regrouped(Data):
    """Of a merge, a split or the undoing of one: as what and when the case was opened that was merged or split off."""

    part: CasePart
    opened_at: datetime
    opened_as: Category


class Reopened(Data):
    """Of `case.reopened`: as what and when the case had been closed."""

    closed_at: datetime | None = None
    closed_as: Category | None = None
