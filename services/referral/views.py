"""Cases as the interface shows them, as JSON. Pure.

In: cases and the scope that asks; out: dictionaries of plain values, times in ISO 8601.
"""

from collections.abc import Sequence
from typing import Any

from ibalagh.events.vocabulary import SuspectState
from services.referral.clocks import Level
from services.referral.history import CaseFile, Entry
from services.referral.lifecycle import ALLOWED, actions_on
from services.referral.model import Case, Clock, Membership
from services.referral.preview import Preview
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
        "merged_into": None if case.merged is None else case.merged.into,
        "split_from": case.split_from,
        "allowed": [] if case.merged else [action.value for action in ALLOWED[case.state] if scope.may(action)],
    }


def file_view(file: CaseFile, scope: Scope) -> dict[str, Any]:
    """A case with its reports, its suspects and its history."""
    return {
        **case_view(file.case, scope),
        "tally": {category.value: count for category, count in file.case.tally.items()},
        "reports": _report_views(file.reports),
        "suspects": [_suspect_view(file.case, reference, state, scope) for reference, state in file.suspects],
        "history": _history_view(file.history),
        "merged": [{**case_view(past.case, scope), "history": _history_view(past.history)} for past in file.merged],
        "split_off": [case_view(each, scope) for each in file.split_off],
        "waiting_merges": [each._asdict() for each in file.waiting],
    }


def _history_view(history: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "version": entry.version,
            "type": entry.type,
            "occurred_at": entry.occurred_at.isoformat(),
            "actor": entry.actor,
            "detail": entry.detail,
        }
        for entry in history
    ]


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


def preview_view(preview: Preview, scope: Scope) -> dict[str, Any]:
    """What a merge would do, before anybody asks for it."""
    return {
        "case": case_view(preview.kept, scope),
        "other": case_view(preview.other, scope),
        "refused": None if preview.refusal is None else {"code": preview.refusal.code, **preview.refusal.detail},
        "needs_second_person": preview.needs_second_person,
        "after": None if preview.after is None else case_view(preview.after, scope),
    }
