"""The page of the form that takes files: `multipart/form-data`, streamed; each file is staged as it comes.

In: a request; out: the posted fields, the files that were taken, the names of those that were not, each with the rule.
A refused file costs the others nothing: what is left of it is read and forgotten, so that the page which answers still
has the draft. A browser without scripts cannot know beforehand that a film is too large.
"""

from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple

from fastapi import Request

from ibalagh.stream.errors import PassingError
from ibalagh.web.problems import Problem
from services.intake.attachments.multipart import MEDIA_TYPE, BadFormError, Begun, Data, Multipart, Said
from services.intake.attachments.taking import Evidence, Incoming
from services.intake.draft_files import DraftFile, files_of
from services.intake.evidence.kinds import RefusedFileError
from services.intake.http import Intake
from services.intake.metrics import intake_metrics
from services.intake.steps import MAX_FORM_BYTES

__all__ = ["MEDIA_TYPE", "Refused", "Sent", "Uploads"]
NOT_NOW: Final = "not_now"
TOO_MANY: Final = "too_many_files"
MOST_READ_BYTES: Final = 1 << 30
"""So much of a page is read, whatever of it is taken: more than the films of most telephones. What is read of a longer
one is answered; the browser may then not wait for the answer, since it is still sending."""
_SHOWN_NAME: Final = 100


class Refused(NamedTuple):
    """A file that was not taken: its name as it came, and the rule."""

    name: str
    rule: str


class Sent(NamedTuple):
    """What a page sent."""

    fields: Sequence[tuple[str, str]]
    taken: Sequence[DraftFile]
    refused: Sequence[Refused]


class Uploads:
    """Takes pages with files. Without `evidence` no file is taken."""

    def __init__(self, intake: Intake, evidence: Evidence | None, most: int) -> None:
        self._intake = intake
        self._evidence = evidence
        self.most = most

    def fits(self, request: Request) -> bool:
        """Whether the request is such a page."""
        return request.headers.get("content-type", "").lower().startswith(MEDIA_TYPE)

    async def receive(self, request: Request) -> Sent:
        """Read the page. Raises `Problem`: 400 for no form, 413 for a draft that is too long."""
        page = _Page(self._intake, self._evidence, self.most)
        try:
            body, read_bytes = Multipart(request.headers.get("content-type", "")), 0
            async for piece in request.stream():
                read_bytes += len(piece)
                if read_bytes > MOST_READ_BYTES:
                    await page.cut()
                    break
                for said in body.feed(piece):
                    await page.take(said)
            else:
                body.close()
        except BadFormError:
            raise Problem(400, "bad_form", "Not a form", "The body is not a form.") from None
        finally:
            await page.close()
        return Sent(page.fields, page.taken, page.refused)


class _Page:
    """One page while it comes in."""

    def __init__(self, intake: Intake, evidence: Evidence | None, most: int) -> None:
        self._intake = intake
        self._evidence = evidence
        self._most = most
        self._part = Begun("", None)
        self._value: list[bytes] = []
        self._fields_bytes = 0
        self._incoming: Incoming | None = None
        self.fields: list[tuple[str, str]] = []
        self.taken: list[DraftFile] = []
        self.refused: list[Refused] = []

    async def take(self, said: Said) -> None:
        if isinstance(said, Begun):
            self._part, self._value = said, []
            if said.filename:
                await self._attempt(self._open())
        elif isinstance(said, Data):
            if self._incoming is not None:
                await self._attempt(self._incoming.write(said.piece))
            elif self._part.filename is None:
                self._keep(said.piece)
        elif self._incoming is not None:
            await self._attempt(self._finish(self._incoming))
            await self.close()
        elif self._part.filename is None:
            self._note()

    async def cut(self) -> None:
        """No more is read: the file that was coming is too large, unless it was refused before."""
        if self._incoming is not None or not self.refused:
            await self._refuse("too_large")

    async def close(self) -> None:
        """Let go of a file that did not become whole."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            await incoming.__aexit__()

    async def _attempt(self, step: Awaitable[None]) -> None:
        """Carry out a step of taking a file; when it is refused, go on with what comes after the file."""
        try:
            await step
        except RefusedFileError as error:
            intake_metrics().refused_file(error.code)
            await self._refuse(error.code)
        except PassingError:
            await self._refuse(NOT_NOW)
        except Problem as problem:
            if problem.status != 503:
                raise
            await self._refuse(NOT_NOW)

    async def _open(self) -> None:
        if self._evidence is None or self._intake.admission.admit(patience=dict(self.fields).get("patience")):
            await self._refuse(NOT_NOW)
        elif len(files_of(dict(self.fields))) + len(self.taken) >= self._most:
            await self._refuse(TOO_MANY)
        else:
            self._incoming = await self._evidence.begin()

    async def _finish(self, incoming: Incoming) -> None:
        kept = await incoming.keep(self._part.filename)
        self.taken.append(DraftFile(kept.attachment_id, kept.size_bytes, kept.name))

    async def _refuse(self, rule: str) -> None:
        self.refused.append(Refused((self._part.filename or "")[-_SHOWN_NAME:], rule))
        await self.close()

    def _keep(self, piece: bytes) -> None:
        self._fields_bytes += len(piece) + 64
        if self._fields_bytes > MAX_FORM_BYTES:
            raise Problem(413, "too_large", "Too large", f"A draft may have {MAX_FORM_BYTES} bytes.")
        self._value.append(piece)

    def _note(self) -> None:
        try:
            self.fields.append((self._part.name, b"".join(self._value).decode()))
        except UnicodeDecodeError:
            raise BadFormError from None
