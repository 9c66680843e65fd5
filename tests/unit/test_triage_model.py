"""The statistical part of triage: features that forgive spelling, sums that no batch changes, training that repeats."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibalagh.events.reports import ANSWERS
from ibalagh.events.vocabulary import Category, Disposition, Urgency
from services.triage.decide import fold_alone, judge_all
from services.triage.handlers import Classifier
from services.triage.model import files
from services.triage.model.features import BUCKETS, GROUPS, features, join_texts
from services.triage.model.linear import CATEGORIES, COLUMNS, Floats
from services.triage.model.skeleton import skeleton
from services.triage.model.training import Examples, standardised, train
from services.triage.ruling import SECOND_OPINION
from tests.support.triage import NOW, received, report
from tests.support.triage import learnt as policy

DIMENSIONS = policy().model.second.mean.shape[0]
UNCLEAR = "regardez cette page svp"


def skeletons(*texts: str) -> list[bytes]:
    letters, begins = skeleton(*join_texts([fold_alone(text) for text in texts]))
    return [bytes(part) for part in np.split(letters, begins[1:])]


@pytest.mark.parametrize(
    "spellings",
    [
        ("كيهددني شي واحد", "kayhedadni chi wa7ed", "kayheddedni shi wahd", "kayhdddni shi wahed"),
        ("القرقوبي", "l9er9obi", "lqerqoubi"),
        ("خدا ليا فلوسي", "khda liya flousi", "5da lya flosi"),
        ("غادي نشر", "ghadi nchr", "8adi nshr"),
    ],
)
def test_spellings_of_one_word_have_one_skeleton(spellings: tuple[str, ...]) -> None:
    assert len(set(skeletons(*spellings))) == 1


def test_words_of_different_consonants_differ() -> None:
    assert len(set(skeletons("flous", "bous", "kelb", "dar", "سلاح", "صورة"))) == 6


def test_a_text_without_letters_has_no_words_and_takes_none_of_its_neighbours() -> None:
    texts = ["", "dar kbira", "😀", "3 ع", "x"]
    alone = [[(f.group, f.buckets.tolist()) for f in features([fold_alone(text)])] for text in texts]
    for found_together in features([fold_alone(text) for text in texts]):
        ends = np.append(found_together.starts[1:], len(found_together.buckets))
        parts = [
            found_together.buckets[start:end].tolist() for start, end in zip(found_together.starts, ends, strict=True)
        ]
        kinds = [kinds for kinds in zip(*alone, strict=True) if kinds[0][0] == found_together.group]
        assert any(parts == [buckets for _, buckets in kind] for kind in kinds)


def test_buckets_stay_within_their_group() -> None:
    for found in features([fold_alone("un texte, واحد النص w7d text")]):
        assert found.buckets.min() >= found.group * BUCKETS
        assert found.buckets.max() < (found.group + 1) * BUCKETS <= GROUPS * BUCKETS


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_the_model_says_of_a_text_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    folded = [fold_alone(text) for text in texts]
    together = policy().model.margins(folded)
    alone = np.vstack([policy().model.margins([each]) for each in folded])
    assert np.array_equal(together, alone)


def test_the_cost_grows_with_the_bytes_and_no_faster() -> None:
    for text in ("a" * 100_000, "a b " * 25_000, "هدد " * 25_000, "7" * 100_000):
        assert sum(len(found.buckets) for found in features([fold_alone(text)])) <= 12 * 100_000


def some_examples(count: int = 120) -> Examples:
    """Invented: each category has a word of its own, two reports to a campaign."""
    rng = np.random.default_rng(3)
    categories = np.arange(count) % len(CATEGORIES)
    urgent = (np.arange(count) // len(CATEGORIES)) % 2
    folded = [
        fold_alone(
            f"kilma{'abcdefghij'[category] * 2} {'daba ' if soon else ''}w {' '.join(rng.choice(list('xyzkv'), 4))}"
        )
        for category, soon in zip(categories, urgent, strict=True)
    ]
    return Examples(
        folded,
        categories,
        urgent,
        [f"c{number // 2}" for number in range(count)],
        np.zeros((count, len(CATEGORIES)), np.float32),
        np.zeros(count, np.int64),
        standardised(rng.normal(size=(count, 8)).astype(np.float32)),
    )


def test_training_finds_what_is_there_and_repeats_to_the_last_bit(tmp_path: Path) -> None:
    shares: list[float] = []
    first, left_out, untaught = train(some_examples(), shares.append)
    assert untaught is left_out
    assert (left_out.fast[0].argmax(axis=1) == some_examples().categories).mean() > 0.9
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    again, *_ = train(some_examples(), shares.append)
    for name, model in (("a.npz", first), ("b.npz", again)):
        files.save(model, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    other, *_ = train(some_examples(130), shares.append)
    assert other.version != first.version


def test_a_stored_model_says_what_it_said(tmp_path: Path) -> None:
    model, *_ = train(some_examples(), lambda _share: None)
    files.save(model, tmp_path / "model.npz")
    read = files.load(tmp_path / "model.npz")
    assert read.version == model.version
    texts = some_examples().folded[:20]
    assert np.allclose(read.margins(texts), model.margins(texts), atol=1e-5)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", version=np.array("x"))
    with pytest.raises(ValueError, match=r"model\.npz is no model of triage"):
        files.load(tmp_path / "model.npz")


class Opinions:
    """An embedder that remembers what it was asked; its opinion is always the same."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.zeros((len(texts), DIMENSIONS), np.float32)


