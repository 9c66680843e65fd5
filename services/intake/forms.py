"""The public form: plain pages that work without JavaScript, in the languages of `texts/`.

In: `application/x-www-form-urlencoded`; out: a page. A refused form comes back with what was typed and a summary of
what to correct. A form that is sent twice, by a reload or a second press, answers with the same receipt.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import yaml
from fastapi import FastAPI, Request, Response

from ibalagh.events.vocabulary import Channel
from ibalagh.stream.errors import PassingError
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.words import COUNTRIES, LANGUAGES
from services.intake import receipt_page
from services.intake.http import RETRY_AFTER_S, Intake, accept, read_body, status_of
from services.intake.submission import MAX_BODY_BYTES, MOROCCO, InvalidSubmissionError, Submission, parse_fields

_PAGES: Final = Pages("services.intake")
_DRAFT: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_IDENTITY: Final = ("name", "phone", "email", "national_id")
_PLAIN: Final = ("text", "category_hint", "platform", "seen_at", "place", "origin_country")
_MOST_FIELDS: Final = 50


def read_texts() -> Mapping[str, Mapping[str, Any]]:
    """The texts of the pages by language."""
    folder = files("services.intake") / "texts"
    return {tag: yaml.safe_load((folder / f"{tag}.yaml").read_text(encoding="utf-8")) for tag in LANGUAGES}


def typed(body: bytes) -> dict[str, str]:
    """The fields of a posted form; of a repeated one the last. Control characters, which nobody can see and so nobody
    could correct, become spaces. Raises `Problem` 400."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(400, "bad_form", "Not a form", "The body is not a form.") from None
    return {name: _CONTROL.sub(" ", value.replace("\r\n", "\n")) for name, value in pairs}


def submission_of(fields: Mapping[str, str]) -> Submission:
    """The submission that a form's fields say; empty fields count as not given. Raises `InvalidSubmissionError`."""
    given: dict[str, object] = {name: fields[name] for name in _PLAIN if fields.get(name, "").strip()}
    given.setdefault("text", "")
    links = [line.strip() for line in fields.get("links", "").split("\n") if line.strip()]
    identity = {name: fields[name].strip() for name in _IDENTITY if fields.get(name, "").strip()}
    return parse_fields(Submission, {**given, "links": links, "identity": identity or None})


def add_routes(app: FastAPI, intake: Intake) -> None:
    """Add the pages."""
    texts = read_texts()

    def page(template: str, request: Request, status: int = 200, **values: Any) -> Response:
        language = choose_language(request)
        return _PAGES.render(template, request, status=status, language=language, t=texts[language], **values)

    def form(request: Request, status: int = 200, **values: Any) -> Response:
        countries = COUNTRIES[choose_language(request)]
        defaults = {"values": {}, "errors": {}, "unavailable": False, "draft": secrets.token_urlsafe(24)}
        return page("form.html", request, status, countries=countries, **{**defaults, **values})

    @app.get("/", include_in_schema=False)
    async def show_form(request: Request) -> Response:
        return form(request)

    @app.post("/", include_in_schema=False)
    async def receive_form(request: Request) -> Response:
        fields = typed(await read_body(request, MAX_BODY_BYTES))
        draft = fields.pop("draft", "")
        now = intake.clock()
        try:
            submission = submission_of(fields).checked(now, trusted=False)
        except InvalidSubmissionError as error:
            rules = texts[choose_language(request)]["rules"]
            return form(request, 422, values=fields, errors=errors_by_field(error, rules), draft=draft)
        content = repr(sorted(fields.items())).encode()
        key = form_key(draft, content)
        try:
            accepted = await accept(intake, submission, Channel.FORM, key=key, body=content, now=now)
        except Problem as problem:
            response = form(request, problem.status, values=fields, unavailable=True, draft=draft)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        return page("receipt.html", request, **receipt_page.values(accepted))

    @app.get("/status", include_in_schema=False)
    async def ask_status(request: Request) -> Response:
        return page("status.html", request, status_word=None, unknown=False, unavailable=False, since="")

    @app.post("/status", include_in_schema=False)
    async def tell_status(request: Request) -> Response:
        receipt = typed(await read_body(request, MAX_BODY_BYTES)).get("receipt", "")[:100]
        answer: dict[str, Any] = {"status_word": None, "unknown": False, "unavailable": False, "since": ""}
        code = 200
        try:
            found = await status_of(intake, receipt)
            answer |= {"status_word": found.status, "since": f"{found.updated_at.astimezone(MOROCCO):%Y-%m-%d %H:%M}"}
        except Problem as problem:
            code, answer["unknown"] = problem.status, True
        except PassingError:
            code, answer["unavailable"] = 503, True
        return page("status.html", request, code, **answer)


def form_key(draft: str, content: bytes) -> bytes | None:
    """The idempotency key of a form: of its draft and its content, so that a corrected form is a new report."""
    if not _DRAFT.fullmatch(draft):
        return None
    return b"form:" + draft.encode() + b":" + hashlib.sha256(content).hexdigest().encode()


def errors_by_field(error: InvalidSubmissionError, rules: Mapping[str, str]) -> dict[str, str]:
    """What to correct, by the form's field, in the words of `rules`."""
    messages: dict[str, str] = {}
    for broken in error.rules:
        field = next((step for step in broken.field.split(".") if step != "identity"), "")
        rule = "not_blank" if broken.rule == "string_too_short" else broken.rule
        messages.setdefault(field, rules.get(rule, rules["other"]))
    return messages
