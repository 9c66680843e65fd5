"""Referral's composition: the worker that decides about cases, the relay of its outbox, the interface and the pages.

`python -m services.referral`; settings: `services.referral.settings`.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import ACTIONS, TRIAGED
from ibalagh.ops import logging as logs
from ibalagh.ops.health import Probe
from ibalagh.ops.runner import run
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, probe
from ibalagh.stream.processor import Processor
from ibalagh.stream.relay import Relay
from ibalagh.web.commands import Commands
from services.referral import app as application
from services.referral.competence import table_for
from services.referral.handlers import CasesCodec, Handler, waits_for_a_person
from services.referral.settings import ReferralSettings
from services.referral.timer import Timer
from services.referral.workdays import newest

_PROBE_TIMEOUT_S = 1.5


def main() -> int:
    """Run until told to stop; the exit code."""
    settings = ReferralSettings()
    logs.configure(settings.service, settings.log_level)
    table_for(datetime.now(UTC).date())  # a table that cannot be read stops the start, not the first report
    newest()  # and so does a calendar
    database = Database(settings.database_url, settings.service, pool_size=settings.database_pool_size)
    codec = Codec(settings.topic_prefix)
    relay = _relay(settings, database)
    worker = _worker(settings, database, CasesCodec(settings.topic_prefix), relay.wake)
    producer = KafkaProducer(settings.kafka_bootstrap, "ibalagh.referral.commands")
    timer = Timer(database, producer, codec)
    probes = [
        Probe("broker", lambda: probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)),
        Probe("database", database.probe),
        Probe("worker", worker.check),
        Probe("relay", relay.check),
    ]
    app = application.create(settings, database, Commands(producer, codec, database), probes)
    try:
        return run(settings.service, {"worker": worker.run, "relay": relay.run, "timer": timer.run}, app, settings)
    finally:
        producer.close()
        database.close()


def _group(settings: ReferralSettings) -> str:
    return f"{settings.topic_prefix}referral"


def _worker(settings: ReferralSettings, database: Database, codec: Codec, wake_relay: Callable[[], None]) -> Processor:
    group = _group(settings)
    unit = PostgresUnit(database, group, Handler(), codec=codec, after_commit=wake_relay)
    return Processor(
        name="worker",
        service=settings.service,
        topics=(TRIAGED, ACTIONS),
        consumer=KafkaConsumer(
            settings.kafka_bootstrap,
            group,
            client_id=f"{group}.{settings.worker_index}",
            passes_over=waits_for_a_person,
        ),
        codec=codec,
        unit=unit,
        max_records=settings.batch_max_records,
        linger_s=settings.batch_linger_s,
    )


def _relay(settings: ReferralSettings, database: Database) -> Relay:
    name = f"{_group(settings)}.relay"
    return Relay(
        service=settings.service,
        outbox=PostgresOutbox(database, _group(settings)),
        leadership=Leadership(database, name),
        consumer=KafkaConsumer(settings.kafka_bootstrap, name, client_id=name),
        producer_factory=lambda: KafkaTransactionalProducer(settings.kafka_bootstrap, name),
        max_records=settings.batch_max_records,
    )


if __name__ == "__main__":
    sys.exit(main())
