"""The dashboard: a page that can be read without JavaScript, and moves by server-sent events where there is some.

In: counter cells. Out: the page, and the part of it that the stream replaces, in each language, for those who are
signed in (`ibalagh.web.signed_in`), or who send the bearer token.
"""

from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ibalagh.storage.postgres import Database
from ibalagh.web.auth import token_matches
from ibalagh.web.pages import choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.signed_in import SignedInPages
from ibalagh.web.words import COUNTRIES, LANGUAGES
from services.stats import communique, crosstab, press
from services.stats.counting import Cell, Measure
from services.stats.feed import Feed
from services.stats.http import EVENT_STREAM, read
from services.stats.settings import StatsSettings
from services.stats.wording import measure_name, say

_FRAGMENTS: Final = Environment(
    loader=PackageLoader("services.stats"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def frames(cells: dict[Cell, int]) -> dict[str, str]:
    """What the stream sends: the totals as JSON under `json`, the figures as HTML under each language."""
    return {
        "json": orjson.dumps({"totals": crosstab.totals(cells)}).decode(),
        **{language: fragment(cells, language) for language in LANGUAGES},
    }


def fragment(cells: dict[Cell, int], language: str) -> str:
    """The figures as HTML, in a language."""
    return _FRAGMENTS.get_template("figures.html").render(**_values(cells, language))


def add_routes(app: FastAPI, settings: StatsSettings, database: Database, feed: Feed) -> None:
    """Add the pages."""
    names = {language: say("dashboard", language) for language in LANGUAGES}
    pages = SignedInPages(settings, names, lasts_s=settings.session_s, asks_name=False)
    router = APIRouter(include_in_schema=False)
    pages.add_routes(router)

    def admitted(request: Request) -> bool:
        return pages.session(request) is not None or token_matches(settings, request.headers.get("authorization"))

    @router.get("/")
    def page(request: Request) -> Response:
        if not admitted(request):
            return pages.ask(request)
        return pages.render(
            "dashboard.html", request, **_values(read(database, None, None, None), choose_language(request))
        )

    @router.get("/events")
    def stream(request: Request) -> StreamingResponse:
        if not admitted(request):
            raise Problem(401, "not_signed_in", "Sign in first")
        return StreamingResponse(feed.listen(choose_language(request)), media_type=EVENT_STREAM)

    app.include_router(router)


def _values(cells: dict[Cell, int], language: str) -> dict[str, Any]:
    """What the templates need."""
    figures = communique.compute(cells)
    totals = crosstab.totals(cells)
    return {
        "say": lambda name: say(name, language),
        "number": lambda count: press.number(count, language),
        "percentage": lambda percent: press.percentage(percent, language),
        "language": language,
        "lines": list(press.lines(figures)),
        "stages": [(measure_name(measure, language), totals[measure.value]) for measure in Measure],
        "countries": [
            (COUNTRIES[language].get(country, country), count)
            for country, count in list(figures.by_country.items())[:12]
        ],
    }
