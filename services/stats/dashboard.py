"""The dashboard: a page that can be read without JavaScript, and moves by server-sent events where there is some.

In: counter cells. Out: the page, and the part of it that the stream replaces, in each language. People sign in with the
token of the settings; the cookie holds a keyed hash of it, never the token.
"""

import hashlib
import hmac
from typing import Annotated, Any, Final

import orjson
from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import token_matches
from ibalagh.web.pages import LANGUAGES, Pages, choose_language
from ibalagh.web.problems import Problem
from services.stats import communique, crosstab, press
from services.stats.counting import Cell, Measure
from services.stats.feed import Feed
from services.stats.http import EVENT_STREAM, read
from services.stats.wording import measure_name, say

COOKIE: Final = "ibalagh_stats"
COOKIE_AGE_S: Final = 12 * 3600
_PAGES: Final = Pages("services.stats")
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


def add_routes(app: FastAPI, settings: Settings, database: Database, feed: Feed) -> None:
    """Add the pages."""

    def signed_in(request: Request) -> bool:
        given = request.cookies.get(COOKIE, "")
        expected = cookie_value(settings)
        if expected is not None and hmac.compare_digest(given.encode(), expected.encode()):
            return True
        return token_matches(settings, request.headers.get("authorization"))

    def sign_in_page(request: Request, *, wrong: bool) -> Response:
        language = choose_language(request)
        return _PAGES.render("sign_in.html", request, status=401, wrong=wrong, say=lambda name: say(name, language))

    @app.get("/", include_in_schema=False)
    def page(request: Request) -> Response:
        if not signed_in(request):
            return sign_in_page(request, wrong=False)
        language = choose_language(request)
        cells = read(database, None, None, None)
        return _PAGES.render("dashboard.html", request, **_values(cells, language))

    @app.post("/sign-in", include_in_schema=False)
    def sign_in(request: Request, token: Annotated[str, Form(max_length=500)] = "") -> Response:
        value = cookie_value(settings)
        if value is None or not token_matches(settings, f"Bearer {token}"):
            return sign_in_page(request, wrong=True)
        answer = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, value, COOKIE_AGE_S, httponly=True, samesite="strict", secure=secure)
        return answer

    @app.get("/events", include_in_schema=False)
    def stream(request: Request) -> StreamingResponse:
        if not signed_in(request):
            raise Problem(401, "not_signed_in", "Sign in first")
        return StreamingResponse(feed.listen(choose_language(request)), media_type=EVENT_STREAM)


def cookie_value(settings: Settings) -> str | None:
    """What the cookie of somebody signed in holds; None when the settings have no token, so that nobody is."""
    token = settings.api_token.get_secret_value() if settings.api_token is not None else ""
    return hmac.new(token.encode(), b"ibalagh stats pages", hashlib.sha256).hexdigest() if token else None


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
        "countries": list(figures.by_country.items())[:12],
    }
