"""Intake's composition: the publisher, the reconciler, the status projection, the relay of dead letters, HTTP.

`python -m services.intake`; settings: `services.intake.settings`.
"""

import logging
import os
import sys
import time
from datetime import UTC, datetime
from importlib.resources import files
from secrets import randbelow
from typing import Final

import iptocc
import orjson
import uuid_utils
from fastapi import FastAPI

from ibalagh.contracts.codec import Codec
from ibalagh.local.paths import home
from ibalagh.ops import logging as logs
from ibalagh.ops.health import Probe
from ibalagh.ops.keyfiles import read_or_create, read_public
from ibalagh.ops.runner import Loop, run
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer, KafkaTransactionalProducer, probe
from ibalagh.stream.processor import Processor
from ibalagh.stream.relay import Relay
from ibalagh.web.app import create_app
from ibalagh.web.auth import token_matches
from services.intake import (
    batch,
    dialogue_http,
    form_files,
    forms,
    http,
    openapi,
    receipt_routes,
    refusals,
    retention_policy,
    status_pages,
    trusted,
)
from services.intake.acceptance import Acceptance
from services.intake.admission import Admission
from services.intake.attachments import routes
from services.intake.attachments.parts import Parts, parts_of
from services.intake.dialogue import Dialogue
from services.intake.dialogue_store import DialogueStore
from services.intake.edge import Edge
from services.intake.gate import Gate, Keys
from services.intake.handlers import TOPICS, StatusCodec, project
from services.intake.key_check import KeyCheck, LostKeyError, Places, at_start
from services.intake.keystore import KeyStore
from services.intake.proof import Proofs
from services.intake.publisher import Publisher
from services.intake.randomness import Pool
from services.intake.receipt import Secrets
from services.intake.reconciler import Reconciler
from services.intake.retention import Retention, passes_over
from services.intake.settings import IntakeSettings
from services.intake.signing import Signer, read_keys
from services.intake.store import IntakeStore

_log = logging.getLogger(__name__)
_PROBE_TIMEOUT_S: Final = 1.5
_DEAD_LETTERS_POLL_S: Final = 1.0


def main() -> int:
    """Run until told to stop; the exit code."""
    settings = IntakeSettings()
    logs.configure(settings.service, settings.log_level)
    database = Database(settings.database_url, settings.service, pool_size=settings.database_pool_size)
    store = IntakeStore(database)
    codec = Codec(settings.topic_prefix)
    places = Places(settings.master_key_file, settings.receipt_key_file, home() / "keys")
    random = Pool(os.urandom)
    try:
        keys, checked = at_start(KeyCheck(database, places, random), places, store)
    except LostKeyError as error:
        _log.critical("a key is lost, and intake does not start without it", extra={"reason": str(error)})
        return 1
    secrets = Secrets.from_root(keys.receipt_root)
    acceptance = Acceptance(codec, secrets, keys.master, _new_id, random)
    publisher = Publisher(
        checked,
        _producer(settings, "ibalagh.intake"),
        acceptance.receipt_of,
        max_batch=settings.publish_max_reports,
        linger_s=settings.publish_linger_s,
        capacity=settings.queue_reports,
        publish_timeout_s=settings.publish_timeout_s,
    )
    reconciler = Reconciler(
        store,
        codec,
        _producer(settings, "ibalagh.intake.reconciler"),
        lambda group: KafkaConsumer(settings.kafka_bootstrap, group, client_id="ibalagh.intake.reconciler"),
        age_s=settings.reconcile_after_s,
        interval_s=settings.reconcile_interval_s,
        publish_timeout_s=settings.publish_timeout_s,
    )
    dialogue = Dialogue(
        DialogueStore(database, codec, most=settings.supplements_per_hour),
        _producer(settings, "ibalagh.intake.dialogue"),
        acceptance,
        secrets,
        _new_id,
        publish_timeout_s=settings.publish_timeout_s,
    )
    status = _status(settings, database)
    relay = _relay(settings, database)
    loops: dict[str, Loop] = {
        "publisher": publisher.run,
        "reconciler": reconciler.run,
        "status": status.run,
        "relay": relay.run,
        "retention": _retention(settings, database, codec).run,
    }
    files = parts_of(settings, database, keys.master, secrets.attachment)
    loops["evidence"] = files.sweep.run
    proofs = Proofs(secrets.proof)
    intake = http.Intake(
        acceptance,
        publisher,
        store,
        lambda authorization: token_matches(settings, authorization),
        _now,
        Admission(
            proofs,
            secrets.proof,
            open_rate_per_s=settings.open_rate_per_s,
            monotonic=time.monotonic,
            wall=time.time,
            spread=randbelow,
        ),
        proofs,
        _signer(settings),
        files.evidence,
    )
    probes = [
        Probe("broker", lambda: probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)),
        Probe("database", database.probe),
        Probe("evidence", files.blobs.check),
        Probe(status.name, status.check),
        Probe(relay.name, relay.check),
    ]
    try:
        app = application(settings, intake, probes, KeyStore(database), files=files, dialogue=dialogue)
        return run(settings.service, loops, app, settings)
    finally:
        dialogue.close()
        database.close()


