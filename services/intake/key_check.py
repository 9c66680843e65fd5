"""No key is replaced silently: intake takes up its keys only when they are those that its tables were written with.

In: the places of the key files, what the tables know of the keys; out: the master keys, the receipts' root secret.
A missing file in the default place is made only while nothing depends on the key that it would hold. While the database
is away at the start, files that are there are taken as they are, and nothing is stored before they were checked.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ibalagh.ops.keyfiles import ensure_key, read_or_create
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Acknowledgement
from services.intake.acceptance import Prepared
from services.intake.key_file import KeyFile
from services.intake.publisher import Store
from services.intake.store import Stored
from services.intake.vault import Random, check_value

_log = logging.getLogger(__name__)
_SQL: Final = load("services.intake")
_RECEIPTS: Final = "receipts"
_TRY_EVERY_S: Final = 0.5
PATIENCE_S: Final = 30.0
MASTER_FILE: Final = "intake-master.key"
RECEIPT_FILE: Final = "intake-receipts.key"


class LostKeyError(Exception):
    """A key that the tables depend on is not there; a sentence says which and what to do."""


class Keys(NamedTuple):
    """What intake seals with, and the root secret of its receipts."""

    master: KeyFile
    receipt_root: bytes


class Places(NamedTuple):
    """The files that settings name, and the folder where the others are."""

    master: Path | None
    receipts: Path | None
    folder: Path

    @property
    def master_file(self) -> Path:
        """The vault's key file."""
        return self.master or self.folder / MASTER_FILE

    @property
    def receipt_file(self) -> Path:
        """The receipts' key file."""
        return self.receipts or self.folder / RECEIPT_FILE

    @property
    def filled(self) -> bool:
        """Whether both files are there."""
        return self.master_file.exists() and self.receipt_file.exists()


class KeyCheck:
    """Takes up the keys at the start of a process; `database` is intake's, or the custodian's for `renew_receipts`."""

    def __init__(self, database: Database, places: Places, random: Random) -> None:
        self._database = database
        self._places = places
        self._random = random

    def take_up(self) -> Keys:
        """Both. Raises `LostKeyError`, the errors of `read_keys`, `PassingError`."""
        return Keys(self.master_keys(), self.receipt_root())

    def unchecked(self) -> Keys:
        """What the files hold. Raises the errors of `read_keys`."""
        return Keys(KeyFile(self._places.master_file, self._random), read_or_create(self._places.receipt_file, Path()))

    def master_keys(self) -> KeyFile:
        """The vault's keys. Raises as `take_up`."""
        path = self._places.master_file
        sealing = [key_id for key_id in self._known("master") if self._ask("vault_seals", {"key_id": key_id})]
        if not path.exists() and sealing:
            raise LostKeyError(_lost_master(path, sealing))
        if self._places.master is None:
            ensure_key(path)
        keys = KeyFile(path, self._random)
        missing = [key_id for key_id in sealing if key_id not in keys.ring.check_values]
        if missing:
            raise LostKeyError(_lost_master(path, missing))
        for key_id, check in keys.ring.check_values.items():
            self._note(key_id, "master", check)
        return keys

    def receipt_root(self) -> bytes:
        """The root secret of receipts. Raises as `take_up`."""
        path = self._places.receipt_file
        known = self._known("receipt").get(_RECEIPTS)
        given_out = self._ask("any_submission", {})
        if not path.exists() and given_out:
            raise LostKeyError(_lost_receipts(path))
        root = read_or_create(self._places.receipts, path)
        check = check_value(root)
        if known is None:
            self._note(_RECEIPTS, "receipt", check)
            known = self._known("receipt")[_RECEIPTS]  # of several workers that start at once, the first one's
        if known != check:
            if given_out:
                raise LostKeyError(_lost_receipts(path))
            self._replace(check)
        return root

    def renew_receipts(self) -> None:
        """From now on the key in the receipts' file counts, which is made if need be: earlier receipts are void."""
        self._note(_RECEIPTS, "receipt", b"")
        self._replace(check_value(read_or_create(self._places.receipts, self._places.receipt_file)))

    def _known(self, purpose: str) -> dict[str, bytes | None]:
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(_SQL["vault_known_keys"])
        return {key_id: check for kind, key_id, check in rows if kind == purpose}

    def _ask(self, query: str, given: dict[str, str]) -> bool:
        with self._database.transaction(read_only=True) as tx:
            [answer] = tx.fetch_one(_SQL[query], given) or (False,)
        return bool(answer)

    def _note(self, key_id: str, purpose: str, check: bytes) -> None:
        with self._database.transaction() as tx:
            tx.execute(_SQL["vault_note_key"], {"key_id": key_id, "purpose": purpose, "check_value": check})

    def _replace(self, check: bytes) -> None:
        with self._database.transaction() as tx:
            tx.execute(_SQL["vault_replace_check"], {"key_id": _RECEIPTS, "check_value": check})


def at_start(
    check: KeyCheck, places: Places, store: Store, sleep: Callable[[float], None] = time.sleep
) -> tuple[Keys, Store]:
    """The keys, and the store to use with them. Without the database and without files, the database is waited for.

    Raises `LostKeyError`, the errors of `read_keys`, `PassingError` after `PATIENCE_S` seconds of waiting.
    """
    waited_s = 0.0
    while True:
        try:
            return check.take_up(), store
        except PassingError as error:
            _log.warning("the keys cannot be checked yet", extra={"error": type(error).__name__})
            if places.filled:
                return check.unchecked(), FirstChecked(store, check)
            if waited_s >= PATIENCE_S:
                raise
        sleep(_TRY_EVERY_S)
        waited_s += _TRY_EVERY_S


class FirstChecked:
    """A store that checks the keys before it stores anything: a lost one stops the process before that."""

    def __init__(self, store: Store, check: KeyCheck) -> None:
        self._store = store
        self._check: KeyCheck | None = check

    def store(self, reports: Sequence[Prepared], published: Mapping[str, Acknowledgement]) -> Stored:
        """See `Store`. Raises `LostKeyError` besides."""
        if self._check is not None:
            self._check.take_up()
            self._check = None
        return self._store.store(reports, published)

    def note_published(self, published: Mapping[str, Acknowledgement]) -> None:
        """See `Store`."""
        self._store.note_published(published)


def _lost_master(path: Path, missing: list[str]) -> str:
    return (
        f"Identities are sealed with the master key {', '.join(missing)}, which is not in {path}. Put the file back"
        " from its backup and start again; if the key is lost for good, docs/vault.md says how to go on without it."
    )


def _lost_receipts(path: Path) -> str:
    return (
        f"Receipts were given out with another key than the one in {path}, or that file is gone. Put it back from its"
        " backup and start again; if the key is lost for good, docs/vault.md says how to go on without it."
    )
