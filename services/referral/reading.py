"""What people and other systems read of the cases, each within what its scope may see.

In: a scope (`services.referral.scope`), and what is asked for. Out: cases, a case's whole file, an inbox by deadline,
what a search finds. Raises PassingError.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.events.vocabulary import SuspectState
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.referral.access import seen
from services.referral.history import CaseFile, Entry, Past, Waiting, told
from services.referral.model import Case, Membership
from services.referral.scope import Scope
from services.referral.searching import Search
from services.referral.store import case_of, membership_of

_SQL: Final = load("services.referral")
_REPORTS_SHOWN: Final = 1_000
"""How many reports of a case one answer holds; a campaign may have gathered far more."""


class Place(NamedTuple):
    """Where a page of an inbox ends: the last case's deadline and number."""

    due_at: datetime
    number: int


def page(
    database: Database,
    scope: Scope,
    *,
    limit: int,
    after: int | None = None,
    service: str | None = None,
    state: str | None = None,
) -> tuple[list[Case], int | None]:
    """Cases, the latest first, and the `after` of the next page (None at the end)."""
    filters = {"limit": limit + 1, "after": after, "service": service or scope.service, "state": state}
    with seen(database, scope) as tx:
        cases = [case_of(row) for row in tx.fetch_all(_SQL["case_page"], filters)]
    return cases[:limit], cases[limit - 1].number if len(cases) > limit else None


def inbox(
    database: Database, scope: Scope, *, limit: int, after: Place | None = None, service: str | None = None
) -> tuple[list[Case], Place | None]:
    """Cases that wait for somebody, the nearest deadline first, and the `after` of the next page (None at the end)."""
    due_at, number = after or (None, None)
    filters = {"limit": limit + 1, "due_at": due_at, "after": number, "service": service or scope.service}
    with seen(database, scope) as tx:
        cases = [case_of(row) for row in tx.fetch_all(_SQL["inbox"], filters)]
    last = cases[limit - 1] if len(cases) > limit else None
    following = None if last is None or last.clock is None else Place(last.clock.due_at, last.number or 0)
    return cases[:limit], following


def search(database: Database, scope: Scope, wanted: Search, *, limit: int) -> list[Case]:
    """Cases that a search finds, the latest first."""
    values = {
        "number": wanted.number,
        "ids": list(wanted.ids),
        "keys": list(wanted.keys),
        "places": list(wanted.places),
        "limit": limit,
    }
    with seen(database, scope) as tx:
        return [case_of(row) for row in tx.fetch_all(_SQL["search"], values)]


def visible(database: Database, scope: Scope, case_ids: Collection[str]) -> set[str]:
    """Which of these cases the scope may see, and so act on; all of them for whoever sees everything."""
    if scope.everything:
        return set(case_ids)
    with seen(database, scope) as tx:
        return {row[0] for row in tx.fetch_all(_SQL["visible_cases"], {"case_ids": list(case_ids)})}


def case_file(database: Database, scope: Scope, case_id: str) -> CaseFile | None:
    """Everything about one case and those merged into it, as of one moment; None for one that is not known, or not the
    scope's."""
    one = {"case_id": case_id}
    with seen(database, scope, "repeatable read") as tx:
        row = tx.fetch_one(_SQL["case_by_id"], one)
        if row is None:
            return None
        case = case_of(row)
        merged = [case_of(each) for each in tx.fetch_all(_SQL["merged_into_case"], one)]
        own, *others = (_of_one(tx, each) for each in (case, *merged))
        reports = [report for each in (own, *others) for report in each[0]][:_REPORTS_SHOWN]
        ids = [case_id, *(each.case_id for each in merged)]
        suspects = [(each[1], SuspectState(each[2])) for each in tx.fetch_all(_SQL["suspects"], {"case_ids": ids})]
        pasts = [Past(each, past) for each, (_, past) in zip(merged, others, strict=True)]
        split_off = [case_of(each) for each in tx.fetch_all(_SQL["split_off_case"], one)]
        waiting = [Waiting(*each) for each in tx.fetch_all(_SQL["proposals_of_case"], one)]
    return CaseFile(case, reports, suspects, own[1], pasts, split_off, waiting)


def _of_one(tx: Transaction, case: Case) -> tuple[list[Membership], list[Entry]]:
    """The reports that lie in a case's own rows, and what it tells of itself."""
    one = {"case_id": case.case_id, "limit": _REPORTS_SHOWN}
    reports = [membership_of(each) for each in tx.fetch_all(_SQL["reports_of_case"], one)]
    return reports, told(case, reports, [Entry(*each) for each in tx.fetch_all(_SQL["history_of_case"], one)])


def standing(database: Database, scope: Scope, case_id: str) -> str | None:
    """The case that is meant where this one is named: itself, or the one that it is merged into in the end; None for
    one that is not known, and for one that is led on to a case that the scope does not see."""
    with seen(database, scope) as tx:
        row = tx.fetch_one(_SQL["standing_case"], {"case_id": case_id})
    return None if row is None else str(row[0])


def case_of_number(database: Database, scope: Scope, number: int) -> str | None:
    """The id of the case with a number; None for one that is not known, or not the scope's."""
    with seen(database, scope) as tx:
        row = tx.fetch_one(_SQL["case_of_number"], {"number": number})
    return None if row is None else str(row[0])


def case_of_report(database: Database, scope: Scope, report_id: str) -> Case | None:
    """The standing case that holds a report now, None for a report that is in none."""
    with seen(database, scope, "repeatable read") as tx:
        row = tx.fetch_one(_SQL["case_of_report"], {"report_id": report_id})
        stands = None if row is None or row[0] is None else tx.fetch_one(_SQL["standing_case"], {"case_id": row[0]})
        found = None if stands is None else tx.fetch_one(_SQL["case_by_id"], {"case_id": stands[0]})
    return None if found is None else case_of(found)


def open_case_count(database: Database) -> int:
    """How many cases are open."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["open_case_count"], {})
    return 0 if row is None else int(row[0])


def open_cases(database: Database, *, after: int, limit: int) -> list[Case]:
    """Open cases in the order of opening, after a number."""
    with database.transaction(read_only=True) as tx:
        return [case_of(row) for row in tx.fetch_all(_SQL["open_cases_after"], {"after": after, "limit": limit})]
