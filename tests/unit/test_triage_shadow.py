"""A model in the shadow is compared and never heard, and models are taken over while running, whole or not at all."""

import logging
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import Category
from ibalagh.storage.postgres import Database
from services.triage.handlers import Alone, Classifier
from services.triage.metrics import ModelMetrics
from services.triage.model import files, versions
from services.triage.model.linear import CATEGORIES, URGENT
from services.triage.policy import Policy, load, with_model
from services.triage.shadow import Counted, Pair, summaries
from services.triage.shadowing import Shadowing, Tallies
from services.triage.switch import Switch
from tests.support.triage import NOW, learnt, policy, received, supplemented

OTHER = "0123456789ab"
TEXTS = ["escroquerie, j'ai payé et jamais reçu", "il m'insulte", "ils menacent de me tuer ce soir", "😀", ""]


def always(category: Category, version: str = OTHER) -> Policy:
    """A policy whose model says one category of everything."""
    real = policy().model
    bias = np.where([each is category for each in CATEGORIES], np.float32(50), np.float32(0))
    return with_model(policy(), real._replace(version=version, category=real.category._replace(bias=bias)))


def events() -> list[Any]:
    return [*(received(text or " ", f"r{number}") for number, text in enumerate(TEXTS)), supplemented("il me menace")]


class Kept(Tallies):
    """Counts that are looked at instead of written."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[Pair] = Counter()

    def add(self, counts: Counter[Pair]) -> None:
        self.counted += counts


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def test_both_decide_and_only_the_current_ones_decision_is_said() -> None:
    registry, tallies = CollectorRegistry(), Kept()
    shadow = Shadowing(always(Category.TERRORISM_PRAISE), tallies, ModelMetrics(registry))
    alone = Classifier(policy())(events(), NOW)
    beside = Classifier(lambda: Alone(policy(), shadow))(events(), NOW)
    assert [each.data.to_json() for each in beside.effects] == [each.data.to_json() for each in alone.effects]
    said = [each.data for each in alone.effects][: len(TEXTS)]
    categories = Counter(ReportTriagedV1.model_validate_json(each.to_json()).decision.category for each in said)
    assert Counter({pair.before.category: 0 for pair in tallies.counted}) | categories == categories
    assert sum(tallies.counted.values()) == len(TEXTS), "what a reporter adds is no report"
    assert {pair.after.category for pair in tallies.counted} == {Category.TERRORISM_PRAISE}
    assert {(pair.policy, pair.candidate[-12:]) for pair in tallies.counted} == {(policy().version, OTHER)}
    assert value(registry, "ibalagh_triage_shadow_reports_total", said="other") == len(TEXTS)


def test_the_same_model_in_the_shadow_says_the_same_of_everything() -> None:
    registry, tallies = CollectorRegistry(), Kept()
    shadow = Shadowing(learnt(), tallies, ModelMetrics(registry))
    Classifier(lambda: Alone(learnt(), shadow))(events(), NOW)
    assert all(pair.before == pair.after for pair in tallies.counted)
    assert value(registry, "ibalagh_triage_shadow_reports_total", said="same") == len(TEXTS)
    assert value(registry, "ibalagh_triage_shadow_reports_total", said="other") == 0


def test_a_shadow_that_fails_changes_nothing_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    broken = policy()._replace(model=cast(Any, None))
    classify = Classifier(lambda: Alone(policy(), shadow))
    shadow = Shadowing(broken, Kept(), ModelMetrics(registry))
    alone = Classifier(policy())(events(), NOW)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            beside = classify(events(), NOW)
    assert [each.data.to_json() for each in beside.effects] == [each.data.to_json() for each in alone.effects]
    assert value(registry, "ibalagh_triage_shadow_failures_total") == 2
    assert [each.message for each in caplog.records] == ["the model in the shadow fails"]
    assert not any(text and text in caplog.text for text in TEXTS[:3])


def test_counts_that_cannot_be_written_wait(caplog: pytest.LogCaptureFixture) -> None:
    registry, tallies = CollectorRegistry(), Tallies()
    metrics = ModelMetrics(registry)
    shadow = Shadowing(learnt(), tallies, metrics)
    Classifier(lambda: Alone(learnt(), shadow))(events(), NOW)
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", "triage", pool_size=1)
    for failures in (1, 2):
        tallies.write(nowhere, metrics, NOW)
        assert value(registry, "ibalagh_triage_shadow_failures_total") == failures
    assert [each.message for each in caplog.records].count("the shadow's counts cannot be written now") == 2
    nowhere.close()


def test_a_summary_adds_up_what_differs_part_by_part() -> None:
    fraud, praise = always(Category.FRAUD), always(Category.TERRORISM_PRAISE)
    tallies = Kept()
    shadow = Shadowing(praise, tallies, ModelMetrics(CollectorRegistry()))
    Classifier(lambda: Alone(fraud, shadow))(events(), NOW)
    later = datetime(2024, 6, 4, tzinfo=UTC)
    (found,) = summaries(Counted(pair, count, NOW, later) for pair, count in tallies.counted.items())
    assert (found.reports, found.changed) == (len(TEXTS), len(TEXTS))
    assert found.moves["category"] == {("fraud", "terrorism_praise"): len(TEXTS)}
    assert found.as_json()["moves"]["disposition"] == []
    assert (found.first_at, found.last_at) == (NOW, later)


# --- taking over


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model under another version."""
    file = tmp_path_factory.mktemp("proposed") / "proposed.npz"
    files.save(files.load()._replace(version=OTHER), file)
    return file


