"""Retention erases by itself what is due, by what each report was found to be about, and says so in the audit."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.events.registry import TRIAGED
from ibalagh.events.vocabulary import Category
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.leadership import Leadership
from ibalagh.stream.kafka import KafkaConsumer, KafkaProducer
from services.intake.audit import problems
from services.intake.retention import Retention, passes_over
from services.intake.retention_policy import Policy
from tests.support import topics
from tests.support.intake import prepare_place, running
from tests.support.poll import eventually
from tests.support.storage import uuid_of
from tests.support.vault import IDENTITY, NOW, Vault, decided, vault_at

POLICY = Policy(default_days=100, days={Category.FRAUD: 10, Category.SEXUAL_BLACKMAIL: 1_000})
Publish = Callable[[list[Event[Data]]], None]


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Iterator[Vault]:
    with vault_at(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def publish(broker: str, topic_prefix: str) -> Iterator[Publish]:
    topics.create(broker, {topic_prefix + TRIAGED: 2}, 1)
    producer = KafkaProducer(broker)

    def send(events: list[Event[Data]]) -> None:
        codec = Codec(topic_prefix)
        assert None not in producer.publish([codec.encode(event) for event in events], 10)

    yield send
    producer.close()


@pytest.fixture
def sweep(vault: Vault, broker: str, topic_prefix: str) -> Callable[[float], int]:
    """A sweep as of so many days after the reports came in, in batches of two; how many identities it erased."""

    def after(days: float) -> int:
        leadership = Leadership(vault.intake, "retention")
        retention = Retention(
            vault.intake,
            leadership,
            Codec(topic_prefix),
            lambda group: KafkaConsumer(broker, group, group, passes_over=passes_over),
            POLICY,
            interval_s=1,
            clock=lambda: NOW + timedelta(days=days),
            batch=2,
        )
        try:
            return retention.sweep(Shutdown())
        finally:
            leadership.release()

    return after


def left(vault: Vault) -> set[str]:
    return {row[0] for row in vault.rows("SELECT report_id::text FROM intake_vault.vault WHERE erased_at IS NULL")}


def test_identities_are_erased_when_the_time_of_their_category_is_over(
    vault: Vault, publish: Publish, sweep: Callable[[float], int]
) -> None:
    fraud, blackmail, other, undecided, corrected = vault.seal(range(1, 6))
    publish(
        [
            decided(1, "fraud"),
            decided(2, "sexual_blackmail"),
            decided(3, "insult_defamation"),
            decided(5, "fraud"),
            decided(5, "sexual_blackmail", version=2),
            decided(6, "fraud", identified=False),
        ]
    )
    assert sweep(9.9) == 0
    assert vault.rows("SELECT count(*) FROM intake.identity_categories") == [(4,)]
    assert sweep(10.1) == 1
    assert left(vault) == {blackmail, other, undecided, corrected}
    assert sweep(10.1) == 0
    publish([decided(4, "fraud")])
    assert sweep(10.2) == 1
    assert sweep(100.1) == 1
    assert left(vault) == {blackmail, corrected}
    assert sweep(1_000.1) == 2
    assert vault.rows("SELECT count(*) FROM intake.identity_categories") == [(0,)]
    entries = [entry for entry in vault.custody.audit() if entry.actor == "retention"]
    assert [(entry.action, entry.report_id, entry.reason) for entry in entries][:3] == [
        ("erase", fraud, "kept for 10 days: fraud"),
        ("erase", undecided, "kept for 10 days: fraud"),
        ("erase", other, "kept for 100 days: default"),
    ]
    assert len(entries) == 5
    assert problems(vault.custody.audit(), vault.custody.audit_head()) == []
    assert vault.rows("SELECT count(*) FROM intake.submissions") == [(5,)]


def test_only_one_process_sweeps(vault: Vault, publish: Publish, sweep: Callable[[float], int]) -> None:
    publish([decided(1, "fraud")])
    vault.seal([1])
    leader = Leadership(vault.intake, "retention")
    assert leader.acquire()
    assert sweep(2_000) == 0
    leader.release()
    assert sweep(2_000) == 1


def test_the_service_does_so_by_itself_with_the_policy_of_its_file(
    broker: str, database_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    with vault_at(database_url, tmp_path) as vault:
        place = prepare_place(broker, database_url, topic_prefix, tmp_path)
        policy = tmp_path / "retention.yaml"
        policy.write_text("default_days: 30\n")
        vault.seal([1], datetime.now(UTC) - timedelta(days=31))
        settings = {"INTAKE_RETENTION_FILE": str(policy), "INTAKE_RETENTION_INTERVAL_S": "0.3"}
        vault.key_file.parent.joinpath("intake-receipts.key").write_text("00" * 32)
        with running(place, **settings) as intake:
            answer = intake.http.post("/v1/reports", json={"text": "x", "identity": IDENTITY})
            assert answer.status_code == 202
            eventually(lambda: left(vault) == {answer.json()["report_id"]}, 20)
        assert [entry.report_id for entry in vault.custody.audit() if entry.actor == "retention"] == [uuid_of(1)]
