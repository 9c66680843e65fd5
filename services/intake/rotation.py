"""Master keys come and go while intake works: a new one becomes the current one, data keys are wrapped again, an old
one is dropped when it wraps nothing any more. Acts as the custodian's role, which does so without reading a ciphertext.

In: the vault's key file and the vault; out: the same identities and files under the current key. Killed anywhere, it
is run again: each batch takes effect as a whole, and the key file is replaced, after the database knows the key.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from ibalagh.events.envelope import NIL_UUID
from ibalagh.ops.keyfiles import read_keys, replace_keys
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.intake.attachments.file_keys import context_of
from services.intake.key_file import LOOK_EVERY_S
from services.intake.vault import KEY_BYTES, KeyRing, Random, rewrap

_SQL: Final = load("services.intake")
_LATE_S: Final = 2 * LOOK_EVERY_S
"""So long after the last batch may a service still seal with the key before, until it has looked at the file again."""

Report = Callable[[int, int], None]
"""Told how many data keys are done, and of how many."""


class RotationError(Exception):
    """It cannot be done, and nothing was: a sentence says why."""


class KeyUse(NamedTuple):
    """A master key: how many data keys of identities and files it wraps, and whether the key file holds it, first or at
    all."""

    key_id: str
    wraps: int
    first_seen_at: datetime
    dropped_at: datetime | None
    current: bool
    held: bool


class Rotation:
    """The master keys in `path` and what they wrap in `database`, which is opened with the custodian's role."""

    def __init__(self, database: Database, path: Path, random: Random, *, batch: int = 500) -> None:
        self._database = database
        self._path = path
        self._random = random
        self._batch = batch

    def uses(self) -> list[KeyUse]:
        """Every master key that the vault knows or the file holds, the oldest first."""
        held = list(self._ring().check_values)
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(_SQL["vault_key_counts"])
        return [KeyUse(row[0], row[1], row[2], row[3], row[0] == held[0], row[0] in held) for row in rows]

    def begin(self) -> tuple[str, bool]:
        """Make a new current key, unless data keys still wait for the present one; its id, and whether it is new."""
        with self._alone():
            ring = self._ring()
            if self._older(ring.current):
                self._note(ring)
                return ring.current, False
            keys = [self._random(KEY_BYTES), *read_keys(self._path)]
            ring = KeyRing(keys, self._random)
            self._note(ring)
            replace_keys(self._path, keys)
            return ring.current, True

    def finish(self, report: Report, sleep: Callable[[float], None] = time.sleep) -> int:
        """Wrap everything with the current key, then once more what came in late; how many data keys that were.

        Raises `SealBrokenError` when a key is missing from the file, or a row was altered.
        """
        with self._alone():
            ring = self._ring()
            total = self._older(ring.current)
            done = 0
            for wait_s in (0.0, _LATE_S):
                sleep(wait_s)
                for count in chain(self._batches(ring), self._file_batches(ring)):
                    done += count
                    report(done, max(done, total))
            return done

    def drop(self, key_id: str) -> None:
        """Remove a key that wraps nothing from the file, for good. Raises `RotationError`."""
        with self._alone():
            ring = self._ring()
            if key_id == ring.current:
                raise RotationError("This is the current key: make a new one first, with `ibalagh vault rotate-key`.")
            with self._database.transaction() as tx:
                [free] = tx.fetch_one(_SQL["vault_drop_key"], {"key_id": key_id}) or (False,)
            if not free:
                raise RotationError(
                    f"Identities or files are still sealed with {key_id}: `ibalagh vault rotate-key` first."
                )
            kept = [key for key, held in zip(read_keys(self._path), ring.check_values, strict=True) if held != key_id]
            replace_keys(self._path, kept)

    def sealed_with(self, key_id: str) -> Iterator[list[str]]:
        """Reports whose identities a key seals, in batches, as long as whoever asks erases them."""
        while True:
            with self._database.transaction(read_only=True) as tx:
                rows = tx.fetch_all(_SQL["vault_sealed_with"], {"key_id": key_id, "limit": self._batch})
            if not rows:
                return
            yield [row[0] for row in rows]

    def _batches(self, ring: KeyRing) -> Iterator[int]:
        after = NIL_UUID
        while True:
            with self._database.transaction() as tx:
                given = {"current": ring.current, "after": after, "limit": self._batch}
                rows = tx.fetch_all(_SQL["vault_claim_older"], given)
                if not rows:
                    return
                again = [rewrap(key_id, wrapped, report_id, ring)[1] for report_id, key_id, wrapped in rows]
                ids = [row[0] for row in rows]
                tx.execute(_SQL["vault_rewrap"], {"key_id": ring.current, "report_ids": ids, "wrapped_keys": again})
            after = ids[-1]
            yield len(ids)

    def _file_batches(self, ring: KeyRing) -> Iterator[int]:
        """What is wrapped again is older no more, so the next batch is always the first."""
        while True:
            with self._database.transaction() as tx:
                rows = tx.fetch_all(_SQL["files_claim_older"], {"current": ring.current, "limit": self._batch})
                if not rows:
                    return
                again = [
                    rewrap(key_id, wrapped, context_of(upload_id, view=view), ring)[1]
                    for upload_id, view, key_id, wrapped in rows
                ]
                given = {"upload_ids": [row[0] for row in rows], "views": [row[1] for row in rows]}
                tx.execute(_SQL["files_rewrap"], {**given, "key_id": ring.current, "wrapped_keys": again})
            yield len(rows)

    def _ring(self) -> KeyRing:
        return KeyRing(read_keys(self._path), self._random)

    def _older(self, current: str) -> int:
        with self._database.transaction(read_only=True) as tx:
            [count] = tx.fetch_one(_SQL["vault_count_older"], {"current": current}) or (0,)
        return int(count)

    def _note(self, ring: KeyRing) -> None:
        with self._database.transaction() as tx:
            for key_id, check in ring.check_values.items():
                tx.execute(_SQL["vault_note_key"], {"key_id": key_id, "purpose": "master", "check_value": check})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        leadership = Leadership(self._database, "vault keys")
        if not leadership.acquire():
            raise RotationError("Somebody else is changing the master keys just now.")
        try:
            yield
        finally:
            leadership.release()
