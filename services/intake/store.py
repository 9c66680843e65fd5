"""What intake keeps in PostgreSQL: reports taken in, what is not yet published, sealed identities, statuses.

Raises the errors of `ibalagh.storage.postgres.Database`: `PassingError`, `ConflictError`, `UnknownOutcomeError`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from psycopg2.errors import UniqueViolation

from ibalagh.events.envelope import NIL_UUID
from ibalagh.events.vocabulary import AmendmentKind
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from ibalagh.stream.errors import ConflictError
from ibalagh.stream.ports import Acknowledgement, TopicPartition
from services.intake import packing
from services.intake.acceptance import Prepared
from services.intake.attached import allotted
from services.intake.attachments.records import claim, free_among
from services.intake.merged_store import save_merged_cases
from services.intake.signing import Facts
from services.intake.status import Changes, Linked, Status, Triaged

_SQL: Final = load("services.intake")
_MOST_SHOWN: Final = 200
"""Messages, and amendments, that an answer holds at most."""


class Known(NamedTuple):
    """What is stored under an idempotency key. `pending`: the broker's acknowledgement is not noted yet, so there is no
    `position`. A report from before signed receipts has neither `record_sha256` nor `position`."""

    report_id: str
    body_hash: bytes
    accepted_at: datetime
    record_sha256: bytes | None
    position: Acknowledgement | None
    pending: bool

    def facts(self, received_sha256: bytes) -> Facts | None:
        """What was promised to who sent bytes with this SHA-256, and so is again; None before signed receipts."""
        if self.record_sha256 is None or self.position is None:
            return None
        return Facts(self.report_id, self.accepted_at, received_sha256, self.record_sha256, self.position)


class Stored(NamedTuple):
    """What storing a batch came to: the ids that are new, what was known before, by the hash of its key, and the ids of
    reports that named a file which is another's by now, or nobody's any more."""

    new: frozenset[str]
    known: Mapping[bytes, Known]
    without_files: frozenset[str] = frozenset()


class Pending(NamedTuple):
    """A report, or what was said about one, that is stored and perhaps not published; `report_id` is the event's id.
    `event_type` is None for a report."""

    report_id: str
    accepted_at: datetime
    value: bytes
    stored_at: datetime
    event_type: str | None = None


class Message(NamedTuple):
    """What an analyst wrote to a reporter."""

    message_id: str
    sent_at: datetime
    text: str


class Amended(NamedTuple):
    """That a reporter said something after the report. Not what: whoever finds a receipt should not read it."""

    kind: AmendmentKind
    at: datetime


class Backlog(NamedTuple):
    """How many reports are pending, how many of them are `due` to be looked for in the log, and since when the oldest
    one is pending."""

    pending: int
    due: int
    oldest: datetime | None


class ReportStatus(NamedTuple):
    """What a receipt is answered with; messages and amendments in the order of time, the newest of very many."""

    status: Status
    updated_at: datetime
    messages: Sequence[Message] = ()
    amendments: Sequence[Amended] = ()

    @property
    def withdrawn_at(self) -> datetime | None:
        """When the reporter withdrew the report, if ever."""
        return next((each.at for each in self.amendments if each.kind is AmendmentKind.WITHDRAWAL), None)


class IntakeStore:
    """Intake's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, reports: Sequence[Prepared], published: Mapping[str, Acknowledgement]) -> Stored:
        """In one transaction, note the acknowledgements of before and store the new ones among `reports`.

        No two of `reports` may share an idempotency key.
        """
        with self._database.transaction() as tx:
            self._note(tx, published)
            return self._insert(tx, reports)

    def note_published(self, published: Mapping[str, Acknowledgement]) -> None:
        """Note the broker's acknowledgements, by report id."""
        with self._database.transaction() as tx:
            self._note(tx, published)

    @contextmanager
    def claim(self, age_s: float, limit: int, after: Pending | None = None) -> Iterator["Claim"]:
        """The oldest reports that have been pending for `age_s` seconds; of those that come after `after`, if given.

        They stay locked until the block ends, and what is noted about them takes effect when it ends without error.
        """
        place = {"after_time": after and after.stored_at, "after_id": after.report_id if after else NIL_UUID}
        with self._database.transaction() as tx:
            rows = tx.fetch_all(_SQL["claim_pending"], {"age_s": age_s, "limit": limit, **place})
            yield Claim(tx, [Pending(row[0], row[1], bytes(row[2]), *row[3:]) for row in rows])

    def backlog(self, age_s: float) -> "Backlog":
        """How many reports are pending, and how many of them for `age_s` seconds."""
        with self._database.transaction(read_only=True) as tx:
            return Backlog(*(tx.fetch_one(_SQL["count_pending"], {"age_s": age_s}) or (0, 0, None)))

    def forget_positions(self) -> None:
        """Drop notes of positions that are too old to be of use."""
        with self._database.transaction() as tx:
            tx.execute(_SQL["forget_positions"])

    def status_of(self, receipt_hash: bytes) -> ReportStatus | None:
        """The status of the report whose receipt has this hash; None when there is none, after the same queries."""
        asked = {"receipt_hash": receipt_hash, "limit": _MOST_SHOWN}
        with self._database.transaction("repeatable read", read_only=True) as tx:
            row = tx.fetch_one(_SQL["status_of"], asked)
            messages = [Message(*each) for each in tx.fetch_all(_SQL["messages_of"], asked)]
            amendments = [Amended(AmendmentKind(kind), at) for kind, at in tx.fetch_all(_SQL["amendments_of"], asked)]
        return (
            None
            if row is None
            else ReportStatus(Status(row[0]), row[1], messages[::-1], sorted(amendments, key=itemgetter(1)))
        )

    def _insert(self, tx: Transaction, reports: Sequence[Prepared]) -> Stored:
        if not reports:
            return Stored(frozenset(), {})
        without_files = _without_files(tx, reports)
        takeable = [report for report in reports if report.report_id not in without_files]
        ordered = sorted(takeable, key=lambda report: report.retry.key_hash if report.retry else b"")
        rows = tx.fetch_all(
            _SQL["store_submissions"],
            {
                "report_ids": _literal([report.report_id for report in ordered]),
                "times": _literal([_iso(report.accepted_at) for report in ordered]),
                "receipts": _hashes([report.receipt_hash for report in ordered]),
                "keys": _hashes([report.retry and report.retry.key_hash for report in ordered]),
                "bodies": _hashes([report.retry and report.retry.body_hash for report in ordered]),
                "records": _hashes([report.record_sha256 for report in ordered]),
            },
        )
        new = frozenset(row[0] for row in rows)
        stored = [report for report in ordered if report.report_id in new]
        if stored:
            tx.copy_binary("pending", packing.PENDING, packing.pending(stored))
        if any(report.sealed for report in stored):
            tx.copy_binary("intake_vault.vault", packing.VAULT, packing.vault(stored))
        if claims := [each for report in stored for each in report.claims]:
            claim(tx, claims)
        keys = [r.retry.key_hash for r in reports if r.retry is not None and r.report_id not in new]
        known = tx.fetch_all(_SQL["find_by_key"], {"keys": keys}) if keys else []
        return Stored(new, {bytes(row[0]): _known(row[1:]) for row in known}, without_files)

    def _note(self, tx: Transaction, published: Mapping[str, Acknowledgement]) -> None:
        if not published:
            return
        _note_published(tx, published)
        after: dict[tuple[str, int], int] = {}
        for topic, partition, offset in published.values():
            after[topic, partition] = max(after.get((topic, partition), 0), offset + 1)
        places = sorted(after)
        tx.execute(
            _SQL["note_positions"],
            {
                "topics": [topic for topic, _ in places],
                "partitions": [partition for _, partition in places],
                "offsets": [after[place] for place in places],
            },
        )


