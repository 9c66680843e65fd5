"""Referral's HTTP application: the interface under `/v1` and the officers' pages, over ports that are given."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fastapi import FastAPI

from ibalagh.ops.health import Probe
from ibalagh.storage.postgres import Database
from ibalagh.web.app import create_app
from ibalagh.web.commands import Commands
from services.referral import http, regroup_http
from services.referral.access import Access
from services.referral.console import Console
from services.referral.scope import EVERYTHING, NOTHING
from services.referral.settings import ReferralSettings


def create(
    settings: ReferralSettings,
    database: Database,
    commands: Commands,
    probes: Sequence[Probe],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The application; `commands` publishes to `cases.actions` and waits for results."""
    app = create_app(
        "Ibalagh referral",
        settings,
        probes,
        description="Cases: their reports, their suspects, their history, and what officers and prosecutors do.",
    )
    access = Access(database, unposted=EVERYTHING if settings.unposted_see_everything else NOTHING)
    app.include_router(http.routes(settings, database, commands, access, clock))
    app.include_router(regroup_http.routes(settings, database, commands, access, clock))
    app.include_router(Console(settings, database, commands, access, clock=clock).routes())
    return app
