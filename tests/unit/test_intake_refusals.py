"""Every refusal of intake is told in the reader's language: to programs as a problem detail, to a browser as a page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import ibalagh.web
from ibalagh.web import problems
from ibalagh.web.problems import internal_error
from ibalagh.web.refusals import translated
from ibalagh.web.words import LANGUAGES
from services import intake
from services.intake import stix, stix_objects, submission, supplements, xarf
from services.intake.attached import ATTACHMENT_RULES
from services.intake.evidence.kinds import RULES as FILE_RULES
from services.intake.forms import read_texts
from services.intake.mapped import FOREIGN_RULES
from services.intake.publisher import Verdict
from services.intake.questions import PREFIX
from services.intake.refusals import problem_texts
from services.intake.steps import DRAFT_FIELDS, IDENTITY
from services.intake.submission import RULES, BatchLine, InvalidSubmissionError, Submission, parse
from tests.support.intake import app_client
from tests.unit.test_intake_http import Service, crowd, problem

FOLDER = Path(intake.__file__).parent
WEB = [Path(ibalagh.web.__file__).with_name(name) for name in ("auth.py", "problems.py", "middleware.py", "pages.py")]
TEXTS = problem_texts()
PAGES = read_texts()
UTF8 = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

# The rules that pydantic names, by the kind of schema that a field has.
_RULES_OF = {
    "any": (),
    "bool": ("bool_type", "bool_parsing"),
    "datetime": (
        *("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"),
        "finite_number",
    ),
    "dict": ("dict_type", "too_long", "too_short"),
    "enum": ("enum",),
    "int": (
        *("int_type", "int_parsing", "int_parsing_size", "int_from_float", "finite_number"),
        *("greater_than_equal", "less_than_equal"),
    ),
    "list": ("list_type", "too_long", "too_short"),
    "model": ("model_type", "missing", "extra_forbidden", "invalid_key", "recursion_loop"),
    "str": ("string_type", "string_too_short", "string_too_long", "string_pattern_mismatch", "string_unicode"),
    "tuple": ("tuple_type", "too_long", "too_short"),
}
_WRAPPERS = {
    *("default", "definition-ref", "definitions", "function-after", "function-before", "model-field", "model-fields"),
    *("no-info", "nullable"),
}


def codes() -> set[str]:
    """Every code that stands in the place of one in a `Problem`, in the code of intake and of what it is built on."""
    found = {*problems._CODES.values(), "refused", Verdict.KEY_REUSED.value, *FILE_RULES}
    for path in (*FOLDER.rglob("*.py"), *WEB):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                found |= {node.args[1].value} if isinstance(node.args[1], ast.Constant) else set()  # type: ignore[arg-type]
    return found


def schema_kinds(module: ModuleType) -> set[str]:
    """The kinds of schema in a module's models."""
    kinds: set[str] = set()

    def walk(schema: object) -> None:
        if isinstance(schema, dict):
            if isinstance(schema.get("type"), str):
                kinds.add(schema["type"])
            for each in schema.values():
                walk(each)
        elif isinstance(schema, list | tuple):
            for each in schema:
                walk(each)

    for model in vars(module).values():
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel:
            walk(model.__pydantic_core_schema__)
    return kinds


def rules() -> set[str]:
    kinds = {
        kind for module in (submission, supplements, stix, stix_objects, xarf) for kind in schema_kinds(module)
    } - _WRAPPERS
    return {*RULES, *FOREIGN_RULES, *ATTACHMENT_RULES, *(rule for kind in kinds for rule in _RULES_OF[kind])}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_code_and_every_rule_has_a_text_and_none_is_left_over(language: str) -> None:
    texts = TEXTS[language]
    assert set(texts["codes"]) == codes()
    assert set(texts["rules"]) == rules() - codes()
    for said in texts["codes"].values():
        assert set(said) == {"title", "detail"}
        assert all(said.values())
    assert all(texts["rules"].values())


def test_limits_stand_where_the_english_sentence_has_them() -> None:
    for texts in TEXTS.values():
        for section in ("codes", "rules"):
            for code, said in texts[section].items():
                assert ("{n}" in str(said)) == ("{n}" in str(TEXTS["fr"][section][code])), code


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de, zh;q=0.5", "en"),
        ("fr-MA, en;q=0.8", "fr"),
        ("en;q=0.5, ar;q=0.9", "ar"),
        ("es;q=0, *", "en"),
        ("ES", "es"),
        ("fr;q=x, ;;, ,", "fr"),
    ],
)
def test_a_problem_is_told_in_the_language_that_is_preferred_and_says_so(
    service: Service, accepted: str, language: str
) -> None:
    body = {"text": "x" * 20_001, "links": ["a"] * 21, "place": 1}
    english = problem(service.client.post("/v1/reports", json=body), 422, "invalid")
    response = service.client.post("/v1/reports", json=body, headers={"Accept-Language": accepted})
    told = problem(response, 422, "invalid")
    assert response.headers["content-language"] == language
    assert "Accept-Language" in response.headers["vary"]
    assert [(each["field"], each["rule"]) for each in told["errors"]] == [
        (each["field"], each["rule"]) for each in english["errors"]
    ]
    details = [each["detail"] for each in told["errors"]]
    if language == "en":
        assert told == english
    else:
        texts = TEXTS[language]
        assert (told["title"], told["detail"]) == tuple(texts["codes"]["invalid"].values())
        assert details == [
            texts["rules"]["string_too_long"].replace("{n}", "20000"),
            texts["rules"]["too_long"].replace("{n}", "20"),
            texts["rules"]["string_type"],
        ]


