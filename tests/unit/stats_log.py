"""A small invented log for the tests of stats: events as the services publish them, as records with positions."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events import cases, make, reports
from ibalagh.events.envelope import Data, Event, Position
from ibalagh.events.registry import EVENT_TYPES, type_of
from ibalagh.events.vocabulary import Category, Channel, Disposition, ReviewAction, Urgency, Variety
from ibalagh.stream.ports import Record

NOW = datetime(2031, 7, 1, 12, 0, tzinfo=UTC)
DAY = date(2031, 7, 1)


def new_id(number: int) -> str:
    """A UUID of a number."""
    return str(uuid.UUID(int=number + (7 << 76) + (2 << 62)))


def facts(*, identified: bool = True, country: str = "MA", day: date = DAY) -> reports.ReportFacts:
    """Facts of an invented report."""
    return reports.ReportFacts(received_on=day, identified=identified, country=country, channel=Channel.API)


def decision(
    category: Category, disposition: Disposition = Disposition.REFER, organisation: str | None = None
) -> reports.Decision:
    """A decision of triage."""
    return reports.Decision(
        disposition=disposition,
        category=category,
        urgency=Urgency.ROUTINE,
        confidence=0.9,
        reasons=("test.rule",),
        organisation=organisation,
        policy="test",
    )


@dataclass
class Log:
    """Topics of one partition each; what is appended gets the next position."""

    prefix: str = "ibalagh."
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codec = Codec(self.prefix)
        self._ends: dict[str, int] = {}

    def append(self, event: Event[Data]) -> Event[Data]:
        """The event, at its position."""
        encoded = self.codec.encode(event)
        offset = self._ends.get(encoded.topic, 0)
        self._ends[encoded.topic] = offset + 1
        self.records.append(Record(encoded.topic, 0, offset, encoded.key, encoded.value, encoded.headers))
        return event.at(Position(encoded.topic, 0, offset))

    def repeat(self, record: Record) -> Record:
        """The same record once more at its topic's end."""
        offset = self._ends[record.topic]
        self._ends[record.topic] = offset + 1
        self.records.append(record._replace(offset=offset))
        return self.records[-1]

    def received(self, number: int, of: reports.ReportFacts) -> Event[Data]:
        """A report comes in."""
        id_ = new_id(number)
        data = reports.ReportReceivedV1(report_id=id_, received_at=NOW, facts=of, text="نص مخترع")
        return self.append(make.root(data, id_=id_, source="/intake", subject=id_, now=NOW))

    def triaged(self, received: Event[Data], of: reports.ReportFacts, decided: reports.Decision) -> Event[Data]:
        """The machine decides."""
        data = reports.ReportTriagedV1(
            report_id=received.id, facts=of, variety=Variety.ARABIC, decision=decided, indicators=()
        )
        return self.effect(received, data, received.id)

    def reviewed(
        self,
        cause: Event[Data],
        of: reports.ReportFacts,
        decided: reports.Decision,
        previous: reports.Decision,
        action: ReviewAction = ReviewAction.RECLASSIFY,
    ) -> Event[Data]:
        """A person decides."""
        data = reports.ReportReviewedV1(
            report_id=cause.subject,
            version=2,
            facts=of,
            decision=decided,
            previous=previous,
            action=action,
            reviewer="analyst-1",
            indicators=(),
        )
        return self.effect(cause, data, cause.subject)

    def opened(
        self, cause: Event[Data], of: reports.ReportFacts, category: Category, organisation: str | None = None
    ) -> Event[Data]:
        """A case of its own."""
        data = cases.CaseOpenedV1(
            case_id=cause.subject,
            version=1,
            occurred_at=NOW,
            report_id=cause.subject,
            facts=of,
            category=category,
            urgency=Urgency.ROUTINE,
            organisation=organisation,
            indicators=(),
        )
        return self.effect(cause, data, cause.subject)

    def act(self, cause: Event[Data], model: type[Data], category: Category, number: int = 1) -> Event[Data]:
        """Something happens to a case; `number` counts the effects of `cause`."""
        data = model.model_validate(
            {
                "case_id": cause.subject,
                "version": 1 + number,
                "occurred_at": NOW,
                "category": category,
                "service": "test-service",
                "actor": "officer-1",
                "suspect_ref": f"S{number}",
                "urgency": Urgency.ROUTINE,
                "prosecutor": "test-court",
                "competence_table": "test",
                "competence_rule": "test",
            }
        )
        return self.effect(cause, data, cause.subject, number)

    def effect(self, cause: Event[Data], data: Data, subject: str, number: int = 0) -> Event[Data]:
        """Any derived event."""
        owner = EVENT_TYPES[type_of(type(data))].owner
        return self.append(make.effect(cause, data, source=f"/{owner}", subject=subject, number=number, now=NOW))
