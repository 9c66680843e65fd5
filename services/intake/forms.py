"""The public form: plain pages that work without JavaScript, in the languages of `texts/`.

In: `application/x-www-form-urlencoded`, a page's fields and the rest of the draft, which travels along in hidden ones
(`services.intake.steps`); out: a page. Nothing of a draft is kept here. What is refused comes back with what was typed
and a summary of what to correct, at the step where that is asked. A form that is sent twice, by a reload or a second
press, answers with the same receipt.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
import yaml
from fastapi import FastAPI, Request, Response

from ibalagh.events.vocabulary import Channel
from ibalagh.stream.errors import PassingError
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.words import COUNTRIES, LANGUAGES
from services.intake import questions, receipt_page, steps
from services.intake.admission import PATIENCE_S, Refused
from services.intake.http import RETRY_AFTER_S, Intake, accept, read_body, status_of
from services.intake.metrics import intake_metrics
from services.intake.steps import IDENTITY, Step
from services.intake.submission import MAX_BODY_BYTES, MOROCCO, InvalidSubmissionError, Submission, parse_fields

_PAGES: Final = Pages("services.intake")
_DRAFT: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PLAIN: Final = ("category_hint", "platform", "seen_at", "place", "origin_country")
_MOST_FIELDS: Final = 50
_MAX_FORM_BYTES: Final = 1_048_576
"""Room for the longest draft, when a browser writes every character of it as the escapes of three bytes."""
TEXT_MAX_CHARS: Final = 20_000 - questions.MAX_ANSWERS_CHARS
"""Longest text that the form takes, so that the answers fit below it."""


def read_texts() -> Mapping[str, Mapping[str, Any]]:
    """The texts of the pages by language; those of the form's steps are below `form`."""
    folder = files("services.intake") / "texts"

    def read(name: str) -> Any:
        return yaml.safe_load((folder / name).read_text(encoding="utf-8"))

    return {tag: {**read(f"{tag}.yaml"), "form": read(f"form/{tag}.yaml")} for tag in LANGUAGES}


def typed(body: bytes) -> dict[str, str]:
    """The fields of a posted form; of a repeated one the last. Control characters, which nobody can see and so nobody
    could correct, become spaces. Raises `Problem` 400."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(400, "bad_form", "Not a form", "The body is not a form.") from None
    return {name: _CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in pairs}


def submission_of(draft: Mapping[str, str]) -> Submission:
    """The submission that a draft says; empty fields count as not given, and to who chose to stay anonymous belongs no
    identity. Raises `InvalidSubmissionError`."""
    given: dict[str, object] = {name: draft[name] for name in _PLAIN if draft.get(name, "").strip()}
    links = [line.strip() for line in draft.get("links", "").split("\n") if line.strip()]
    identity = {name: draft[name].strip() for name in IDENTITY if draft.get(name, "").strip()}
    if draft.get("who") == "anonymous":
        identity = {}
    app = questions.answers(draft).get("closedapp")
    if app and "platform" not in given:
        given["platform"] = app
    return parse_fields(
        Submission, {**given, "text": questions.report_text(draft), "links": links, "identity": identity or None}
    )


def problems_of(draft: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The fields of a draft that break a rule, with the rule's code; none of a draft that can be sent."""
    broken = questions.broken(draft)
    try:
        submission_of(draft).checked(now, trusted=False)
    except InvalidSubmissionError as error:
        for each in error.rules:
            field = next((part for part in each.field.split(".") if part != "identity"), "")
            broken.setdefault(field, "not_blank" if each.rule == "string_too_short" else each.rule)
    return broken


def problems_at(step: Step, draft: Mapping[str, str], now: datetime) -> dict[str, str]:
    """As `problems_of`, of what one step asks for, whatever else is still to come or to correct."""
    own = {name: value for name, value in draft.items() if name in steps.FIELDS[step]}
    asked_by = {name: draft[name] for name in ("category_hint", "messenger") if name in draft}
    whole = {"text": "-", **asked_by, **own} if step is not Step.WHAT else own
    return {field: rule for field, rule in problems_of(whole, now).items() if field in steps.FIELDS[step]}


def labels(texts: Mapping[str, Any]) -> dict[str, str]:
    """What each field of the draft is called."""
    own = texts["form"]
    named = {"category_hint": texts["category"], "origin_country": texts["country"]}
    named |= {"who": own["who_choice"], "messenger": own["messenger"]}
    named |= {questions.PREFIX + code: question["label"] for code, question in own["questions"].items()}
    return {field: named.get(field) or texts[field] for field in steps.DRAFT_FIELDS}


