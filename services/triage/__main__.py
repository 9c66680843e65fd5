"""Triage's composition: the classifier and its model, the desk, the relay of its outbox, the reader of texts, interface
and pages.

`python -m services.triage`; settings: `services.triage.settings`.
"""

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import dead_letter_topic
from ibalagh.ops import logging as logs
from ibalagh.ops.health import Probe
from ibalagh.ops.runner import run
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, probe
from ibalagh.stream.kafka_unit import KafkaUnit
from ibalagh.stream.processor import Processor
from ibalagh.stream.relay import Relay
from ibalagh.web.commands import Commands
from services.triage import app as application
from services.triage.embedding import second_opinion
from services.triage.handlers import (
    CLASSIFIER_TOPICS,
    DESK_TOPICS,
    URGENT_TOPICS,
    Classifier,
    Desk,
    UrgentDesk,
)
from services.triage.metrics import model_metrics
from services.triage.reading import DeskCodec, is_our_own_word
from services.triage.reported import ReportCodec
from services.triage.settings import TriageSettings, models_folder
from services.triage.switch import Switch
from services.triage.texts import TextReader
from services.triage.tidying import Tidying

_PROBE_TIMEOUT_S = 1.5
_URGENT_AT_ONCE = 100
"""So few that a flood of urgent reports too is before people bit by bit."""


def main() -> int:
    """Run until told to stop; the exit code."""
    settings = TriageSettings()
    logs.configure(settings.service, settings.log_level)
    codec = Codec(settings.topic_prefix)
    database = Database(settings.database_url, settings.service, pool_size=settings.database_pool_size)
    relay = _relay(settings, database)
    switch, second = Switch(models_folder(), model_metrics()), second_opinion()
    classify = Classifier(switch.now, second, settings.second_opinion_most)
    classifier = _classifier(settings, classify, ReportCodec(settings.topic_prefix))
    urgent = _urgent(settings, classify, database, ReportCodec(settings.topic_prefix), relay.wake)
    desk = _desk(settings, database, DeskCodec(settings.topic_prefix), relay.wake)
    reader = _reader(settings, codec)
    tidying = Tidying(
        database,
        keep_days=settings.desk_keep_days,
        interval_s=settings.desk_tidy_interval_s,
        clock=lambda: datetime.now(UTC),
    )
    producer = KafkaProducer(settings.kafka_bootstrap, "ibalagh.triage.commands")
    probes = [
        Probe("broker", lambda: probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)),
        Probe("database", database.probe),
        Probe("classifier", classifier.check),
        Probe("desk", desk.check),
        Probe("urgent", urgent.check),
        Probe("relay", relay.check),
    ]
    commands = Commands(producer, codec, database)
    app = application.create(settings, database, commands, reader, probes, policy=switch.policy, second=second)
    loops = {
        "classifier": classifier.run,
        "desk": desk.run,
        "urgent": urgent.run,
        "relay": relay.run,
        "texts": reader.run,
        "tidying": tidying.run,
        "models": lambda shutdown: switch.run(shutdown, database),
    }
    try:
        return run(settings.service, loops, app, settings)
    finally:
        producer.close()
        database.close()


def _classifier(settings: TriageSettings, classify: Classifier, codec: Codec) -> Processor:
    group = f"{settings.topic_prefix}triage"
    transactional_id = f"{group}.{settings.worker_index}"
    consumer = KafkaConsumer(settings.kafka_bootstrap, group, client_id=transactional_id)
    unit = KafkaUnit(
        handle=classify,
        codec=codec,
        producer_factory=lambda: KafkaTransactionalProducer(settings.kafka_bootstrap, transactional_id),
        group=consumer.group_metadata,
        dead_letter_topic=codec.topic(dead_letter_topic(settings.service)),
        consumer_name=group,
    )
    return Processor(
        name="classifier",
        service=settings.service,
        topics=CLASSIFIER_TOPICS,
        consumer=consumer,
        codec=codec,
        unit=unit,
        max_records=settings.batch_max_records,
        linger_s=settings.batch_linger_s,
    )


def _desk_group(settings: TriageSettings) -> str:
    return f"{settings.topic_prefix}triage.desk"


def _desk(settings: TriageSettings, database: Database, codec: Codec, wake_relay: Callable[[], None]) -> Processor:
    group = _desk_group(settings)
    client_id = f"{group}.{settings.worker_index}"
    return Processor(
        name="desk",
        service=settings.service,
        topics=DESK_TOPICS,
        consumer=KafkaConsumer(
            settings.kafka_bootstrap, group, client_id, gather_s=settings.desk_gather_s, passes_over=is_our_own_word
        ),
        codec=codec,
        unit=PostgresUnit(database, group, Desk(), codec=codec),
        max_records=settings.batch_max_records,
        linger_s=settings.batch_linger_s,
        on_commit=wake_relay,
    )


def _urgent(
    settings: TriageSettings, classify: Classifier, database: Database, codec: Codec, wake_relay: Callable[[], None]
) -> Processor:
    """The lane beside the others. Its outbox is the desk's, so that one relay publishes what both say, and a decision
    about a report after the report."""
    group = f"{settings.topic_prefix}triage.urgent"
    client_id = f"{group}.{settings.worker_index}"
    return Processor(
        name="urgent",
        service=settings.service,
        topics=URGENT_TOPICS,
        consumer=KafkaConsumer(settings.kafka_bootstrap, group, client_id),
        codec=codec,
        unit=PostgresUnit(database, _desk_group(settings), UrgentDesk(classify), codec=codec),
        max_records=_URGENT_AT_ONCE,
        linger_s=settings.batch_linger_s,
        on_commit=wake_relay,
    )


def _relay(settings: TriageSettings, database: Database) -> Relay:
    name = f"{settings.topic_prefix}triage.relay"
    return Relay(
        service=settings.service,
        outbox=PostgresOutbox(database, _desk_group(settings)),
        leadership=Leadership(database, name),
        consumer=KafkaConsumer(settings.kafka_bootstrap, name, client_id=name),
        producer_factory=lambda: KafkaTransactionalProducer(settings.kafka_bootstrap, name),
        max_records=settings.batch_max_records,
    )


def _reader(settings: TriageSettings, codec: Codec) -> TextReader:
    group = f"{settings.topic_prefix}triage.texts.{uuid.uuid4().hex[:12]}"
    consumer = KafkaConsumer(settings.kafka_bootstrap, group, client_id=group)
    return TextReader(consumer, codec, timeout_s=settings.text_timeout_s)


if __name__ == "__main__":
    sys.exit(main())
