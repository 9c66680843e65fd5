"""The classifier's handler in its loop, on the memory broker: reports in, decisions out, poison to the dead letters."""

from datetime import UTC, datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, TRIAGED, dead_letter_topic
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import Category, Disposition
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.memory import MemoryBroker
from ibalagh.stream.ports import Outgoing, Record
from ibalagh.stream.processor import Processor
from services.triage.handlers import CLASSIFIER_TOPICS, Classifier
from tests.support.triage import policy, received, report_id

CODEC = Codec()


class Hop:
    """A classifier's processor on a broker of its own."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for topic in (RECEIVED, TRIAGED, dead_letter_topic("triage")):
            self.broker.create_topic(CODEC.topic(topic), 2)
        self.producer = self.broker.producer()
        consumer = self.broker.consumer("ibalagh.triage")
        unit = KafkaUnit(
            handle=Classifier(policy()),
            codec=CODEC,
            producer_factory=lambda: self.broker.transactional_producer("ibalagh.triage.0"),
            group=consumer.group_metadata,
            dead_letter_topic=CODEC.topic(dead_letter_topic("triage")),
            consumer_name="ibalagh.triage",
        )
        self.processor = Processor(
            name="classifier",
            service="triage",
            topics=CLASSIFIER_TOPICS,
            consumer=consumer,
            codec=CODEC,
            unit=unit,
            idle_s=0.0,
        )

    def send(self, *records: Outgoing) -> None:
        assert all(self.producer.publish(records, 1.0))

    def step_until_idle(self) -> None:
        for _ in range(20):
            self.processor.step()

    def log(self, topic: str) -> list[Record]:
        reader = self.broker.consumer(f"reader of {topic}")
        reader.subscribe([CODEC.topic(topic)])
        records: list[Record] = []
        for _ in range(20):
            records += reader.consume(1_000, 0.0, 0.0)
        reader.close()
        return records


def test_each_report_becomes_one_decision_that_names_its_cause() -> None:
    hop = Hop()
    texts = ["j'ai payé et jamais reçu le colis, arnaque", "صفحة تمجد داعش وتشيد بالإرهاب", "😀"]
    hop.send(*(CODEC.encode(received(text, str(number))) for number, text in enumerate(texts)))
    hop.step_until_idle()
    events = {event.subject: event for event in map(CODEC.decode, hop.log(TRIAGED))}
    assert set(events) == {report_id(str(number)) for number in range(3)}
    data = [events[report_id(str(number))].data for number in range(3)]
    assert all(isinstance(each, ReportTriagedV1) for each in data)
    decisions = [each.decision for each in data if isinstance(each, ReportTriagedV1)]
    assert [each.category for each in decisions] == [
        Category.FRAUD,
        Category.TERRORISM_PRAISE,
        Category.OUT_OF_SCOPE,
    ]
    assert decisions[2].disposition is Disposition.REVIEW
    for event in events.values():
        assert event.cause is not None
        assert event.cause.topic == CODEC.topic(RECEIVED)


def test_a_repeated_report_repeats_the_same_event_id() -> None:
    classify = Classifier(policy())
    event = received("arnaque")
    now = datetime.now(UTC)
    assert classify([event], now).effects == classify([event], now).effects
    assert classify([event]).effects[0].id == classify([event], now).effects[0].id


def test_what_is_no_report_goes_to_the_dead_letters_and_stops_nothing() -> None:
    hop = Hop()
    good = CODEC.encode(received("escroquerie"))
    hop.send(good._replace(value=b"\xff{"), good._replace(value=None), good)
    hop.step_until_idle()
    assert len(hop.log(TRIAGED)) == 1
    reasons = sorted(dict(letter.headers)["dl_reason"] or b"" for letter in hop.log(dead_letter_topic("triage")))
    assert reasons == [b"bad_json", b"null_value"]
