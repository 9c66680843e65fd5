"""The page of communiqués, for those who are signed in: the tables of a period, its files, and what was published.

In: days of a form. Out: a page that needs no JavaScript, and files. What is shown is what the public would be shown,
unless the complete figures are asked for.
"""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Query, Request, Response

from ibalagh.storage.postgres import Database
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from ibalagh.web.words import LANGUAGES
from services.stats.formats import FORMATS, Format
from services.stats.http import checked_period, written
from services.stats.labels import label
from services.stats.publishing import Publisher, read_releases
from services.stats.release import Days
from services.stats.settings import StatsSettings
from services.stats.sheet import period, sheet
from services.stats.wording import say

PATH: Final = "/communique"

Day = Annotated[str, Query(max_length=10)]


def add_routes(app: FastAPI, settings: StatsSettings, database: Database, publisher: Publisher) -> None:
    """Add the page and its files."""
    names = {language: say("communique", language) for language in LANGUAGES}
    pages = SignedInPages(settings, names, database)
    router = APIRouter(include_in_schema=False)

    @router.get(PATH, dependencies=[pages.needs(Permission.FIGURES_READ)])
    def page(
        request: Request,
        first: Annotated[Day, Query(alias="from")] = "",
        last: Annotated[Day, Query(alias="to")] = "",
        exact: bool = False,
    ) -> Response:
        days, language = _days(first, last), choose_language(request)
        with database.transaction("repeatable read", read_only=True) as tx:
            made = publisher.make(tx, days, public=not exact)
            releases = read_releases(tx)
        return pages.render(
            "communique.html",
            request,
            sheet=sheet(made.signed, language, label),
            days=days,
            exact=exact,
            formats=FORMATS,
            releases=[(period(each.days, language), each.number, each.days) for each in releases],
            say=lambda name: say(name, language),
        )

    @router.get(f"{PATH}/file", dependencies=[pages.needs(Permission.FIGURES_READ, pages=False)])
    def file(
        request: Request,
        format_: Annotated[Format, Query(alias="format")],
        first: Annotated[Day, Query(alias="from")] = "",
        last: Annotated[Day, Query(alias="to")] = "",
        exact: bool = False,
    ) -> Response:
        with database.transaction("repeatable read", read_only=True) as tx:
            made = publisher.make(tx, _days(first, last), public=not exact)
        return written(made.signed, format_, choose_language(request))

    app.include_router(router)


def _days(first: str, last: str) -> Days:
    """The period of a form, whose empty fields leave an end open. Raises `Problem` for what is no day."""
    try:
        begins, ends = (date.fromisoformat(day) if day else None for day in (first, last))
    except ValueError:
        raise Problem(422, "bad_period", "A day is not of the form YYYY-MM-DD", field="from") from None
    checked_period(begins, ends)
    return Days(first=begins, last=ends)
