"""A copy of a file for looking at it, without what tells of the person who made it. Made in a fenced child process.

The child (`viewer`) gets the file read-only as its standard input and an empty file as its output: no address of
anything, no environment, no other descriptor. It answers with its exit status alone, so nothing that a file says can
reach a log. Whatever becomes of it, the parent goes on.
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

from services.intake.evidence.kinds import RULES, Kind, RefusedFileError

VIEW_KINDS: Final[Mapping[Kind, Kind]] = {**{kind: kind for kind in Kind}, Kind.HEIC: Kind.JPEG}
"""The kind of each kind's viewing copy: the same, but for HEIC, which few browsers show."""

DEADLINE_S: Final = 30.0
"""Seconds that a child may take by the wall clock."""
NO_COPY_STATUS: Final = 63
"""Exit status of the child when there is no copy of such a file."""
FIRST_STATUS: Final = 64
"""Exit status of the child for the first of `RULES`, the next for the second, …; 0 is a copy made."""
_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Children at once in a process: each may take `fence.MEMORY_BYTES`."""
_ROOT: Final = Path(__file__).parents[3]


def make_view(file: BinaryIO, kind: Kind) -> BinaryIO | None:
    """The stripped copy of a file that `inspect` found to be of this kind, in an unlinked temporary file at its start.

    The copy is of the kind that `VIEW_KINDS` names; None if of such a file none can be made that surely tells nothing.
    Blocks for up to `DEADLINE_S`, longer if others are waiting: call it in a thread. The file's position afterwards is
    anywhere. Raises `RefusedFileError` with a key of `RULES`, `damaged_file` also if time or memory ran out; `OSError`
    if the system has no room for a child or a temporary file.
    """
    view = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
    try:
        with _AT_ONCE, _read_only(file) as readable:
            status = _run(readable, view, kind)
        if status == NO_COPY_STATUS:
            view.close()
            return None
        if status != 0:
            codes = list(RULES)
            known = FIRST_STATUS <= status < FIRST_STATUS + len(codes)
            raise RefusedFileError(codes[status - FIRST_STATUS] if known else "damaged_file")
        view.seek(0)
    except BaseException:
        view.close()
        raise
    return view


def _read_only(file: BinaryIO) -> BinaryIO:
    """The same file, opened anew for reading alone, so that a child can neither change it nor move its position."""
    try:
        file.flush()
        return os.fdopen(os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY), "rb")
    except (io.UnsupportedOperation, AttributeError, OSError):  # in memory, or a system without /proc
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        return copy


def _run(readable: BinaryIO, view: BinaryIO, kind: Kind) -> int:
    """The child's exit status; its whole process group is gone afterwards."""
    child = subprocess.Popen(  # noqa: S603 - our own module, and a word of our own vocabulary
        [sys.executable, "-s", "-B", "-X", "utf8", "-m", "services.intake.evidence.viewer", kind.value],
        stdin=readable,
        stdout=view,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env={},
        start_new_session=True,
    )
    try:
        return child.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
