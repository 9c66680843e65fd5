"""Takes in what reporters say after their reports, as durably as the reports: stored, then published, then answered.

In: a `Supplement` or a `Withdrawal` with a receipt, the files that it names; out: what is kept of it, once the broker
has acknowledged it. What was stored and not acknowledged stays pending, and the reconciler publishes it, as for
reports. This is beside their path and far from as busy: a few threads of its own, a transaction each, a producer of its
own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Acknowledgement, Producer
from services.intake import receipt
from services.intake.acceptance import Acceptance
from services.intake.attached import Upload
from services.intake.dialogue_store import Kept, Stored
from services.intake.metrics import intake_metrics
from services.intake.publisher import close_producer
from services.intake.supplements import Amendment, Retry, Supplement, Withdrawal, kind_of

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 3
"""Threads: each holds a connection of the pool that reports use too."""
_MOST_WAITING: Final = 100
_AWAY_S: Final = 1.0
_DELIVERY_MARGIN_S: Final = 0.5


class Verdict(StrEnum):
    """What became of it."""

    ACCEPTED = "accepted"
    UNKNOWN_RECEIPT = "unknown_receipt"
    TOO_MANY = "too_many"
    KEY_REUSED = "idempotency_key_reused"
    FILE_GONE = "unknown_attachment"
    FILES_FULL = "attachments_full"
    UNAVAILABLE = "unavailable"


class Outcome(NamedTuple):
    """A verdict, and what is kept if it is `ACCEPTED`."""

    verdict: Verdict
    kept: Kept | None = None


class Store(Protocol):
    """Where amendments are kept; see `DialogueStore`."""

    def store(self, amendment: Amendment) -> Stored: ...

    def note_published(self, amendment_id: str, position: Acknowledgement) -> None: ...


class Dialogue:
    """Takes amendments in. One event loop uses it; `close` it at the end."""

    def __init__(
        self,
        store: Store,
        producer: Producer,
        acceptance: Acceptance,
        secrets: receipt.Secrets,
        new_id: Callable[[], str],
        *,
        publish_timeout_s: float,
    ) -> None:
        self._store = store
        self._producer = producer
        self._acceptance = acceptance
        self._secrets = secrets
        self._new_id = new_id
        self._publish_timeout_s = publish_timeout_s
        self._threads = ThreadPoolExecutor(_AT_ONCE, "dialogue")
        self._running: dict[Retry, asyncio.Future[Outcome]] = {}
        self._waiting = 0
        self._away_until = 0.0

    async def amend(
        self,
        said: Supplement | Withdrawal,
        *,
        now: datetime,
        key: bytes | None = None,
        body: bytes = b"",
        uploads: Sequence[Upload] = (),
    ) -> Outcome:
        """Take in what was sent as `body` with the idempotency key `key`, and names `uploads`. A withdrawal
        needs no key: a report is withdrawn once."""
        receipt_hash = self._acceptance.receipt_hash(said.receipt)
        retry = None if key is None or isinstance(said, Withdrawal) else self._retry(receipt_hash, key, body)
        amendment = Amendment(self._new_id(), kind_of(said), receipt_hash, said, now, retry, uploads)
        outcome = await self._once(amendment)
        intake_metrics().amended(amendment.kind, outcome.verdict)
        return outcome

    def close(self) -> None:
        """Let what was begun end, and free the producer."""
        self._threads.shutdown()
        close_producer(self._producer)

    def _retry(self, receipt_hash: bytes, key: bytes, body: bytes) -> Retry:
        """With the receipt in it, so that a key says nothing about another's report; a report's own hashes begin with
        other words."""
        pepper = self._secrets.retry
        return Retry(
            receipt.keyed_hash(pepper, b"supplement key" + receipt_hash + key),
            receipt.keyed_hash(pepper, b"supplement body" + body),
        )

    async def _once(self, amendment: Amendment) -> Outcome:
        """Those who send the same thing at once share what becomes of it."""
        retry = amendment.retry
        if retry is not None and retry in self._running:
            return await asyncio.shield(self._running[retry])
        if self._waiting >= _MOST_WAITING or time.monotonic() < self._away_until:
            return Outcome(Verdict.UNAVAILABLE)
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._take_in, amendment)
        running.add_done_callback(lambda _: self._ended(retry))
        if retry is not None:
            self._running[retry] = running
        return await asyncio.shield(running)

    def _ended(self, retry: Retry | None) -> None:
        self._waiting -= 1
        if retry is not None:
            self._running.pop(retry, None)

    def _take_in(self, amendment: Amendment) -> Outcome:
        """1. store; 2. publish what is new; 3. note the acknowledgement; 4. answer."""
        try:
            return self._outcome(amendment, self._store.store(amendment))
        except ConflictError:
            return Outcome(Verdict.UNAVAILABLE)
        except (PassingError, UnknownOutcomeError) as error:
            self._away_until = time.monotonic() + _AWAY_S
            _log.warning("a supplement could not be taken in", extra={"error": type(error).__name__})
            return Outcome(Verdict.UNAVAILABLE)

    def _outcome(self, amendment: Amendment, stored: Stored) -> Outcome:
        kept, retry = stored.kept, amendment.retry
        if stored.report_id is None:
            return Outcome(Verdict.UNKNOWN_RECEIPT)
        if kept is None:
            return Outcome(Verdict.TOO_MANY if stored.broken is None else Verdict(stored.broken))
        if retry is not None and kept.body_hash != retry.body_hash:
            return Outcome(Verdict.KEY_REUSED)
        if kept.amendment_id == amendment.amendment_id:
            return self._published(stored, kept)
        return Outcome(Verdict.UNAVAILABLE) if kept.open else Outcome(Verdict.ACCEPTED, kept)

    def _published(self, stored: Stored, kept: Kept) -> Outcome:
        [position] = self._producer.publish([stored.record], self._publish_timeout_s + _DELIVERY_MARGIN_S)
        if position is None:
            self._away_until = time.monotonic() + _AWAY_S
            _log.warning("the broker did not acknowledge a supplement in time")
            return Outcome(Verdict.UNAVAILABLE)
        try:
            self._store.note_published(kept.amendment_id, position)
        except (PassingError, UnknownOutcomeError) as error:
            # It is in the log, where the reconciler finds it.
            _log.warning("an acknowledgement could not be noted", extra={"error": type(error).__name__})
        return Outcome(Verdict.ACCEPTED, kept)
