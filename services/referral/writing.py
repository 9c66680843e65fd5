"""The events that nearly every report causes, written as JSON at once: opened, referred, notified, joined. Pure.

In: a report and its case. Out: the bytes that the events' models would write, letter for letter, at a fifth of the
cost: what the report's own event said in canonical form is passed on, what follows from place and category is written
by the models once, and nothing is validated that was validated when it was read. Tests hold them to the models.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from ibalagh.events.cases import CaseJoinedV1, CaseOpenedV1, CaseReferredV1, ProsecutionNotifiedV1
from ibalagh.events.envelope import Data
from ibalagh.events.registry import type_of
from ibalagh.events.vocabulary import Category, Urgency
from ibalagh.events.written import Said, text_json, written
from services.referral.competence import Assignment, Competence, Traits
from services.referral.referred import ReferredReport

_OPENED: Final = type_of(CaseOpenedV1)
_JOINED: Final = type_of(CaseJoinedV1)
_REFERRED: Final = type_of(CaseReferredV1)
_NOTIFIED: Final = type_of(ProsecutionNotifiedV1)

_HEAD: Final = b'{"case_id":"%b","version":%d,"occurred_at":%b'
_IN_CASE: Final = b'%b,"report_id":"%b","facts":%b,"category":"%b","urgency":%d,"province":%b,"organisation":%b,%b[%b]}'
_REMEMBERED: Final = 4_096
"""How many assignments are remembered at most: provinces come from a wire."""


class Referral(NamedTuple):
    """Who is competent, and what `case.referred` and `prosecution.notified` say from the category on."""

    assigned: Assignment
    referred: bytes
    notified: bytes


@lru_cache(maxsize=_REMEMBERED)
def referral(
    competence: Competence, category: Category, province: str | None, urgency: Urgency, traits: Traits
) -> Referral:
    """The same for every case of a category, a place, an urgency and what else competence depends on."""
    assigned = competence.assign(category, province, minor=traits.minor, tier=traits.tier)
    at_service: dict[str, Any] = {
        "category": category,
        "service": assigned.service,
        "province": province,
        "prosecutor": assigned.prosecutor,
    }
    referred = CaseReferredV1.model_construct(
        **at_service, urgency=urgency, competence_table=assigned.table, competence_rule=assigned.rule
    )
    notified = ProsecutionNotifiedV1.model_construct(**at_service)
    return Referral(assigned, _tail(referred), _tail(notified))


def opening(case_id: str, report: ReferredReport, to: Referral, now: datetime) -> tuple[Said, ...]:
    """A report opened a case, which was referred, and the prosecutor notified: versions 1 to 3."""
    case, at = case_id.encode(), _time(now)
    return (
        (_OPENED, written(_in_case(_HEAD % (case, 1, at), report, b'"indicators":', report.indicators))),
        (_REFERRED, written(_HEAD % (case, 2, at) + to.referred)),
        (_NOTIFIED, written(_HEAD % (case, 3, at) + to.notified)),
    )


def joining(
    case_id: str, version: int, report: ReferredReport, joined_by: Iterable[bytes], now: datetime
) -> tuple[Said, ...]:
    """A report joined a case; `joined_by` are the indicators that they share, as JSON."""
    head = _HEAD % (case_id.encode(), version, _time(now))
    return ((_JOINED, written(_in_case(head, report, b'"joined_by":', joined_by))),)


def _in_case(head: bytes, report: ReferredReport, name: bytes, indicators: Iterable[bytes]) -> bytes:
    report_id, _, category, urgency, province, organisation, _, facts, *_ = report
    return _IN_CASE % (
        head,
        report_id.encode(),
        facts,
        category.encode(),
        urgency,
        text_json(province),
        text_json(organisation),
        name,
        b",".join(indicators),
    )


def _tail(data: Data) -> bytes:
    """What a model writes after its case's id, version and time, which every event of a case begins with."""
    return b"," + data.model_dump_json().encode()[1:]


@lru_cache(maxsize=8)
def _time(time: datetime) -> bytes:
    return to_json(time)
