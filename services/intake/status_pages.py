"""The pages for following a report with its receipt: how far it has come, messages, a form to answer, a withdrawal.

In: `application/x-www-form-urlencoded` with the receipt, which travels in bodies alone and never in an address; out: a
page. Nothing of a reporter's own words is ever shown: who finds a receipt should not read them. What could not be taken
in comes back with what was typed. A form that is sent twice is one supplement.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import Any, Final

import yaml
from fastapi import FastAPI, Request, Response

from ibalagh.events.vocabulary import SupplementKind
from ibalagh.stream.errors import PassingError
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.words import LANGUAGES
from services.intake.admission import PATIENCE_S
from services.intake.dialogue import Dialogue, Verdict
from services.intake.dialogue_store import WINDOW
from services.intake.forms import PAGES, form_key, links_of, read_texts, typed
from services.intake.http import RETRY_AFTER_S, Intake, later, read_body, status_of
from services.intake.metrics import intake_metrics
from services.intake.steps import MAX_FORM_BYTES, YES
from services.intake.submission import MOROCCO, InvalidSubmissionError, parse_fields
from services.intake.supplements import Supplement, Withdrawal
from services.intake.timeline import timeline

_MAX_RECEIPT_CHARS: Final = 100
_STATUS_OF: Final[Mapping[Verdict, int]] = {
    Verdict.ACCEPTED: 200,
    Verdict.UNKNOWN_RECEIPT: 404,
    Verdict.TOO_MANY: 429,
    Verdict.KEY_REUSED: 422,
    Verdict.UNAVAILABLE: 503,
}
BUSY: Final = "busy"
_NOTHING: Final[dict[str, Any]] = {"found": None, "unknown": False, "unavailable": False}


def read_dialogue_texts() -> Mapping[str, Mapping[str, Any]]:
    """The texts of these pages, by language, beside those of all pages."""
    folder = files("services.intake") / "texts" / "dialogue"
    return {tag: yaml.safe_load((folder / f"{tag}.yaml").read_text(encoding="utf-8")) for tag in LANGUAGES}


def supplement_of(posted: Mapping[str, str]) -> Supplement:
    """What the form says. Raises `InvalidSubmissionError`."""
    given = {name: posted[name] for name in ("receipt", "kind", "text") if name in posted}
    return parse_fields(Supplement, {**given, "links": links_of(posted)})


def broken_fields(error: InvalidSubmissionError) -> dict[str, str]:
    """The fields of the form that break a rule, with the rule's code."""
    rules = ((each.field.partition(".")[0], each.rule) for each in error.rules)
    return {field: "not_blank" if rule in {"string_too_short", "missing"} else rule for field, rule in rules}


