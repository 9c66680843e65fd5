"""The public form: plain pages that work without JavaScript, in the languages of `texts/`.

In: `application/x-www-form-urlencoded`, a page's fields and the rest of the draft, which travels along in hidden ones
(`services.intake.steps`); out: a page. Nothing of a draft is kept here. What is refused comes back with what was typed
and a summary of what to correct, at the step where that is asked. A form that is sent twice, by a reload or a second
press, answers with the same receipt.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
import yaml
from fastapi import FastAPI, Request, Response

from ibalagh.events.reports import HOME_COUNTRY
from ibalagh.events.vocabulary import Channel
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.words import COUNTRIES, LANGUAGES, OTHER_COUNTRY
from services.intake import questions, receipt_page, steps
from services.intake.admission import PATIENCE_S
from services.intake.admission import Refused as TurnedAway
from services.intake.draft_files import FILE_FIELDS, files_of
from services.intake.edge import COUNTRY
from services.intake.form_evidence import FIELD, page_without, read_page, shown, without_gone
from services.intake.form_files import Refused, Uploads
from services.intake.http import RETRY_AFTER_S, Intake, accept, later, read_body
from services.intake.metrics import intake_metrics
from services.intake.steps import IDENTITY, MAX_FORM_BYTES, Step
from services.intake.submission import InvalidSubmissionError, Submission, kept, parse_fields

PAGES: Final = Pages("services.intake")
_DRAFT: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PLAIN: Final = ("category_hint", "platform", "seen_at", "place", "origin_country")
_EVIDENCE: Final = ("text", "links")
_MOST_FIELDS: Final = 60
TEXT_MAX_CHARS: Final = 20_000 - questions.MAX_ANSWERS_CHARS
"""Longest text that the form takes, so that the answers fit below it."""


@cache
def read_texts() -> Mapping[str, Mapping[str, Any]]:
    """The texts of the pages by language; those of the form's steps are below `form`."""
    folder = files("services.intake") / "texts"

    def read(name: str) -> Any:
        return yaml.safe_load((folder / name).read_text(encoding="utf-8"))

    return {tag: {**read(f"{tag}.yaml"), "form": read(f"form/{tag}.yaml")} for tag in LANGUAGES}


def typed(body: bytes) -> dict[str, str]:
    """The fields of a posted form; of a repeated one the last. What was seen is kept as it came, but for what no page
    can carry (`kept`); elsewhere control characters, which nobody can see and so could correct, become spaces. Raises
    `Problem` 400."""
    try:
        return tidy(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Problem(400, "bad_form", "Not a form", "The body is not a form.") from None


def tidy(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Posted fields as `typed` gives them back."""
    return {name: _typed(name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in pairs}


def _typed(name: str, value: str) -> str:
    is_evidence = name in _EVIDENCE or name.startswith(questions.PREFIX)
    return kept(value) if is_evidence else _CONTROL.sub(" ", value)


def links_of(posted: Mapping[str, str]) -> list[str]:
    """The links of a form's field, one a line."""
    return [line.strip() for line in posted.get("links", "").split("\n") if line.strip()]


def submission_of(draft: Mapping[str, str]) -> Submission:
    """The submission that a draft says; empty fields count as not given, and to who chose to stay anonymous belongs no
    identity. Raises `InvalidSubmissionError`."""
    given: dict[str, object] = {name: draft[name] for name in _PLAIN if draft.get(name, "").strip()}
    identity = {name: draft[name].strip() for name in IDENTITY if draft.get(name, "").strip()}
    if draft.get("who") == "anonymous":
        identity = {}
    app = questions.answers(draft).get("closedapp")
    if app and "platform" not in given:
        given["platform"] = app
    return parse_fields(
        Submission,
        {
            **given,
            "text": questions.report_text(draft),
            "links": links_of(draft),
            "identity": identity or None,
            "attachments": [file.attachment_id for file in files_of(draft)],
        },
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
    named |= dict.fromkeys((FIELD, *FILE_FIELDS), own["files"])
    named |= {questions.PREFIX + code: question["label"] for code, question in own["questions"].items()}
    return {field: named.get(field) or texts[field] for field in (*steps.DRAFT_FIELDS, FIELD)}


async def read_plain(request: Request) -> dict[str, str]:
    """The fields of a page without files. Raises `Problem`."""
    return typed(await read_body(request, MAX_FORM_BYTES))


def add_routes(app: FastAPI, intake: Intake, quick_exit: str, uploads: Uploads) -> None:
    """Add the pages. `quick_exit` is where the button for leaving at once leads; `uploads` takes files."""
    texts = read_texts()

    def page(template: str, request: Request, status: int = 200, **values: Any) -> Response:
        language = choose_language(request)
        return PAGES.render(
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
        refused: Sequence[Refused] = (),
    ) -> Response:
        language = choose_language(request)
        draft = steps.draft_of(posted)
        said = texts[language]["rules"] | {FIELD: texts[language]["form"]["files_refused"]}
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
            presumed=_presumed(request),
            text_max=TEXT_MAX_CHARS,
            **shown(draft, refused, uploads.most, texts[language]["form"], said["other"]),
        )

    @app.get("/", include_in_schema=False)
    async def show_form(request: Request) -> Response:
        return form(request, Step.WHAT, {})

    @app.get("/leave", include_in_schema=False)
    async def leave(request: Request) -> Response:
        return page("leave.html", request)

    @app.post("/", include_in_schema=False)
    async def receive_form(request: Request) -> Response:
        posted, refused = await read_page(request, uploads, read_plain, tidy)
        if refused:
            return page_without(form, request, posted, refused)
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
            return later(response, max(refusal.retry_after_s, PATIENCE_S))
        content = repr(sorted(draft.items())).encode()
        key = form_key(posted.get("draft", ""), content)
        try:
            submission = submission_of(draft).located(request.scope.get(COUNTRY))
            accepted = await accept(intake, submission, Channel.FORM, key=key, body=content, now=now)
        except Problem as problem:
            left, gone = without_gone(problem, posted)
            if gone:
                return page_without(form, request, left, gone)
            return later(form(request, Step.CHECK, posted, problem.status, unavailable=True), RETRY_AFTER_S)
        return page("receipt.html", request, **receipt_page.values(accepted))


def _presumed(request: Request) -> str:
    """The country that the form offers first: the one that was looked up, if the form has it, else our own."""
    country = request.scope.get(COUNTRY) or HOME_COUNTRY
    return country if country in COUNTRIES["en"] else OTHER_COUNTRY


def admit(intake: Intake, posted: Mapping[str, str]) -> tuple[TurnedAway | None, str]:
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
