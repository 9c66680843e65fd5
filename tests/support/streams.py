"""Events, units and stops for tests of the loop: invented reports, a unit that fails on demand."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect, root
from ibalagh.events.reports import Decision, ReportFacts, ReportReceivedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Channel, Disposition, Urgency, Variety
from ibalagh.stream.ports import Outgoing
from ibalagh.stream.unit import Handled, Rejected

NOW = datetime(2031, 6, 1, 12, 0, tzinfo=UTC)
FACTS = ReportFacts(received_on=date(2031, 6, 1), identified=False, country="MA", channel=Channel.API)


def received(number: int, text: str = "a shop that never delivers") -> Event[Data]:
    """An invented report; the same number gives the same id."""
    report_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    data = ReportReceivedV1(report_id=report_id, received_at=NOW, facts=FACTS, text=text)
    return root(data, id_=report_id, source="/intake", subject=report_id, now=NOW)


def triaged(event: Event[Data]) -> Event[Data]:
    """What a triage would make of a report."""
    decision = Decision(
        disposition=Disposition.REFER,
        category=Category.FRAUD,
        urgency=Urgency.ROUTINE,
        confidence=0.9,
        reasons=("r",),
        policy="p",
    )
    data = ReportTriagedV1(
        report_id=event.subject, facts=FACTS, variety=Variety.ENGLISH, decision=decision, indicators=()
    )
    return effect(event, data, source="/triage", subject=event.subject, number=0, now=NOW)


def triage(events: Sequence[Event[Data]]) -> Handled:
    """A handler that triages; it refuses reports whose text is `refuse`, and an unexpected error comes out of
    one whose text is `break`."""
    rejected = []
    effects = []
    for event in events:
        assert isinstance(event.data, ReportReceivedV1)
        if event.data.text == "break":
            raise ZeroDivisionError("a defect of the handler")
        if event.data.text == "refuse":
            rejected.append(Rejected(event, "refused"))
        else:
            effects.append(triaged(event))
    return Handled(effects, rejected)


def encoded(codec: Codec, numbers: Sequence[int]) -> list[Outgoing]:
    """Reports as records."""
    return [codec.encode(received(number)) for number in numbers]


class Stopper:
    """A stop that is requested when `when` says so."""

    def __init__(self, when: Callable[[], bool]) -> None:
        self._when = when

    @property
    def requested(self) -> bool:
        return self._when()
