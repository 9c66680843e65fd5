"""Bounded reading of a seekable file: a place and a length in, bytes out; never more than a window at once."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from services.intake.evidence.kinds import RefusedFileError

WINDOW: Final = 64 * 1024
"""Bytes that are held at once while a file is searched."""


MOST_READS: Final = 1_000_000
"""Reads of one file: some seconds. A file made of headers alone is given up on; an honest one takes some thousands, a
sound file of 20 MB with the shortest frames 900,000."""


class Source:
    """A file of known size, read by position. Positions and lengths are in bytes from the file's start."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reads = 0
        self.size = file.seek(0, io.SEEK_END)

    def peek(self, start: int, length: int) -> bytes:
        """Up to `length` bytes at `start`: fewer where the file ends.

        Raises `RefusedFileError` (`damaged_file`) beyond `MOST_READS`; so does everything that reads.
        """
        self._reads += 1
        if self._reads > MOST_READS:
            raise RefusedFileError("damaged_file")
        self._file.seek(start)
        return self._file.read(length)

    def at(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes at `start`; raises `RefusedFileError` (`truncated_file`) if the file ends before."""
        found = self.peek(start, length)
        if len(found) < length:
            raise RefusedFileError("truncated_file")
        return found

    def number(self, start: int, length: int) -> int:
        """The big-endian number of `length` bytes at `start`; raises as `at`."""
        return int.from_bytes(self.at(start, length), "big")

    def little(self, start: int, length: int) -> int:
        """The little-endian number of `length` bytes at `start`; raises as `at`."""
        return int.from_bytes(self.at(start, length), "little")

    def find(self, pattern: re.Pattern[bytes], start: int, end: int, longest: int = 16) -> tuple[int, bytes] | None:
        """The first match, at most `longest` bytes long, from `start` on and before `end`: its place and bytes."""
        while start < end:
            window = self.peek(start, min(WINDOW, end - start))
            found = pattern.search(window)
            if found:
                return start + found.start(), found[0]
            if start + len(window) >= end or len(window) <= longest:
                return None
            start += len(window) - longest
        return None

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end`, a window at a time; raises as `at`."""
        while start < end:
            chunk = self.at(start, min(WINDOW, end - start))
            yield chunk
            start += len(chunk)
