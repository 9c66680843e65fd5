"""The HTTP interface: counters, communiqué, the event stream. All of it asks for the bearer token.

In: requests. Out: JSON, text or server-sent events; problem details for every refusal.
"""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import bearer
from ibalagh.web.problems import Problem
from services.stats import communique, crosstab, press, store
from services.stats.counting import MEANING, Measure
from services.stats.feed import Feed

EVENT_STREAM = "text/event-stream"

First = Annotated[date | None, Query(alias="from", description="First civil day; without it, from the beginning")]
Last = Annotated[date | None, Query(alias="to", description="Last civil day, included; without it, until today")]


class Counters(BaseModel):
    """`totals` by measure in the order of a report's way; `rows` only when asked `by` something."""

    first_day: date | None
    last_day: date | None
    totals: dict[str, int]
    rows: list[dict[str, Any]]


def add_routes(app: FastAPI, settings: Settings, database: Database, feed: Feed) -> None:
    """Add the interface."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(bearer(settings))])

    @router.get("/counters", summary="Exact counters, as totals and cross-tabs")
    def counters(
        first: First = None,
        last: Last = None,
        measure: Annotated[list[Measure] | None, Query(description="Only these measures; may be repeated")] = None,
        by: Annotated[str, Query(description=f"Dimensions with commas: {', '.join(crosstab.DIMENSIONS)}")] = "",
    ) -> Counters:
        period = checked_period(first, last)
        dimensions = [name.strip() for name in by.split(",") if name.strip()]
        with database.transaction("repeatable read", read_only=True) as tx:  # totals and rows of one moment
            totals = store.read_totals(tx, period, measure)
            cells = store.read_cells(tx, period, measure) if dimensions else {}
        try:
            rows = crosstab.rows(cells, dimensions) if dimensions else []
        except KeyError:
            raise Problem(422, "unknown_dimension", "There is no such dimension", field="by") from None
        return Counters(first_day=first, last_day=last, totals=totals, rows=rows)

    @router.get("/measures", summary="What each measure counts")
    def measures() -> dict[str, str]:
        return {measure.value: MEANING[measure] for measure in Measure}

    @router.get("/communique", summary="The figures of a period, as JSON or as a text to publish", response_model=None)
    def figures(
        first: First = None,
        last: Last = None,
        format_: Annotated[Literal["json", "text"], Query(alias="format")] = "json",
        lang: Annotated[Literal["ar", "fr", "en", "es"], Query()] = "en",
    ) -> communique.Figures | PlainTextResponse:
        period = checked_period(first, last)
        with database.transaction(read_only=True) as tx:
            sums = store.read_sums(tx, period, communique.NEEDED)
        computed = communique.compute(sums, *period)
        if format_ == "json":
            return computed
        return PlainTextResponse(press.text(computed, lang), headers={"Content-Language": lang})

    @router.get("/events", summary="Server-sent events: the totals, a frame a second while they move")
    def events() -> StreamingResponse:
        return StreamingResponse(feed.listen("json"), media_type=EVENT_STREAM)

    app.include_router(router)


def checked_period(first: date | None, last: date | None) -> store.Period:
    """The period. Raises `Problem` for one that ends before it begins."""
    if first is not None and last is not None and first > last:
        raise Problem(422, "bad_period", "The period ends before it begins", field="to")
    return store.Period(first, last)
