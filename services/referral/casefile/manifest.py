"""What a case file says, as JSON values: the one thing that is signed, and the one that the pages are drawn from. Pure.

In: a case with its reports and its past, what the log holds of its reports, rows of the audit, the competence table.
Out: a document whose equal parts give an equal document: nothing in it says when it was made. `until` ends the chain of
custody; by default at the case's latest event, so that a case's version has one file.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Protocol

from ibalagh.events.reports import ReportReceivedV1
from services.referral.competence import Competence
from services.referral.history import CaseFile, Entry
from services.referral.model import Case, Membership

VERSION: Final = "ibalagh.case-file.v1"
"""Part of what is signed, so that a signature of something else never passes for a case file's."""
_MARGIN: Final = timedelta(days=1)


class Found(NamedTuple):
    """A report as the log holds it: where, the SHA-256 of the record's value (which a signed receipt names too), and
    what it says."""

    topic: str
    partition: int
    offset: int
    record_sha256: str
    report: ReportReceivedV1


class Seen(Protocol):
    """A row of the audit: who saw or did what."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def person(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def permission(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def hash(self) -> bytes: ...


def latest(file: CaseFile) -> datetime:
    """When the case's latest event happened."""
    return max((entry.occurred_at for entry in file.history), default=file.case.opened_at)


def manifest(
    file: CaseFile,
    found: Mapping[str, Found],
    custody: Sequence[Seen],
    competence: Competence | None,
    *,
    until: datetime,
    language: str,
    key_id: str,
) -> dict[str, Any]:
    """The document. `found`: by report id, without those that the log forgot; `competence`: the table that decided,
    None where it is gone; `custody`: the rows about the case in order, of which those after `until` are left out."""
    case = file.case
    return {
        "version": VERSION,
        "key_id": key_id,
        "language": language,
        "case": _case(case),
        "competence": _competence(case, competence),
        "reports": [_report(each, found.get(each.report_id)) for each in file.reports],
        "reports_not_listed": case.reports - len(file.reports),
        "evidence": [
            {"report_id": each.report_id, "number": number, **attachment.model_dump(mode="json")}
            for each in file.reports
            if each.report_id in found
            for number, attachment in enumerate(found[each.report_id].report.attachments, start=1)
        ],
        "suspects": [{"suspect_ref": reference, "state": state.value} for reference, state in file.suspects],
        "timeline": [_entry(each) for each in file.history],
        "custody_until": moment(until),
        "custody": [_seen(each) for each in custody if each.at <= until],
    }


def written_between(file: CaseFile) -> tuple[datetime, datetime] | None:
    """When the log took the case's reports in, at the earliest and the latest: not before the first was received, and
    before the last one joined. A day more on both sides, since the civil day begins earlier in Morocco than in UTC, and
    clocks differ. None for a case without reports."""
    if not file.reports:
        return None
    first = datetime.combine(min(each.received_on for each in file.reports), time(), UTC)
    return first - _MARGIN, max(each.joined_at for each in file.reports) + _MARGIN


def moment(at: datetime) -> str:
    """A time in UTC to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _case(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "number": case.number,
        "version": case.version,
        "state": case.state.value,
        "result": None if case.result is None else case.result.value,
        "category": case.category.value,
        "province": case.province,
        "urgency": int(case.urgency),
        "service": case.service,
        "prosecutor": case.prosecutor,
        "received_on": case.received_on.isoformat(),
        "opened_at": moment(case.opened_at),
        "report_count": case.reports,
    }


def _competence(case: Case, table: Competence | None) -> dict[str, Any]:
    office = None if table is None else table.office(case.service)
    return {
        "table": case.competence_table,
        "rule": case.competence_rule,
        "valid_from": None if table is None else table.valid_from.isoformat(),
        "court": None if office is None else office.court,
        "appeal": None if office is None else office.appeal,
        "confirmed": office is not None and office.confirmed,
    }


def _report(report: Membership, found: Found | None) -> dict[str, Any]:
    said = None
    if found is not None:
        received = found.report
        said = {
            "topic": found.topic,
            "partition": found.partition,
            "offset": found.offset,
            "record_sha256": found.record_sha256,
            "received_at": moment(received.received_at),
            "text": received.text,
            "links": list(received.links),
            "platform": received.platform,
            "place": received.place,
            "seen_at": None if received.seen_at is None else moment(received.seen_at),
        }
    return {
        "report_id": report.report_id,
        "version": report.version,
        "category": report.category.value,
        "received_on": report.received_on.isoformat(),
        "joined_version": report.joined_version,
        "joined_at": moment(report.joined_at),
        "log": said,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "type": entry.type,
        "occurred_at": moment(entry.occurred_at),
        "actor": entry.actor,
        "detail": dict(entry.detail),
    }


def _seen(row: Seen) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": moment(row.at),
        "person": row.person,
        "action": row.action,
        "permission": row.permission,
        "detail": row.detail,
        "hash": row.hash.hex(),
    }
