"""The seal on a case file: a last line that signs every byte before it, as a comment that PDF readers pass over. Pure.

In: a PDF, or a file that claims to be sealed, and keys. Out: the file with its seal; or what the seal states. The
statement is signed with Ed25519 in its canonical form (`ibalagh.signing`). ISO 32000-1, 7.2.3: a comment runs from % to
the end of the line; readers look for the end of the file within its last 1,024 bytes, so the line stays below that.
"""

import hashlib
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ibalagh.events.envelope import Uuid
from ibalagh.signing import BadSignatureError, PublicKeys, SigningKey, UnknownKeyError, canonical

_MARK: Final = b"%ibalagh-seal "
_LONGEST: Final = 900
_MANIFEST: Final = "manifest"


class Check(StrEnum):
    """What a case file can fail, in the order of checking."""

    FORM = "form"
    KEY = "key"
    SIGNATURE = "signature"
    CONTENT = "content"


class BrokenSealError(Exception):
    """A file that its seal does not vouch for: `check` failed."""

    def __init__(self, check: Check, detail: str = "") -> None:
        super().__init__(check.value)
        self.check = check
        self.detail = detail


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Statement(_Strict):
    """What is signed."""

    version: Literal["ibalagh.case-file-seal.v1"] = "ibalagh.case-file-seal.v1"
    key_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")] = Field(
        description="RFC 7638 thumbprint of the key that signed"
    )
    case_id: Uuid
    case_version: Annotated[int, Field(ge=1, lt=2**31)]
    size_bytes: Annotated[int, Field(ge=1, lt=2**53)] = Field(description="Of what stands before the seal")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the same")


class _Seal(_Strict):
    statement: Statement
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}$")]


class Signed(NamedTuple):
    """A document with its signature, as JSON that anyone can check."""

    document: dict[str, Any]
    signature: str


def signed(document: dict[str, Any], key: SigningKey) -> bytes:
    """A document with its signature, in canonical form."""
    return canonical({_MANIFEST: document, "signature": key.signature(document)})


def check_signed(content: bytes, keys: PublicKeys) -> dict[str, Any]:
    """The document that `signed` wrote. Raises `BrokenSealError`."""
    try:
        given = orjson.loads(content)
        document, signature = given[_MANIFEST], given["signature"]
        keys.check(document["key_id"], document, signature)
    except UnknownKeyError:
        raise BrokenSealError(Check.KEY) from None
    except BadSignatureError:
        raise BrokenSealError(Check.SIGNATURE) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BrokenSealError(Check.FORM) from None
    return dict(document)


def sealed(pdf: bytes, case_id: str, case_version: int, key: SigningKey) -> bytes:
    """The file with a seal as its last line."""
    body = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    statement = Statement(
        key_id=key.key_id,
        case_id=case_id,
        case_version=case_version,
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )
    document = statement.model_dump()
    return body + _MARK + canonical({"statement": document, "signature": key.signature(document)}) + b"\n"


def check(content: bytes, keys: PublicKeys) -> Statement:
    """What the seal states. Raises `BrokenSealError` where it does not vouch for every byte of the file."""
    start = content.rfind(_MARK)
    if start < 0 or len(content) - start > _LONGEST:
        raise BrokenSealError(Check.FORM)
    line = content[start + len(_MARK) :]
    try:
        seal = _Seal.model_validate_json(line)
    except ValidationError:
        raise BrokenSealError(Check.FORM) from None
    document = seal.statement.model_dump()
    if line != canonical({"statement": document, "signature": seal.signature}) + b"\n":
        raise BrokenSealError(Check.FORM)
    try:
        keys.check(seal.statement.key_id, document, seal.signature)
    except UnknownKeyError:
        raise BrokenSealError(Check.KEY) from None
    except BadSignatureError:
        raise BrokenSealError(Check.SIGNATURE) from None
    body = content[:start]
    if hashlib.sha256(body).hexdigest() != seal.statement.sha256:
        raise BrokenSealError(Check.CONTENT, _difference(len(body), seal.statement.size_bytes))
    return seal.statement


def _difference(size: int, sealed_size: int) -> str:
    if size == sealed_size:
        return f"{size} bytes as sealed, but not the same ones"
    return f"{abs(size - sealed_size)} bytes {'more' if size > sealed_size else 'fewer'} than were sealed"
