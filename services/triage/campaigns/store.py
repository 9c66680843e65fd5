"""Campaigns in PostgreSQL. Inside the unit's transaction unless a page asks; raises what
`ibalagh.storage.postgres.Database` raises."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from services.triage.reviews import State

_SQL: Final = load("services.triage")


class Standing(NamedTuple):
    """A campaign: how many reports came, how many of them wait, and the open one that stands for these."""

    reports: int
    waiting: int
    head: str | None


class Campaign(NamedTuple):
    """A campaign as a page shows it. `decided`: how the latest of its reports was decided (category, disposition,
    reviewer, decided_at), if one was; `number`: the shown report's, from 1."""

    campaign_id: str
    reports: int
    waiting: int
    head: str | None
    decided: dict[str, Any] | None
    number: int


class Member(NamedTuple):
    """A report of a campaign."""

    number: int
    report_id: str
    state: State
    urgency: int
    received_at: datetime


def of_keys(tx: Transaction, keys: Collection[str]) -> dict[str, str]:
    """Key → campaign, for the keys that have one."""
    # One text, since the driver would quote every key of a list by itself.
    return dict(tx.fetch_all(_SQL["campaigns_of_keys"], {"keys": f"{{{','.join(keys)}}}"}))


def add_keys(tx: Transaction, keys: Mapping[str, str]) -> None:
    """Keys that are new, with their campaigns."""
    if keys:
        tx.execute(_SQL["add_campaign_keys"], {"keys": list(keys), "campaign_ids": list(keys.values())})


def begin(tx: Transaction, campaign_ids: Collection[str], *, from_items: bool) -> None:
    """Reports that were alone begin a campaign: those the desk has as they stand, if `from_items`, unless they did;
    else those of this batch, which are open."""
    if campaign_ids:
        tx.execute(_SQL["found_campaigns" if from_items else "begin_campaigns"], {"campaign_ids": list(campaign_ids)})


def lock(tx: Transaction, campaign_ids: Collection[str]) -> dict[str, Standing]:
    """Campaigns as they stand, locked until the transaction ends."""
    rows = tx.fetch_all(_SQL["lock_campaigns"], {"campaign_ids": list(campaign_ids)})
    return {row[0]: Standing(*row[1:]) for row in rows}


def join(tx: Transaction, members: Sequence[tuple[str, int, str]], after: Mapping[str, Standing]) -> None:
    """Write who joined (campaign id, number, report id), and how the campaigns stand after it."""
    campaign_ids, numbers, report_ids = map(list, zip(*members, strict=True))
    tx.execute(_SQL["add_members"], {"campaign_ids": campaign_ids, "numbers": numbers, "report_ids": report_ids})
    reports, waiting, heads = map(list, zip(*after.values(), strict=True))
    tx.execute(
        _SQL["update_campaigns"],
        {"campaign_ids": list(after), "reports": reports, "waiting": waiting, "heads": heads},
    )


def raise_heads(tx: Transaction, urgency_of: Mapping[str, int]) -> None:
    """Make reports at least so urgent."""
    if urgency_of:
        given = {"report_ids": list(urgency_of), "urgencies": list(urgency_of.values())}
        tx.execute(_SQL["raise_heads"], given)


def reach_heads(tx: Transaction, campaign_ids: Collection[str]) -> None:
    """The reports that stand for these campaigns reach as far as these: each step is twice as many reports."""
    tx.execute(_SQL["reach_heads"], {"campaign_ids": sorted(campaign_ids)})


def of_reports(tx: Transaction, report_ids: Collection[str]) -> dict[str, str]:
    """Report → campaign, for those that are in one."""
    return dict(tx.fetch_all(_SQL["campaigns_of_reports"], {"report_ids": list(report_ids)}))


def leave(tx: Transaction, gone: Mapping[str, tuple[int, dict[str, Any]]]) -> None:
    """Campaign id → how many of its reports wait no longer, and how the last of them was decided. The items are written
    already; where nobody stands for a campaign any more, the first that waits does."""
    campaign_ids = sorted(gone)
    tx.execute(
        _SQL["leave_campaigns"],
        {
            "campaign_ids": campaign_ids,
            "waiting": [gone[each][0] for each in campaign_ids],
            "decided": [orjson.dumps(gone[each][1]).decode() for each in campaign_ids],
        },
    )
    tx.execute(_SQL["promote_copies"], {"campaign_ids": campaign_ids})


def waiting(tx: Transaction, campaign_id: str, *, after: int, upto: int) -> list[str]:
    """The reports of a campaign that wait, with numbers above `after` and up to `upto`."""
    given = {"campaign_id": campaign_id, "after": after, "upto": upto}
    return [row[0] for row in tx.fetch_all(_SQL["waiting_members"], given)]


def shown(database: Database, report_ids: Collection[str]) -> dict[str, Campaign]:
    """Report → its campaign, for those that are in one. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["shown_campaigns"], {"report_ids": list(report_ids)})
    return {row[0]: _campaign(row) for row in rows}


def one(database: Database, campaign_id: str) -> Campaign | None:
    """A campaign; None for one that is unknown. Its `number` is the last report's. Raises PassingError."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["one_campaign"], {"campaign_id": campaign_id})
    return None if row is None else _campaign(row)


def members(database: Database, campaign_id: str, *, after: int, limit: int) -> list[Member]:
    """A page of a campaign's reports, from the number that follows `after`. Raises PassingError."""
    given = {"campaign_id": campaign_id, "after": after, "limit": limit}
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["campaign_page"], given)
    return [Member(number, report_id, State(state), *rest) for number, report_id, state, *rest in rows]


def as_json(campaign: Campaign | None) -> dict[str, Any] | None:
    """A campaign as JSON; null for a report that is alone."""
    return None if campaign is None else campaign._asdict()


def _campaign(row: Row) -> Campaign:
    _, campaign_id, reports, waiting_, head, decided, number = row
    return Campaign(campaign_id, reports, waiting_, head, None if decided is None else orjson.loads(decided), number)
