"""Trusted reporters, their keys and their quotas in PostgreSQL.

Raises the errors of `ibalagh.storage.postgres.Database`: `PassingError`, `ConflictError`, `UnknownOutcomeError`.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Row, Transaction
from services.intake.apikeys import Minted, Reporter, Scope, StoredKey, overlap_end

_SQL: Final = load("services.intake")
_MOST_VALID: Final = 2


class KeyRefusedError(Exception):
    """A change that cannot be made; the message says why and what to do."""


class Listed(NamedTuple):
    """A key as an administrator sees it. `reports` is what its reporter sent on the day."""

    key: StoredKey
    created_at: datetime
    reports: int


class KeyStore:
    """The tables `reporters`, `api_keys` and `reporter_usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key_id: str) -> StoredKey | None:
        """The key with this id."""
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["find_api_key"], {"key_id": key_id})
        return None if row is None else _key(row)

    def listed(self, day: date) -> list[Listed]:
        """Every key, by reporter, the newest first."""
        with self._database.transaction(read_only=True) as tx:
            return [Listed(_key(row), row[7], row[8]) for row in tx.fetch_all(_SQL["list_api_keys"], {"day": day})]

    def create(self, reporter: Reporter, key: Minted, now: datetime) -> None:
        """Store a reporter with a first key. One whose keys have all ended comes back, with the limits given now.

        Raises `KeyRefusedError` when it has a valid key.
        """
        with self._database.transaction() as tx:
            if self._valid(tx, reporter.name, now):
                raise KeyRefusedError(f"{reporter.name} has a valid key already: rotate or revoke it.")
            tx.execute(
                _SQL["save_reporter"],
                {
                    "name": reporter.name,
                    "scopes": sorted(reporter.scopes),
                    "daily_quota": reporter.daily_quota,
                    "rate_per_s": reporter.rate_per_s,
                },
            )
            _add(tx, reporter.name, key, now)

    def rotate(self, name: str, key: Minted, now: datetime, overlap: timedelta) -> datetime:
        """Add a key; the one before it ends by itself after `overlap`, at the time that is returned.

        Raises `KeyRefusedError` for a reporter without a valid key, and for one that has two already.
        """
        with self._database.transaction() as tx:
            valid = self._valid(tx, name, now)
            if not valid:
                raise KeyRefusedError(f"{name} has no valid key: create one.")
            if len(valid) >= _MOST_VALID:
                raise KeyRefusedError(f"{name} has two valid keys already: revoke the older one, or wait for its end.")
            [(key_id, ends_at)] = valid
            end = overlap_end(ends_at, now, overlap)
            tx.execute(_SQL["end_api_keys"], {"key_ids": [key_id], "at": end})
            _add(tx, name, key, now)
        return end

    def revoke(self, now: datetime, *, name: str | None = None, key_id: str | None = None) -> int:
        """End the key with this id, or all keys of this reporter; how many were valid until now."""
        with self._database.transaction() as tx:
            if name is not None:
                ended = [row[0] for row in self._valid(tx, name, now)]
            else:
                found = tx.fetch_one(_SQL["find_api_key"], {"key_id": key_id})
                key = _key(found) if found else None
                ended = [key.key_id] if key is not None and (key.ends_at is None or key.ends_at > now) else []
            return tx.execute(_SQL["end_api_keys"], {"key_ids": ended, "at": now}) if ended else 0

    def reserve(self, name: str, day: date, quota: int, wanted: int) -> int:
        """Count up to `wanted` reports against the day's quota, whichever worker asks; how many it still had."""
        with self._database.transaction() as tx:
            row = tx.fetch_one(_SQL["lock_usage"], {"name": name, "day": day, "quota": quota, "wanted": wanted})
            granted = int(row[0]) if row else 0
            if granted:
                tx.execute(_SQL["count_reports"], {"name": name, "day": day, "reports": granted})
        return granted

    def give_back(self, name: str, day: date, unused: int, doubtful: Sequence[str]) -> None:
        """Take off the day's count `unused` reports, and those of `doubtful` (ids) that were not stored after all."""
        with self._database.transaction() as tx:
            if doubtful:
                row = tx.fetch_one(_SQL["stored_among"], {"report_ids": sorted(doubtful)})
                unused += len(doubtful) - (int(row[0]) if row else 0)
            if unused:
                tx.execute(_SQL["count_reports"], {"name": name, "day": day, "reports": -unused})

    def used_before(self, key_hashes: Sequence[bytes]) -> frozenset[bytes]:
        """Those idempotency keys, by their hashes, under which a report is stored already."""
        with self._database.transaction(read_only=True) as tx:
            return frozenset(bytes(row[0]) for row in tx.fetch_all(_SQL["known_keys"], {"keys": list(key_hashes)}))

    def _valid(self, tx: Transaction, name: str, now: datetime) -> list[Row]:
        tx.execute(_SQL["lock_reporter"], {"name": name})
        return tx.fetch_all(_SQL["valid_api_keys"], {"name": name, "now": now})


def _add(tx: Transaction, name: str, key: Minted, now: datetime) -> None:
    tx.execute(_SQL["add_api_key"], {"key_id": key.key_id, "name": name, "secret_hash": key.secret_hash, "now": now})


def _key(row: Row) -> StoredKey:
    key_id, secret_hash, ends_at, name, scopes, daily_quota, rate_per_s = row[:7]
    reporter = Reporter(name, frozenset(Scope(scope) for scope in scopes), daily_quota, rate_per_s)
    return StoredKey(key_id, reporter, bytes(secret_hash), ends_at)