def test_a_second_opinion_is_named_where_it_was_heard() -> None:
    opinions = Opinions()
    heard, alone = judge_all([report(UNCLEAR)], policy(), opinions), judge_all([report(UNCLEAR)], policy())
    assert opinions.asked == [UNCLEAR]
    assert SECOND_OPINION in heard[0].ruling.base.reasons
    assert SECOND_OPINION not in alone[0].ruling.base.reasons


def test_the_answers_of_a_form_are_not_for_the_model() -> None:
    answered = f"{UNCLEAR}\n\n{ANSWERS}\npaidhow: card"
    with_answers, without = judge_all([report(answered), report(UNCLEAR)], policy())
    assert with_answers.ruling.confidence == without.ruling.confidence
    opinions = Opinions()
    judge_all([report(answered)], policy(), opinions)
    assert opinions.asked == [f"{UNCLEAR}\n\n"]


def test_nobody_waits_for_a_second_opinion_in_a_crowd() -> None:
    opinions = Opinions()
    classifier = Classifier(policy(), opinions, 2)
    classifier([received(UNCLEAR, name) for name in "abc"], NOW)
    assert opinions.asked == []
    classifier([received(UNCLEAR, name) for name in "ab"], NOW)
    assert opinions.asked == [UNCLEAR, UNCLEAR]


def test_the_machine_never_puts_a_report_aside_and_names_the_runner_up() -> None:
    for text in (UNCLEAR, "j'ai perdu mon téléphone", "", "😀"):
        base = judge_all([report(text or " ")], policy())[0].ruling.base
        assert base.disposition is Disposition.REVIEW
        assert base.runner_up is not None
        assert base.runner_up is not base.category


def test_what_a_rule_finds_to_be_danger_stays_so_whatever_the_model_thinks() -> None:
    base = judge_all([report("بغا نقتل راسي بسبب الابتزاز")], policy())[0].ruling.base
    assert base.urgency is Urgency.IMMEDIATE
    assert "urgency.suicide" in base.reasons


def test_the_committed_model_fits_this_code() -> None:
    model = policy().model
    assert model.weights.shape == (GROUPS * BUCKETS, COLUMNS)
    assert policy().version.endswith(f"+{model.version}")
    assert set(CATEGORIES) == set(Category)
