"""What people decided becomes examples by the last word, and a model made of them tells nothing of a single report."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibalagh.events.cases import CaseClosedV1, CaseOpenedV1, SuspectPresentedV1
from ibalagh.events.dialogue import ReportWithdrawnV1
from ibalagh.events.envelope import Data
from ibalagh.events.links import LinkedBy, LinkedGroup, ReportLinkedV1
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.events.vocabulary import CaseResult, Category, Disposition, ReviewAction, Urgency
from services.triage.decide import fold_alone
from services.triage.evaluation.proposal import LABELLED, PEOPLE, comparison
from services.triage.learning import said_by, with_lessons
from services.triage.lessons import (
    DECISION,
    MANY_ALIKE,
    NO_OFFENCE,
    OTHER_REASON,
    OUTCOME,
    WITHDRAWN,
    WITHOUT_TEXT,
    Lesson,
    Lessons,
)
from services.triage.model import files
from services.triage.model.features import features
from services.triage.model.linear import CATEGORIES, Floats, Model
from services.triage.model.training import LEAST_CAMPAIGNS, MOST_OF_CAMPAIGN, Examples, standardised, train
from services.triage.policy import Rules
from services.triage.reasons import DismissReason
from tests.support.storage import uuid_of
from tests.support.triage import FACTS, NOW, learnt, report, report_id, triage

FRAUD, INSULT = "escroquerie: j'ai payé et jamais reçu", "il m'insulte et me traite de tous les noms"
CASE = uuid_of(77)


def reviewed(name: str, category: Category, version: int = 2, reason: str = "", **fields: Any) -> ReportReviewedV1:
    before = triage(FRAUD, name=name).decision
    changed = {"category": category, "disposition": Disposition.REFER, "reasons": (reason or "analyst.reclassify",)}
    return ReportReviewedV1(
        report_id=report_id(name),
        version=version,
        facts=FACTS,
        decision=before.model_copy(update=changed),
        previous=before,
        action=ReviewAction.RECLASSIFY,
        reviewer="analyst-1",
        indicators=(),
        **fields,
    )


def in_case(kind: type[Data], category: Category, **fields: Any) -> Data:
    shared = {"case_id": CASE, "version": 2, "occurred_at": NOW, "category": category, **fields}
    if kind is CaseOpenedV1:
        return CaseOpenedV1(**shared, report_id=report_id("a"), facts=FACTS, urgency=Urgency(1), indicators=())
    return kind(**shared, service="dgsn", actor="officer-1")


def learn(*said: Data, texts: dict[str, str] | None = None, since: date = date.min) -> tuple[list[Lesson], Lessons]:
    """The lessons of reports (by default one, `a`) that the machine triaged and of which this was said."""
    known, run = texts or {"a": FRAUD}, Lessons(since)
    for name, text in known.items():
        run.note(triage(text, name=name))
    for data in said:
        run.note(data)
    for name, text in known.items():
        run.take(report(text, name))
    return run.finish(), run


def test_the_last_word_of_people_counts() -> None:
    later, first = reviewed("a", Category.FRAUD, 3), reviewed("a", Category.INSULT_DEFAMATION, 2)
    found, _ = learn(later, first)  # in whatever order the partitions are read
    assert [(each.category, each.source) for each in found] == [(Category.FRAUD, DECISION)]


def test_what_was_taken_back_teaches_nothing_and_what_held_before_holds_again() -> None:
    first = reviewed("a", Category.INSULT_DEFAMATION, 2)
    assert learn(first, reviewed("a", Category.FRAUD, 3, undoes=2))[0] == []
    second = reviewed("a", Category.VIOLENCE_THREATS, 3)
    (found,), _ = learn(first, second, reviewed("a", Category.INSULT_DEFAMATION, 4, undoes=3))
    assert found.category is Category.INSULT_DEFAMATION


def test_an_outcome_confirms_what_the_machine_alone_decided() -> None:
    machine = triage(FRAUD).decision.category
    opened = in_case(CaseOpenedV1, machine)
    assert learn(opened)[0] == []
    prosecuted = in_case(CaseClosedV1, machine, result=CaseResult.PROSECUTED)
    for outcome in (prosecuted, in_case(SuspectPresentedV1, machine, suspect_ref="s-1")):
        (found,), _ = learn(opened, outcome)
        assert (found.category, found.source) == (machine, OUTCOME)
    assert learn(opened, in_case(CaseClosedV1, Category.TERRORISM_PRAISE, result=CaseResult.PROSECUTED))[0] == []
    assert learn(opened, in_case(CaseClosedV1, machine, result=CaseResult.AUTHOR_UNKNOWN))[0] == []


def test_what_ended_as_no_offence_or_was_withdrawn_or_says_nothing_by_its_words_is_left_out() -> None:
    decided = reviewed("a", Category.FRAUD)
    opened, closed = (
        in_case(CaseOpenedV1, Category.FRAUD),
        in_case(CaseClosedV1, Category.FRAUD, result=CaseResult.NO_OFFENCE),
    )
    withdrawal = ReportWithdrawnV1(report_id=report_id("a"), withdrawn_at=NOW)
    unfindable = reviewed("a", Category.OUT_OF_SCOPE, reason=DismissReason.CANNOT_BE_FOUND)
    for said, why in (
        ((decided, opened, closed), NO_OFFENCE),
        ((decided, withdrawal), WITHDRAWN),
        ((unfindable,), OTHER_REASON),
    ):
        found, run = learn(*said)
        assert (found, dict(run.left_out)) == ([], {why: 1})
    (taught_by,), _ = learn(reviewed("a", Category.OUT_OF_SCOPE, reason=DismissReason.NOT_ILLEGAL))
    assert taught_by.category is Category.OUT_OF_SCOPE


def test_a_text_that_the_log_forgot_and_a_day_before_the_period_are_left_out() -> None:
    run = Lessons()
    run.note(triage(FRAUD))
    run.note(reviewed("a", Category.FRAUD))
    run.take(report(INSULT, "other"))
    assert run.finish() == []
    assert dict(run.left_out) == {WITHOUT_TEXT: 1}
    assert learn(reviewed("a", Category.FRAUD), since=date(2024, 6, 4))[0] == []
    assert len(learn(reviewed("a", Category.FRAUD), since=date(2024, 6, 3))[0]) == 1


def test_reports_of_one_act_are_one_campaign_and_few_of_them_are_examples() -> None:
    phone = "écrivez au 0612345678, "
    texts = {"a": phone + FRAUD, "b": INSULT + " " + phone, "c": INSULT, "d": "une vitre cassée dans ma rue hier soir"}
    said = [reviewed(name, Category.FRAUD) for name in texts]
    found, _ = learn(*said, texts=texts)
    campaign = {each.report_id: each.campaign for each in found}
    assert campaign[report_id("a")] == campaign[report_id("b")]
    assert len(set(campaign.values())) >= 2
    link = ReportLinkedV1(
        report_id=report_id("c"),
        linked_at=NOW,
        by=LinkedBy.PERSON,
        groups=(LinkedGroup(report_id=report_id("d"), kind=None, key=None, joined=(report_id("c"),)),),
    )
    campaign = {each.report_id: each.campaign for each in learn(*said, link, texts=texts)[0]}
    assert campaign[report_id("c")] == campaign[report_id("d")]
    many = {f"n{number}": FRAUD for number in range(MOST_OF_CAMPAIGN + 3)}
    found, run = learn(*(reviewed(name, Category.FRAUD) for name in many), texts=many)
    assert (len(found), run.left_out[MANY_ALIKE]) == (MOST_OF_CAMPAIGN, 3)


# --- the model made of them


def labelled(count: int = 120) -> Examples:
    rng = np.random.default_rng(3)
    categories = np.arange(count) % len(CATEGORIES)
    return Examples(
        [
            fold_alone(f"kilma{'abcdefghij'[each] * 2} w {' '.join(rng.choice(list('xyzkv'), 4))}")
            for each in categories
        ],
        categories,
        (np.arange(count) // len(CATEGORIES)) % 2,
        [f"c{number // 2}" for number in range(count)],
        np.zeros((count, len(CATEGORIES)), np.float32),
        np.zeros(count, np.int64),
        standardised(rng.normal(size=(count, 8)).astype(np.float32)),
    )


def embed(texts: Sequence[str]) -> Floats:
    return np.stack([np.random.default_rng(len(text)).normal(size=8) for text in texts]).astype(np.float32)


def taught(word: str, campaigns: int) -> Examples:
    """The labelled ones and one report of each of so many campaigns, all of which have a word and one of its own."""
    rules = Rules(learnt().matcher, learnt().taxonomy)
    lessons = []
    for number in range(campaigns):
        folded = fold_alone(f"{word} {chr(97 + number) * 3}qj")
        variety = triage(FRAUD).variety
        lessons.append(
            Lesson(
                uuid_of(number),
                variety,
                Category.FRAUD,
                DECISION,
                "x" * (number + 1),
                folded,
                folded,
                f"people:{number}",
            )
        )
    return with_lessons(labelled(), lessons, rules, embed, lambda _: None)


@cache
def made(word: str, campaigns: int) -> Model:
    """The model of `taught`."""
    return train(taught(word, campaigns), lambda _: None).model


def weight_of(folded: bytes, model: Any, group: int = 1) -> float:
    """The most that words of a text weigh for anything."""
    buckets = np.concatenate([each.buckets for each in features([folded]) if each.group == group])
    return float(np.abs(model.weights[buckets]).max())


@pytest.mark.parametrize(("campaigns", "counts"), [(LEAST_CAMPAIGNS - 1, False), (LEAST_CAMPAIGNS, True)])
def test_a_word_of_peoples_reports_weighs_nothing_until_enough_campaigns_have_it(campaigns: int, counts: bool) -> None:
    model = made("zzwordqq", campaigns)
    assert (weight_of(fold_alone("zzwordqq"), model) > 0) is counts
    assert weight_of(fold_alone("aaaqj"), model) == 0


def test_nothing_of_peoples_texts_is_in_the_file_but_weights(tmp_path: Path) -> None:
    alone, *_ = train(labelled(), lambda _: None)
    model = made("zzwordqq", LEAST_CAMPAIGNS)
    assert np.array_equal(model.second.examples, alone.second.examples)
    assert np.array_equal(model.second.columns.weights, alone.second.columns.weights)
    assert np.array_equal((model.second.mean, model.second.scale), (alone.second.mean, alone.second.scale))
    files.save(model, tmp_path / "model.npz")
    assert files.load(tmp_path / "model.npz").weights.shape == alone.weights.shape
    assert model.version != alone.version


def test_the_same_decisions_make_the_same_file(tmp_path: Path) -> None:
    again = train(taught("zzwordqq", LEAST_CAMPAIGNS), lambda _: None).model
    for name, model in (("a", made("zzwordqq", LEAST_CAMPAIGNS)), ("b", again)):
        files.save(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_people_decided_is_learnt_and_judged_by_models_that_have_not_seen_it() -> None:
    learnt_from = taught("zzwordqq", 24)
    model, left_out, untaught = train(learnt_from, lambda _: None)
    figures = comparison(learnt_from, untaught, left_out, learnt().judge.thresholds)
    people, known = figures[PEOPLE]["fast"], figures[LABELLED]["fast"]
    assert people.current.reports == 24
    assert known.current.reports == 120
    assert people.proposed.categories["fraud"].recall > 0.9 > people.current.categories["fraud"].recall
    assert people.proposed.urgent is None
    assert known.proposed.urgent is not None
    assert known.proposed.macro_f1 > 0.8
    itself = comparison(learnt_from, said_by(model, learnt_from), left_out, learnt().judge.thresholds)
    assert itself[PEOPLE]["asked"].current.categories["fraud"].recall == 1
