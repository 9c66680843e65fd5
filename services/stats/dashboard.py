"""The dashboard: a page that can be read without JavaScript, and moves by server-sent events where there is some.

In: the database's sums. Out: the page, and the part of it that the stream replaces, in each language, for those who are
signed in (`ibalagh.web.signed_in`), or who send the bearer token.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ibalagh.storage.postgres import Database
from ibalagh.web.pages import choose_language
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from ibalagh.web.words import COUNTRIES, LANGUAGES
from services.stats import communique, press, store
from services.stats.counting import Cell, Measure
from services.stats.feed import Feed, lasting
from services.stats.http import EVENT_STREAM
from services.stats.settings import StatsSettings
from services.stats.wording import measure_name, say

_FRAGMENTS: Final = Environment(
    loader=PackageLoader("services.stats"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_SHORTEST_STREAM_S: Final = 30
"""However fresh roles must be, a stream lasts this long: each new one costs a few queries."""


class Summary(NamedTuple):
    """What the dashboard says, as the database has added it up: sums for the communiqué, totals by measure."""

    sums: Mapping[Cell, int]
    totals: Mapping[str, int]


def summary(database: Database) -> Summary:
    """Of all days."""
    with database.transaction("repeatable read", read_only=True) as tx:
        return Summary(store.read_sums(tx, measures=communique.NEEDED), store.read_totals(tx))


def frames(database: Database, kinds: Collection[str]) -> dict[str, str]:
    """What the stream sends to these kinds of listeners: the totals as JSON to `json`, else the figures as HTML in that
    language."""
    now = summary(database)
    return {
        kind: orjson.dumps({"totals": now.totals}).decode() if kind == "json" else fragment(now, kind) for kind in kinds
    }


def fragment(now: Summary, language: str) -> str:
    """The figures as HTML, in a language."""
    return _FRAGMENTS.get_template("figures.html").render(**_values(now, language))


def add_routes(app: FastAPI, settings: StatsSettings, database: Database, feed: Feed) -> None:
    """Add the pages."""
    names = {language: say("dashboard", language) for language in LANGUAGES}
    pages = SignedInPages(settings, names, database)
    router = APIRouter(include_in_schema=False)
    pages.add_routes(router)

    @router.get("/", dependencies=[pages.needs(Permission.FIGURES_READ, machine=True)])
    def page(request: Request) -> Response:
        values = _values(summary(database), choose_language(request))
        return pages.render("dashboard.html", request, **values)

    @router.get("/events", dependencies=[pages.needs(Permission.FIGURES_READ, machine=True, pages=False)])
    def stream(request: Request) -> StreamingResponse:
        # It ends by and by: the browser asks again by itself, and whoever may no longer look is refused then.
        frames = lasting(feed.listen(choose_language(request)), max(settings.roles_recheck_s, _SHORTEST_STREAM_S))
        return StreamingResponse(frames, media_type=EVENT_STREAM)

    app.include_router(router)


def _values(now: Summary, language: str) -> dict[str, Any]:
    """What the templates need."""
    figures = communique.compute(now.sums)
    return {
        "say": lambda name: say(name, language),
        "number": lambda count: press.number(count, language),
        "percentage": lambda percent: press.percentage(percent, language),
        "lines": list(press.lines(figures)),
        "stages": [(measure_name(measure, language), now.totals[measure.value]) for measure in Measure],
        "countries": [
            (COUNTRIES[language].get(country, country), count)
            for country, count in list(figures.by_country.items())[:12]
        ],
    }
