"""Who may use the interface under `/v1`: whoever has the bearer token, and people who are signed in, as on the pages.

A person's own session opens to a program what the pages open to the person: the same permissions, checked at every
request; a write needs the token of the session's forms in `X-Form-Token`, which no other site can know; and whoever the
request names (`reviewer`, `person`, `actor`, `sender`) must be that person. What they see and do is noted under their
name, before it is answered. Refusals are problem details: 401, 403 `not_allowed`, `foreign_form` or `not_you`, 503.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from ibalagh.events.envelope import UUID_FORM
from ibalagh.events.vocabulary import ReviewAction
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.auth import token_matches
from ibalagh.web.problems import RETRY_AFTER_S, Problem
from ibalagh.web.roles import Permission
from ibalagh.web.signed_in import SignedInPages
from services.triage import desk_store

FORM_TOKEN: Final = "X-Form-Token"  # noqa: S105 - the name of a header
_SAFE: Final = frozenset({"GET", "HEAD"})
_PERSON: Final = ("reviewer", "person", "actor", "sender")
_PATH_KINDS: Final = {"report_id": "report", "bulk_id": "selection", "campaign_id": "campaign"}
_is_id: Final = re.compile(UUID_FORM).fullmatch
_ACTIONS: Final = frozenset(each.value for each in ReviewAction)

Line = Mapping[str, Any]


class Access:
    """The dependency of every route under `/v1`."""

    def __init__(
        self, settings: Settings, pages: SignedInPages, database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._settings, self._pages, self._database, self._clock = settings, pages, database, clock

    async def __call__(self, request: Request) -> None:
        """Let a request through, or raise `Problem`."""
        if token_matches(self._settings, request.headers.get("authorization")):
            return
        lines: list[Line] = []
        if request.method not in _SAFE:
            lines = _lines(await request.body(), one_each_line=request.url.path.endswith(":batch"))
        await run_in_threadpool(self._admit, request, lines)

    def _admit(self, request: Request, lines: Sequence[Line]) -> None:
        is_write = request.method not in _SAFE
        token = request.headers.get(FORM_TOKEN, "") if is_write else None
        try:
            # Who nobody knows is told so before anything about them is looked up.
            person = self._pages.caller(request, Permission.REPORTS_READ, token).person
            permission = self._permission(request, lines)
            self._pages.caller(request, permission, token)
        except Problem as problem:
            if problem.status == 503:
                raise Problem(503, "away", "Roles cannot be confirmed now", retry_after_s=RETRY_AFTER_S) from None
            raise
        named = [
            given[name]
            for given in (*lines, request.query_params, request.path_params)
            for name in _PERSON
            if name in given
        ]
        if any(name and name != person for name in named):
            raise Problem(403, "not_you", "Not you", "The person that is named must be the one who is signed in.")
        self._note(request, lines, person, permission)

    def _permission(self, request: Request, lines: Sequence[Line]) -> Permission:
        """What a request asks for, as the pages have it: more of whoever confirms what another one proposed."""
        if request.method in _SAFE:
            return Permission.REPORTS_READ
        if request.url.path == "/v1/messages":
            return Permission.REPORTS_MESSAGE
        if request.url.path.startswith("/v1/decisions"):
            ids = _report_ids(lines)
            if ids and desk_store.between(self._database, ids, self._clock()).proposals:
                return Permission.REPORTS_DECIDE_MINORS
        return Permission.REPORTS_DECIDE

    def _note(self, request: Request, lines: Sequence[Line], person: str, permission: Permission) -> None:
        audit, path = self._pages.audit, request.path_params
        about = [(kind, path[name]) for name, kind in _PATH_KINDS.items() if _is_id(str(path.get(name, "")))]
        if request.method in _SAFE:
            for kind, subject in about:
                audit.viewed(person, kind, subject, permission=permission)
            return
        way = request.url.path.rpartition("/")[2][:40]
        if about:
            ((kind, subject),) = about
            audit.note(person, _action(lines, way), kind, subject, permission=permission)
            return
        subjects: dict[str, list[str]] = {}
        for line in lines:
            subjects.setdefault(_action([line], way), []).extend(_report_ids([line]))
        for action, ids in subjects.items():
            audit.note(person, action, "report", *dict.fromkeys(ids), permission=permission)
        if not any(subjects.values()):
            audit.note(person, "sent", "interface", way, permission=permission)


def _lines(body: bytes, *, one_each_line: bool) -> list[Line]:
    """The objects of a body. Read as whoever handles the request reads them, so that nothing is hidden here that is
    found there; what cannot be read is refused."""
    found: list[Line] = []
    for text in body.splitlines() if one_each_line else [body]:
        if text.strip():
            try:
                given = json.loads(text)
            except ValueError:
                given = None
            if not isinstance(given, dict):
                raise Problem(422, "invalid", "Invalid input", "JSON objects are expected.")
            found.append(given)
    return found


def _report_ids(lines: Sequence[Line]) -> list[str]:
    ids = [each for line in lines for each in (line.get("report_id"), *_listed(line.get("report_ids")))]
    return [each for each in ids if isinstance(each, str) and _is_id(each)]


def _listed(given: object) -> list[object]:
    return given if isinstance(given, list) else []


def _action(lines: Sequence[Line], otherwise: str) -> str:
    """What is done, as the pages call it; the last word of the address where that is all that is said."""
    given = lines[0].get("action") if lines else None
    return given if given in _ACTIONS else otherwise
