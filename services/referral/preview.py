"""What a merge would do, for whoever is about to ask for it: decided as it would be, and nothing kept. Pure."""

from datetime import datetime
from typing import NamedTuple

from ibalagh.events.commands import MergeCasesV1
from services.referral import regrouping
from services.referral.history import CaseFile
from services.referral.lifecycle import Refusal
from services.referral.model import Case
from services.referral.regrouping import Whole
from services.referral.workdays import Workdays


class Preview(NamedTuple):
    """Two cases; why they cannot be merged, or the case as it would be; whether that needs a second person."""

    kept: Case
    other: Case
    refusal: Refusal | None
    after: Case | None
    needs_second_person: bool


def preview(kept: CaseFile, other: CaseFile, *, now: datetime, workdays: Workdays) -> Preview:
    """What merging `other` into `kept` would do now."""
    command = MergeCasesV1(
        case_id=kept.case.case_id, other_case_id=other.case.case_id, actor="preview", reason="preview"
    )
    result = regrouping.merge(_whole(kept), _whole(other), command, now=now, workdays=workdays)
    refusal = result if isinstance(result, Refusal) else None
    after = None if isinstance(result, Refusal) else result[0].case
    return Preview(kept.case, other.case, refusal, after, regrouping.needs_second_person(kept.case, other.case))


def _whole(file: CaseFile) -> Whole:
    return Whole(file.case, frozenset(reference for reference, _ in file.suspects))