class Claim:
    """Pending reports that one reconciler holds."""

    def __init__(self, tx: Transaction, reports: Sequence[Pending]) -> None:
        self._tx = tx
        self.reports = reports

    def search_from(self) -> dict[TopicPartition, int]:
        """Where the claimed reports can be in the log at the earliest; partitions left out are searched from 0."""
        oldest = min(report.stored_at for report in self.reports)
        rows = self._tx.fetch_all(_SQL["positions_before"], {"time": oldest})
        return {TopicPartition(row[0], row[1]): row[2] for row in rows}

    def note_published(self, published: Mapping[str, Acknowledgement]) -> None:
        """These are published, at these places, and not pending any more."""
        if published:
            _note_published(self._tx, published)


def _without_files(tx: Transaction, reports: Sequence[Prepared]) -> frozenset[str]:
    """The reports that do not get all the files that they name. Of a repeated request these are its first one's."""
    wishing = [report for report in reports if report.claims]
    free = free_among(tx, [each for report in wishing for each in report.claims])
    granted = allotted([report.claims for report in wishing], free)
    return frozenset(report.report_id for report, claims in zip(wishing, granted, strict=True) if claims is None)


def _known(row: Sequence[Any]) -> Known:
    report_id, body_hash, accepted_at, record_sha256, *place, open_ = row
    position = None if place[0] is None else Acknowledgement(*place)
    record_sha256 = None if record_sha256 is None else bytes(record_sha256)
    return Known(report_id, bytes(body_hash), accepted_at, record_sha256, position, open_ and position is None)


