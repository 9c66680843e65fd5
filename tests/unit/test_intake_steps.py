"""The form's steps: any way through them loses no field, since every page carries the whole draft."""

from collections.abc import Iterator
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ibalagh.events.vocabulary import Category
from ibalagh.web.words import LANGUAGES
from services.intake import questions, steps
from services.intake.forms import typed
from services.intake.steps import Step
from tests.support.intake import AppClient, app_client
from tests.unit.test_intake_http import Service

AWKWARD = st.text(st.sampled_from("a\"'<>&\n\t =%+;é€ع\u202e😀ا\\"), max_size=12)
ONE_LINE = AWKWARD.map(lambda text: text.replace("\n", " "))
FREE = {"text": AWKWARD, "links": AWKWARD, **dict.fromkeys(("platform", "place", *steps.IDENTITY), ONE_LINE)}
CHOSEN = {
    "category_hint": st.sampled_from(["", *(set(Category) - {Category.OUT_OF_SCOPE})]),
    "messenger": st.sampled_from(["", "yes"]),
    "origin_country": st.sampled_from(["MA", "FR"]),
    "who": st.sampled_from(["anonymous", "named"]),
    "seen_at": st.just("2026-01-01T10:00"),
}
ANSWERED = {
    questions.PREFIX + code: st.sampled_from(question.choices) if question.choices else ONE_LINE
    for code, question in questions.catalogue().questions.items()
}
VALUES = {**FREE, **CHOSEN, **ANSWERED}
PRESSES = st.sampled_from(["next", "back", "stay", *(f"to-{step}" for step in Step)])


class Form(HTMLParser):
    """What a browser would post from a page, without the button; after the HTML standard's rules for each control."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.shown: set[str] = set()
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.shown.add(name)
        if tag == "input" and (given.get("type") not in {"radio", "checkbox"} or "checked" in given):
            self.fields[name] = value
        elif tag == "select":
            self._open = name
        elif tag == "option" and ("selected" in given or self._open not in self.fields):
            self.fields[self._open] = value
        elif tag == "textarea":
            self._open = name
            self.fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() and self._open in {"text", "links"}:
            self.fields[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.fields[self._open] = self.fields[self._open].removeprefix("\n")
        if tag in {"textarea", "select"}:
            self._open = ""


def pressed(client: AppClient, form: Form, go: str, language: str) -> Form:
    """The page after a press of a button."""
    return Form(client.post(f"/?lang={language}", data={**form.fields, "go": go}).text)


def expected(fields: dict[str, str]) -> dict[str, str]:
    """The draft after a round through a browser, without what is the same as not given."""
    known = steps.draft_of(fields)
    return {name: value for name, value in known.items() if (name, value) != ("origin_country", "MA")}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_way_through_the_form_loses_a_field(data: st.DataObject) -> None:
    with app_client(Service().app) as client:
        form = Form(client.get("/?lang=en").text)
        kept = expected(form.fields)
        for _ in range(data.draw(st.integers(1, 12))):
            for name in sorted(form.shown & VALUES.keys()):
                if data.draw(st.booleans()):
                    form.fields[name] = data.draw(VALUES[name])
            kept = expected(form.fields)
            token = form.fields["draft"]
            at_the_end = form.fields["step"] == Step.CHECK
            go = data.draw(PRESSES.filter(lambda go, end=at_the_end: not (end and go == "next")))  # type: ignore[misc]
            form = pressed(client, form, go, data.draw(st.sampled_from(list(LANGUAGES))))
            assert expected(form.fields) == kept
            assert form.fields["draft"] == token


def moves(posted: dict[str, str]) -> Iterator[steps.Move]:
    """All moves that a page can ask for."""
    for go in ("next", "back", "stay", "send", "", *(f"to-{step}" for step in Step), "to-nowhere"):
        yield steps.move({**posted, "go": go})


def test_next_leads_through_every_step_once_and_then_sends() -> None:
    at: Step | None = Step.WHAT
    way = []
    while at is not None:
        way.append(at)
        at = steps.move({"step": at.value}).to
    assert way == list(Step)


def test_back_leads_to_the_first_step_and_stays_there() -> None:
    assert [steps.move({"step": step.value, "go": "back"}).to for step in Step] == [Step.WHAT, *list(Step)[:-1]]


def test_only_the_summary_sends_and_whoever_names_no_step() -> None:
    assert [step for step in Step for each in moves({"step": step.value}) if each.to is None and step != "check"] == []
    assert steps.move({"text": "x"}) == (Step.CHECK, None, True, False)


def test_a_change_from_the_summary_leads_back_to_it_by_the_questions_when_the_category_may_have_changed() -> None:
    assert steps.move({"step": "check", "go": "to-where"}) == (Step.CHECK, Step.WHERE, False, True)
    assert steps.move({"step": "where", "returning": "yes"}).to is Step.CHECK
    assert steps.move({"step": "what", "returning": "yes"}) == (Step.WHAT, Step.DETAILS, True, True)
    assert steps.move({"step": "details", "returning": "yes"}).to is Step.CHECK
    assert steps.move({"step": "who", "returning": "yes", "go": "back"}) == (Step.WHO, Step.CHECK, False, False)


def test_shown_and_hidden_fields_are_the_whole_draft_and_never_overlap() -> None:
    draft = {**dict.fromkeys(steps.DRAFT_FIELDS, "x"), "category_hint": "fraud"}
    for step in Step:
        assert steps.hidden(step, draft).keys() | set(steps.shown(step, draft)) == draft.keys()
        assert not steps.hidden(step, draft).keys() & set(steps.shown(step, draft))


def test_what_is_no_field_of_the_draft_does_not_travel() -> None:
    assert steps.draft_of({"text": "x", "extra": "y", "website": "z", "place": ""}) == {"text": "x"}


@given(st.text(max_size=40))
def test_line_ends_of_every_kind_become_one(text: str) -> None:
    assert "\r" not in typed(b"text=" + "".join(f"%{byte:02X}" for byte in text.encode()).encode())["text"]
