"""The figures of an evaluation, by hand; the form's refusals; the command as its user runs it."""

import json
from pathlib import Path

import pytest

from services.triage import cli
from services.triage.entities.extract import extract
from services.triage.evaluation.form import parse
from services.triage.evaluation.scores import (
    Answer,
    Found,
    calibration_error,
    confusion,
    found,
    macro_f1,
    pairs,
    risk_coverage,
    total,
)
from services.triage.links.policy import keys_of
from services.triage.normalise import read

LINE = {
    "id": "1",
    "lang": "fr",
    "text": "un compte vend de la drogue au 0612345678",
    "category": "trafficking_prohibited_material",
    "urgent": False,
    "minor_involved": False,
    "closed_messenger": None,
    "entities": {"phones": ["+212612345678"]},
    "place": None,
    "campaign": "c",
}


def test_macro_f1_is_the_mean_over_what_is_true() -> None:
    answers = [Answer("a", "a", 0.9), Answer("a", "b", 0.6), Answer("b", "b", 0.8), Answer("b", "c", 0.4)]
    # a: 1 right, 0 in vain, 1 missed → 2/3. b: 1 right, 1 in vain, 1 missed → 1/2. c is true of none.
    assert macro_f1(answers) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert confusion(answers) == {"a": {"a": 1, "b": 1}, "b": {"b": 1, "c": 1}}


def test_calibration_compares_confidence_with_what_came_true() -> None:
    assert calibration_error([Answer("a", "a", 1.0)] * 4) == 0
    assert calibration_error([Answer("a", "b", 0.9)] * 4) == pytest.approx(0.9)
    assert calibration_error([Answer("a", "a", 0.75)] * 3 + [Answer("a", "b", 0.75)]) == pytest.approx(0)


def test_the_surest_come_first_on_the_curve() -> None:
    answers = [Answer("a", "a", 0.9), Answer("a", "b", 0.3), Answer("a", "a", 0.8), Answer("a", "b", 0.2)]
    assert risk_coverage(answers, steps=2) == [(0.5, 1.0, 0.8), (1.0, 0.5, 0.2)]


def test_sets_are_compared_and_summed() -> None:
    assert found("abc", "bcd") == Found(2, 1, 1)
    assert total([Found(1, 0, 1), Found(1, 2, 0)]) == Found(2, 2, 1)
    assert Found(0, 0, 0).f1 == 1.0
    assert Found(0, 1, 0).precision == 0.0
    assert pairs({"x": [3, 1, 1], "y": [1, 2]}) == {(1, 3), (1, 2)}


def test_a_line_that_is_no_labelled_report_is_named_with_its_field() -> None:
    with pytest.raises(ValueError, match=r"f\.jsonl, line 2: category"):
        list(parse([json.dumps(LINE), json.dumps(LINE | {"category": "theft"})], "f.jsonl"))
    with pytest.raises(ValueError, match=r"f\.jsonl, line 1: line"):
        list(parse(["{"], "f.jsonl"))


def test_the_command_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reports.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps(LINE | {"id": "2", "campaign": None}) + "\n", encoding="utf-8")
    assert cli.main(["evaluate", str(file), "--fast", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["reports"] == 2
    assert figures["macro_f1"] == 1.0
    assert figures["entity_f1"] == 1.0
    assert (figures["link_recall"], figures["false_merges"]) == (1.0, 1)
    assert figures["surroundings"].keys() == {"place", "closed_messenger", "minor_involved"}
    assert figures["surroundings"]["place"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert {"urgent_recall", "urgent_precision", "straight_through_accuracy", "review_share"} <= figures.keys()
    assert cli.main(["evaluate", str(file), "--fast"]) == 0
    assert "macro-F1" in capsys.readouterr().out


def test_links_are_judged_by_the_rules_that_make_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def figures(*said: tuple[str, str, str | None]) -> tuple[float, int]:
        file = tmp_path / "reports.jsonl"
        lines = [
            json.dumps(LINE | {"id": str(number), "text": text, "entities": {"handles": [name]}, "campaign": campaign})
            for number, (text, name, campaign) in enumerate(said)
        ]
        file.write_text("\n".join(lines), encoding="utf-8")
        assert cli.main(["evaluate", str(file), "--fast", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        return printed["link_recall"], printed["false_merges"]

    own = ("@gain_facile m'a écrit", "gain_facile")
    everyday = ("@fatima_zahra m'a écrit", "fatima_zahra")
    assert figures((*own, "a"), (*own, "a"), (*own, "b")) == (1.0, 2)
    assert figures((*everyday, "a"), (*everyday, "a"), (*everyday, "b")) == (0.0, 0)


def test_the_committed_corpus_has_no_false_merge_and_few_missed_links() -> None:
    files = sorted(cli.CORPUS.glob("*.jsonl"))
    reports = [each for file in files for each in parse(file.read_text(encoding="utf-8").split("\n"), file.name)]
    true: dict[object, list[int]] = {}
    joined: dict[object, list[int]] = {}
    for number, each in enumerate(reports):
        for kind in ("urls", "phones", "handles", "emails", "ibans", "crypto"):
            for value in getattr(each.entities, kind):
                true.setdefault((kind, value.lower()), []).append(number)
        for key in keys_of(extract(*read(each.text), (), None).indicators):
            joined.setdefault(key, []).append(number)
    made, shared = pairs(joined), pairs(true)
    same = {(a, b) for a, b in made | shared if reports[a].campaign and reports[a].campaign == reports[b].campaign}
    assert [(reports[a].id, reports[b].id) for a, b in made - same] == []
    assert len(made & shared & same) / len(shared & same) >= 0.98


def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(tmp_path / "none.jsonl")]) == 1
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    assert cli.main(["evaluate", str(tmp_path / "empty.jsonl"), "--fast"]) == 1
    assert "holds no labelled reports" in capsys.readouterr().err
