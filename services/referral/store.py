"""Referral's rows in PostgreSQL: read by the set before a batch is decided, written by the set after it.

`gather` and `apply` work inside the unit's transaction. `apply` raises `ConflictError` when a rival claimed one of the
batch's indicators first: the batch is then decided anew, with the rival's case in sight.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

from psycopg2.errors import UniqueViolation

from ibalagh.events.commands import DivideCaseV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import CaseResult, CaseState, Category, ClockKind, SuspectState, Urgency
from ibalagh.storage.commands import applied, known_results, record_results, refused
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from ibalagh.stream.errors import ConflictError
from services.referral import packing, rarely
from services.referral.decided import Decided, Snapshot
from services.referral.history import Entry
from services.referral.model import Case, Clock, Membership
from services.referral.rearranging import chain
from services.referral.work import Work, cases_named, report_ids_of

_SQL: Final = load("services.referral")
_NO_CLOCK: Final = (None,) * len(Clock._fields)
_CLOCK_ARRAYS: Final = ("clocks", "clocks_started", "clocks_warn", "clocks_due", "clock_levels", "clocks_strike")


def gather(tx: Transaction, work: Work) -> Snapshot:
    """The rows that a batch touches; locks its cases. A query is made only where there is something to ask."""
    splits = [each for each in work.actions if isinstance(each.data, DivideCaseV1)]
    report_ids = {each.report_id for each in work.reports}.union(*(report_ids_of(each) for each in splits))
    keys = {key for each in work.reports if each.referred is not None for key in each.referred.keys}
    memberships = {row[0]: membership_of(row) for row in _ask(tx, "memberships", report_ids=report_ids)}
    if splits:
        keys = keys.union(*(each.keys for each in memberships.values()))
    owners = {row[0].replace("-", ""): row[1] for row in _ask(tx, "owners", keys=keys)}
    named = cases_named(work.actions)
    checked = {each.subject for each in work.actions}
    family = {row[0] for row in _ask(tx, "families", case_ids=named)}
    case_ids = (
        checked
        | named
        | family
        | set(owners.values())
        | {each.case_id for each in memberships.values() if each.case_id}
    )
    cases = _locked(tx, case_ids)
    if family != {row[0] for row in _ask(tx, "families", case_ids=named)}:
        raise ConflictError("another worker merged a case of this batch meanwhile")
    suspects: dict[str, dict[str, SuspectState]] = {}
    for case_id, reference, state in _ask(tx, "suspects", case_ids=family):
        suspects.setdefault(case_id, {})[reference] = SuspectState(state)
    answered = known_results(tx, {each.id for each in work.actions}) if work.actions else ()
    proposals = {(row[0], row[1]): row[2] for row in _ask(tx, "merge_proposals", case_ids=named)}
    staying = {each.id: _staying(tx, each, memberships, cases) for each in splits}
    return Snapshot(memberships, cases, owners, suspects, frozenset(answered), proposals, staying)


def _locked(tx: Transaction, case_ids: Set[str]) -> dict[str, Case]:
    """Cases, locked, with all that they are merged into. Few are merged, so that the first query nearly always does."""
    cases: dict[str, Case] = {}
    missing = case_ids
    while missing:
        cases |= {row[0]: case_of(row) for row in _ask(tx, "lock_cases", case_ids=missing)}
        missing = {case.merged.into for case in cases.values() if case.merged is not None} - cases.keys()
    return cases


def _staying(
    tx: Transaction, split: Event[Data], memberships: Mapping[str, Membership], cases: Mapping[str, Case]
) -> frozenset[str]:
    """Of the keys that the reports of a split carry, those that reports carry which it leaves."""
    going = report_ids_of(split)
    keys = {key for report_id in going if report_id in memberships for key in memberships[report_id].keys}
    case_id = split.subject
    family = {each for each in cases if case_id in chain(cases, each)}
    rows = _ask(tx, "staying_keys", case_ids=family, keys=keys, report_ids=going)
    return frozenset(row[0].replace("-", "") for row in rows)


def apply(tx: Transaction, decided: Decided) -> None:
    """Write what a batch decided. Raises ConflictError when an indicator went to a rival."""
    _claim(tx, decided)
    if decided.new_cases:
        tx.copy_binary("cases", packing.CASE_COLUMNS, packing.cases(decided.new_cases))
    _update_cases(tx, decided.changed_cases)
    _mark_cases(tx, decided)
    if decided.new_memberships:
        tx.copy_binary("case_reports", packing.MEMBERSHIP_COLUMNS, packing.memberships(decided.new_memberships))
    _update_memberships(tx, decided.changed_memberships)
    if decided.suspects:
        case_ids, references, states = _columns(decided.suspects)
        tx.execute(_SQL["upsert_suspects"], {"case_ids": case_ids, "references": references, "states": states})
    tx.copy_in("case_history", Entry._fields, decided.history)
    record_results(
        tx,
        [
            applied(each.command_id, dict(each.detail))
            if each.code is None
            else refused(each.command_id, each.code, dict(each.detail))
            for each in decided.answers
        ],
    )


def claim_strikes(
    database: Database, *, now: datetime, again: datetime, limit: int
) -> list[tuple[str, ClockKind, datetime, int]]:
    """Clocks that must be looked at, as (case id, what it waits for, since when, its level), taken until `again`: who
    asks meanwhile gets others. Raises PassingError."""
    with database.transaction() as tx:
        rows = tx.fetch_all(_SQL["claim_strikes"], {"now": now, "again": again, "limit": limit})
    return [(row[0], ClockKind(row[1]), row[2], row[3]) for row in rows]


def clock_counts(database: Database) -> dict[tuple[ClockKind, int], int]:
    """How many clocks run, by what they wait for and their level. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        return {(ClockKind(kind), level): count for kind, level, count in tx.fetch_all(_SQL["clock_counts"])}


