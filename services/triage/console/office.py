"""What all pages of the desk stand on, and what they do alike: send a command, and go on with what came of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import Query, Request, Response

from ibalagh.events.envelope import Data, Event
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands
from ibalagh.web.pages import choose_language
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from services.triage import claim_store, wellbeing_store
from services.triage.decide import Embedder
from services.triage.http import Texts
from services.triage.policy import Policy
from services.triage.reviews import RefusalCode
from services.triage.words import WORDS

Notice = Annotated[str, Query(pattern=r"^[a-z_]{0,40}$", description="The code of what came of the act before")]


class Office(NamedTuple):
    """The parts that the pages share; `claim_s` is how long a claim lasts, `policy` gives the one by which decisions
    are explained, with `second` for those that it was asked about."""

    pages: SignedInPages
    database: Database
    commands: Commands
    texts: Texts
    clock: Callable[[], datetime]
    claim_s: int
    policy: Callable[[], Policy]
    second: Embedder | None

    def readers(self) -> list[Any]:
        """The dependencies of a page that shows reports: those who may not see it get another page."""
        return [self.pages.needs(Permission.REPORTS_READ)]

    def reader(self, request: Request) -> str:
        """Who looks at a page of `readers`."""
        session = self.pages.session(request)
        assert session is not None  # noqa: S101 - `readers` lets nobody else through
        return session.person

    def may(self, request: Request, permission: Permission) -> bool:
        """Whether who looks at a page has a permission, to be shown the way to what needs it."""
        session = self.pages.session(request)
        return session is not None and session.may(permission)

    def actor(self, request: Request, form_token: str, permission: Permission = Permission.REPORTS_DECIDE) -> str:
        """Who sent a form and may do what it asks for; another page for whoever may not."""
        return self.pages.require(request, form_token, permission).person

    def render(self, template: str, request: Request, **values: Any) -> Response:
        """A page with the words of its language."""
        return self.pages.render(template, request, say=WORDS[choose_language(request)], **values)

    def give(
        self, command: Event[Data], person: str, action: str, permission: Permission = Permission.REPORTS_DECIDE
    ) -> tuple[bool, Mapping[str, Any]]:
        """Note who is about to do what, and send the command: whether it took effect, and the members of the answer."""
        self.pages.audit.note(person, action, "report", command.subject, permission=permission, detail=command.id)
        answer = self.commands.send(command)
        return answer.status_code == 200, orjson.loads(bytes(answer.body))

    def back(
        self, request: Request, report_id: str, members: Mapping[str, Any], looked_at: int | None = None
    ) -> Response:
        """Back to a report with what came of a command that did not take effect; of a stale one with what changed since
        the version that was looked at."""
        notice = members.get("code") or members["outcome"]
        stale = notice == RefusalCode.STALE_VERSION and looked_at is not None
        return self.pages.to(
            f"/reports/{report_id}", request, notice=notice, **({"since": str(looked_at)} if stale else {})
        )

    def onward(self, request: Request, person: str, notice: str) -> Response:
        """To the next report for this person, or to the queue when there is none."""
        chosen = wellbeing_store.choices(self.database, person)
        claim = claim_store.take_next(self.database, person, chosen.keep_away, now=self.clock(), lasts_s=self.claim_s)
        if claim is None:
            return self.pages.to("/", request, notice=notice or "nothing_for_you")
        query = {"notice": notice} if notice else {}
        return self.pages.to(f"/reports/{claim.report_id}", request, **query)