def test_a_running_worker_takes_over_what_is_promoted_and_rolled_back(tmp_path: Path, proposed: Path) -> None:
    registry = CollectorRegistry()
    switch = Switch(tmp_path, ModelMetrics(registry))
    classify = Classifier(switch.now)

    def decided_by() -> str:
        (effect,) = classify([received(TEXTS[0])], NOW).effects
        return ReportTriagedV1.model_validate_json(effect.data.to_json()).decision.policy.partition("+")[2]

    committed = decided_by()
    versions.promote(tmp_path, proposed)
    assert decided_by() == committed, "no batch looks at the disk"
    switch.look()
    assert decided_by() == OTHER
    assert value(registry, "ibalagh_triage_model_info", policy=switch.policy().version, shadow="") == 1
    versions.rollback(tmp_path)
    switch.look()
    assert decided_by() == committed
    assert value(registry, "ibalagh_triage_model_switches_total", pointer="current") == 2


def test_a_shadow_starts_stops_and_is_promoted_while_running(tmp_path: Path, proposed: Path) -> None:
    switch = Switch(tmp_path, ModelMetrics(CollectorRegistry()))
    assert switch.now().shadow is None
    versions.start_shadow(tmp_path, proposed)
    switch.look()
    shadow = switch.now().shadow
    assert shadow is not None
    assert shadow.candidate.version == f"{load().version.partition('+')[0]}+{OTHER}"
    assert Switch(tmp_path, ModelMetrics(CollectorRegistry())).now().shadow is not None, (
        "a worker that starts has it too"
    )
    file = versions.shadowed(tmp_path)
    assert file is not None
    versions.promote(tmp_path, file)
    switch.look()
    assert switch.policy().model.version == OTHER
    assert switch.now().shadow is None
    versions.start_shadow(tmp_path, files.FILE)
    switch.look()
    assert switch.now().shadow is not None
    versions.stop_shadow(tmp_path)
    switch.look()
    assert switch.now().shadow is None


@pytest.mark.parametrize("damage", ["cut", "altered", "text", "other", "gone", "pointer"])
def test_what_is_damaged_is_refused_and_the_old_one_stays(
    tmp_path: Path, proposed: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = CollectorRegistry()
    switch = Switch(tmp_path, ModelMetrics(registry))
    before = switch.now()
    versions.promote(tmp_path, proposed)
    file, content = tmp_path / f"{OTHER}.npz", proposed.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "altered":
            file.write_bytes(content[:5_000] + bytes(1_000) + content[6_000:])
        case "text":
            file.write_bytes(b"no model")
        case "other":
            file.write_bytes(files.FILE.read_bytes())
        case "gone":
            file.unlink()
        case "pointer":
            (tmp_path / versions.POINTER).write_text("../../x\n")
    with caplog.at_level(logging.ERROR):
        switch.look()
        switch.look()
    assert switch.now() is before
    assert [each.message for each in caplog.records] == ["a model is refused, the old one stays"]
    assert value(registry, "ibalagh_triage_model_refusals_total", pointer="current") == 1
    file.write_bytes(content)
    versions.promote(tmp_path, proposed) if damage != "pointer" else (tmp_path / versions.POINTER).unlink()
    (tmp_path / versions.POINTER).write_text(f"{OTHER}\n")
    switch.look()
    assert switch.policy().model.version == OTHER


def test_a_model_whose_arrays_do_not_fit_is_refused(tmp_path: Path) -> None:
    real = files.load()
    nan = real.bias.copy()
    nan[URGENT] = np.nan
    for number, model in enumerate(
        (
            real._replace(bias=nan),
            real._replace(second=real.second._replace(mean=real.second.mean[1:])),
            real._replace(category=real.category._replace(bias=real.category.bias[1:])),
        )
    ):
        files.save(model, tmp_path / f"{number}.npz")
        with pytest.raises(ValueError, match=f"{number}.npz is damaged"):
            files.load(tmp_path / f"{number}.npz")