class StatusPages:
    """The pages and what they need; without `dialogue` they show the status alone."""

    def __init__(self, intake: Intake, dialogue: Dialogue | None, quick_exit: str) -> None:
        self._intake = intake
        self._dialogue = dialogue
        self._quick_exit = quick_exit
        self._texts = read_texts()
        self._own_texts = read_dialogue_texts()

    async def ask_status(self, request: Request) -> Response:
        """The question for a receipt."""
        return self._page("status.html", request, **_NOTHING)

    async def tell_status(self, request: Request) -> Response:
        """The answer to a receipt."""
        return await self._show(request, await _fields(request))

    async def take_supplement(self, request: Request) -> Response:
        """A supplement or an answer."""
        posted = await _fields(request)
        if wait_s := self._busy_s(posted):
            return later(await self._show(request, posted, 503, notice=BUSY), wait_s)
        try:
            supplement = supplement_of(posted)
        except InvalidSubmissionError as error:
            return await self._show(request, posted, 422, errors=broken_fields(error))
        return await self._amend(request, posted, supplement, "sent")

    async def take_withdrawal(self, request: Request) -> Response:
        """The page that says what a withdrawal does; once that is confirmed, the withdrawal."""
        posted = await _fields(request)
        patience = self._intake.admission.patience(posted.get("patience"))
        confirm = partial(self._page, "withdraw.html", request, receipt=posted["receipt"], patience=patience)
        if posted.get("confirmed") != YES:
            return confirm(busy=False)
        if wait_s := self._busy_s(posted):
            return later(confirm(503, busy=True), wait_s)
        erase = posted.get("erase_identity") == YES
        try:
            withdrawal = parse_fields(Withdrawal, {"receipt": posted["receipt"], "erase_identity": erase})
        except InvalidSubmissionError:
            return await self._show(request, posted)
        return await self._amend(request, posted, withdrawal, "withdrawn")

    async def _amend(
        self, request: Request, posted: Mapping[str, str], said: Supplement | Withdrawal, done: str
    ) -> Response:
        """Take it in, and show what came of it; what was typed stays unless it was taken in."""
        assert self._dialogue is not None  # noqa: S101 - else there are no routes that lead here
        content = repr(sorted(said.model_dump(mode="json").items())).encode()
        key = form_key(posted.get("draft", ""), content)
        outcome = await self._dialogue.amend(said, now=self._intake.clock(), key=key, body=content)
        if outcome.verdict is Verdict.ACCEPTED:
            return await self._show(request, {"receipt": posted["receipt"]}, notice=done)
        response = await self._show(request, posted, _STATUS_OF[outcome.verdict], notice=outcome.verdict.value)
        if outcome.verdict is Verdict.TOO_MANY:
            return later(response, int(WINDOW.total_seconds()))
        return later(response, RETRY_AFTER_S) if outcome.verdict is Verdict.UNAVAILABLE else response

    async def _show(
        self,
        request: Request,
        posted: Mapping[str, str],
        code: int = 200,
        *,
        notice: str = "",
        errors: Mapping[str, str] | None = None,
    ) -> Response:
        """The page of a report, or what is wrong with its receipt. `notice` says what came of what was sent; `errors`
        are rules by field."""
        try:
            found = await status_of(self._intake, posted["receipt"])
        except Problem as problem:
            return self._page("status.html", request, problem.status, **_NOTHING | {"unknown": True})
        except PassingError:
            return self._page("status.html", request, 503, **_NOTHING | {"unavailable": True})
        said = self._texts[choose_language(request)]["rules"]
        return self._page(
            "status.html",
            request,
            code,
            **_NOTHING | {"found": found},
            steps=timeline(found.status),
            notice=notice,
            errors={field: said.get(rule, said["other"]) for field, rule in (errors or {}).items()},
            draft=posted,
            token=posted.get("draft") or secrets.token_urlsafe(24),
            patience=self._intake.admission.patience(posted.get("patience")),
            kinds=list(SupplementKind),
            talks=self._dialogue is not None,
            local=MOROCCO,
        )

    def _page(self, template: str, request: Request, status: int = 200, **values: Any) -> Response:
        language = choose_language(request)
        own = {"t": self._texts[language], "d": self._own_texts[language], "quick_exit": self._quick_exit}
        return PAGES.render(template, request, status=status, language=language, **own, **values)

    def _busy_s(self, posted: Mapping[str, str]) -> int:
        """How long to wait, when very many come; 0 to go on."""
        refusal = self._intake.admission.admit(patience=posted.get("patience"))
        if refusal is None:
            return 0
        intake_metrics().refused(BUSY)
        return max(refusal.retry_after_s, PATIENCE_S)


async def _fields(request: Request) -> dict[str, str]:
    posted = typed(await read_body(request, MAX_FORM_BYTES))
    return {**posted, "receipt": posted.get("receipt", "")[:_MAX_RECEIPT_CHARS]}


def add_routes(app: FastAPI, intake: Intake, dialogue: Dialogue | None, quick_exit: str) -> None:
    """Add the pages. `quick_exit` is where the button for leaving at once leads."""
    pages = StatusPages(intake, dialogue, quick_exit)
    app.get("/status", include_in_schema=False)(pages.ask_status)
    app.post("/status", include_in_schema=False)(pages.tell_status)
    if dialogue is not None:
        app.post("/status/supplement", include_in_schema=False)(pages.take_supplement)
        app.post("/status/withdraw", include_in_schema=False)(pages.take_withdrawal)
