"""Triage's desk on a database, fed with what the classifier makes of texts and with commands, and what it says then."""

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import root
from ibalagh.storage.commands import find_results
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.ports import Record, TopicPartition
from ibalagh.stream.unit import Batch
from services.triage.handlers import Classifier, Desk
from services.triage.reading import DeskCodec
from tests.support.triage import NOW, policy, received, report_id

CODEC = Codec()
GROUP = "ibalagh.triage.desk"


class FedDesk:
    """The desk's unit; `take` is a batch."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._unit = PostgresUnit(database, GROUP, Desk(lambda: NOW), codec=CODEC, clock=lambda: NOW)
        self._reader = DeskCodec()
        self._ends: dict[str, int] = {}

    def take(self, *events: Event[Data]) -> None:
        """Handle a batch."""
        records = []
        for event in events:
            outgoing = CODEC.encode(event)
            offset = self._ends.get(outgoing.topic, 0)
            self._ends[outgoing.topic] = offset + 1
            records.append(Record(outgoing.topic, 0, offset, outgoing.key, outgoing.value, outgoing.headers))
        ends = {TopicPartition(each.topic, 0): self._ends[each.topic] for each in records}
        self._unit.process(Batch(records, [self._reader.decode(each) for each in records], [], ends))

    def rule(self, data: Data, subject: str, id_: str = report_id("command")) -> tuple[str, str | None]:
        """What becomes of a command."""
        self.take(root(data, id_=id_, source="/triage", subject=subject, now=NOW))
        result = find_results(self.database, [id_])[id_]
        return result.outcome, result.code

    def said(self) -> list[Data]:
        """The data of all that the desk published, in order."""
        records = PostgresOutbox(self.database, GROUP).read({}, 100_000).records
        return [CODEC.decode(Record(each.topic, 0, 0, each.key, each.value, each.headers)).data for each in records]


def triaged(*texts: tuple[str, str]) -> list[Event[Data]]:
    """What the classifier says of (name, text)."""
    return list(Classifier(policy())([received(text, name) for name, text in texts], NOW).effects)


def amended(event: Event[Data]) -> Event[Data]:
    """What the classifier says of a supplement."""
    (effect,) = Classifier(policy())([event], NOW).effects
    return effect
