"""The HTTP application that every service starts from.

It has `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/docs` and the page assets; answers every refusal as a
problem detail; limits bodies; sets the security headers; and keeps no access log.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

import ibalagh
from ibalagh.ops.health import Health, Probe
from ibalagh.ops.settings import Settings
from ibalagh.web import pages, problems
from ibalagh.web.apidocs import render_docs
from ibalagh.web.middleware import BodyLimit, ErrorBoundary, SecurityHeaders
from ibalagh.web.refusals import Page, Refusals, Texts

_JSON: Final = "application/json"


def create_app(
    title: str,
    settings: Settings,
    probes: Sequence[Probe],
    *,
    public: bool = False,
    description: str = "",
    problem_texts: Mapping[str, Texts] | None = None,
    problem_page: Page | None = None,
    larger_bodies: Mapping[str, tuple[str, int]] | None = None,
) -> FastAPI:
    """An application with everything that the services share; the service adds its routes.

    `public` is for the interface that anyone may reach: its answers about health name no part of the inside.
    `problem_texts` and `problem_page` say its refusals in the reader's language (`ibalagh.web.refusals`).
    `larger_bodies`: see `BodyLimit`.
    `app.state.health` is the `Health` that the runner tells about its loops.
    """
    app = FastAPI(
        title=title,
        description=description,
        version=ibalagh.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.health = Health(probes)
    problems.install(app)
    _add_operations(app, public=public)
    _add_documentation(app)
    pages.mount_assets(app)
    app.add_middleware(BodyLimit, limit_bytes=settings.http_body_bytes, larger=larger_bodies)
    app.add_middleware(ErrorBoundary)
    if problem_texts is not None:
        app.add_middleware(Refusals, texts=problem_texts, page=problem_page)
    app.add_middleware(SecurityHeaders)
    return app


def _add_operations(app: FastAPI, *, public: bool) -> None:
    health: Health = app.state.health

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        dead = health.dead_loops()
        return _json(
            {"status": "dead" if dead else "ok"} | ({} if public else {"dead_loops": dead}), 503 if dead else 200
        )

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        probes = health.readiness()
        ready = all(outcome == "ok" for outcome in probes.values())
        answer = {"status": "ready" if ready else "not_ready"} | ({} if public else {"probes": probes})
        return _json(answer, 200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _add_documentation(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return _json(app.openapi())

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        return render_docs(app.openapi(), request)


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type=_JSON)
