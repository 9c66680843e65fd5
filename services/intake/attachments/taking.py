"""From the socket to a sealed, durable, staged file, with never more of it in memory than a piece.

In: the pieces of a file as they come; out: a `Taken` with the id that its uploader holds. Refused is what the rules of
`services.intake.evidence` refuse (`RefusedFileError`), and what would fill the disk (`Problem` 503).

1. pieces go to a file without a name in the spool folder, and through SHA-256; 2. the content is inspected; 3. the
viewing copy is made; 4. both are sealed into the store, durably; 5. the row is stored; 6. only then is it answered. A
process killed anywhere leaves at most blobs without a row, which the sweep removes.
"""

import asyncio
import base64
import hashlib
import logging
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from starlette.concurrency import run_in_threadpool

from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError
from ibalagh.web.problems import Problem, unavailable
from services.intake.attached import Upload
from services.intake.attachments.blobs import RefusingStoreError
from services.intake.attachments.records import Staged
from services.intake.attachments.vessel import Vessel
from services.intake.evidence.kinds import Kind, RefusedFileError
from services.intake.evidence.names import safe_name
from services.intake.receipt import keyed_hash
from services.intake.vault import Random

_log = logging.getLogger(__name__)
CAPABILITY_BYTES: Final = 24
"""192 random bits: whoever holds an attachment's id may attach the file, so nobody may guess one."""
_PIECE_BYTES: Final = 1 << 18
_FULL_RETRY_S: Final = 120
_BUSY_RETRY_S: Final = 10
_AT_ONCE: Final = 2
"""Files that are inspected and sealed at the same time: that is work for a core and some megabytes each."""

MakeView = Callable[[BinaryIO, Kind], BinaryIO | None]


class Taken(NamedTuple):
    """A file that is staged: the id that its uploader holds, what it is, how it is called where it is shown."""

    attachment_id: str
    sha256: str
    size_bytes: int
    media_type: str
    name: str


class Limits(NamedTuple):
    """How large one file may be, how much may wait for its report altogether, how many may come at once."""

    file_bytes: int
    staged_bytes: int
    uploads: int


class Making(NamedTuple):
    """What looks into files, in threads: `inspect` says their kind, `make_view` makes the copy to look at."""

    inspect: Callable[[BinaryIO], Kind]
    make_view: MakeView


class Staging(Protocol):
    """Where rows of files go; see `Records`."""

    def stage(self, staged: Staged) -> None: ...

    def staged_bytes(self) -> int: ...

    def find(self, capability_hashes: Collection[bytes]) -> dict[bytes, Upload]: ...