def test_a_refusal_keeps_its_members_and_headers_in_every_language(service: Service) -> None:
    crowd(service)
    for language in LANGUAGES:
        response = service.client.post("/v1/reports", json={"text": "x"}, headers={"Accept-Language": language})
        assert problem(response, 503, "busy")["challenge"] == "/v1/challenge"
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["cache-control"] == "no-store"
        refused = service.client.post("/v1/reports:batch", headers={"Accept-Language": language} | BROWSER)
        problem(refused, 401, "not_signed_in")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    response = service.client.post("/v1/reports", json={}, headers={"Accept-Language": "fr", "Altcha": "x"})
    assert problem(response, 400, "bad_proof")["errors"][0]["detail"] == TEXTS["fr"]["codes"]["bad_proof"]["detail"]


def test_what_has_no_text_stays_english() -> None:
    members = {
        "code": "new",
        "title": "New",
        "detail": "Yes.",
        "errors": [{"field": "a", "rule": "new", "detail": "D"}],
    }
    assert translated(members, TEXTS["fr"]) == members
    crash = orjson.loads(bytes(internal_error(LookupError()).body))
    assert translated(crash, TEXTS["fr"])["title"] == TEXTS["fr"]["codes"]["internal_error"]["title"]


@given(
    st.dictionaries(
        st.sampled_from(sorted(BatchLine.model_fields)) | UTF8,
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats()
        | UTF8
        | st.lists(UTF8, max_size=25)
        | st.dictionaries(UTF8, st.none(), max_size=2),
        max_size=5,
    )
)
def test_whatever_is_sent_breaks_no_rule_without_a_text(fields: dict[str, Any]) -> None:
    for model in (Submission, BatchLine):
        try:
            parse(model, orjson.dumps(fields))
        except InvalidSubmissionError as error:
            assert {each.rule for each in error.rules} <= {*TEXTS["ar"]["rules"], *TEXTS["ar"]["codes"]}  # noqa: PT017


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize(
    ("method", "path", "content", "status", "kind"),
    [
        ("GET", "/nowhere", b"", 404, "not_found"),
        ("POST", "/leave", b"", 405, "not_found"),
        ("POST", "/", b"\xff", 400, "bad_form"),
        ("POST", "/", b"text=" + b"x" * 2_100_000, 413, "too_large"),
        ("POST", "/status", b"x" * 17_000_000, 413, "too_large"),
        ("POST", "/receipt/file", b"a=b", 422, "bad_form"),
    ],
)
def test_a_browser_is_told_on_a_page_and_shown_the_way_back(
    service: Service, method: str, path: str, content: bytes, status: int, kind: str, language: str
) -> None:
    headers = BROWSER | {"Accept-Language": language}
    client = service.client
    response = (
        client.post(path, content=content, headers=headers) if method == "POST" else client.get(path, headers=headers)
    )
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-language"] == language
    form = PAGES[language]["form"]
    page = response.text.replace("&#39;", "'")
    assert form["refusals"][kind]["title"] in page
    assert form["refusals"][kind]["text"] in page
    assert (form["refusal_back"] in page) == (kind != "not_found")
    assert f'<a href="/?lang={language}">' in page
    assert "quick-exit" in page


def test_what_may_pass_is_to_be_loaded_again(service: Service) -> None:
    service.statuses.away = True
    response = service.client.post("/v1/status", json={"receipt": "x"}, headers=BROWSER)
    problem(response, 503, "unavailable")
    app = service.app

    @app.get("/away")
    def away() -> None:
        raise problems.unavailable()

    page = service.client.get("/away", headers=BROWSER | {"Accept-Language": "fr"})
    assert page.status_code == 503
    assert PAGES["fr"]["form"]["refusal_reload"] in page.text.replace("&#39;", "'")
    assert page.headers["retry-after"] == "2"


def test_programs_are_answered_as_programs_everywhere(service: Service) -> None:
    for accept in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        problem(service.client.get("/nowhere", headers=accept), 404, "not_found")
        problem(service.client.post("/", content=b"\xff", headers=accept), 400, "bad_form")
    problem(service.client.get("/v1/nowhere", headers=BROWSER), 404, "not_found")


def test_there_is_no_icon_and_that_is_no_error(service: Service) -> None:
    response = service.client.get("/favicon.ico", headers=BROWSER)
    assert (response.status_code, response.content) == (204, b"")


def test_every_text_of_the_pages_is_used() -> None:
    templates = "".join(path.read_text("utf-8") for path in (FOLDER / "templates").glob("*.html"))
    code = "".join((FOLDER / name).read_text("utf-8") for name in ("forms.py", "form_evidence.py", "refusals.py"))
    used = {*re.findall(r"\bt\.(\w+)", templates), *re.findall(r'\btexts(?:\[language\])?\["(\w+)"\]', code)}
    used |= {field for field in DRAFT_FIELDS if not field.startswith(PREFIX)} | set(IDENTITY)
    used_of_form = {*re.findall(r"\bt\.form\.(\w+)", templates), *re.findall(r'\b(?:own|words)\["(\w+)"\]', code)}
    used_of_form |= set(re.findall(r'\["form"\]\["(\w+)"\]', code))
    texts = yaml.safe_load((FOLDER / "texts" / "en.yaml").read_text("utf-8"))
    assert set(texts) - used == set()
    assert set(PAGES["en"]["form"]) - used_of_form == set()
