"""Learning from people over real parts: a model proposed from the log, in the shadow, and what is shown of it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.commands import DecideReportV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect
from ibalagh.events.registry import OUTCOMES, RECEIVED, REFERRED, TRIAGED, URGENT
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import Category, Disposition, ReviewAction, Urgency
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.kafka import KafkaProducer, read_topic
from services.triage import cli, shadow_store
from services.triage.handlers import Classifier
from services.triage.model import files, versions
from services.triage.model.linear import Floats
from services.triage.replay import Outcome
from services.triage.reviews import Applied, Item, State, decide_item
from services.triage.settings import models_folder
from services.triage.shadow import Pair, summaries
from tests.support import topics
from tests.support.poll import eventually
from tests.support.serving import serving
from tests.support.triage import NOW, decision, policy, received, report_id
from tests.support.triage_service import BEARER, Triage, running, sign_in

SECRET = "kharbouchazzq"
"""A word of one report alone."""
TEXTS = {
    "a": f"J'ai commandé une montre {SECRET}, j'ai payé par virement et je n'ai jamais reçu le colis",
    "b": "Un compte se fait passer pour ma banque et demande mon code de carte",
    "c": "Il publie des insultes contre moi tous les jours sur sa page",
    "urgent": "Une boutique en ligne a encaissé et ne répond plus",
    "open": "Personne n'a encore décidé de celui-ci",
}
PEOPLE = {"a": Category.FRAUD, "b": Category.FRAUD, "c": Category.INSULT_DEFAMATION, "urgent": Category.FRAUD}
CORPUS = Path(cli.CORPUS)
OTHER = "0123456789ab"


def hashed(texts: Sequence[str]) -> Floats:
    """Stands for a second opinion: the same for the same text."""
    rows = [np.random.default_rng([ord(letter) for letter in text[:40]]).normal(size=16) for text in texts]
    return np.stack(rows).astype(np.float32)


def decided(triaged: Event[Data], name: str) -> Event[Data]:
    report = ReportTriagedV1.model_validate_json(triaged.data.to_json())
    wanted = PEOPLE[name]
    same = report.decision.category is wanted
    action = ReviewAction.CONFIRM if same else ReviewAction.RECLASSIFY
    command = decision(name, action, **({} if same else {"category": wanted}))
    applied = decide_item(Item(State.OPEN, report), cast(DecideReportV1, command.data))
    assert isinstance(applied, Applied)
    return effect(command, applied.reviewed, source="/triage", subject=report_id(name), number=0, now=NOW)


@pytest.fixture
def log(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[int]]:
    """Reports, one of them in the urgent lane, what the machine and then people decided; how many records there are."""
    names = (RECEIVED, URGENT, TRIAGED, REFERRED, OUTCOMES)
    topics.create(broker, {topic_prefix + name: 2 for name in names})
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli, "second_opinion", lambda: hashed)
    codec = Codec(topic_prefix)
    reports = {name: received(text, name) for name, text in TEXTS.items()}
    triaged = dict(zip(reports, Classifier(policy())(list(reports.values()), NOW).effects, strict=True))
    records = [
        codec.encode(each)._replace(topic=topic_prefix + (URGENT if name == "urgent" else RECEIVED))
        for name, each in reports.items()
    ]
    records += [codec.encode(each) for each in [*triaged.values(), *(decided(triaged[name], name) for name in PEOPLE)]]
    producer = KafkaProducer(broker, "test")
    assert all(producer.publish(records, 20.0))
    producer.close()
    return lambda: [len(list(read_topic(broker, topic_prefix + name))) for name in names]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Some of the labelled reports of each file."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for file in sorted(CORPUS.glob("*.jsonl")):
        lines = file.read_text("utf-8").splitlines(keepends=True)
        (folder / file.name).write_text("".join(lines[:: len(lines) // 15]), "utf-8")
    return folder


def test_a_model_is_proposed_from_what_people_decided_and_nothing_is_written_but_its_file(
    log: Callable[[], list[int]], corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = log()
    assert sum(before) == len(TEXTS) * 2 + len(PEOPLE)
    asked = ["train", "--corpus", str(corpus), "--with-decisions"]
    assert cli.main([*asked, "--json", "--out", str(tmp_path / "one.npz")]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["learnt_from"] == {"reports": 4, "campaigns": 4, "decision": 4}
    assert said["left_out"] == {}
    assert (said["current"], said["current_may_have_seen_them"]) == (files.load().version, False)
    assert said["people"]["fast"]["current"]["reports"] == 4
    assert said["people"]["asked"]["proposed"]["urgent"] is None
    assert 0 <= said["labelled"]["asked"]["proposed"]["straight_accuracy"] <= 1
    assert cli.main(asked) == 0
    shown = capsys.readouterr().out
    assert "Learnt from what people decided: reports 4" in shown
    assert "F1 of fraud" in shown
    proposed = models_folder() / "proposed.npz"
    assert proposed.read_bytes() == (tmp_path / "one.npz").read_bytes(), "the same log makes the same model"
    assert SECRET not in shown
    assert SECRET.encode() not in proposed.read_bytes()
    assert versions.in_use(models_folder()) == files.FILE
    assert log() == before


def test_a_report_that_people_decided_is_explained_from_the_log(
    log: Callable[[], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = log()
    assert cli.main(["explain", report_id("urgent"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["machine"]["policy"] == policy().version
    assert (said["second_opinion"], said["asked_second"]) == ("second_not_heard", False)
    assert cli.main(["explain", report_id("a")]) == 0
    shown = capsys.readouterr().out
    assert "The machine decided" in shown
    assert "not heard by the machine when it decided" in shown
    assert cli.main(["explain", report_id("nowhere")]) == 1
    assert log() == before


def test_a_period_without_decisions_is_said(
    log: Callable[[], list[int]], corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sum(log())
    assert cli.main(["train", "--corpus", str(corpus), "--with-decisions", "--since", "2024-06-04"]) == 1
    assert "No decision to learn from since 2024-06-04" in capsys.readouterr().err
    assert not models_folder().exists()


# --- the shadow


def pair(before: Category, after: Category) -> Pair:
    one, other = (Outcome(each, Disposition.REVIEW, Urgency.IMMEDIATE) for each in (before, after))
    return Pair("2026-01-01.1+aaaaaaaaaaaa", f"2026-01-01.1+{OTHER}", one, other)


COUNTS = Counter(
    {
        pair(Category.FRAUD, Category.FRAUD): 90,
        pair(Category.FRAUD, Category.SEXUAL_BLACKMAIL): 7,
        pair(Category.INSULT_DEFAMATION, Category.VIOLENCE_THREATS): 3,
    }
)


@pytest.fixture
def service(database_url: str) -> Iterator[Triage]:
    with running(database_url) as triage:
        yield triage


def test_counts_add_up_over_batches_and_workers(database_url: str) -> None:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    shadow_store.add(database, COUNTS, NOW)
    shadow_store.add(database, {pair(Category.FRAUD, Category.FRAUD): 10}, NOW + timedelta(hours=1))
    (found,) = summaries(shadow_store.read(database))
    database.close()
    assert (found.reports, found.changed) == (110, 10)
    assert (found.first_at, found.last_at) == (NOW, NOW + timedelta(hours=1))
    assert found.moves["category"][("fraud", "sexual_blackmail")] == 7


def test_what_a_shadow_would_decide_otherwise_is_shown_to_senior_analysts(service: Triage) -> None:
    with serving(service.app) as client:
        assert client.get("/v1/shadow", headers=BEARER).json() == {"compared": []}
        shadow_store.add(service.database, COUNTS, NOW)
        (said,) = client.get("/v1/shadow", headers=BEARER).json()["compared"]
        assert client.get("/v1/shadow").status_code == 401
        assert (said["reports"], said["changed"], said["moves"]["urgency"]) == (100, 10, [])
        assert said["moves"]["category"][0] == {"before": "fraud", "after": "sexual_blackmail", "reports": 7}
        sign_in(client, person="analyst-2")
        assert client.get("/shadow").status_code == 403
        assert 'href="/shadow' not in client.get("/").text
        sign_in(client, person="senior-1")
        assert 'href="/shadow' in client.get("/").text
        for language in ("ar", "fr", "en", "es"):
            page = client.get("/shadow", params={"lang": language})
            assert page.status_code == 200
            assert OTHER in page.text
            assert "10.0" in page.text


def test_the_command_starts_shows_promotes_and_stops(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IBALAGH_DATABASE_URL", database_url)
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path))
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    shadow_store.add(database, COUNTS, NOW)
    database.close()
    proposed = tmp_path / "proposed.npz"
    files.save(files.load()._replace(version=OTHER), proposed)
    assert cli.main(["promote"]) == 1
    assert "No model is in the shadow" in capsys.readouterr().err
    assert cli.main(["shadow", "start", str(proposed)]) == 0
    capsys.readouterr()
    assert cli.main(["shadow", "status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["shadow"], said["compared"][0]["changed"]) == (OTHER, 10)
    assert cli.main(["shadow", "status"]) == 0
    assert "10 of 100 reports decided otherwise" in capsys.readouterr().out
    assert cli.main(["promote"]) == 0
    assert versions.in_use(models_folder()).stem == OTHER
    assert versions.shadowed(models_folder()) is None
    assert cli.main(["rollback"]) == 0
    assert cli.main(["shadow", "start", str(proposed)]) == 0
    assert cli.main(["shadow", "stop"]) == 0
    assert versions.shadowed(models_folder()) is None
    assert cli.main(["shadow", "start"]) == 1, "none is proposed"
    (tmp_path / "bad").write_bytes(b"no model")
    assert cli.main(["shadow", "start", str(tmp_path / "bad")]) == 1


def test_a_report_that_a_person_decided_is_explained_by_what_the_machine_heard(service: Triage) -> None:
    with serving(service.app) as client:
        id_ = service.report("arnaque et insultes")
        _explained_as(client, id_, "machine")
        command = decision("a", ReviewAction.RECLASSIFY, category=Category.FRAUD)
        assert all(service.producer.publish([service.codec.encode(command)], 1.0))
        _explained_as(client, id_, "person")


def _explained_as(client: httpx.Client, id_: str, by: str) -> None:
    def stands() -> bool:
        answer = client.get(f"/v1/reports/{id_}/explanation", headers=BEARER)
        return answer.status_code == 200 and answer.json()["stands"]["by"] == by

    eventually(stands, 20)
    said = client.get(f"/v1/reports/{id_}/explanation", headers=BEARER).json()
    assert (said["asked_second"], said["second_opinion"]) == (False, "second_not_heard")
