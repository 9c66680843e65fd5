"""Merging and splitting cases, undoing that, and opening closed ones again, over HTTP: beside the actions of `http`.

Each becomes a command on `cases.actions`, with an `Idempotency-Key` as every action, and is answered as they are: 200
applied, 202 not handled yet, 409 refused. All cases that a command names must be the asking scope's, else 404.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ibalagh.events.commands import DivideCaseV1, MergeCasesV1, ReopenCaseV1, UndoRegroupingV1
from ibalagh.events.envelope import Data, Event, Uuid
from ibalagh.events.make import root
from ibalagh.ops.settings import Settings
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from services.referral import reading
from services.referral.access import Access
from services.referral.http import Actor, CaseId, IdempotencyKey, Text, own_key, unknown_case, who_asks
from services.referral.model import SOURCE
from services.referral.preview import preview
from services.referral.scope import Scope
from services.referral.views import preview_view
from services.referral.work import MAX_VERSION
from services.referral.workdays import newest

Reason = Annotated[Text, StringConstraints(min_length=1)]
Version = Annotated[int, Field(ge=1, le=MAX_VERSION)]
ReportIds = Annotated[tuple[Uuid, ...], Field(min_length=1, max_length=200)]


class ReopenIn(BaseModel):
    """Open a closed case again. `version`: the one that was looked at; without it, whatever is current."""

    model_config = ConfigDict(extra="forbid")

    actor: Actor = Field(description="Pseudonym of the officer or prosecutor")
    reason: Reason
    version: Version | None = None


class MergeIn(ReopenIn):
    """Merge another case into the one that the address names."""

    other_case_id: Uuid
    other_version: Version | None = Field(None, description="The other case's version that was looked at")


class SplitIn(ReopenIn):
    """Make some of the case's reports a case of their own."""

    report_ids: ReportIds


class UndoIn(ReopenIn):
    """Undo the merge of the other case into this one, or the split of the other case off this one."""

    other_case_id: Uuid


def merge_command(asked: MergeIn, case_id: str) -> MergeCasesV1:
    """The command for a merge."""
    return MergeCasesV1(case_id=case_id, **asked.model_dump())


def split_command(asked: SplitIn, case_id: str) -> DivideCaseV1:
    """The command for a split."""
    return DivideCaseV1(case_id=case_id, **asked.model_dump())


def undo_command(asked: UndoIn, case_id: str) -> UndoRegroupingV1:
    """The command for undoing either."""
    return UndoRegroupingV1(case_id=case_id, **asked.model_dump())


def reopen_command(asked: ReopenIn, case_id: str) -> ReopenCaseV1:
    """The command for opening a case again."""
    return ReopenCaseV1(case_id=case_id, **asked.model_dump())


def as_event(data: Data, case_id: str, *, id_: str, now: datetime) -> Event[Data]:
    """A command as an event of its case. `now` aware, UTC."""
    return root(data, id_=id_, source=SOURCE, subject=case_id, now=now)


def check_seen(database: Database, scope: Scope, case_ids: Sequence[str]) -> None:
    """Raises `Problem` 404 unless the scope sees all of these cases."""
    if not reading.visible(database, scope, case_ids).issuperset(case_ids):
        raise unknown_case()


def routes(
    settings: Settings, database: Database, commands: Commands, access: Access, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes under `/v1`."""
    router = APIRouter(prefix="/v1")
    Asking = Annotated[Scope, Depends(who_asks(settings, access))]  # noqa: N806 - a type

    def send(scope: Scope, data: Data, case_ids: Sequence[str], idempotency_key: str | None) -> Response:
        check_seen(database, scope, case_ids)
        id_ = command_id(own_key(scope, idempotency_key))
        return commands.send(as_event(data, case_ids[0], id_=id_, now=clock()))

    @router.post("/cases/{case_id}/merge")
    def merge(scope: Asking, case_id: CaseId, asked: MergeIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Merge another case into this one. Across services a second person has to ask for the same: the first answer
        then has `waits_for_second_person` in its detail."""
        return send(scope, merge_command(asked, case_id), [case_id, asked.other_case_id], idempotency_key)

    @router.post("/cases/{case_id}/split")
    def split(scope: Asking, case_id: CaseId, asked: SplitIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Make some of the case's reports a case of their own; its id is the second of `cases` in the detail."""
        return send(scope, split_command(asked, case_id), [case_id], idempotency_key)

    @router.post("/cases/{case_id}/undo")
    def undo(scope: Asking, case_id: CaseId, asked: UndoIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Undo a merge into this case, or a split off it."""
        return send(scope, undo_command(asked, case_id), [case_id, asked.other_case_id], idempotency_key)

    @router.post("/cases/{case_id}/reopen")
    def reopen(scope: Asking, case_id: CaseId, asked: ReopenIn, idempotency_key: IdempotencyKey = None) -> Response:
        """Open a closed case again, where it stood when it was closed."""
        return send(scope, reopen_command(asked, case_id), [case_id], idempotency_key)

    @router.get("/cases/{case_id}/merge/{other_case_id}")
    def show_merge(scope: Asking, case_id: CaseId, other_case_id: Annotated[Uuid, Path()]) -> dict[str, Any]:
        """What merging the other case into this one would do now; nothing is changed."""
        kept, other = (reading.case_file(database, scope, each) for each in (case_id, other_case_id))
        if kept is None or other is None:
            raise unknown_case()
        return preview_view(preview(kept, other, now=clock(), workdays=newest()), scope)

    return router
