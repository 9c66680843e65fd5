"""The HTTP interface: counters, communiqué, the event stream. All of it asks for the bearer token.

In: requests. Out: JSON, text or server-sent events; problem details for every refusal.
"""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import bearer
from ibalagh.web.problems import Problem
from services.stats import communique, crosstab, store
from services.stats.counting import MEANING, Measure
from services.stats.facets import KEPT, Facet
from services.stats.feed import Feed
from services.stats.formats import Format, write
from services.stats.publishing import Publisher
from services.stats.release import Days, Signed

EVENT_STREAM = "text/event-stream"

First = Annotated[date | None, Query(alias="from", description="First civil day; without it, from the beginning")]
Last = Annotated[date | None, Query(alias="to", description="Last civil day, included; without it, until today")]


class Counters(BaseModel):
    """`totals` by measure in the order of a report's way; `rows` only when asked `by` something."""

    first_day: date | None
    last_day: date | None
    totals: dict[str, int]
    rows: list[dict[str, Any]]


class FacetRow(BaseModel):
    """One row; `category` is null where the cross-tab is not by category, `value` where it is not known."""

    category: str | None
    value: str | None
    count: int


class FacetRows(BaseModel):
    """A cross-tab, the largest row first."""

    rows: list[FacetRow]


def add_routes(app: FastAPI, settings: Settings, database: Database, feed: Feed, publisher: Publisher) -> None:
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

    @router.get("/facets", summary="Exact cross-tabs by one further dimension: province, urgency, channel, variety")
    def by_facet(
        measure: Annotated[Measure, Query(description="What is counted")],
        facet: Annotated[Facet, Query(description="The further dimension")],
        first: First = None,
        last: Last = None,
    ) -> FacetRows:
        if facet not in KEPT.get(measure, ()):
            raise Problem(422, "unknown_facet", "There is no such cross-tab", field="facet")
        with database.transaction(read_only=True) as tx:
            found = store.read_facet_rows(tx, measure, facet, checked_period(first, last))
        return FacetRows(
            rows=[FacetRow(category=category, value=value, count=count) for category, value, count in found]
        )

    @router.get("/communique", summary="The figures of a period, exact, as JSON, or a signed communiqué in any format")
    def figures(  # noqa: PLR0917 - FastAPI gives them by name
        first: First = None,
        last: Last = None,
        as_of: Annotated[date | None, Query(description="As the figures stood at the end of this civil day")] = None,
        format_: Annotated[Literal["json", "signed", "text", "html", "pdf", "csv"], Query(alias="format")] = "json",
        lang: Annotated[Literal["ar", "fr", "en", "es"], Query()] = "en",
        exact: Annotated[
            bool, Query(description="Leave nothing out of a signed communiqué: not to be published")
        ] = False,
    ) -> Response:
        period = checked_period(first, last)
        if format_ == "json":
            with database.transaction(read_only=True) as tx:
                sums = (
                    store.read_sums(tx, period, communique.NEEDED)
                    if as_of is None
                    else store.read_sums_as_of(tx, as_of, period, communique.NEEDED)
                )
            return Response(communique.compute(sums, *period).model_dump_json(), media_type="application/json")
        with database.transaction("repeatable read", read_only=True) as tx:
            made = publisher.make(tx, Days(first=first, last=last), public=not exact, as_of=as_of)
        return written(made.signed, "json" if format_ == "signed" else format_, lang)

    @router.get("/events", summary="Server-sent events: the totals, a frame a second while they move")
    def events() -> StreamingResponse:
        return StreamingResponse(feed.listen("json"), media_type=EVENT_STREAM)

    app.include_router(router)


def written(signed: Signed, format_: Format, language: str) -> Response:
    """A communiqué as a file; what is neither plain text nor JSON is to be kept and not shown."""
    file = write(signed, format_, language)
    days = signed.document.period
    headers = {"Content-Language": language}
    if format_ in ("html", "pdf", "csv"):
        name = "_".join(["communique", *(day.isoformat() for day in (days.first, days.last) if day), language])
        headers["Content-Disposition"] = f'attachment; filename="{name}.{file.ending}"'
    return Response(file.content, media_type=file.media_type, headers=headers)


def checked_period(first: date | None, last: date | None) -> store.Period:
    """The period. Raises `Problem` for one that ends before it begins."""
    if first is not None and last is not None and first > last:
        raise Problem(422, "bad_period", "The period ends before it begins", field="to")
    return store.Period(first, last)
