"""The pages for following a report with its receipt: how far it has come, messages, a form to answer, a withdrawal.

In: a form with the receipt, which travels in bodies alone and never in an address, and with files perhaps
(`multipart/form-data`, as on the form's page for files); out: a page. Nothing of a reporter's own words is ever shown:
who finds a receipt should not read them. What could not be taken in comes back with what was typed. A form that is sent
twice is one supplement.
"""

import secrets
from collections.abc import Mapping, Sequence
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
from services.intake.attached import Upload
from services.intake.dialogue import Dialogue, Verdict
from services.intake.dialogue_store import WINDOW
from services.intake.draft_files import REMOVE, files_of
from services.intake.form_evidence import FIELD, read_page, shown, without_gone
from services.intake.form_files import NOT_NOW, Refused, Uploads
from services.intake.forms import PAGES, form_key, links_of, read_plain, read_texts, tidy
from services.intake.http import RETRY_AFTER_S, Intake, invalid, later, refused_files, status_of, uploads_of
from services.intake.metrics import intake_metrics
from services.intake.steps import YES
from services.intake.submission import MOROCCO, InvalidSubmissionError, parse_fields
from services.intake.supplements import Supplement, Withdrawal
from services.intake.timeline import timeline

_MAX_RECEIPT_CHARS: Final = 100
_STATUS_OF: Final[Mapping[Verdict, int]] = {
    Verdict.ACCEPTED: 200,
    Verdict.UNKNOWN_RECEIPT: 404,
    Verdict.TOO_MANY: 429,
    Verdict.KEY_REUSED: 422,
    Verdict.FILES_FULL: 422,
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
    files = [file.attachment_id for file in files_of(posted)]
    return parse_fields(Supplement, {**given, "links": links_of(posted), "attachments": files})


def broken_fields(error: InvalidSubmissionError) -> dict[str, str]:
    """The fields of the form that break a rule, with the rule's code."""
    rules = ((each.field.partition(".")[0], each.rule) for each in error.rules)
    return {field: "not_blank" if rule in {"string_too_short", "missing"} else rule for field, rule in rules}


class StatusPages:
    """The pages and what they need; without `dialogue` they show the status alone. `uploads` takes files."""

    def __init__(self, intake: Intake, dialogue: Dialogue | None, quick_exit: str, uploads: Uploads) -> None:
        self._intake = intake
        self._dialogue = dialogue
        self._quick_exit = quick_exit
        self._uploads = uploads
        self._texts = read_texts()
        self._own_texts = read_dialogue_texts()

    async def ask_status(self, request: Request) -> Response:
        """The question for a receipt."""
        return self._page("status.html", request, **_NOTHING)

    async def tell_status(self, request: Request) -> Response:
        """The answer to a receipt."""
        posted, refused = await self._fields(request)
        return await self._show(request, posted, refused=refused)

    async def take_supplement(self, request: Request) -> Response:
        """A supplement or an answer; or only more files for one, or fewer."""
        posted, refused = await self._fields(request)
        go = posted.get("go", "")
        if refused or go == "stay" or go.startswith(REMOVE):
            return await self._show(request, posted, refused=refused)
        if wait_s := self._busy_s(posted):
            return later(await self._show(request, posted, 503, notice=BUSY), wait_s)
        try:
            supplement = supplement_of(posted)
        except InvalidSubmissionError as error:
            return await self._show(request, posted, 422, errors=broken_fields(error))
        try:
            uploads = await uploads_of(self._intake, supplement.attachments)
        except InvalidSubmissionError as error:
            return await self._without_gone(request, posted, invalid(error))
        except PassingError:
            return later(await self._show(request, posted, 503, notice=Verdict.UNAVAILABLE.value), RETRY_AFTER_S)
        return await self._amend(request, posted, supplement, "sent", uploads)

    async def take_withdrawal(self, request: Request) -> Response:
        """The page that says what a withdrawal does; once that is confirmed, the withdrawal."""
        posted, _ = await self._fields(request)
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
        self,
        request: Request,
        posted: Mapping[str, str],
        said: Supplement | Withdrawal,
        done: str,
        uploads: Sequence[Upload] = (),
    ) -> Response:
        """Take it in, and show what came of it; what was typed stays unless it was taken in."""
        assert self._dialogue is not None  # noqa: S101 - else there are no routes that lead here
        content = repr(sorted(said.model_dump(mode="json").items())).encode()
        key = form_key(posted.get("draft", ""), content)
        outcome = await self._dialogue.amend(said, now=self._intake.clock(), key=key, body=content, uploads=uploads)
        if outcome.verdict is Verdict.ACCEPTED:
            return await self._show(request, {"receipt": posted["receipt"]}, notice=done)
        if outcome.verdict is Verdict.FILE_GONE:
            return await self._without_gone(request, posted, refused_files(outcome.verdict.value))
        response = await self._show(request, posted, _STATUS_OF[outcome.verdict], notice=outcome.verdict.value)
        if outcome.verdict is Verdict.TOO_MANY:
            return later(response, int(WINDOW.total_seconds()))
        return later(response, RETRY_AFTER_S) if outcome.verdict is Verdict.UNAVAILABLE else response

    async def _without_gone(self, request: Request, posted: Mapping[str, str], problem: Problem) -> Response:
        """The page without the files that are not there any more, which it names."""
        left, gone = without_gone(problem, posted)
        return await self._show(request, left, refused=gone)

    async def _show(
        self,
        request: Request,
        posted: Mapping[str, str],
        code: int = 200,
        *,
        notice: str = "",
        errors: Mapping[str, str] | None = None,
        refused: Sequence[Refused] = (),
    ) -> Response:
        """The page of a report, or what is wrong with its receipt. `notice` says what came of what was sent; `errors`
        are rules by field, `refused` the files that were not taken, which make the status of the page."""
        try:
            found = await status_of(self._intake, posted["receipt"])
        except Problem as problem:
            return self._page("status.html", request, problem.status, **_NOTHING | {"unknown": True})
        except PassingError:
            return self._page("status.html", request, 503, **_NOTHING | {"unavailable": True})
        words = self._texts[choose_language(request)]
        said = words["rules"] | {FIELD: words["form"]["files_refused"]}
        wrong = dict(errors or {}) | ({FIELD: FIELD} if refused else {})
        not_now = any(each.rule == NOT_NOW for each in refused)
        if refused:
            code = 503 if not_now else 422
        response = self._page(
            "status.html",
            request,
            code,
            **_NOTHING | {"found": found},
            steps=timeline(found.status),
            notice=notice,
            errors={field: said.get(rule, said["other"]) for field, rule in wrong.items()},
            draft=posted,
            token=posted.get("draft") or secrets.token_urlsafe(24),
            patience=self._intake.admission.patience(posted.get("patience")),
            kinds=list(SupplementKind),
            talks=self._dialogue is not None,
            local=MOROCCO,
            **shown(posted, refused, self._uploads.most, words["form"], said["other"]),
        )
        return later(response, RETRY_AFTER_S) if not_now else response

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

    async def _fields(self, request: Request) -> tuple[dict[str, str], Sequence[Refused]]:
        posted, refused = await read_page(request, self._uploads, read_plain, tidy)
        return {**posted, "receipt": posted.get("receipt", "")[:_MAX_RECEIPT_CHARS]}, refused


def add_routes(app: FastAPI, intake: Intake, dialogue: Dialogue | None, quick_exit: str, uploads: Uploads) -> None:
    """Add the pages. `quick_exit` is where the button for leaving at once leads; `uploads` takes files."""
    pages = StatusPages(intake, dialogue, quick_exit, uploads)
    app.get("/status", include_in_schema=False)(pages.ask_status)
    app.post("/status", include_in_schema=False)(pages.tell_status)
    if dialogue is not None:
        app.post("/status/supplement", include_in_schema=False)(pages.take_supplement)
        app.post("/status/withdraw", include_in_schema=False)(pages.take_withdrawal)
