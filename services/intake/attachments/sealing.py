"""Sealing of files, chunk by chunk: AES-256-GCM in the STREAM construction, with a data key per file.

In: a file's bytes, of any length; out: a blob in the form below, or the bytes again. No more than a chunk is in memory.
Taken away, added, moved or altered bytes are noticed: a nonce holds the chunk's number and whether it is the last.

Form of a blob: `HEADER_BYTES` of version and nonce prefix, then chunks of `CHUNK_BYTES` of plain text and the tag of 16
bytes, the last one shorter or equal. Nonce: prefix (7 bytes), number (4 bytes, big-endian), 1 if last, else 0.

Sources: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance"
(CRYPTO 2015), section 7, STREAM; NIST SP 800-38D. A data key seals one file, so no nonce repeats.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.vault import SealBrokenError

CHUNK_BYTES: Final = 65_536
PREFIX_BYTES: Final = 7
_VERSION: Final = b"\x01"
HEADER_BYTES: Final = len(_VERSION) + PREFIX_BYTES
_TAG_BYTES: Final = 16
_MOST_CHUNKS: Final = 1 << 32


def sealed(plain: Iterable[bytes], data_key: bytes, prefix: bytes, context: bytes) -> Iterator[bytes]:
    """The blob of `plain`, which may come in pieces of any size, for `context`; `prefix` is `PREFIX_BYTES` random."""
    cipher = AESGCM(data_key)
    header = _VERSION + prefix
    yield header
    for number, (chunk, last) in enumerate(_chunks(plain, CHUNK_BYTES)):
        yield cipher.encrypt(_nonce(prefix, number, last=last), chunk, context + header)


def unsealed(blob: Iterable[bytes], data_key: bytes, context: bytes) -> Iterator[bytes]:
    """The bytes that `sealed` was given. Raises `SealBrokenError`, at the latest when the end is missing: what came out
    before is genuine, but may not be all."""
    cipher = AESGCM(data_key)
    pieces = _after_header(blob)
    header = next(pieces)
    if header[: len(_VERSION)] != _VERSION or len(header) != HEADER_BYTES:
        raise SealBrokenError
    prefix = header[len(_VERSION) :]
    for number, (chunk, last) in enumerate(_chunks(pieces, CHUNK_BYTES + _TAG_BYTES)):
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=last), chunk, context + header)
        except (InvalidTag, ValueError):
            raise SealBrokenError from None


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise ValueError("a file of more than 256 TiB")
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _after_header(blob: Iterable[bytes]) -> Iterator[bytes]:
    """First the header, whole unless the blob is shorter, then what follows it, in pieces as they come."""
    pieces = iter(blob)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEADER_BYTES:
            break
    yield head[:HEADER_BYTES]
    yield head[HEADER_BYTES:]
    yield from pieces


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in chunks of `size`, each with whether it is the last; one empty chunk of nothing."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True
