"""Links in PostgreSQL: keys and rulings in, what belongs to a report out. Inside the unit's transaction unless a page
asks; raises what `ibalagh.storage.postgres.Database` raises."""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ibalagh.events.reports import ReportTriagedV1
from ibalagh.storage.binary import stream, uuid
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.triage import dialogue_store, store
from services.triage.entities.attached import shown_kind
from services.triage.links.policy import Key, keys_of
from services.triage.links.rulings import UNRULED, Ruling, Standing, Verdict
from services.triage.links.sketch import LEAST_BANDS, bands_of, resemblance

_SQL: Final = load("services.triage")
_pack_row: Final = struct.Struct(">hi16si16s").pack
_pack_band: Final = struct.Struct(">hiqi16s").pack
SUGGESTED: Final = 20
"""Reports suggested at most: the most alike."""

Pair = tuple[str, str]
"""A key and a report that has it."""


class Group(NamedTuple):
    """The reports that share an indicator with a report: how many there are with it, and the oldest of the others;
    `shown_as` is what the indicator is called to people."""

    key: Key
    reports: int
    others: Sequence[str]
    shown_as: str


class Resembling(NamedTuple):
    """A report whose text resembles another's; `share` is the likeliest share of what they have in common, to 1."""

    report_id: str
    share: float


class Links(NamedTuple):
    """What belongs to a report. `linked` and `unlinked` are people's rulings that hold, the latest of each target;
    `suggested` is for a person to look at, and no link."""

    report_id: str
    version: int
    groups: Sequence[Group]
    linked: Sequence[Ruling]
    unlinked: Sequence[Ruling]
    suggested: Sequence[Resembling]


def lock(tx: Transaction) -> None:
    """Wait until no other worker is at links; until the transaction ends."""
    tx.execute(_SQL["lock_links"])


def oldest(tx: Transaction, keys: Collection[str]) -> dict[str, str]:
    """The oldest report that has each of these keys, where there is one."""
    if not keys:
        return {}
    # One text, since the driver would quote every key of a list by itself.
    return dict(tx.fetch_all(_SQL["oldest_of_keys"], {"keys": f"{{{','.join(keys)}}}"}))


def add_new(tx: Transaction, pairs: Sequence[Pair]) -> None:
    """Keys of reports that are new, each pair once."""
    if pairs:
        rows = (_pack_row(2, 16, uuid(key), 16, uuid(report_id)) for key, report_id in pairs)
        tx.copy_binary("link_keys", ("key", "report_id"), stream(rows))


def add(tx: Transaction, pairs: Collection[Pair]) -> None:
    """Keys of reports that may have them already."""
    _change(tx, "add_link_keys", pairs)


def drop(tx: Transaction, pairs: Collection[Pair]) -> None:
    """Take keys from reports."""
    _change(tx, "drop_link_keys", pairs)


def add_sketches(tx: Transaction, sketch_of: Mapping[str, str]) -> None:
    """Sketches of the texts of reports that are new."""
    if sketch_of:
        rows = (
            _pack_band(2, 8, band, 16, uuid(report_id))
            for report_id, sketch in sketch_of.items()
            for band in bands_of(sketch)
        )
        tx.copy_binary("sketch_bands", ("band", "report_id"), stream(rows))


def known(tx: Transaction, report_ids: Collection[str]) -> set[str]:
    """Which of these reports there are; they are locked until the transaction ends."""
    return {row[0] for row in tx.fetch_all(_SQL["known_reports"], {"report_ids": list(report_ids)})}


def standings(tx: Transaction, report_ids: Collection[str]) -> dict[str, Standing]:
    """How people ruled on the links of these reports; those without a ruling are left out."""
    found: dict[str, Standing] = {}
    for ruling in _rulings(tx, report_ids):
        found[ruling.report_id] = found.get(ruling.report_id, UNRULED).with_(ruling)
    return found


def keep(tx: Transaction, rulings: Sequence[Ruling]) -> None:
    """Write new rulings."""
    if rulings:
        report_ids, targets, by_key, numbers, verdicts, actors, reasons, ruled_at = map(
            list, zip(*rulings, strict=True)
        )
        tx.execute(
            _SQL["add_rulings"],
            {
                "report_ids": report_ids,
                "targets": targets,
                "by_key": by_key,
                "numbers": numbers,
                "verdicts": [verdict.value for verdict in verdicts],
                "actors": actors,
                "reasons": reasons,
                "ruled_at": ruled_at,
            },
        )


def of_report(database: Database, report_id: str, *, limit: int) -> Links | None:
    """What belongs to a report, of each group up to `limit` reports; None for a report that is unknown."""
    shown = store.one(database, report_id)
    if shown is None:
        return None
    return of_shown(database, shown, dialogue_store.read(database, report_id), limit=limit)


def of_shown(database: Database, shown: store.Shown, dialogue: dialogue_store.Dialogue, *, limit: int) -> Links:
    """As `of_report`, for a report and its dialogue that were read already."""
    report_id = shown.item.report.report_id
    said = [each for amendment in dialogue.amendments for each in amendment.data.indicators]
    found = [(key, shown_kind(each)) for each in (*shown.item.report.indicators, *said) for key in keys_of([each])]
    keys = {key.key: (key, shown_as) for key, shown_as in found}
    with database.transaction(read_only=True) as tx:
        rulings = {ruling.target: ruling for ruling in _rulings(tx, [report_id])}
        mine = [key for key in keys if not _is_apart(rulings.get(key))]
        rows = tx.fetch_all(_SQL["groups_of_keys"], {"report_id": report_id, "keys": mine, "limit": limit})
        resembling = _resembling(tx, shown.item.report)
    groups = [
        Group(keys[key][0], count, [other for other in others if not _is_apart(rulings.get(other))], keys[key][1])
        for key, count, others in rows
    ]
    held = rulings.values()
    return Links(
        report_id,
        max((ruling.number for ruling in held), default=0),
        [group for group in groups if group.others],
        [ruling for ruling in held if ruling.verdict is Verdict.LINKED and not ruling.by_key],
        [ruling for ruling in held if ruling.verdict is Verdict.UNLINKED],
        [each for each in resembling if each.report_id not in rulings],
    )


def _resembling(tx: Transaction, report: ReportTriagedV1) -> list[Resembling]:
    if report.sketch is None:
        return []
    given = {"bands": bands_of(report.sketch), "report_id": report.report_id, "least": LEAST_BANDS, "limit": SUGGESTED}
    return [Resembling(other, resemblance(common)) for other, common in tx.fetch_all(_SQL["resembling"], given)]


def _change(tx: Transaction, query: str, pairs: Collection[Pair]) -> None:
    if pairs:
        keys, report_ids = zip(*pairs, strict=True)
        tx.execute(_SQL[query], {"keys": list(keys), "report_ids": list(report_ids)})


def _rulings(tx: Transaction, report_ids: Collection[str]) -> Iterable[Ruling]:
    for row in tx.fetch_all(_SQL["link_standings"], {"report_ids": list(report_ids)}):
        report_id, number, target, by_key, verdict, actor, reason, ruled_at = row
        yield Ruling(report_id, target, by_key, number, Verdict(verdict), actor, reason, ruled_at)


def _is_apart(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.verdict is Verdict.UNLINKED
