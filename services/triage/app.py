"""Triage's HTTP application: the interface under `/v1` and the analysts' pages, over ports that are given."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fastapi import FastAPI

from ibalagh.ops.health import Probe
from ibalagh.storage.postgres import Database
from ibalagh.web.app import create_app
from ibalagh.web.commands import Commands
from services.triage import bulk_http, desk_http, dialogue_http, explain_http, http, openapi, shadow_http
from services.triage.access import Access
from services.triage.campaigns import http as campaigns_http
from services.triage.console import Console
from services.triage.decide import Embedder
from services.triage.links import http as links_http
from services.triage.policy import Policy
from services.triage.settings import TriageSettings


def create(
    settings: TriageSettings,
    database: Database,
    commands: Commands,
    texts: http.Texts,
    probes: Sequence[Probe],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    policy: Callable[[], Policy],
    second: Embedder | None = None,
) -> FastAPI:
    """The application; `commands` publishes to `triage.decisions` and waits for results; `policy`, which is
    asked for the one in use, and `second` explain what the classifier decides by them."""
    app = create_app(
        "Ibalagh triage",
        settings,
        probes,
        description="What the machine decided about each report, and what people decide where it was unsure.",
    )
    console = Console(settings, database, commands, texts, clock=clock, policy=policy, second=second)
    access = Access(settings, console.pages, database, clock)
    app.include_router(http.routes(access, database, commands, texts, clock))
    app.include_router(dialogue_http.routes(access, database, commands, texts, clock))
    app.include_router(links_http.routes(access, database, commands, clock))
    app.include_router(campaigns_http.routes(access, database, commands, clock))
    app.include_router(desk_http.routes(access, settings, database, commands, clock))
    app.include_router(bulk_http.routes(access, database, commands, clock))
    openapi.add_schemas(app, http.DecisionIn)
    app.include_router(shadow_http.routes(access, database))
    app.include_router(explain_http.routes(access, database, texts, policy, second))
    app.include_router(console.routes())
    return app
