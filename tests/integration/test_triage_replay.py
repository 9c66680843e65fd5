"""`ibalagh triage replay` over a real broker: what another policy would change, and that nothing is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from ibalagh.contracts.codec import Codec
from ibalagh.events.commands import DecideReportV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import effect
from ibalagh.events.registry import DECISIONS, RECEIVED, TRIAGED, URGENT
from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import Disposition, ReviewAction
from ibalagh.stream.kafka import KafkaProducer, read_topic
from services.triage.cli import main
from services.triage.handlers import Classifier
from services.triage.policy import FILE
from services.triage.reviews import Applied, Item, State, decide_item
from tests.support import topics
from tests.support.triage import NOW, decision, policy, received, report_id, triage

TEXTS = {
    "sure": "J'ai commandé une montre sur cette boutique, j'ai payé par virement et je n'ai jamais reçu le colis",
    "other": "Il menace de publier mes photos intimes si je ne paye pas",
    "empty": "😀",
}
Counts = Callable[[], list[int]]


@pytest.fixture
def log(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Three reports, what the classifier made of them, and a person's dismissal of one; how many records there are."""
    names = (RECEIVED, TRIAGED, DECISIONS)
    topics.create(broker, {topic_prefix + name: 2 for name in (*names, URGENT)})
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", topic_prefix)
    codec = Codec(topic_prefix)
    reports = [received(text, name) for name, text in TEXTS.items()]
    triaged = list(Classifier(policy())(reports, NOW).effects)
    events: list[Event[Data]] = [*reports, *triaged, _dismissal(triaged[0])]
    producer = KafkaProducer(broker, "test")
    assert all(producer.publish([codec.encode(each) for each in events], 20.0))
    producer.close()
    return lambda: [len(list(read_topic(broker, topic_prefix + name))) for name in names]


def _dismissal(triaged: Event[Data]) -> Event[Data]:
    command = decision("sure", ReviewAction.DISMISS)
    item = Item(State.STRAIGHT, ReportTriagedV1.model_validate_json(triaged.data.to_json()))
    applied = decide_item(item, cast(DecideReportV1, command.data))
    assert isinstance(applied, Applied)
    return effect(command, applied.reviewed, source="/triage", subject=report_id("sure"), number=0, now=NOW)


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["replay", "--json", "--list", *arguments]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_the_same_policy_changes_nothing_and_writes_nothing(log: Counts, capsys: pytest.CaptureFixture[str]) -> None:
    before = log()
    said = replayed(capsys)
    assert (said["compared"], said["changed"], said["without_text"]) == (3, 0, 0)
    assert said["decided_by"] == {policy().version: 3}
    assert said["reviewed"] == {"reports": 1, "right_before": 0, "right_after": 0}
    assert log() == before == [3, 4, 0]


def test_a_policy_that_is_never_sure_sends_all_to_review(
    log: Counts, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    changed = yaml.safe_load(FILE.read_text("utf-8"))
    changed["version"], changed["thresholds"]["refer_confidence"] = "2030-01-01.1", 0.999999
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(changed), "utf-8")
    referred = {
        report_id(name) for name, text in TEXTS.items() if triage(text).decision.disposition is Disposition.REFER
    }
    assert report_id("sure") in referred
    before = log()
    said = replayed(capsys, "--policy", str(file))
    assert said["policy"].startswith("2030-01-01.1+")
    assert said["disposition"] == [{"before": "refer", "after": "review", "reports": len(referred)}]
    assert said["category"] == said["urgency"] == []
    assert {each["report_id"] for each in said["reports"]} == referred
    assert log() == before
    assert main(["replay", "--list", "--policy", str(file)]) == 0
    shown = capsys.readouterr().out
    assert report_id("sure") in shown
    assert not any(text in shown for text in TEXTS.values())


def test_only_the_period_is_decided_anew(log: Counts, capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(log())
    assert replayed(capsys, "--from", "2024-06-03", "--to", "2024-06-03")["compared"] == 3
    assert replayed(capsys, "--to", "2024-06-02")["compared"] == 0
    assert replayed(capsys, "--from", "2024-06-04")["compared"] == 0
    assert main(["replay", "--from", "2024-06-04", "--to", "2024-06-03"]) == 1
