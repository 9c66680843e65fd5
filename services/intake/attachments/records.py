"""The rows of evidence: files that are staged, the reports that have them, the keys of their blobs.

In: what was sealed, ids as keyed hashes; out: rows. Raises the errors of `ibalagh.storage.postgres.Database`.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.intake.attached import Claim, Upload
from services.intake.attachments.file_keys import FileKey

_SQL: Final = load("services.intake")
_BATCH: Final = 500


class Staged(NamedTuple):
    """A file as its row says it: what it is, how large its viewing copy is (None: there is none), the keys of both."""

    upload_id: str
    upload: Upload
    view_bytes: int | None
    keys: Sequence[FileKey]


class Listed(NamedTuple):
    """A file of a report, as an operator sees it."""

    number: int
    sha256: bytes
    size_bytes: int
    media_type: str
    view_bytes: int | None


class Viewable(NamedTuple):
    """A viewing copy that may be opened now, since the audit says so."""

    upload_id: str
    media_type: str
    size_bytes: int
    key: FileKey


class Records:
    """Intake's part of the tables of evidence: it stages, looks up, forgets; it cannot read an original's key."""

    def __init__(self, database: Database, *, lifetime_s: float) -> None:
        self._database = database
        self._lifetime_s = lifetime_s

    def stage(self, staged: Staged) -> None:
        """Store the row of a file whose blobs are durable."""
        row = {**staged.upload._asdict(), "upload_id": staged.upload_id, "view_bytes": staged.view_bytes}
        keys = {
            "upload_id": staged.upload_id,
            "views": [key.view for key in staged.keys],
            "key_ids": [key.key_id for key in staged.keys],
            "wrapped_keys": [key.wrapped_key for key in staged.keys],
            "shares": [key.share for key in staged.keys],
        }
        with self._database.transaction() as tx:
            tx.execute(_SQL["stage_upload"], row)
            tx.execute(_SQL["stage_keys"], keys)

    def staged_bytes(self) -> int:
        """What all files weigh that no report has; a small one counts as 64 KiB."""
        with self._database.transaction(read_only=True) as tx:
            [total] = tx.fetch_one(_SQL["staged_bytes"]) or (0,)
        return int(total)

    def find(self, capability_hashes: Collection[bytes]) -> dict[bytes, Upload]:
        """What is known of these files: staged lately, or some report's already (a repeated request names these)."""
        if not capability_hashes:
            return {}
        given = {"hashes": sorted(capability_hashes), "lifetime_s": self._lifetime_s}
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(_SQL["find_uploads"], given)
        return {row[0]: Upload(*row) for row in rows}

    def files_of(self, report_id: str) -> list[Listed]:
        """The files of a report, in order."""
        with self._database.transaction(read_only=True) as tx:
            return [Listed(*row) for row in tx.fetch_all(_SQL["files_of_report"], {"report_id": report_id})]

    def note_view(self, report_id: str, number: int) -> int | None:
        """The row of the audit for a look at a viewing copy, committed; None when there is no such copy."""
        with self._database.transaction() as tx:
            [audited] = tx.fetch_one(_SQL["note_view"], {"report_id": report_id, "number": number}) or (None,)
        return None if audited is None else int(audited)

    def viewable(self, audited: int) -> Viewable | None:
        """The viewing copy that this row of the audit tells of."""
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["viewable"], {"audited": audited})
        if row is None:
            return None
        upload_id, media_type, size_bytes, *key = row
        return Viewable(upload_id, media_type, size_bytes, FileKey(True, *key))

    def forget_staged(self) -> list[str]:
        """Delete a batch of rows that no report came for in time; their ids, none when nothing is left to do."""
        with self._database.transaction() as tx:
            rows = tx.fetch_all(_SQL["forget_staged"], {"lifetime_s": self._lifetime_s, "limit": _BATCH})
        return [row[0] for row in rows]

    def expire(self, days: int) -> int:
        """Delete a batch of rows of reports whose evidence was kept for so many days; how many files."""
        with self._database.transaction() as tx:
            [count] = tx.fetch_one(_SQL["expire_files"], {"days": days, "limit": _BATCH}) or (0,)
        return int(count)

    def known(self, upload_ids: Collection[str]) -> frozenset[str]:
        """Which of these files have a row."""
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(_SQL["known_uploads"], {"upload_ids": sorted(upload_ids)})
        return frozenset(row[0] for row in rows)


def free_among(tx: Transaction, claims: Sequence[Claim]) -> frozenset[bytes]:
    """Which of the claimed files are staged and nobody's, locked until the transaction ends; in order, so that two
    transactions never wait for each other."""
    if not claims:
        return frozenset()
    hashes = sorted({claim.capability_hash for claim in claims})
    return frozenset(row[0] for row in tx.fetch_all(_SQL["lock_uploads"], {"hashes": hashes}))


def claim(tx: Transaction, claims: Sequence[Claim]) -> None:
    """Give files to reports; each must be free, see `free_among` in the same transaction. Raises ValueError when one
    is not: a second claim can then take no effect, since the transaction ends."""
    given = {
        "hashes": [each.capability_hash for each in claims],
        "report_ids": [each.report_id for each in claims],
        "numbers": [each.number for each in claims],
    }
    if tx.execute(_SQL["claim_uploads"], given) != len(claims):
        raise ValueError("a file was claimed that is not free")


def next_number(tx: Transaction, report_id: str | None) -> int:
    """The number that a further file of a report gets. Whoever adds files to a report locks the report first. 1 of no
    report, after the same statement."""
    [number] = tx.fetch_one(_SQL["next_number"], {"report_id": report_id}) or (1,)
    return int(number)
