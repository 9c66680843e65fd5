"""The vault for tests: identities sealed as intake seals them, and a custodian who may open them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2

from ibalagh.contracts.codec import Codec
from ibalagh.events import make, reports
from ibalagh.events.envelope import Data, Event
from ibalagh.events.vocabulary import Channel
from ibalagh.ops.keyfiles import replace_keys
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from services.intake.acceptance import Acceptance
from services.intake.custody import ROLE, Asking, Custody, asking
from services.intake.key_file import KeyFile
from services.intake.receipt import Secrets
from services.intake.store import IntakeStore
from services.intake.submission import Identity, Submission
from tests.support.storage import uuid_of

IDENTITY = {"name": "Invented Person", "phone": "+212 600 000 000"}
SECRET = "an-invented-secret"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Vault(NamedTuple):
    """A vault with its two roles, its key file, and the custodian `amina`."""

    url: str
    intake: Database
    custodian: Database
    key_file: Path

    @property
    def custody(self) -> Custody:
        """What the custodian does."""
        return Custody(self.custodian)

    @property
    def who(self) -> Asking:
        """The custodian, with a reason."""
        return asking("amina", SECRET, "request 12 of the prosecutor")

    def seal(self, numbers: Sequence[int], at: datetime = NOW) -> list[str]:
        """Take in reports with an identity, whose ids stand for numbers, as intake does; their ids."""
        ids = [uuid_of(number) for number in numbers]
        following = iter(ids)
        keys = KeyFile(self.key_file, os.urandom)
        secrets = Secrets.from_root(bytes(32))
        acceptance = Acceptance(Codec("t."), secrets, keys, lambda: next(following), os.urandom)
        submission = Submission(text="x", identity=Identity(**IDENTITY))
        IntakeStore(self.intake).store(
            [acceptance.prepare(submission, channel=Channel.API, now=at) for _ in numbers], {}
        )
        return ids

    def open(self, report_id: str) -> bytes:
        """The identity, as the custodian gets it."""
        return self.custody.open(report_id, self.who, KeyFile(self.key_file, os.urandom))

    def rows(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        """What the database's administrator sees and does."""
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, given or None)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()


def decided(number: int, category: str, *, version: int = 1, identified: bool = True) -> Event[Data]:
    """What the machine (version 1) or an analyst decided on the report of this number."""
    decision = {
        "disposition": "refer",
        "category": category,
        "urgency": 0,
        "confidence": 1,
        "reasons": [],
        "policy": "p1",
    }
    about = {
        "report_id": uuid_of(number),
        "version": version,
        "facts": {"received_on": NOW.date(), "identified": identified, "country": "MA", "channel": "form"},
        "decision": decision,
        "indicators": (),
    }
    data: Data
    if version == 1:
        data = reports.ReportTriagedV1.model_validate({**about, "variety": "fr"})
    else:
        given = {**about, "previous": decision, "action": "confirm", "reviewer": "analyst-1"}
        data = reports.ReportReviewedV1.model_validate(given)
    return make.root(data, id_=uuid_of(1_000 * version + number), source="/x", subject=uuid_of(number), now=NOW)


@contextmanager
def vault_at(url: str, home: Path) -> Iterator[Vault]:
    """A vault in a fresh database; its key file lies where a stack of `home` has it."""
    apply(url, "intake")
    key_file = home / "keys" / "intake-master.key"
    key_file.parent.mkdir()
    replace_keys(key_file, [os.urandom(32)])
    vault = Vault(url, Database(url, "intake"), Database(url, ROLE), key_file)
    try:
        vault.custody.add_custodian("amina", SECRET, vault.who)
        yield vault
    finally:
        vault.intake.close()
        vault.custodian.close()
