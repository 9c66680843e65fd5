"""From a topic through PostgreSQL and the outbox to a topic, with real parts, while connections are cut."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ibalagh.contracts.codec import Codec, parse_cause
from ibalagh.events.commands import DecideReportV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect, root
from ibalagh.events.registry import DECISIONS
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Transaction
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer
from ibalagh.stream.processor import Processor
from ibalagh.stream.relay import Relay
from ibalagh.stream.unit import Handled
from tests.support import log, topics
from tests.support.poll import eventually
from tests.support.storage import NOW, migrated, terminate_others, uuid_of

COUNT = 3_000
KEYS = 7


def command(number: int) -> Event[Data]:
    """The command of a number, about one of a few reports."""
    report = uuid_of(number % KEYS)
    data = DecideReportV1(report_id=report, version=1, action="confirm", reviewer="analyst-1", decided_at=NOW)
    return root(data, id_=uuid_of(number), source="/triage", subject=report, now=NOW)


class _ToItsOwnTopic(Codec):
    """Sends the effects to a topic of the test's own, so that the loop does not eat them again."""

    def __init__(self, prefix: str, target: str) -> None:
        super().__init__(prefix)
        self._target = target

    def encode(self, event: Event[Data]):  # type: ignore[no-untyped-def]
        """The record, for the other topic."""
        return super().encode(event)._replace(topic=self._target)


def test_every_effect_comes_out_once_and_in_order_though_connections_die(
    broker: str, database_url: str, topic_prefix: str
) -> None:
    codec = Codec(topic_prefix)
    source, target = codec.topic(DECISIONS), f"{topic_prefix}effects"
    topics.create(broker, {source: 2, target: 2})
    producer = KafkaProducer(broker)
    acknowledged = producer.publish([codec.encode(command(number)) for number in range(COUNT)], 30)
    producer.close()
    assert None not in acknowledged
    batches: list[int] = []

    def handle(events: Sequence[Event[Data]], tx: Transaction) -> Handled:
        batches.append(len(events))
        tx.copy_in("seen", ["id"], [[event.id] for event in events])
        return Handled(
            [effect(event, event.data, source="/t", subject=event.subject, number=0, now=NOW) for event in events]
        )

    with (
        migrated(database_url, tables="CREATE TABLE seen (id uuid PRIMARY KEY)") as database,
        _running(
            _processor(broker, database, topic_prefix, target, handle).run, _relay(broker, database, topic_prefix).run
        ),
    ):
        for kills in range(1, 4):
            eventually(lambda wanted=kills * 3: len(batches) >= wanted, 20)  # type: ignore[misc]
            terminate_others(database_url)
        eventually(lambda: _is_drained(broker, database, topic_prefix), 30)
        with database.transaction() as tx:
            assert tx.fetch_one("SELECT count(*) FROM seen") == (COUNT,)

    records = log.read_all(broker, target)
    assert len(records) == len({record.id for record in records}) == COUNT
    for key in range(KEYS):
        of_key = [record for record in records if record.key == uuid_of(key).encode()]
        causes = [parse_cause(record.headers["ce_cause"]).offset for record in of_key]
        assert causes == sorted(causes)


@contextmanager
def _running(*loops: Callable[[Shutdown], None]) -> Iterator[None]:
    shutdown = Shutdown(30)
    threads = [threading.Thread(target=loop, args=(shutdown,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        shutdown.request("test ended")
        for thread in threads:
            thread.join(30)


def _processor(broker: str, database: Database, prefix: str, target: str, handle) -> Processor:  # type: ignore[no-untyped-def]
    group = f"{prefix}desk"
    return Processor(
        name="desk",
        service="triage",
        topics=[DECISIONS],
        consumer=KafkaConsumer(broker, group),
        codec=Codec(prefix),
        unit=PostgresUnit(database, group, handle, codec=_ToItsOwnTopic(prefix, target)),
        max_records=100,
    )


def _relay(broker: str, database: Database, prefix: str) -> Relay:
    name = f"{prefix}relay"
    return Relay(
        service="triage",
        outbox=PostgresOutbox(database, f"{prefix}desk"),
        leadership=Leadership(database, name),
        consumer=KafkaConsumer(broker, name),
        producer_factory=lambda: KafkaTransactionalProducer(broker, name),
        max_records=200,
    )


def _is_drained(broker: str, database: Database, prefix: str) -> bool:
    """The relay's group stands at the end of every source partition."""
    partitions = PostgresOutbox(database, f"{prefix}desk").partitions()
    looker = KafkaConsumer(broker, f"{prefix}relay")
    try:
        relayed, end = looker.committed(partitions), looker.end_offsets(partitions)
    finally:
        looker.close()
    assert relayed == end
    return len(partitions) == 2
