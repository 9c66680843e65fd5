"""The whole of triage over a memory broker and a real database: classifier, desk, texts, HTTP; and who asks it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, URGENT, dead_letter_topic
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.processor import Processor
from ibalagh.web.commands import Commands
from services.triage import app as application
from services.triage.handlers import CLASSIFIER_TOPICS, DESK_TOPICS, Classifier, Desk
from services.triage.reading import DeskCodec
from services.triage.settings import TriageSettings
from services.triage.texts import TextReader
from tests.support.poll import eventually
from tests.support.sign_in import as_demo_person
from tests.support.triage import policy, received, report_id

TOKEN = "t" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
UNSURE = "arnaque et insultes"


class Triage:
    """The whole service over a memory broker: classifier, desk, texts, HTTP."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.broker, self.codec, self._stop = MemoryBroker(), Codec(), Shutdown()
        for topic in (RECEIVED, URGENT, TRIAGED, DECISIONS, dead_letter_topic("triage")):
            self.broker.create_topic(self.codec.topic(topic))
        self.producer = self.broker.producer()
        self.commands = Commands(self.producer, self.codec, database, wait_s=2.0)
        consumer = self.broker.consumer("ibalagh.triage")
        unit = KafkaUnit(
            handle=Classifier(policy()),
            codec=self.codec,
            producer_factory=lambda: self.broker.transactional_producer("ibalagh.triage.0"),
            group=consumer.group_metadata,
            dead_letter_topic=self.codec.topic(dead_letter_topic("triage")),
            consumer_name="ibalagh.triage",
        )
        self.classifier = self._processor("classifier", CLASSIFIER_TOPICS, consumer, unit)
        desk = PostgresUnit(database, "ibalagh.triage.desk", Desk(), codec=self.codec)
        self.desk = self._processor("desk", DESK_TOPICS, self.broker.consumer("ibalagh.triage.desk"), desk)
        self.texts = TextReader(self.broker.consumer("ibalagh.triage.texts.1"), self.codec, timeout_s=5)
        self.app = application.create(
            TriageSettings(api_token=TOKEN),
            database,
            self.commands,
            self.texts,
            [],
            policy=policy,
        )
        self._threads = [threading.Thread(target=loop, args=(self._stop,)) for loop in self.loops()]

    def loops(self) -> list[Any]:
        return [self.classifier.run, self.desk.run, self.texts.run]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.request("end of the test")
        for thread in self._threads:
            thread.join(10)

    def report(self, text: str, name: str = "a", **fields: Any) -> str:
        assert all(self.producer.publish([self.codec.encode(received(text, name, **fields))], 1.0))
        return report_id(name)

    def _processor(self, name: str, topics: tuple[str, ...], consumer: Any, unit: Any) -> Processor:
        codec = DeskCodec() if name == "desk" else self.codec
        return Processor(name=name, service="triage", topics=topics, consumer=consumer, codec=codec, unit=unit)


@contextmanager
def running(database_url: str) -> Iterator[Triage]:
    """The service on a fresh database, until the block ends."""
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    service = Triage(database)
    service.start()
    try:
        yield service
    finally:
        service.stop()
        database.close()


def waiting(client: httpx.Client, count: int) -> list[dict[str, Any]]:
    """The queue, once so many reports wait."""

    def ask() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = client.get("/v1/reviews", headers=BEARER).json()["items"]
        return items if len(items) == count else []

    return eventually(ask, 20)


def decision(id_: str, action: str = "dismiss", **fields: Any) -> dict[str, Any]:
    return {"report_id": id_, "action": action, "reviewer": "analyst-1"} | fields


def sign_in(client: httpx.Client, token: str = TOKEN, person: str = "analyst-2") -> httpx.Response:
    return as_demo_person(client, token, person)