def application(
    settings: IntakeSettings,
    intake: http.Intake,
    probes: list[Probe],
    keys: Keys | None = None,
    *,
    files: Parts | None = None,
    dialogue: Dialogue | None = None,
) -> FastAPI:
    """The HTTP application: JSON, batches and pages. Without `keys` the operator is the only trusted reporter; without
    `files` none are taken; without `dialogue` a receipt answers for the status alone."""
    app = create_app(
        "Ibalagh intake",
        settings,
        probes,
        public=True,
        description="Report illegal content; follow a report.",
        larger_bodies={
            routes.PATH: ("", settings.evidence_file_bytes),
            **dict.fromkeys(
                ("/", "/status", "/status/supplement"), (form_files.MEDIA_TYPE, 2 * form_files.MOST_READ_BYTES)
            ),
        },
        problem_texts=refusals.problem_texts(),
        problem_page=refusals.page_with(forms.PAGES, forms.read_texts(), settings.quick_exit_url),
    )
    if files is not None:
        routes.add_routes(app, intake, files.evidence, files.records, files.vessel)
    gate = Gate(settings, keys, intake.clock, time.monotonic, max_age_s=settings.key_cache_s)
    http.add_routes(app, intake, gate)
    batch.add_routes(app, intake, gate)
    trusted.add_routes(app, intake, gate)
    uploads = form_files.Uploads(intake, None if files is None else files.evidence, settings.evidence_files)
    forms.add_routes(app, intake, settings.quick_exit_url, uploads)
    receipt_routes.add_routes(app, intake)
    status_pages.add_routes(app, intake, dialogue, settings.quick_exit_url, uploads)
    if dialogue is not None:
        dialogue_http.add_routes(app, intake, dialogue)
    openapi.add_schemas(app)
    # Added last, it runs first: before anything else has seen an address.
    app.add_middleware(Edge, country_from=settings.country_from, table=iptocc.country_code)
    return app


def _retention(settings: IntakeSettings, database: Database, codec: Codec) -> Retention:
    file = settings.retention_file or files("services.intake") / "retention.yaml"
    return Retention(
        database,
        Leadership(database, f"{settings.topic_prefix}intake.retention"),
        codec,
        lambda group: KafkaConsumer(settings.kafka_bootstrap, group, group, passes_over=passes_over),
        retention_policy.parse(file.read_text(encoding="utf-8")),
        interval_s=settings.retention_interval_s,
        clock=_now,
    )


def _signer(settings: IntakeSettings) -> Signer:
    keys = home() / "keys"
    seed = read_or_create(settings.signing_key_file, keys / "intake-signing.key")
    earlier = read_public(settings.earlier_signing_keys_file, keys / "intake-signing-earlier.json")
    return Signer(seed, None if earlier is None else read_keys(orjson.loads(earlier)))


def _status(settings: IntakeSettings, database: Database) -> Processor:
    group = _status_group(settings)
    codec = StatusCodec(settings.topic_prefix)
    return Processor(
        name="status",
        service=settings.service,
        topics=TOPICS,
        consumer=KafkaConsumer(
            settings.kafka_bootstrap, group, group, gather_s=settings.status_gather_s, passes_over=codec.passes_over
        ),
        codec=codec,
        unit=PostgresUnit(database, group, project, codec=codec),
        max_records=settings.batch_max_records,
        linger_s=settings.batch_linger_s,
    )


def _relay(settings: IntakeSettings, database: Database) -> Relay:
    """For the projection's dead letters, which are rare and not urgent."""
    name = f"{settings.topic_prefix}intake.relay"
    return Relay(
        service=settings.service,
        outbox=PostgresOutbox(database, _status_group(settings)),
        leadership=Leadership(database, name),
        consumer=KafkaConsumer(settings.kafka_bootstrap, name, name),
        producer_factory=lambda: KafkaTransactionalProducer(settings.kafka_bootstrap, name),
        poll_s=_DEAD_LETTERS_POLL_S,
    )


def _status_group(settings: IntakeSettings) -> str:
    return f"{settings.topic_prefix}intake.status"


def _producer(settings: IntakeSettings, client_id: str) -> KafkaProducer:
    """What it could not deliver in time it forgets, so that the reconciler alone may publish it again."""
    return KafkaProducer(settings.kafka_bootstrap, client_id, delivery_timeout_s=settings.publish_timeout_s)


def _new_id() -> str:
    return str(uuid_utils.uuid7())


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
