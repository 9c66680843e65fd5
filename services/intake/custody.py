"""What a custodian may do with the vault, as a role of its own: open an identity, erase one, see the audit.

In: who asks, with what secret, why; out: what was asked, or `RefusedError`. Whatever is asked, refused too, is a row
of the audit that is committed before the answer is given. Raises `PassingError` and its kin when the database is away.
"""

import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.storage.chain import Head
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.intake.attachments.file_keys import FileKey
from services.intake.audit import Entry
from services.intake.vault import KeyProvider, SealBrokenError, Sealed, unseal

ROLE: Final = "intake_custodian"
"""The name by which `Database` takes the custodian's role."""
MAX_REASON: Final = 500
_SQL: Final = load("services.intake")
_PAGE: Final = 1_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class RefusedError(Exception):
    """Not done, and noted in the audit. `outcome` is the code that the audit holds."""

    def __init__(self, outcome: str, erased_at: datetime | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.erased_at = erased_at


class Asking(NamedTuple):
    """Who asks, the secret that shows it, and why."""

    custodian: str
    secret: str
    reason: str


def asking(custodian: str, secret: str, reason: str) -> Asking:
    """What a person gave, checked. Raises ValueError with a sentence; such a request is none and leaves no row."""
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        raise ValueError(f"A reason is needed: one line of up to {MAX_REASON} characters.")
    if not _NAME.fullmatch(custodian) or custodian == "retention":
        raise ValueError("A custodian's name has up to 63 of the characters a-z, 0-9, dot, hyphen and underscore.")
    return Asking(custodian, secret, reason)


class _State(NamedTuple):
    sealed_at: datetime
    erased_at: datetime | None


class OpenedFile(NamedTuple):
    """An original that the audit says is opened: its number in the report, what it is, its key."""

    upload_id: str
    number: int
    sha256: bytes
    media_type: str
    key: FileKey


class Custody:
    """The vault as custodians see it; `database` is opened with `ROLE`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, who: Asking, action: str, report_id: str | None = None) -> None:
        """Pass if `who` is a custodian. Raises `RefusedError`, noted as a refused `action`."""
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["vault_custodian"], {"name": who.custodian})
        if row is None or not hmac.compare_digest(row[0], hash_of_secret(who.secret)):
            outcome = "unknown_custodian" if row is None else "wrong_secret"
            self.record(who, action, outcome, report_id)
            raise RefusedError(outcome)

    def record(self, who: Asking, action: str, outcome: str, report_id: str | None = None) -> int:
        """Append to the audit and commit; the row's number."""
        row = {"actor": who.custodian, "action": action, "report_id": report_id}
        with self._database.transaction() as tx:
            [number] = tx.fetch_one(_SQL["vault_record"], {**row, "outcome": outcome, "reason": who.reason}) or (0,)
        return int(number)

    def open(self, report_id: str, who: Asking, keys: KeyProvider) -> bytes:
        """The identity: 1. who asks; 2. what there is; 3. the audit's row, committed; 4. the identity.

        Raises `RefusedError`: `unknown_custodian`, `wrong_secret`, `no_identity`, `erased`, `broken_seal` (the master
        key is not there, or the row was altered).
        """
        report_id = _uuid(report_id)
        self.admit(who, "open", report_id)
        self._refuse_absent(report_id, who)
        number = self.record(who, "open", "granted", report_id)
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["vault_opened"], {"number": number})
        if row is None:  # erased in between
            self._refuse_absent(report_id, who)
            raise RefusedError("broken_seal")
        try:
            return unseal(Sealed(*row), report_id, keys)
        except SealBrokenError:
            self.record(who, "open", "broken_seal", report_id)
            raise RefusedError("broken_seal") from None

    def erase(self, report_id: str, who: Asking) -> datetime:
        """When it was erased: now, or the first time. Raises `RefusedError` as `open` does."""
        report_id = _uuid(report_id)
        self.admit(who, "erase", report_id)
        erased = self.erase_all([report_id], who)
        state = self._state(report_id)
        if not erased:
            self.record(who, "erase", "no_identity" if state is None else "erased", report_id)
        if state is None or state.erased_at is None:
            raise RefusedError("no_identity")
        return state.erased_at

    def erase_all(self, report_ids: Sequence[str], who: Asking) -> int:
        """Erase for a custodian who is admitted already; how many identities there were to erase."""
        given = {"report_ids": sorted(report_ids), "actor": who.custodian, "reason": who.reason}
        with self._database.transaction() as tx:
            [count] = tx.fetch_one(_SQL["vault_erase"], given) or (0,)
        return int(count)

    def open_files(self, report_id: str, who: Asking) -> list[OpenedFile]:
        """The originals of a report, to be unsealed and written elsewhere, after the audit's row is committed. Raises
        `RefusedError`: `unknown_custodian`, `wrong_secret`, `no_evidence`."""
        report_id = _uuid(report_id)
        self.admit(who, "evidence", report_id)
        number = self.record(who, "evidence", "granted", report_id)
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(_SQL["evidence_opened"], {"audited": number})
        if not rows:
            self.record(who, "evidence", "no_evidence", report_id)
            raise RefusedError("no_evidence")
        return [OpenedFile(row[0], row[1], row[2], row[3], FileKey(False, *row[4:])) for row in rows]

    def give_up_files(self, key_id: str, who: Asking) -> int:
        """Forget the keys of files that a lost master key wraps, for a custodian who is admitted already; how many."""
        given = {"key_id": key_id, "actor": who.custodian, "reason": who.reason}
        with self._database.transaction() as tx:
            [count] = tx.fetch_one(_SQL["files_give_up"], given) or (0,)
        return int(count)

    def has_custodians(self) -> bool:
        """Whether there is anyone who could vouch for another."""
        with self._database.transaction(read_only=True) as tx:
            [there] = tx.fetch_one(_SQL["vault_any_custodian"]) or (False,)
        return bool(there)

    def add_custodian(self, name: str, secret: str, who: Asking) -> bool:
        """Add a custodian of a new name; False for one that was ever given. The first needs nobody to vouch; `who`
        vouches for the others. Raises `RefusedError`, and ValueError for a name that is none."""
        asking(name, secret, who.reason)
        if self.has_custodians():
            self.admit(who, "add_custodian")
        with self._database.transaction() as tx:
            given = {"name": name, "secret_hash": hash_of_secret(secret)}
            added = tx.execute(_SQL["vault_add_custodian"], given) == 1
        self.record(who._replace(reason=name), "add_custodian", "done" if added else "name_taken")
        return added

    def remove_custodian(self, name: str, who: Asking) -> bool:
        """Take a custodian's right; False when there is none of that name. Raises `RefusedError`."""
        self.admit(who, "remove_custodian")
        with self._database.transaction() as tx:
            removed = tx.execute(_SQL["vault_remove_custodian"], {"name": name}) == 1
        self.record(who._replace(reason=name), "remove_custodian", "done" if removed else "unknown_name")
        return removed

    def audit(self) -> Iterator[Entry]:
        """The audit in order, read in pages."""
        after = 0
        while True:
            with self._database.transaction(read_only=True) as tx:
                rows = tx.fetch_all(_SQL["vault_audit"], {"after": after, "limit": _PAGE})
            for row in rows:
                yield Entry(*row)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def audit_head(self) -> Head:
        """The newest row, as the database says. Read it before `audit`, which may have more by then."""
        with self._database.transaction(read_only=True) as tx:
            return Head(*(tx.fetch_one(_SQL["vault_audit_head"]) or (0, b"")))

    def _refuse_absent(self, report_id: str, who: Asking) -> None:
        state = self._state(report_id)
        if state is None or state.erased_at is not None:
            outcome = "no_identity" if state is None else "erased"
            self.record(who, "open", outcome, report_id)
            raise RefusedError(outcome, None if state is None else state.erased_at)

    def _state(self, report_id: str) -> _State | None:
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["vault_state"], {"report_id": report_id})
        return None if row is None else _State(*row)


def hash_of_secret(secret: str) -> bytes:
    """What is stored of a custodian's secret, which is random and long: no slow hash is needed."""
    return hashlib.sha256(b"ibalagh custodian" + secret.encode()).digest()


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("A report's id is a UUID, such as the audit and the review desk show.") from None
