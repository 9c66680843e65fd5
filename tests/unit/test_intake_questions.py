"""The form's questions: every language asks them all, and their answers reach triage as what they are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import ANSWERS, ReportFacts, ReportReceivedV1
from ibalagh.events.vocabulary import Category, Channel
from services.intake import questions
from services.intake.forms import TEXT_MAX_CHARS, read_texts, submission_of
from services.triage.decide import decide
from services.triage.normalise import fold
from services.triage.policy import load

TEXTS = read_texts()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
MESSENGER = {"messenger": "yes"}
IBAN = "MA64 011519000001205000534921"
POLICY = load()
GROUPS = [group for group in questions.catalogue().asked if group != questions.NO_CATEGORY] + [""]


def triaged(draft: dict[str, str]) -> tuple[Category | None, set[tuple[str, str]], str]:
    """Category, indicators and variety that triage finds in what a draft sends."""
    sent = submission_of(draft)
    report = ReportReceivedV1(
        report_id="01900000-0000-7000-8000-000000000001",
        received_at=NOW,
        facts=ReportFacts(received_on=NOW.date(), identified=False, country="MA", channel=Channel.FORM),
        text=sent.text,
        links=sent.links,
        platform=sent.platform,
    )
    found = decide(report, POLICY)
    return found.decision.category, {(each.kind.value, each.value) for each in found.indicators}, found.variety.value


def every_answer(group: str) -> dict[str, str]:
    """A draft of a category with the longest answer to every question it is asked."""
    draft = {"category_hint": group, **MESSENGER}
    for code in questions.asked_of(draft):
        choices = questions.catalogue().questions[code].choices
        draft[questions.PREFIX + code] = max(choices, key=len) if choices else "x" * questions.MAX_ANSWER_CHARS
    return draft


def test_every_category_has_questions_and_advice_and_every_language_has_words_for_them() -> None:
    catalogue = questions.catalogue()
    assert set(catalogue.asked) == set(Category) - {Category.OUT_OF_SCOPE} | {questions.NO_CATEGORY}
    for texts in TEXTS.values():
        said = texts["form"]
        assert set(said["advice"]) == set(catalogue.asked)
        assert said["advice"]["sexual_blackmail"]
        assert list(said["questions"]) == list(catalogue.questions)
        for code, question in catalogue.questions.items():
            assert list(said["questions"][code]["choices"]) == list(question.choices)
            assert said["questions"][code]["label"]


def test_answers_stand_below_the_text_in_the_order_of_the_file_whatever_the_order_of_the_page() -> None:
    draft = {
        "text": "x",
        "category_hint": "fraud",
        "q_account": "some.name",
        "q_paidto": " a \n b ",
        "q_paidhow": "card",
    }
    assert questions.report_text(draft) == "x\n\n-- form 1 --\npaidhow: card\npaidto: a b\naccount: @some.name"


def test_an_answer_to_a_question_that_is_no_longer_asked_is_not_sent() -> None:
    assert questions.report_text({"text": "x", "category_hint": "insult_defamation", "q_paidto": "y"}) == "x"
    assert questions.report_text({"text": "x", "q_closedapp": "y"}) == "x"


def test_answers_alone_are_no_report() -> None:
    assert questions.report_text({"text": " ", "q_account": "y"}) == " "


@pytest.mark.parametrize("group", GROUPS)
def test_the_longest_answers_fit_below_the_longest_text(group: str) -> None:
    draft = {"text": "x" * TEXT_MAX_CHARS, **every_answer(group)}
    assert questions.broken(draft) == {}
    assert len(submission_of(draft).text) > TEXT_MAX_CHARS
    assert len(questions.report_text(draft)) - TEXT_MAX_CHARS <= questions.MAX_ANSWERS_CHARS


def test_too_long_an_answer_and_one_that_is_no_choice_are_named() -> None:
    draft = {"category_hint": "fraud", "q_paidto": "x" * 201, "q_paidhow": "gold"}
    assert questions.broken(draft) == {"q_paidto": "string_too_long", "q_paidhow": "other"}


def test_what_an_answer_names_is_found_by_triage() -> None:
    draft = {
        "text": "رسالة",
        "category_hint": "fraud",
        **MESSENGER,
        "q_paidto": IBAN,
        "q_account": "shop.of.nobody",
        "q_closedapp": "Telegram",
        "q_closeduser": "06 12 34 56 78",
        "q_closedgroup": "https://t.me/joinchat/invented",
    }
    _, found, _ = triaged(draft)
    assert {
        ("iban", IBAN.replace(" ", "")),
        ("handle", "telegram:shop.of.nobody"),
        ("phone", "+212612345678"),
    } <= found
    assert any(kind == "url" for kind, _ in found)
    assert submission_of(draft).platform == "Telegram"
    assert submission_of({**draft, "platform": "WhatsApp"}).platform == "WhatsApp"


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("text", ["قلت لكم", "bghit ngol likom", "je voudrais dire", "quiero decir que"])
def test_codes_and_choices_speak_for_no_category_and_no_language(group: str, text: str) -> None:
    catalogue, matcher = questions.catalogue(), POLICY.matcher
    for code, question in catalogue.questions.items():
        for word in (ANSWERS, code, *question.choices):
            assert matcher.find(fold(word)) == matcher.find(fold("")), word
    answered = {"text": text, "category_hint": group}
    for code in questions.asked_of(answered):
        choices = catalogue.questions[code].choices
        answered[questions.PREFIX + code] = choices[0] if choices else "1"
    assert triaged(answered) == triaged({"text": text, "category_hint": group})


@given(st.dictionaries(st.sampled_from(questions.all_fields()), st.text()), st.sampled_from(GROUPS))
def test_no_answer_can_pass_for_two(given_answers: dict[str, str], group: str) -> None:
    draft = {"text": "x", "category_hint": group, **MESSENGER, **given_answers}
    lines = questions.report_text(draft).split("\n")
    assert len(lines) in {1, 3 + len(questions.answers(draft))}