def _ask(tx: Transaction, query: str, **sets: Collection[str]) -> list[Row]:
    """A query over one set; nothing is asked about an empty one."""
    if not all(sets.values()):
        return []
    return tx.fetch_all(_SQL[query], {name: _literal(values) for name, values in sets.items()})


def _literal(ids: Iterable[str]) -> str:
    """UUIDs as PostgreSQL's array literal, which the driver passes on far faster than a list."""
    return "{" + ",".join(ids) + "}"


def _claim(tx: Transaction, decided: Decided) -> None:
    fresh = [each for each in decided.claims if each.previous is None]
    if fresh:
        try:
            tx.copy_binary("indicators", packing.CLAIM_COLUMNS, packing.claims(fresh))
        except UniqueViolation:
            raise ConflictError("another worker claimed an indicator of this batch first") from None
    moved = [each for each in decided.claims if each.previous is not None]
    if moved:
        keys, case_ids, previous = _columns(moved)
        arrays = {"keys": keys, "case_ids": case_ids, "previous": previous}
        if tx.execute(_SQL["move_indicators"], arrays) != len(moved):
            raise ConflictError("another worker moved an indicator of this batch first")


def _update_cases(tx: Transaction, cases: Sequence[Case]) -> None:
    if not cases:
        return
    columns = {
        "case_ids": [case.case_id for case in cases],
        "versions": [case.version for case in cases],
        "states": [case.state.value for case in cases],
        "categories": [case.category.value for case in cases],
        "urgencies": [int(case.urgency) for case in cases],
        "services": [case.service for case in cases],
        "prosecutors": [case.prosecutor for case in cases],
        "tables": [case.competence_table for case in cases],
        "rules": [case.competence_rule for case in cases],
        "received_on": [case.received_on for case in cases],
        "tallies": [packing.tally_json(case) for case in cases],
        "results": [None if case.result is None else case.result.value for case in cases],
    }
    clocks = [case.clock or _NO_CLOCK for case in cases]
    columns |= dict(zip(_CLOCK_ARRAYS, _columns(clocks), strict=True))
    tx.execute(_SQL["update_cases"], columns)


def _mark_cases(tx: Transaction, decided: Decided) -> None:
    """What few changes of a case concern; proposals of merges, and their end."""
    if decided.marked:
        case_ids = [case.case_id for case in decided.marked]
        columns = {
            "case_ids": case_ids,
            "merged_into": [case.merged.into if case.merged else None for case in decided.marked],
            "merged_before": [rarely.merged_json(case.merged) for case in decided.marked],
            "split_from": [case.split_from for case in decided.marked],
            "opened_as": [case.opened_as.value if case.opened_as else None for case in decided.marked],
            "closings": [rarely.closing_json(case.closing) for case in decided.marked],
        }
        tx.execute(_SQL["mark_cases"], columns)
        tx.execute(_SQL["end_merge_proposals"], {"case_ids": case_ids})
    if decided.proposals:
        case_ids, others, actors = _columns(decided.proposals)
        tx.execute(_SQL["save_merge_proposals"], {"case_ids": case_ids, "others": others, "actors": actors})


def _update_memberships(tx: Transaction, memberships: Sequence[Membership]) -> None:
    if not memberships:
        return
    names = ("report_ids", "case_ids", "versions", "joined_versions", "categories", "received_on", "joined_at")
    *columns, keys = _columns(memberships)
    arrays = {**dict(zip(names, columns, strict=True)), "keys": [_literal(each) if each else None for each in keys]}
    tx.execute(_SQL["update_memberships"], arrays)


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def case_of(row: Row) -> Case:
    """A case from the columns that every query about cases has."""
    return Case(
        case_id=row[0],
        number=row[1],
        version=row[2],
        state=CaseState(row[3]),
        category=Category(row[4]),
        province=row[5],
        urgency=Urgency(row[6]),
        service=row[7],
        prosecutor=row[8],
        competence_table=row[9],
        competence_rule=row[10],
        received_on=row[11],
        opened_at=row[12],
        tally={Category(name): count for name, count in row[13].items()},
        result=None if row[14] is None else CaseResult(row[14]),
        clock=None if row[15] is None else Clock(ClockKind(row[15]), *row[16:21]),
        merged=None if row[21] is None else rarely.merged_of(row[21], row[22]),
        split_from=row[23],
        opened_as=None if row[24] is None else Category(row[24]),
        closing=None if row[25] is None else rarely.closing_of(row[25]),
    )


def membership_of(row: Row) -> Membership:
    """A report's place from its columns."""
    return Membership(row[0], row[1], row[2], row[3], Category(row[4]), row[5], row[6], rarely.keys_of(row[7]))
