"""Cases as the interface shows them, as JSON. Pure.

In: cases and the scope that asks; out: dictionaries of plain values, times in ISO 8601.
"""

from collections.abc import Sequence
from typing import Any

from ibalagh.events.vocabulary import SuspectState
from services.referral.clocks import Level
from services.referral.history import CaseFile
from services.referral.lifecycle import ALLOWED, actions_on
from services.referral.model import Case, Clock, Membership
from services.referral.scope import Scope


def case_view(case: Case, scope: Scope) -> dict[str, Any]:
    """A case as the interface shows it to a scope; `allowed` are the actions that both the case and the scope allow."""
    return {
        "case_id": case.case_id,
        "number": case.number,
        "version": case.version,
        "state": case.state.value,
        "category": case.category.value,
        "province": case.province,
        "urgency": int(case.urgency),
        "service": case.service,
        "prosecutor": case.prosecutor,
        "competence_table": case.competence_table,
        "competence_rule": case.competence_rule,
        "received_on": case.received_on.isoformat(),
        "opened_at": case.opened_at.isoformat(),
        "report_count": case.reports,
        "result": None if case.result is None else case.result.value,
        "clock": _clock_view(case.clock),
        "allowed": [action.value for action in ALLOWED[case.state] if scope.may(action)],
    }


def file_view(file: CaseFile, scope: Scope) -> dict[str, Any]:
    """A case with its reports, its suspects and its history."""
    return {
        **case_view(file.case, scope),
        "tally": {category.value: count for category, count in file.case.tally.items()},
        "reports": _report_views(file.reports),
        "suspects": [_suspect_view(file.case, reference, state, scope) for reference, state in file.suspects],
        "history": [
            {
                "version": entry.version,
                "type": entry.type,
                "occurred_at": entry.occurred_at.isoformat(),
                "actor": entry.actor,
                "detail": entry.detail,
            }
            for entry in file.history
        ],
    }


def _report_views(reports: Sequence[Membership]) -> list[dict[str, Any]]:
    return [
        {
            "report_id": report.report_id,
            "version": report.version,
            "category": report.category.value,
            "received_on": report.received_on.isoformat(),
            "joined_version": report.joined_version,
            "joined_at": report.joined_at.isoformat(),
        }
        for report in reports
    ]


def _clock_view(clock: Clock | None) -> dict[str, Any] | None:
    if clock is None:
        return None
    return {
        "waits_for": clock.kind.value,
        "started_at": clock.started_at.isoformat(),
        "due_at": clock.due_at.isoformat(),
        "level": Level(clock.level).name.lower(),
    }


def _suspect_view(case: Case, reference: str, state: SuspectState, scope: Scope) -> dict[str, Any]:
    allowed = [each.value for each in actions_on(case, state) if scope.may(each)]
    return {"suspect_ref": reference, "state": state.value, "allowed": allowed}
