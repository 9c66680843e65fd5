"""Triage's pages for analysts, rendered on the server, for those who are signed in (`ibalagh.web.signed_in`).

Everything works without JavaScript; `desk.js` adds keys and renews the claim. What was reported is shown as text only:
no link of it can be followed by a click.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter

from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands
from ibalagh.web.signed_in import SignedInPages
from services.triage.console.acts import ActPages
from services.triage.console.bulk import BulkPages
from services.triage.console.choices import ChoicePages
from services.triage.console.office import Office
from services.triage.console.queue import QueuePages
from services.triage.console.report import ReportPages
from services.triage.console.shadow import ShadowPages
from services.triage.decide import Embedder
from services.triage.http import Texts
from services.triage.policy import Policy
from services.triage.settings import TriageSettings
from services.triage.words import WORDS


class Console:
    """All pages, over what they have in common."""

    def __init__(
        self,
        settings: TriageSettings,
        database: Database,
        commands: Commands,
        texts: Texts,
        *,
        clock: Callable[[], datetime],
        policy: Callable[[], Policy],
        second: Embedder | None,
    ) -> None:
        names = {language: words["triage"] for language, words in WORDS.items()}
        self._pages = SignedInPages(settings, names, database, clock=clock)
        office = Office(self._pages, database, commands, texts, clock, settings.claim_s, policy, second)
        self._parts = (
            QueuePages(office),
            ReportPages(office),
            ActPages(office),
            BulkPages(office),
            ChoicePages(office),
            ShadowPages(office),
        )

    @property
    def pages(self) -> SignedInPages:
        """The sign-in that the pages stand on."""
        return self._pages

    def routes(self) -> APIRouter:
        """The routes of the pages."""
        router = APIRouter(include_in_schema=False)
        self._pages.add_routes(router)
        for part in self._parts:
            part.add_routes(router)
        return router