class Evidence:
    """Takes files in. Call it from one event loop. `secret` keys the hashes of ids; `spool` is a folder for files that
    are coming."""

    def __init__(
        self,
        staging: Staging,
        vessel: Vessel,
        making: Making,
        limits: Limits,
        *,
        secret: bytes,
        random: Random,
        spool: Path,
    ) -> None:
        self._staging = staging
        self._vessel = vessel
        self._secret = secret
        self._random = random
        self._spool = spool
        self.limits = limits
        self._making = making
        self._coming = 0
        self._coming_bytes = 0
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def hash_of(self, attachment_id: str) -> bytes:
        """What is stored of an id."""
        return keyed_hash(self._secret, b"attachment" + attachment_id.encode())

    async def found(self, attachment_ids: Iterable[str]) -> dict[bytes, Upload]:
        """What is known of these ids, by their hashes. Raises `PassingError`."""
        hashes = {self.hash_of(each) for each in attachment_ids}
        return await run_in_threadpool(self._staging.find, hashes) if hashes else {}

    async def begin(self) -> "Incoming":
        """A place for one file; close it. Raises `Problem` 503 when there is no room, `PassingError`."""
        if self._coming >= self.limits.uploads:
            raise unavailable("Too many files come in just now. Please send it again.", _BUSY_RETRY_S)
        self._coming += 1
        try:
            room = self.limits.staged_bytes - await run_in_threadpool(self._staging.staged_bytes)
            with _disk():
                file = tempfile.TemporaryFile(dir=self._spool, buffering=0)  # noqa: SIM115 - `Incoming` closes it
        except BaseException:
            self._coming -= 1
            raise
        return Incoming(self, file, room)

    def grown(self, size_bytes: int, room: int) -> None:
        """So many bytes more came. Raises `Problem` 503 when all that is coming exceeds `room`."""
        self._coming_bytes += size_bytes
        if self._coming_bytes > room:
            raise unavailable("There is no room for more files just now. Please send it later.", _FULL_RETRY_S)

    def left(self, size_bytes: int) -> None:
        """A file is in the store, or was given up."""
        self._coming -= 1
        self._coming_bytes -= size_bytes

    async def keep(self, file: BinaryIO, digest: bytes, size_bytes: int, name: str | None) -> Taken:
        """Steps 2 to 5. Raises `RefusedFileError`, `Problem` 503, `PassingError`."""
        async with self._turn:
            try:
                return await run_in_threadpool(self._keep, file, digest, size_bytes, name)
            except (UnknownOutcomeError, ConflictError):
                raise unavailable("The file could not be stored. Please send it again.", _BUSY_RETRY_S) from None

    def _keep(self, file: BinaryIO, digest: bytes, size_bytes: int, name: str | None) -> Taken:
        kind = self._making.inspect(file)
        file.seek(0)
        copy = self._making.make_view(file, kind)
        shown = safe_name(name, kind)
        upload_id = self._vessel.new_id()
        attachment_id = base64.urlsafe_b64encode(self._random(CAPABILITY_BYTES)).decode()
        try:
            keys = [self._vessel.store(upload_id, file, view=False, name=shown)]
            if copy is not None:
                keys.append(self._vessel.store(upload_id, copy, view=True))
            upload = Upload(self.hash_of(attachment_id), digest, size_bytes, kind.value)
            self._staging.stage(Staged(upload_id, upload, None if copy is None else copy.seek(0, 2), keys))
        except (PassingError, ConflictError) as error:
            if isinstance(error, RefusingStoreError):
                _log.error("no file can be taken in", extra={"reason": str(error)})
            self._give_up(upload_id)
            raise
        finally:
            if copy is not None:
                copy.close()
        return Taken(attachment_id, digest.hex(), size_bytes, kind.value, shown)

    def _give_up(self, upload_id: str) -> None:
        """No row, so no blobs; where the store is away too, the sweep removes them later."""
        try:
            self._vessel.forget(upload_id)
        except PassingError as error:
            _log.warning("blobs are left to the sweep", extra={"error": type(error).__name__})


class Incoming:
    """One file while it comes. Use it as an asynchronous context, in which pieces are written, then kept."""

    def __init__(self, evidence: Evidence, file: BinaryIO, room: int) -> None:
        self._evidence = evidence
        self._file = file
        self._room = room
        self._hash = hashlib.sha256()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.size_bytes = 0

    async def __aenter__(self) -> "Incoming":
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the file, kept or not."""
        self._evidence.left(self.size_bytes)
        self._file.close()

    async def write(self, piece: bytes) -> None:
        """Take the next piece. Raises `RefusedFileError` (`too_large`), `Problem` 503."""
        self.size_bytes += len(piece)
        self._evidence.grown(len(piece), self._room)
        if self.size_bytes > self._evidence.limits.file_bytes:
            raise RefusedFileError("too_large")
        self._held.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes >= _PIECE_BYTES:
            await self._flush()

    async def keep(self, name: str | None) -> Taken:
        """The file is whole: see `Evidence.keep`."""
        await self._flush()
        return await self._evidence.keep(self._file, self._hash.digest(), self.size_bytes, name)

    async def _flush(self) -> None:
        held, self._held, self._held_bytes = b"".join(self._held), [], 0
        if held:
            await run_in_threadpool(self._store, held)

    def _store(self, piece: bytes) -> None:
        self._hash.update(piece)
        with _disk():
            written = 0
            while written < len(piece):
                written += self._file.write(piece[written:])


def too_large(limit_bytes: int) -> Problem:
    """The refusal of a body that says beforehand that it is too large."""
    detail = f"A file may have {limit_bytes} bytes."
    return Problem(413, "too_large", "Too large", detail, field="body", headers={"Connection": "close"})


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that is full, or a spool folder that is away, is no fault of who sends."""
    try:
        yield
    except OSError as error:
        _log.error("the spool folder takes nothing", extra={"error": type(error).__name__})
        raise unavailable("There is no room for more files just now. Please send it later.", _FULL_RETRY_S) from None
