"""The public form without JavaScript: four languages, labels, a summary of errors, a receipt that a reload repeats."""

import html
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote_plus

import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import ReportReceivedV1
from ibalagh.events.vocabulary import Category, Channel
from ibalagh.web.middleware import CONTENT_SECURITY_POLICY, SCRIPTED_POLICY
from ibalagh.web.problems import Problem
from ibalagh.web.words import LANGUAGES
from services.intake.forms import TEXT_MAX_CHARS, form_key, problems_of, read_texts, submission_of, typed
from services.intake.publisher import Verdict
from services.intake.status import Status
from services.intake.steps import DRAFT_FIELDS, Step
from services.intake.store import ReportStatus
from services.intake.submission import RULES, InvalidSubmissionError
from tests.support.intake import app_client
from tests.unit.test_intake_http import NOW, Service

TEXTS = read_texts()
FULL = {
    "text": "What was seen\r\nin two lines",
    "category_hint": "fraud",
    "links": "https://a.example/1\r\n\r\n https://b.example/2 ",
    "platform": "a site",
    "seen_at": "2026-06-01T10:00",
    "origin_country": "FR",
    "place": "Lyon",
    "name": "Invented Person",
    "phone": "",
    "email": "person@mail.example",
    "national_id": " ",
}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made


