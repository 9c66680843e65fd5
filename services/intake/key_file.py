"""The vault's key ring as a file that may change under a running service: a new current key is used within a second.

In: the file's path; out: a `KeyProvider`. The file holds the current key first. A file that cannot be read for a moment
changes nothing: the ring that was read before stays in use, and a warning says so.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ibalagh.ops.keyfiles import read_keys
from services.intake.vault import KeyRing, Random

_log = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
"""Seconds between two looks whether the file changed: one `stat`, whatever the number of reports."""


class KeyFile:
    """A `KeyProvider` that follows a key file. Any thread may use it."""

    def __init__(self, path: Path, random: Random, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises `FileNotFoundError` and `ValueError` as `read_keys` and `KeyRing` do."""
        self._path = path
        self._random = random
        self._monotonic = monotonic
        self._seen = _version(path)
        self._looked_at = monotonic()
        self.ring = KeyRing(read_keys(path), random)
        """What the file held when it was last read."""

    def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyProvider`; the current key is at most `LOOK_EVERY_S` old."""
        self._look()
        return self.ring.wrap(data_key, context)

    def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """See `KeyProvider`."""
        self._look()
        return self.ring.unwrap(key_id, wrapped_key, context)

    def _look(self) -> None:
        now = self._monotonic()
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            seen = _version(self._path)
            if seen != self._seen:
                self.ring = KeyRing(read_keys(self._path), self._random)
                self._seen = seen
                _log.info("the master keys were read again", extra={"count": len(self.ring.check_values)})
        except (OSError, ValueError) as error:
            _log.warning("the master keys cannot be read again", extra={"error": type(error).__name__})


def _version(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
