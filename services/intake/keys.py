"""Key files: where a secret is read from, and how a local stack gets one on its first start.

A key file holds one line of hexadecimal digits. A file that a setting names must exist; the default place, inside the
stack's own state, is filled once with a random key that only the owner may read (mode 0600).
"""

import os
import secrets
import tempfile
from pathlib import Path


def read_or_create(named: Path | None, default: Path, size_bytes: int = 32) -> bytes:
    """The key in `named`, or else in `default`, which is created when it is missing.

    Raises `FileNotFoundError` for a named file that is missing, `ValueError` for one that is too short or not hex.
    """
    if named is None and not default.exists():
        _create(default, secrets.token_hex(size_bytes))
    path = named or default
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        raise ValueError(f"{path} does not hold hexadecimal digits") from None
    if len(key) < size_bytes:
        raise ValueError(f"{path} holds {len(key)} bytes, {size_bytes} are needed")
    return key


def read_public(named: Path | None, default: Path) -> bytes | None:
    """The content of `named`, which must exist, or else of `default`; None when that does not exist."""
    if named is None and not default.exists():
        return None
    return (named or default).read_bytes()


def _create(path: Path, line: str) -> None:
    """Linked into place when whole, so that of several workers that start together one wins and all read its key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        Path(temporary).unlink()
