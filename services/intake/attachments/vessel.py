"""Sealing a whole file into the store: the original with its name inside, and the copy that can be looked at.

In: an open file, its name; out: the rows to store, once both blobs are durable. Everything here blocks: call it in a
thread. A sealed original is two bytes of length, the name in UTF-8, and the file; a viewing copy has no name.
"""

import uuid
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, Final

from services.intake.attachments.blobs import Blobs
from services.intake.attachments.file_keys import FileKey, blob_name, context_of, new_key, open_key
from services.intake.attachments.sealing import CHUNK_BYTES, PREFIX_BYTES, sealed, unsealed
from services.intake.vault import KeyProvider, Random, SealBrokenError

_LENGTH_BYTES: Final = 2


class Vessel:
    """Seals files into `blobs` and opens them again."""

    def __init__(self, blobs: Blobs, keys: KeyProvider, random: Random) -> None:
        self._blobs = blobs
        self._keys = keys
        self._random = random

    def new_id(self) -> str:
        """A random UUID for a file."""
        return str(uuid.UUID(bytes=self._random(16), version=4))

    def store(self, upload_id: str, file: BinaryIO, *, view: bool, name: str = "") -> FileKey:
        """Seal one blob; its key's row. Raises `PassingError`."""
        stored, key = new_key(upload_id, self._keys, self._random, view=view)
        context = context_of(upload_id, view=view).encode()
        plain = pieces_of(file) if view else _named(name, file)
        self._blobs.put(blob_name(upload_id, view=view), sealed(plain, key, self._random(PREFIX_BYTES), context))
        return stored

    def forget(self, upload_id: str) -> None:
        """Remove both blobs, as far as they are there. Raises `PassingError`."""
        self._blobs.delete([blob_name(upload_id, view=view) for view in (False, True)])

    def view(self, upload_id: str, key: FileKey) -> Iterator[bytes]:
        """A viewing copy. Raises `SealBrokenError`, `MissingBlobError`, `PassingError`, possibly midway."""
        return self._open(upload_id, key)

    def original(self, upload_id: str, key: FileKey) -> tuple[str, Iterator[bytes]]:
        """An original's name, and its bytes. Raises as `view`."""
        pieces = self._open(upload_id, key)
        held = b""
        wanted = _LENGTH_BYTES
        while len(held) < wanted:
            piece = next(pieces, None)
            if piece is None:
                raise SealBrokenError
            held += piece
            wanted = _LENGTH_BYTES + int.from_bytes(held[:_LENGTH_BYTES], "big")
        return held[_LENGTH_BYTES:wanted].decode(), chain((held[wanted:],), pieces)

    def _open(self, upload_id: str, key: FileKey) -> Iterator[bytes]:
        opened = open_key(upload_id, key, self._keys)
        blob = self._blobs.pieces(blob_name(upload_id, view=key.view))
        return unsealed(blob, opened, context_of(upload_id, view=key.view).encode())


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """A file from its beginning, a chunk at a time."""
    file.seek(0)
    read: Callable[[], bytes] = lambda: file.read(CHUNK_BYTES)  # noqa: E731 - `iter` wants a function
    return iter(read, b"")


def _named(name: str, file: BinaryIO) -> Iterator[bytes]:
    encoded = name.encode()
    yield len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded
    yield from pieces_of(file)
