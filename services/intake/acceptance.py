"""From a submission to everything that must be stored and published for it: pure, given the time and the randomness.

In: a checked `Submission` and how it came in; out: a `Prepared`, which the publisher stores and publishes as it is.
The identity is sealed here, before anything leaves the process; the record to be published never holds it.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.contracts.codec import Codec
from ibalagh.events.dialogue import ReportSupplementedV1, ReportWithdrawnV1
from ibalagh.events.envelope import Event
from ibalagh.events.make import root
from ibalagh.events.registry import URGENT, type_of
from ibalagh.events.reports import ReportReceivedV1
from ibalagh.events.vocabulary import Channel
from ibalagh.stream.ports import Acknowledgement, Outgoing
from services.intake import receipt
from services.intake.attached import Claim, Upload, claims_of
from services.intake.screening import is_urgent
from services.intake.signing import Facts
from services.intake.submission import Submission
from services.intake.vault import KeyProvider, Random, Sealed, seal
from services.intake.writing import received

SOURCE: Final = "/intake"
_TYPE: Final = type_of(ReportReceivedV1)
_MODELS: Final[dict[str | None, type[ReportReceivedV1 | ReportSupplementedV1 | ReportWithdrawnV1]]] = {
    None: ReportReceivedV1,
    type_of(ReportSupplementedV1): ReportSupplementedV1,
    type_of(ReportWithdrawnV1): ReportWithdrawnV1,
}
"""By the type that is noted with what is pending."""


class Retry(NamedTuple):
    """What recognises a repeated request: hashes of its idempotency key and of its body.

    `key` itself is never stored: without it, who holds the database and the secrets still cannot derive the receipt.
    """

    key: bytes
    key_hash: bytes
    body_hash: bytes


class Prepared(NamedTuple):
    """A report ready to be stored and published; `retry` is None when its sender gave no idempotency key.

    The two SHA-256 are of what was sent, and of the record's value. `claims` are the files that become the report's.
    """

    report_id: str
    accepted_at: datetime
    receipt: str
    receipt_hash: bytes
    record: Outgoing
    retry: Retry | None
    sealed: Sealed | None
    received_sha256: bytes
    record_sha256: bytes
    claims: Sequence[Claim] = ()

    @property
    def urgent(self) -> bool:
        """Whether it takes the lane that overtakes any backlog."""
        return self.record.topic.endswith(URGENT)

    def facts(self, position: Acknowledgement) -> Facts:
        """What to promise once the log holds the report at `position`."""
        return Facts(self.report_id, self.accepted_at, self.received_sha256, self.record_sha256, position)


class Acceptance:
    """Prepares submissions. `new_id` gives UUIDs in text form, `random` bytes from a cryptographic source."""

    def __init__(
        self, codec: Codec, secrets: receipt.Secrets, keys: KeyProvider, new_id: Callable[[], str], random: Random
    ) -> None:
        self._codec = codec
        self._secrets = secrets
        self._keys = keys
        self._new_id = new_id
        self._random = random

    def prepare(
        self,
        submission: Submission,
        *,
        channel: Channel,
        now: datetime,
        key: bytes | None = None,
        body: bytes = b"",
        uploads: Sequence[Upload] = (),
    ) -> Prepared:
        """Everything to store and publish for `submission`, which was sent as `body` with the idempotency key `key`
        and names `uploads`."""
        report_id = self._new_id()
        if key is None:
            retry = None
            shown = receipt.derive(self._secrets.receipt, self._random(32))
        else:
            pepper = self._secrets.retry
            retry = Retry(key, receipt.keyed_hash(pepper, b"key" + key), receipt.keyed_hash(pepper, b"body" + body))
            shown = self.receipt_of(report_id, retry)
        identity = submission.identity
        sealed = None
        if identity is not None and not identity.empty:
            sealed = seal(identity.to_json(), report_id, self._keys, self._random)
        data = received(report_id, submission, channel, now, uploads)
        record = self._codec.encode(Event(report_id, _TYPE, SOURCE, report_id, now, now, data))
        record = in_its_lane(record, submission.text, self._codec)
        sent, written = (hashlib.sha256(content).digest() for content in (body, record.value or b""))
        claims = claims_of(report_id, uploads) if uploads else ()
        hashed = receipt.hash_of_shown(self._secrets.pepper, shown)
        return Prepared(report_id, now, shown, hashed, record, retry, sealed, sent, written, claims)

    def receipt_of(self, report_id: str, retry: Retry) -> str:
        """The receipt of the report that was first stored for this key and body: the same for every retry."""
        return receipt.derive(self._secrets.receipt, retry.key, retry.body_hash, report_id.encode())

    def receipt_hash(self, shown: str) -> bytes:
        """What is stored of a receipt, and looked up when someone asks with it."""
        return receipt.stored_hash(self._secrets.pepper, shown)


def record_of(codec: Codec, id_: str, value: bytes, accepted_at: datetime, event_type: str | None = None) -> Outgoing:
    """The record that `Acceptance.prepare` made, again, from what was stored of it: the value byte by byte, since its
    hash is promised, whatever the codec writes today. `event_type`, if it is none of a report, is of what was said
    about one."""
    data = _MODELS[event_type].model_validate_json(value)
    event = root(data, id_=id_, source=SOURCE, subject=data.report_id, now=accepted_at)
    record = codec.encode(event)._replace(value=value)
    return record if isinstance(data, ReportWithdrawnV1) else in_its_lane(record, data.text, codec)


def in_its_lane(record: Outgoing, text: str, codec: Codec) -> Outgoing:
    """The record of a report or supplement, in the lane of what cannot wait if its text speaks of danger."""
    return record._replace(topic=codec.topic(URGENT)) if is_urgent(text) else record