class Page(HTMLParser):
    """What a screen reader and a security reviewer look for in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]


def draft_of(html: str) -> str:
    found = re.search(r'name="draft" value="([^"]+)"', html)
    assert found
    return found[1]


def shape(texts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shape(text) if isinstance(text, dict) else type(text) for name, text in texts.items()}


def test_every_language_says_everything() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    for texts in TEXTS.values():
        assert shape(texts) == shape(TEXTS["en"])
        assert set(texts["categories"]) == set(Category) - {Category.OUT_OF_SCOPE}
        assert set(texts["statuses"]) == set(Status)
        assert set(texts["rules"]) - {"other", "string_too_long", "too_long"} <= set(RULES)


@pytest.mark.parametrize(
    ("header", "query", "language", "direction"),
    [
        ("", "", "ar", "rtl"),
        ("fr-FR,en;q=0.8", "", "fr", "ltr"),
        ("de, es;q=0.5", "", "es", "ltr"),
        ("fr", "?lang=en", "en", "ltr"),
        ("fr", "?lang=xx", "fr", "ltr"),
    ],
)
def test_the_language_is_the_one_asked_for(
    service: Service, header: str, query: str, language: str, direction: str
) -> None:
    response = service.client.get(f"/{query}", headers={"Accept-Language": header})
    html = Page(response.text).all("html")[0]
    assert (html["lang"], html["dir"]) == (language, direction)
    assert TEXTS[language]["form"]["emergency"] in response.text.replace("&#39;", "'")
    assert response.text.index(TEXTS[language]["emergency_title"]) < response.text.index("<form")


def every_page(service: Service, language: str) -> Iterator[tuple[str, Response]]:
    """Every page for the public, by name: questions of every category, with and without errors, up to the receipt."""
    client, at = service.client, f"/?lang={language}"
    for path in ("/", "/status", "/leave"):
        yield path, client.get(f"{path}?lang={language}")
    for step in Step:
        yield step, client.post(at, data={**FULL, "step": step, "go": "stay"})
    for category in ("", *TEXTS["en"]["categories"]):
        asked = {**FULL, "category_hint": category, "messenger": "yes", "step": "what"}
        yield f"details {category}", client.post(at, data=asked)
    yield "wrong", client.post(at, data={**FULL, "step": "where", "seen_at": "1999-01-01"})
    yield "honeypot", client.post(at, data={**FULL, "step": "check", "website": "x"})
    yield "receipt", client.post(at, data={**FULL, "step": "check"})
    yield "unknown receipt", client.post(f"/status?lang={language}", data={"receipt": "x"})
    service.queue.verdict = Verdict.UNAVAILABLE
    yield "unavailable", client.post(at, data={**FULL, "step": "check"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_safe_needs_no_script_and_labels_every_field(service: Service, language: str) -> None:
    for name, response in every_page(service, language):
        page = Page(response.text)
        assert not page.all("iframe", "style"), name
        scripts = page.all("script")
        assert all(each["type"] == "module" and (each["src"] or "").startswith("/assets/") for each in scripts), name
        assert bool(scripts) == (name != "/leave"), name
        inline = [each for _, given in page.tags for each in given if each == "style" or each.startswith("on")]
        assert not inline, name
        fields = [each for each in page.all("input", "select", "textarea") if each.get("type") != "hidden"]
        assert {each["id"] for each in fields} == {each["for"] for each in page.all("label")}, name
        assert len(page.ids) == len(set(page.ids)), name
        described = [(given.get("aria-describedby") or "").split() for _, given in page.tags]
        assert {id_ for ids in described for id_ in ids} <= set(page.ids), name
        assert all(
            (each.get("href") or "").startswith(("/", "#", "tel:", "data:,")) for each in page.all("a", "link")
        ), name
        assert all((each["action"] or "").startswith("/") for each in page.all("form")), name
        assert "set-cookie" not in response.headers, name
        assert response.headers["referrer-policy"] == "no-referrer", name
        assert response.headers["cache-control"] == "no-store", name
        policy = SCRIPTED_POLICY if scripts else CONTENT_SECURITY_POLICY
        assert response.headers["content-security-policy"] == policy, name


def test_a_filled_form_becomes_a_report_and_shows_the_receipt_once(service: Service) -> None:
    response = service.client.post("/?lang=fr", data=FULL)
    assert response.status_code == 200
    [prepared] = service.queue.reports
    assert prepared.receipt in response.text
    assert prepared.record.value is not None
    data = ReportReceivedV1.model_validate_json(prepared.record.value)
    assert data.text == "What was seen\nin two lines"
    assert data.links == ("https://a.example/1", "https://b.example/2")
    assert (data.category_hint, data.platform, data.place) == (Category.FRAUD, "a site", "Lyon")
    assert (data.facts.country, data.facts.identified, data.facts.channel) == ("FR", True, Channel.FORM)
    assert prepared.sealed is not None


def test_only_the_text_is_needed(service: Service) -> None:
    response = service.client.post(
        "/", data={"text": "x", "origin_country": "MA"} | dict.fromkeys(("links", "name"), "")
    )
    assert response.status_code == 200
    assert service.queue.reports[0].sealed is None


def test_a_form_sent_twice_is_one_report_and_a_corrected_one_another(service: Service) -> None:
    draft = draft_of(service.client.get("/").text)
    for text in ("x", "x", "y"):
        assert service.client.post("/", data={"text": text, "draft": draft}).status_code == 200
    first, again, other = (each.retry for each in service.queue.reports)
    assert first == again
    assert first is not None
    assert other is not None
    assert first.key != other.key
    assert draft_of(service.client.get("/").text) != draft


def test_errors_are_summed_up_linked_and_nothing_typed_is_lost(service: Service) -> None:
    links = "\n".join(f"https://a.example/{number}" for number in range(21))
    wrong = {**FULL, "step": "where", "links": links, "seen_at": "1999-01-01T10:00", "place": "<b>x</b>"}
    response = service.client.post("/?lang=en", data=wrong)
    assert response.status_code == 422
    page = Page(response.text)
    assert page.all("title") == [{}]
    assert f"<title>{TEXTS['en']['form']['error']}: " in response.text
    assert any(each.get("role") == "alert" and "autofocus" in each for each in page.all("div"))
    assert {"#links", "#seen_at"} <= {each.get("href") for each in page.all("a")}
    assert {"links-error", "seen_at-error"} <= set(page.ids)
    assert [each.get("aria-invalid") for each in page.all("textarea")] == ["true"]
    for kept in ("a.example/20", "Invented Person", "&lt;b&gt;x&lt;/b&gt;", TEXTS["en"]["rules"]["not_before_2000"]):
        assert kept in response.text
    assert "<b>x" not in response.text
    assert not service.queue.reports


def test_what_is_wrong_at_the_end_is_shown_at_the_step_that_asks_for_it(service: Service) -> None:
    response = service.client.post(
        "/?lang=en", data={**FULL, "step": "check", "text": " ", "seen_at": "1999-01-01T10:00"}
    )
    assert response.status_code == 422
    page = Page(response.text)
    assert [each["value"] for each in page.all("input") if each.get("name") == "step"] == ["what"]
    assert [each.get("href") for each in page.all("a") if (each.get("href") or "").startswith("#")] == [
        "#main",
        "#text",
    ]
    assert not service.queue.reports


def test_a_step_asks_for_its_own_fields_only_and_going_back_for_nothing(service: Service) -> None:
    wrong_elsewhere = {"seen_at": "1999-01-01T10:00", "text": ""}
    for posted, step, status in (
        ({"step": "place", "go": "next"}, "who", 200),
        ({"step": "where", "go": "back"}, "details", 200),
        ({"step": "where", "go": "stay"}, "where", 200),
        ({"step": "where", "go": "next"}, "where", 422),
        ({"step": "check", "go": "to-place"}, "place", 200),
        ({"step": "place", "go": "next", "returning": "yes"}, "check", 200),
        ({"step": "nowhere", "go": "nothing"}, "what", 422),
    ):
        response = service.client.post("/", data={**wrong_elsewhere, **posted})
        [at] = [each["value"] for each in Page(response.text).all("input") if each.get("name") == "step"]
        assert (at, response.status_code) == (step, status), posted


def test_who_stays_anonymous_gives_no_identity_whatever_is_in_the_fields(service: Service) -> None:
    assert submission_of({"text": "x", "name": "Invented Person", "who": "anonymous"}).identity is None
    assert submission_of({"text": "x", "name": "Invented Person", "who": "named"}).identity is not None
    response = service.client.post("/?lang=en", data={**FULL, "step": "who", "who": "anonymous"})
    assert TEXTS["en"]["form"]["not_sent"] in response.text


def test_a_filled_honeypot_loses_no_report_but_asks_once_more(service: Service) -> None:
    filled = {**FULL, "step": "check", "website": "https://spam.example"}
    asked = service.client.post("/?lang=en", data=filled)
    assert asked.status_code == 422
    assert TEXTS["en"]["form"]["honeypot_title"] in asked.text
    assert "Invented Person" in asked.text
    assert not service.queue.reports
    assert service.client.post("/?lang=en", data={**filled, "confirmed": "yes"}).status_code == 200
    assert len(service.queue.reports) == 1


def test_the_honeypot_is_hidden_from_people_and_screen_readers_and_has_a_label(service: Service) -> None:
    text = service.client.get("/?lang=en").text
    found = re.search(
        r'<div class="off-page" aria-hidden="true">\s*<label for="website">[^<]+</label>\s*<input ([^>]+)>', text
    )
    assert found
    assert 'tabindex="-1"' in found[1]
    assert 'autocomplete="off"' in found[1]


def test_the_way_out_comes_first_and_names_nobody(service: Service) -> None:
    page = Page(service.client.get("/?lang=en").text)
    first = next(each for tag, each in page.tags if tag in {"a", "button", "input", "select", "textarea"})
    assert (first["href"], first["rel"]) == ("/leave", "noreferrer noopener")
    harmless = service.client.get("/leave")
    assert harmless.status_code == 200
    assert "balagh" not in harmless.text
    assert "set-cookie" not in harmless.headers


@pytest.mark.parametrize("field", ["category_hint", "origin_country", "seen_at"])
def test_a_value_that_the_form_does_not_offer_is_refused_and_not_a_crash(service: Service, field: str) -> None:
    response = service.client.post("/", data={"text": "x", field: '"><script>alert(1)</script>'})
    assert response.status_code == 422
    assert "<script>" not in response.text


def test_when_nothing_can_be_promised_the_text_comes_back_without_a_receipt(service: Service) -> None:
    service.queue.verdict = Verdict.UNAVAILABLE
    response = service.client.post("/?lang=en", data=FULL)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert TEXTS["en"]["unavailable"] in response.text
    assert "Invented Person" in response.text
    assert service.queue.reports[0].receipt not in response.text


def test_the_status_page_answers_a_receipt_and_says_the_same_to_every_wrong_one(service: Service) -> None:
    service.client.post("/", data={"text": "x"})
    [prepared] = service.queue.reports
    service.statuses.known[prepared.receipt_hash] = ReportStatus(Status.REFERRED, NOW)
    right = service.client.post("/status?lang=en", data={"receipt": prepared.receipt.lower()})
    assert right.status_code == 200
    assert TEXTS["en"]["statuses"]["referred"] in right.text
    wrong = [service.client.post("/status?lang=en", data={"receipt": each}) for each in ("x", prepared.receipt[:-1])]
    assert {each.status_code for each in wrong} == {404}
    assert wrong[0].text == wrong[1].text
    assert TEXTS["en"]["unknown_receipt"] in wrong[0].text
    service.statuses.away = True
    assert service.client.post("/status?lang=en", data={"receipt": "x"}).status_code == 503


def test_the_longest_draft_comes_through_in_the_script_that_takes_most_bytes(service: Service) -> None:
    letter = "ⴰ"
    draft = dict.fromkeys(DRAFT_FIELDS - {"seen_at"}, letter * 200) | {
        "text": letter * TEXT_MAX_CHARS,
        "links": "\n".join([letter * 2_048] * 20),
        "category_hint": "fraud",
        "origin_country": "FR",
        "who": "named",
        "q_paidhow": "card",
    }
    response = service.client.post("/", data={**draft, "step": "check", "go": "stay"})
    assert response.status_code == 200
    assert response.text.count(letter * 2_048) >= 20
    assert service.client.post("/", data={**draft, "step": "check", "messenger": "yes"}).status_code == 200
    assert service.client.post("/", content=b"text=" + b"x" * 2_100_000).status_code == 413


def test_a_text_that_is_far_too_long_comes_back_with_what_to_shorten(service: Service) -> None:
    draft = {"text": "x" * 1_200_000, "category_hint": "fraud", "place": "Tanger", "step": "what", "go": "next"}
    page = service.client.post("/?lang=en", data=draft)
    assert page.status_code == 422
    assert read_texts()["en"]["rules"]["string_too_long"] in page.text
    assert "x" * 1_200_000 in page.text
    assert 'value="Tanger"' in page.text


def test_a_body_that_is_no_form_is_refused() -> None:
    for body in (b"\xff", b"&".join(b"a%d=1" % number for number in range(61))):
        with pytest.raises(Problem):
            typed(body)


def test_what_was_seen_keeps_every_character_that_a_page_can_carry() -> None:
    for field in ("text", "links", "q_paidto"):
        assert typed(field.encode() + b"=a%00b%1bc%0D%0Ad%09e%E2%80%AE") == {field: "a\\u0000b\x1bc\nd\te\u202e"}


def test_elsewhere_control_characters_become_spaces_since_nobody_could_correct_them() -> None:
    assert typed(b"place=a%00b%1bc%0D%0Ad%09e")["place"] == "a b c\nd\te"


def test_odd_characters_are_marked_in_the_summary_and_reach_the_event_as_typed(service: Service) -> None:
    odd = {"text": "pay \u202eecnis\x1b here\x00", "links": "https://p\u0430y.example/\u200b"}
    summary = service.client.post("/", data={**odd, "step": "who"})
    assert "⟦U+202E⟧</span>ecnis" in summary.text
    assert "https://p\u0430y.example/<span class" in summary.text
    sent = {
        name: html.unescape(value) for name, value in re.findall(r'name="(text|links)" value="([^"]*)"', summary.text)
    }
    assert service.client.post("/", data={**sent, "step": "check"}).status_code == 200
    event = ReportReceivedV1.model_validate_json(service.queue.reports[-1].record.value or b"")
    assert event.text == "pay \u202eecnis\x1b here\\u0000"
    assert event.links == ("https://p\u0430y.example/\u200b",)


@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: b"text=" + quote_plus(text).encode()))
def test_any_bytes_are_a_draft_or_no_form(body: bytes) -> None:
    try:
        draft = typed(body)
    except Problem as problem:
        assert problem.code == "bad_form"  # noqa: PT017
        return
    for value in draft.values():
        assert "\0" not in value
        value.encode()
    problems_of(draft, NOW)


def test_a_draft_that_is_not_ours_gives_no_key() -> None:
    assert form_key("", b"x") is None
    assert form_key("short", b"x") is None
    assert form_key("é" * 20, b"x") is None
    assert form_key("x" * 32, b"x") != form_key("x" * 32, b"y")


@given(st.dictionaries(st.sampled_from([*FULL, "else"]), st.text(max_size=60)))
def test_any_fields_are_a_submission_or_named_rules(fields: dict[str, str]) -> None:
    try:
        submission_of(fields)
    except InvalidSubmissionError as error:
        assert error.rules  # noqa: PT017
