"""Stats' composition: the counters, their relay, the event stream, HTTP. `python -m services.stats`.

Settings: `services.stats.settings.StatsSettings`. The windows are a process of their own: `windows_worker`.
"""

import os
import sys
import uuid
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from fastapi import FastAPI

from ibalagh.events.registry import DELTAS
from ibalagh.local.signing_keys import published_keys
from ibalagh.ops import logging as logs
from ibalagh.ops.health import Probe
from ibalagh.ops.runner import run
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer, KafkaTransactionalProducer, probe
from ibalagh.stream.processor import Processor
from ibalagh.stream.relay import Relay
from ibalagh.web.app import create_app
from services.stats import communique_pages, dashboard, http, names, public_http, publishing
from services.stats.counting import TOPICS
from services.stats.feed import Feed
from services.stats.handlers import Counters
from services.stats.patience import PatientConsumer
from services.stats.public_data import PublicData
from services.stats.reading import CountingCodec
from services.stats.recount import Reader, log_reader
from services.stats.settings import StatsSettings
from services.stats.watching import Watch

_PROBE_TIMEOUT_S: Final = 1.5


def main() -> int:
    """Run until told to stop; the exit code."""
    settings = StatsSettings()
    logs.configure(settings.service, settings.log_level)
    database = Database(settings.database_url, settings.service, pool_size=settings.database_pool_size)
    counters = _counters(settings, database)
    relay = _relay(settings, database)
    feed = _feed(settings, database)
    probes = [
        Probe("broker", lambda: probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)),
        Probe("database", database.probe),
        Probe(counters.name, counters.check),
        Probe(relay.name, relay.check),
    ]
    watch = _watch(settings, database)
    loops = {"counters": counters.run, "relay": relay.run, "feed": feed.run, "watch": watch.run}
    try:
        return run(settings.service, loops, application(settings, database, feed, probes), settings)
    finally:
        database.close()


def application(settings: StatsSettings, database: Database, feed: Feed, probes: list[Probe]) -> FastAPI:
    """The HTTP application: JSON, the event stream, the dashboard."""
    app = create_app("Ibalagh stats", settings, probes, description="Exact counters, windows, the communiqué.")
    publisher = publishing.Publisher.by_settings(settings)
    http.add_routes(app, settings, database, feed, publisher)
    dashboard.add_routes(app, settings, database, feed)
    communique_pages.add_routes(app, settings, database, publisher)
    public_http.add_routes(app, _public_data(settings, database))
    return app


def _counters(settings: StatsSettings, database: Database) -> Processor:
    group = names.group(settings.topic_prefix)
    codec = CountingCodec(settings.topic_prefix)
    handler = Counters(worker=f"counters-{settings.worker_index}")
    return Processor(
        name="counters",
        service=settings.service,
        topics=TOPICS,
        consumer=PatientConsumer(settings.kafka_bootstrap, group, client_id=group),
        codec=codec,
        unit=PostgresUnit(database, group, handler.handle, codec=codec),
        max_records=settings.batch_max_records,
        linger_s=settings.batch_linger_s,
    )


def _relay(settings: StatsSettings, database: Database) -> Relay:
    name = names.relay(settings.topic_prefix)
    return Relay(
        service=settings.service,
        outbox=PostgresOutbox(database, names.group(settings.topic_prefix)),
        leadership=Leadership(database, name),
        consumer=KafkaConsumer(settings.kafka_bootstrap, name, client_id=name),
        producer_factory=lambda: KafkaTransactionalProducer(settings.kafka_bootstrap, name),
        poll_s=settings.deltas_every_s,
    )


def _public_data(settings: StatsSettings, database: Database) -> PublicData:
    return PublicData(
        database,
        published_keys(settings),
        k=settings.smallest_count,
        cache_s=settings.public_cache_s,
        clock=lambda: datetime.now(UTC),
    )


def _watch(settings: StatsSettings, database: Database) -> Watch:
    consumer = names.group(settings.topic_prefix)

    def open_reader() -> AbstractContextManager[Reader]:
        return log_reader(settings.kafka_bootstrap, settings.topic_prefix)

    return Watch(database, consumer, open_reader, every_s=settings.verify_every_s, pause=settings.verify_pause)


def _feed(settings: StatsSettings, database: Database) -> Feed:
    # A group of its own for each process, since each has browsers of its own.
    group = f"{names.group(settings.topic_prefix)}.live.{os.getpid()}.{uuid.uuid4().hex[:8]}"

    def render(kinds: Collection[str]) -> dict[str, str]:
        return dashboard.frames(database, kinds)

    def consumer() -> KafkaConsumer:
        return KafkaConsumer(settings.kafka_bootstrap, group, client_id=group)

    return Feed(consumer, f"{settings.topic_prefix}{DELTAS}", render)


if __name__ == "__main__":
    sys.exit(main())
