"""An explanation is the decision taken apart: places are of the text as written, and the parts add up."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import jinja2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.reports import Decision
from ibalagh.events.vocabulary import ReviewAction
from ibalagh.web.visible import visible
from ibalagh.web.words import LANGUAGES
from services import triage
from services.triage.decide import Embedder, decide
from services.triage.entities import extract
from services.triage.explain import Explanation, Second, explain, explain_decision
from services.triage.model.linear import Floats
from services.triage.normalise import join, read, words
from services.triage.origins import origins
from services.triage.reviews import Applied, Item, State, decide_item, machine_decision
from services.triage.words import WORDS
from tests.support.triage import decision, policy, report

TEXTS = [
    "J'ai commandé une montre, j'ai payé par virement et je n'ai jamais reçu le colis: une arnaque",
    "هَدَّدَني بالقتـــــل والضرب وقال إنه يعرف عنواني",
    "nseb 3liya wahd lbay3, siftt lih 500 dh w ma wslni walo w blokaniiii",
    "Voir hxxps://faux[.]example/a, il m'a escroqué https://faux.example/fraude et m'insulte",
    "\u200fﻣﺤﺘﺎﻝ\u200f \\u0000 escro\u0301c e\u0301normeeee",
    "😀",
]


def explained(text: str) -> Explanation:
    return explain(report(text), policy())


@pytest.mark.parametrize("text", TEXTS)
def test_an_explanation_is_of_the_decision_that_is_taken(text: str) -> None:
    found, decision = explained(text), decide(report(text), policy()).decision
    assert (found.category, found.runner_up, found.confidence) == (
        decision.category,
        decision.runner_up,
        decision.confidence,
    )
    assert (found.urgency, found.disposition, found.policy) == (
        decision.urgency,
        decision.disposition,
        decision.policy,
    )
    assert {rule.name for rule in found.rules if rule.category is found.category} <= set(decision.reasons)


@pytest.mark.parametrize("text", TEXTS)
def test_the_parts_add_up_to_the_lead_of_the_category(text: str) -> None:
    found = explained(text)
    assert sum(found.lead) >= 0
    if len(text.split()) <= 10:  # then all words are named
        named = {word.folded: word.over_runner_up for word in (*found.heat, *found.against)}
        assert sum(named.values()) == pytest.approx(found.lead.words, abs=1e-3)


def test_a_ticked_box_is_a_part_of_the_lead() -> None:
    found = explained(TEXTS[0])
    ticked = explain(report(TEXTS[0], category_hint=found.category), policy())
    assert (found.lead.hint, ticked.lead.hint) == (0.0, policy().judge.thresholds.hint_weight)


def test_a_rule_names_its_words_as_they_were_written() -> None:
    text = "Bonjour, on m'a ARNAQUÉÉÉÉ, voilà"
    rules = {rule.name: rule for rule in explained(text).rules}
    assert [text[slice(*span)] for span in rules["fraud.scam"].spans] == ["ARNAQUÉÉÉÉ"]


def test_signs_between_letters_and_links_before_them_do_not_move_a_place() -> None:
    text = "https://faux.example/نصب \u202bهَدَّدَني بالقتـــل\u202c"
    where = origins(text, extract(*read(text), (), None).encoded)
    first = next(span for span in where if span is not None)
    assert text[first.start] == "ه"
    spans = [span for rule in explained(text).rules for span in rule.spans]
    assert "بالقتـــل" in " ".join(text[slice(*span)] for span in spans)


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_whatever_the_text_every_folded_byte_has_a_place_or_none_and_nothing_breaks(text: str) -> None:
    encoded = extract(*read(text), (), None).encoded
    where = origins(text, encoded)
    assert len(where) == len(join(words(encoded)))
    assert all(0 <= span.start < span.end <= len(text) for span in where if span is not None)
    if text:
        explained(text)


@pytest.mark.parametrize("text", TEXTS)
def test_the_places_of_concepts_are_those_that_are_found(text: str) -> None:
    folded = join(words(extract(*read(text), (), None).encoded))
    held = 0
    for _, _, bits in policy().matcher.places(folded):
        held |= bits
    assert held == policy().matcher.find(folded)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_include_shows_words_and_rules_as_text_in_every_language(language: str) -> None:
    text = TEXTS[0] + " <script>arnaqué</script>"
    folder = jinja2.FileSystemLoader(Path(triage.__file__).parent / "templates")
    pages = jinja2.Environment(loader=folder, autoescape=True, undefined=jinja2.StrictUndefined)
    pages.filters["visible"] = visible
    shown = pages.get_template("explanation.html").render(explanation=explained(text), text=text, say=WORDS[language])
    assert "fraud." in shown
    assert WORDS[language]["explanation"] in shown
    assert "<script" not in shown


def test_a_sign_on_the_last_letter_belongs_to_the_word() -> None:
    text = "كتابٌ"
    places = [span for span in origins(text, extract(*read(text), (), None).encoded) if span is not None]
    assert places[-1].end == len(text)


def test_a_second_opinion_is_asked_where_the_machine_heard_one_and_else_it_is_said_why_not() -> None:
    asked: list[str] = []
    size = policy().model.second.mean.shape[0]

    def second(texts: Sequence[str]) -> Floats:
        asked.extend(texts)
        return np.zeros((len(texts), size), np.float32)

    heard = decide(report(TEXTS[0]), policy(), second).decision
    alone = decide(report(TEXTS[0]), policy()).decision
    asked.clear()

    def said(machine: Decision | None, embedder: Embedder | None = second) -> tuple[bool, str]:
        found = explain_decision(report(TEXTS[0]), machine, policy(), embedder)
        return found.asked_second, found.second_opinion

    assert said(heard) == (True, Second.ASKED)
    assert asked == [TEXTS[0]]
    assert said(alone) == (False, Second.NOT_HEARD)
    assert said(heard, None) == (False, Second.AWAY)
    assert said(None) == (False, Second.UNKNOWN)
    assert all(each.value in WORDS[language] for each in Second for language in LANGUAGES)


def test_what_the_machine_decided_is_known_of_a_report_that_people_decided_while_it_is_remembered() -> None:
    triaged = decide(report(TEXTS[0]), policy())
    applied = decide_item(Item(State.OPEN, triaged), cast(DecideReportV1, decision("a", ReviewAction.CONFIRM).data))
    assert isinstance(applied, Applied)
    assert machine_decision(triaged, []) == triaged.decision
    assert machine_decision(applied.item.report, [applied.reviewed]) == triaged.decision
    assert machine_decision(applied.item.report, []) is None