def _note_published(tx: Transaction, published: Mapping[str, Acknowledgement]) -> None:
    places = sorted(published.items())
    tx.execute(
        _SQL["note_published"],
        {
            "report_ids": _literal([report_id for report_id, _ in places]),
            "topics": _literal([place.topic for _, place in places]),
            "partitions": _literal([str(place.partition) for _, place in places]),
            "offsets": _literal([str(place.offset) for _, place in places]),
        },
    )


def save_status(tx: Transaction, changes: Changes) -> None:
    """Write a batch's changes of the projection inside the transaction that stores the positions.

    Most reports are new to it: their rows go in by COPY, at a third of what an upsert costs, the others are updated.
    Raises ConflictError when another worker met one of the new ones first.
    """
    triaged, linked, cases, merged = changes
    met = sorted(triaged.keys() | linked.keys())
    if met:
        known = {row[0] for row in tx.fetch_all(_SQL["known_statuses"], {"ids": _literal(met)})}
        new = [report_id for report_id in met if report_id not in known]
        if new:
            try:
                tx.copy_binary("report_status", packing.STATUSES, packing.statuses(new, triaged, linked))
            except UniqueViolation:
                raise ConflictError("another worker wrote a report's first status meanwhile") from None
        _update_triaged(tx, [each for report_id, each in triaged.items() if report_id in known])
        _update_linked(tx, [each for report_id, each in linked.items() if report_id in known])
    if cases:
        standing = cases.values()
        tx.execute(
            _SQL["save_cases"],
            {
                "ids": _literal([each.case_id for each in standing]),
                "versions": _literal([str(each.version) for each in standing]),
                "statuses": _literal([each.status for each in standing]),
                "times": _literal([_iso(each.at) for each in standing]),
            },
        )
    save_merged_cases(tx, merged.values())


def _update_triaged(tx: Transaction, triaged: Sequence[Triaged]) -> None:
    if not triaged:
        return
    tx.execute(
        _SQL["update_triaged"],
        {
            "ids": _literal([each.report_id for each in triaged]),
            "versions": _literal([str(each.version) for each in triaged]),
            "statuses": _literal([each.status for each in triaged]),
            "times": _literal([_iso(each.at) for each in triaged]),
        },
    )


def _update_linked(tx: Transaction, linked: Sequence[Linked]) -> None:
    if not linked:
        return
    tx.execute(
        _SQL["update_linked"],
        {
            "ids": _literal([each.report_id for each in linked]),
            "cases": _literal([each.case_id or "NULL" for each in linked]),
            "times": _literal([_iso(each.at) for each in linked]),
        },
    )


def _literal(words: Sequence[str]) -> str:
    """Ids, numbers, times and words of closed lists as PostgreSQL's array literal, which costs driver and server far
    less than the list: nothing in them needs quoting."""
    return "{" + ",".join(words) + "}"


def _hashes(hashes: Sequence[bytes | None]) -> str:
    """Hashes as PostgreSQL's array literal."""
    return _literal(["NULL" if each is None else '"\\\\x' + each.hex() + '"' for each in hashes])


@lru_cache(maxsize=64)
def _iso(time: datetime) -> str:
    return time.isoformat()
