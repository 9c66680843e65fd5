"""What the form does with files: reading a page that carries some, showing them, and what was not taken.

In: a request, a draft, refusals; out: the posted fields, the values for the template. The page that is shown after a
refusal is always the one for files, with those that were taken.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from ibalagh.web.problems import Problem
from services.intake.draft_files import DraftFile, files_of, removed, with_files
from services.intake.form_files import NOT_NOW, Refused, Sent, Uploads
from services.intake.http import RETRY_AFTER_S, later
from services.intake.steps import YES, Step

FIELD: Final = "files"
"""The field of the page, and what its label and its errors go by."""


async def read_page(
    request: Request,
    uploads: Uploads,
    plain: Callable[[Request], Awaitable[dict[str, str]]],
    tidy: Callable[[Sequence[tuple[str, str]]], dict[str, str]],
) -> tuple[dict[str, str], Sequence[Refused]]:
    """The fields of a page of either kind, with the files that it brought or took away, and those that were refused.

    `plain` reads a page without files, `tidy` makes fields of pairs. Raises `Problem` as these and `Uploads` do.
    """
    if not uploads.fits(request):
        posted = await plain(request)
        sent = Sent((), (), ())
    else:
        sent = await uploads.receive(request)
        posted = tidy(sent.fields)
    files = [*files_of(posted), *sent.taken]
    return with_files(posted, removed(files, posted.get("go", ""))), sent.refused


def shown(
    draft: Mapping[str, str], refused: Sequence[Refused], most: int, words: Mapping[str, Any], other: str
) -> dict[str, Any]:
    """The template's values about files; `words` are the form's texts, `other` the sentence for any other rule."""
    files = files_of(draft)
    return {
        "files": [(file, said_size(file.size_bytes, words["units"])) for file in files],
        "most_files": most,
        "refused": [(each.name, words["file_rules"].get(each.rule, other)) for each in refused],
    }


def said_size(size_bytes: int, units: Mapping[str, str]) -> str:
    """How large a file is, in words for a person."""
    if size_bytes >= 1_000_000:
        return f"{size_bytes / 1_000_000:.1f} {units['mb']}"
    return f"{max(1, round(size_bytes / 1_000))} {units['kb']}"


def page_without(
    form: Callable[..., Response], request: Request, posted: Mapping[str, str], refused: Sequence[Refused]
) -> Response:
    """The page for files again, by `form`, with what was not taken."""
    not_now = any(each.rule == NOT_NOW for each in refused)
    response = form(
        request,
        Step.EVIDENCE,
        posted,
        503 if not_now else 422,
        rules={FIELD: FIELD},
        returning=posted.get("returning") == YES,
        refused=refused,
    )
    return later(response, RETRY_AFTER_S) if not_now else response


def without_gone(problem: Problem, posted: Mapping[str, str]) -> tuple[dict[str, str], Sequence[Refused]]:
    """The posted fields without the files that a refusal says are not there any more, and these files. The way back
    from their page is to the summary."""
    gone = _gone_files(problem, files_of(posted))
    kept = with_files(posted, [file for file in files_of(posted) if file not in gone])
    return kept | {"returning": YES}, [Refused(file.name, "unknown_attachment") for file in gone]


def _gone_files(problem: Problem, files: list[DraftFile]) -> list[DraftFile]:
    """All of them when the refusal does not say which."""
    named = [each["field"].partition(".") for each in problem.errors if each["field"].startswith("attachments")]
    if any(not place for _, _, place in named):
        return files
    return [files[int(place)] for _, _, place in named]