def add_routes(app: FastAPI, intake: Intake, quick_exit: str) -> None:
    """Add the pages. `quick_exit` is where the button for leaving at once leads."""
    texts = read_texts()

    def page(template: str, request: Request, status: int = 200, **values: Any) -> Response:
        language = choose_language(request)
        return _PAGES.render(
            template, request, status=status, language=language, t=texts[language], quick_exit=quick_exit, **values
        )

    def form(
        request: Request,
        step: Step,
        posted: Mapping[str, str],
        status: int = 200,
        *,
        returning: bool = False,
        rules: Mapping[str, str] | None = None,
        unavailable: bool = False,
        suspicious: bool = False,
        busy: bool = False,
        challenge: str = "",
    ) -> Response:
        language = choose_language(request)
        draft = steps.draft_of(posted)
        said = texts[language]["rules"]
        token = posted.get("draft", "")
        return page(
            "form.html",
            request,
            status,
            step=step.value,
            number=steps.number(step),
            total=len(Step),
            draft=draft,
            hidden=steps.hidden(step, draft),
            token=token if _DRAFT.fullmatch(token) else secrets.token_urlsafe(24),
            website=posted.get("website", ""),
            returning=returning,
            errors={field: said.get(rule, said["other"]) for field, rule in (rules or {}).items()},
            labels=labels(texts[language]),
            unavailable=unavailable,
            suspicious=suspicious,
            busy=busy,
            challenge=challenge,
            patience=intake.admission.patience(posted.get("patience")),
            asked=questions.catalogue(),
            group=questions.group_of(draft),
            answers=questions.answers(draft),
            identity=IDENTITY,
            countries=COUNTRIES[language],
            text_max=TEXT_MAX_CHARS,
        )

    @app.get("/", include_in_schema=False)
    async def show_form(request: Request) -> Response:
        return form(request, Step.WHAT, {})

    @app.get("/leave", include_in_schema=False)
    async def leave(request: Request) -> Response:
        return page("leave.html", request)

    @app.post("/", include_in_schema=False)
    async def receive_form(request: Request) -> Response:
        posted = typed(await read_body(request, _MAX_FORM_BYTES))
        at, to, checks, returning = steps.move(posted)
        draft, now = steps.draft_of(posted), intake.clock()
        if to is not None:
            rules = problems_at(at, draft, now) if checks else {}
            if rules:
                return form(request, at, posted, 422, rules=rules, returning=posted.get("returning") == steps.YES)
            return form(request, to, posted, returning=returning)
        return await send(request, posted, draft, now)

    async def send(request: Request, posted: Mapping[str, str], draft: Mapping[str, str], now: datetime) -> Response:
        wrong = problems_of(draft, now)
        if wrong:
            step = steps.first_with(wrong)
            here = {field: rule for field, rule in wrong.items() if field in steps.FIELDS[step]}
            return form(request, step, posted, 422, rules=here, returning=True)
        if posted.get("website") and posted.get("confirmed") != steps.YES:
            return form(request, Step.CHECK, posted, 422, suspicious=True)
        refusal, challenge = admit(intake, posted)
        if refusal is not None:
            intake_metrics().refused("busy")
            response = form(request, Step.CHECK, posted, 503, busy=True, challenge=challenge)
            response.headers["Retry-After"] = str(max(refusal.retry_after_s, PATIENCE_S))
            return response
        content = repr(sorted(draft.items())).encode()
        key = form_key(posted.get("draft", ""), content)
        try:
            accepted = await accept(intake, submission_of(draft), Channel.FORM, key=key, body=content, now=now)
        except Problem as problem:
            response = form(request, Step.CHECK, posted, problem.status, unavailable=True)
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


def admit(intake: Intake, posted: Mapping[str, str]) -> tuple[Refused | None, str]:
    """Whether a form is taken in, by its proof of work or by patience; and, where it is not, the challenge for a script
    as JSON: none for whom a proof was of no use, who would be set to work for ever."""
    refusal = intake.admission.admit(posted.get("proof"), posted.get("patience"))
    if refusal is not None and refusal.bad_proof:
        return intake.admission.admit(patience=posted.get("patience")), ""
    return refusal, "" if refusal is None else orjson.dumps(intake.proofs.challenge()).decode()


def form_key(draft: str, content: bytes) -> bytes | None:
    """The idempotency key of a form: of its draft and its content, so that a corrected form is a new report."""
    if not _DRAFT.fullmatch(draft):
        return None
    return b"form:" + draft.encode() + b":" + hashlib.sha256(content).hexdigest().encode()
