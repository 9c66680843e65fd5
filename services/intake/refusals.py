"""What a refusal of intake says: to programs in the languages of `texts/problems/`, to a browser as a page.

The page says in plain words what to do now and where the draft is. It is in the browser alone
(`services.intake.steps`): to load the page again sends it again, so that is said of what may pass; to go back shows it
again only as far as the browser kept it, which for the first page none does, since fields and pages ask it not to.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from fastapi import Request, Response

from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.refusals import ENGLISH, Members, Page, Texts
from ibalagh.web.words import LANGUAGES
from services.intake.evidence.kinds import RULES
from services.intake.forms import read_texts

OTHER: Final = "other"
_PAGE_OF: Final[Mapping[int, str]] = {
    400: "bad_form",
    404: "not_found",
    405: "not_found",
    408: "too_slow",
    413: "too_large",
    415: "bad_form",
    422: "bad_form",
    429: "busy",
    503: "busy",
}
"""Which text of `refusals` in `texts/form/` a status is told with; any other status with `other`."""
AGAIN: Final = frozenset({"too_slow", "busy"})
"""Those where the same page, loaded again, may be answered otherwise."""


@cache
def problem_texts() -> dict[str, Texts]:
    """The texts of problem details by language, English aside. Those of files are the form's own sentences."""
    return {tag: _problem_texts(tag) for tag in LANGUAGES if tag != ENGLISH}


def _problem_texts(language: str) -> Texts:
    file = files("services.intake") / "texts" / "problems" / f"{language}.yaml"
    texts = yaml.safe_load(file.read_text(encoding="utf-8"))
    sentences = read_texts()[language]["form"]["file_rules"]
    of_files = {code: {"title": texts["file_not_taken"], "detail": sentences[code]} for code in RULES}
    return {"codes": {**of_files, **texts["codes"]}, "rules": texts["rules"]}


def page_with(pages: Pages, texts: Mapping[str, Mapping[str, Any]], quick_exit: str) -> Page:
    """The page of a refusal, from the texts of the form's pages."""

    def page(request: Request, members: Members) -> Response:
        language = choose_language(request)
        kind = _PAGE_OF.get(members["status"], OTHER)
        return pages.render(
            "refusal.html",
            request,
            status=members["status"],
            language=language,
            t=texts[language],
            kind=kind,
            again=kind in AGAIN,
            quick_exit=quick_exit,
        )

    return page
