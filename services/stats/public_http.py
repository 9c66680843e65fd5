"""The public interface: read only, without sign-in, for any web page (CORS), cheap to ask again (ETag, 304).

In: GET. Out: bytes that are made already (`public_data`). Nothing is kept of who asked.
"""

from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, Response

from ibalagh.web.problems import Problem
from services.stats.public_data import Open, PublicData

_SHARED: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
_CACHED: Final = "public, max-age=300"
_ANY: Final = "*"
_MATCH_CHARS: Final = 2_000

IfNoneMatch = Annotated[str, Header(include_in_schema=False)]


def add_routes(app: FastAPI, data: PublicData) -> None:
    """Add the interface."""
    router = APIRouter(prefix="/v1/public", tags=["open data"])

    @router.get("/releases.json", summary="Published communiqués and what each correction changed")
    def releases(if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get("releases.json"), if_none_match)

    @router.get(
        "/releases/{period}", summary="The latest communiqué of a period, `<first day>_<last day>.json` or .csv"
    )
    def latest(period: str, if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get(f"releases/{period}"), if_none_match)

    @router.get("/releases/{period}/{number}", summary="One release of a period, `<number>.json` or `.csv`")
    def release(period: str, number: str, if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get(f"releases/{period}/{number}"), if_none_match)

    @router.get("/days.json", summary="Reports received by civil day, as JSON: a snapshot of each day")
    def days_json(if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get("days.json"), if_none_match)

    @router.get("/days.csv", summary="Reports received by civil day, as CSV")
    def days_csv(if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get("days.csv"), if_none_match)

    @router.get("/keys.json", summary="The keys that sign communiqués, as a JSON Web Key Set")
    def keys(if_none_match: IfNoneMatch = "") -> Response:
        return _answer(data.get("keys.json"), if_none_match)

    app.include_router(router)


def _answer(found: Open | None, if_none_match: str) -> Response:
    if found is None:
        raise Problem(404, "not_found", "Nothing is published there")
    headers = {"ETag": found.etag, "Cache-Control": _CACHED} | _SHARED
    if matches(if_none_match, found.etag):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names an ETag, compared weakly (RFC 9110, section 13.1.2)."""
    given = [each.strip().removeprefix("W/") for each in if_none_match[:_MATCH_CHARS].split(",")]
    return etag in given or given == [_ANY]
