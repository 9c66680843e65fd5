"""The keys of a file's blobs: each of two halves, so that whoever re-wraps keys cannot open files with what they see.

In: a `KeyProvider`, the file's id, chance; out: a `FileKey` to store, and the key of `sealing`. The one half is a data
key wrapped by a master key, the other (`share`) is in a column that only audited functions of the database give out.
The key of a blob is the HMAC-SHA-256 of both and of what the blob is, so a row moved to another file opens nothing.
"""

import hmac
from typing import NamedTuple

from services.intake.vault import KEY_BYTES, KeyProvider, Random


class FileKey(NamedTuple):
    """What is stored of a blob's key; `view`: of the viewing copy, else of the original."""

    view: bool
    key_id: str
    wrapped_key: bytes
    share: bytes


def context_of(upload_id: str, *, view: bool) -> str:
    """What a key and a blob are bound to."""
    return f"{upload_id}/{'view' if view else 'original'}"


def blob_name(upload_id: str, *, view: bool) -> str:
    """Where a blob lies in the store."""
    return f"{upload_id[:2]}/{upload_id}.{'view' if view else 'original'}"


def upload_of(name: str) -> str:
    """The id in a blob's name."""
    return name.rpartition("/")[2].partition(".")[0]


def new_key(upload_id: str, keys: KeyProvider, random: Random, *, view: bool) -> tuple[FileKey, bytes]:
    """A key for a blob: what to store, and the key itself."""
    context = context_of(upload_id, view=view).encode()
    data_key, share = random(KEY_BYTES), random(KEY_BYTES)
    return FileKey(view, *keys.wrap(data_key, context), share), _joined(data_key, share, context)


def open_key(upload_id: str, stored: FileKey, keys: KeyProvider) -> bytes:
    """The key of a blob again. Raises `SealBrokenError`."""
    context = context_of(upload_id, view=stored.view).encode()
    return _joined(keys.unwrap(stored.key_id, stored.wrapped_key, context), stored.share, context)


def _joined(data_key: bytes, share: bytes, context: bytes) -> bytes:
    return hmac.digest(data_key, b"ibalagh file key v1" + share + context, "sha256")
