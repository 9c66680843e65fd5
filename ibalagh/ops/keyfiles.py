"""Key files: where a secret is read from, and how a local stack gets one on its first start.

A key file holds a key a line, in hexadecimal digits; only one that says so may hold more than one. A file that a
setting names must exist; the default place, inside the stack's own state, is filled once with a random key that only
the owner may read (mode 0600).
"""

import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path


def read_or_create(named: Path | None, default: Path, size_bytes: int = 32) -> bytes:
    """The key in `named`, or else in `default`, which is created when it is missing.

    Raises `FileNotFoundError` for a named file that is missing, `ValueError` for one that is too short or not hex.
    """
    if named is None:
        ensure_key(default, size_bytes)
    path = named or default
    keys = read_keys(path, size_bytes)
    if len(keys) != 1:
        raise ValueError(f"{path} holds {len(keys)} keys, one is needed")
    return keys[0]


def ensure_key(path: Path, size_bytes: int = 32) -> None:
    """Make a file with a random key, if there is none."""
    if not path.exists():
        _create(path, secrets.token_hex(size_bytes))


def read_keys(path: Path, size_bytes: int = 32) -> list[bytes]:
    """The keys of a file, in its order. Raises as `read_or_create`."""
    try:
        keys = [bytes.fromhex(line) for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
    except ValueError:
        raise ValueError(f"{path} does not hold hexadecimal digits") from None
    short = min((len(key) for key in keys), default=0)
    if short < size_bytes:
        raise ValueError(f"{path} holds {short} bytes, {size_bytes} are needed")
    return keys


def replace_keys(path: Path, keys: Sequence[bytes]) -> None:
    """Write a file anew: whoever reads it finds the old keys or these, also after a power cut. Raises OSError."""
    temporary = _written(path, "".join(f"{key.hex()}\n" for key in keys))
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_public(named: Path | None, default: Path) -> bytes | None:
    """The content of `named`, which must exist, or else of `default`; None when that does not exist."""
    if named is None and not default.exists():
        return None
    return (named or default).read_bytes()


def _create(path: Path, line: str) -> None:
    """Linked into place when whole, so that of several workers that start together one wins and all read its key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = _written(path, line + "\n")
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _written(path: Path, content: str) -> Path:
    """A file beside `path`, on the disk, that only the owner may read."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(temporary)
