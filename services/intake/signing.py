"""Signed receipts: what intake promises about a report, in a form that anyone can check without asking intake.

In: `Facts` of an accepted report and an Ed25519 seed; out: a document and its signature (RFC 8032). Signed are the
UTF-8 bytes of the document's canonical JSON: members sorted by name, no white space, as RFC 8785 writes it. All strings
are printable ASCII without quotes and backslashes and all numbers integers below 2^53, so RFC 8785's rules about other
numbers, escapes and the order of other characters never matter. Ed25519 is deterministic: equal facts and an equal key
give an equal receipt. Keys are published as a JSON Web Key Set (RFC 7517, RFC 8037); a key's id is its thumbprint
(RFC 7638), so nobody can give another key's id to a key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ibalagh.events.envelope import Uuid
from ibalagh.signing import BadSignatureError, PublicKeys, SigningKey, UnknownKeyError
from ibalagh.stream.ports import Acknowledgement

VERSION: Final = "ibalagh.receipt.v1"
"""Part of what is signed, so that a signature of something else never passes for a receipt's."""
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"


class Facts(NamedTuple):
    """What is promised: when the report was accepted, the SHA-256 of what its sender sent and of the record's value in
    the log, and where the log holds it."""

    report_id: str
    accepted_at: datetime
    received_sha256: bytes
    record_sha256: bytes
    position: Acknowledgement


class Check(StrEnum):
    """What a receipt can fail, in the order of checking."""

    FORM = "form"
    KEY = "key"
    SIGNATURE = "signature"


class InvalidReceiptError(Exception):
    """A receipt that proves nothing: `check` failed."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.value)
        self.check = check


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Base64 = r"^[A-Za-z0-9_-]{%d}$"


class Position(_Strict):
    """A place in the log."""

    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
    partition: Annotated[int, Field(ge=0, lt=2**31)]
    offset: Annotated[int, Field(ge=0, lt=2**53)]


class Document(_Strict):
    """What is signed."""

    version: Literal["ibalagh.receipt.v1"]
    key_id: Annotated[str, StringConstraints(pattern=_Base64 % 43)] = Field(
        description="RFC 7638 thumbprint of the key that signed"
    )
    report_id: Uuid
    accepted_at: Annotated[str, StringConstraints(pattern=_TIME)] = Field(description="UTC, to the microsecond")
    received_sha256: _Sha256 = Field(description="SHA-256 of the request's body, of a batch of the line's bytes")
    record_sha256: _Sha256 = Field(description="SHA-256 of the value of the log's record")
    log: Position = Field(description="Where the log holds the record")


class SignedReceipt(_Strict):
    """A document and the signature of its canonical form, base64url without padding."""

    document: Document
    signature: Annotated[str, StringConstraints(pattern=_Base64 % 86)]


class KeySet(PublicKeys):
    """Public keys that sign receipts."""

    def verify(self, receipt: SignedReceipt) -> None:
        """Raises `InvalidReceiptError` unless one of these keys signed exactly this document."""
        try:
            self.check(receipt.document.key_id, receipt.document.model_dump(), receipt.signature)
        except UnknownKeyError:
            raise InvalidReceiptError(Check.KEY) from None
        except BadSignatureError:
            raise InvalidReceiptError(Check.SIGNATURE) from None


class Signer:
    """Signs with one key; `keys` holds its public part first, then those of `earlier` keys."""

    def __init__(self, seed: bytes, earlier: KeySet | None = None) -> None:
        self._key = SigningKey(seed)
        self.keys = KeySet([self._key.public, *(earlier.publics if earlier else ())])

    def sign(self, facts: Facts) -> Mapping[str, Any]:
        """The signed receipt, ready to be written as JSON; `SignedReceipt` is its form."""
        topic, partition, offset = facts.position
        document = {
            "version": VERSION,
            "key_id": self._key.key_id,
            "report_id": facts.report_id,
            "accepted_at": facts.accepted_at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z",
            "received_sha256": facts.received_sha256.hex(),
            "record_sha256": facts.record_sha256.hex(),
            "log": {"topic": topic, "partition": partition, "offset": offset},
        }
        return {"document": document, "signature": self._key.signature(document)}


def read_receipt(given: object) -> SignedReceipt:
    """A signed receipt from parsed JSON, alone or as `signed_receipt` of an answer. Raises `InvalidReceiptError`."""
    if isinstance(given, dict) and "signed_receipt" in given:
        given = given["signed_receipt"]
    try:
        return SignedReceipt.model_validate(given)
    except ValidationError:
        raise InvalidReceiptError(Check.FORM) from None


def read_keys(given: object) -> KeySet:
    """Published keys from parsed JSON: a key set, or one key of it. Raises `ValueError` for anything else, also for a
    key whose id is not its thumbprint."""
    return KeySet.read(given)
