"""Random bytes by the page: a sealed identity needs three draws, and each call of the system gives the interpreter away
to whichever thread waits for it, which costs a busy process far more than the bytes.
"""

from threading import Lock
from typing import Final

from services.intake.vault import Random

_PAGE_BYTES: Final = 4_096


class Pool:
    """A `Random` for any number of threads that draws from `source` a page at a time and gives no byte out twice."""

    def __init__(self, source: Random) -> None:
        self._source = source
        self._page = b""
        self._used = 0
        self._lock = Lock()

    def __call__(self, size: int) -> bytes:
        """`size` bytes, as unpredictable as the source's."""
        with self._lock:
            if self._used + size > len(self._page):
                self._page = self._source(max(size, _PAGE_BYTES))
                self._used = 0
            drawn = self._page[self._used : self._used + size]
            self._used += size
        return drawn
