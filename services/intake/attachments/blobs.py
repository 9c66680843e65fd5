"""Where sealed files lie: a folder, or a bucket that a URL names (obstore).

In: the pieces of a blob and its name; out: the pieces again. `put` returns when the blob is durable. Raises obstore's
own errors as `PassingError`, since a store that does not answer now may later; one that answers that it takes nothing
from us is a `RefusingStoreError`; a blob that is not there is `MissingBlobError`.
"""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from ibalagh.stream.errors import PassingError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_log = logging.getLogger(__name__)
_PIECE_BYTES: Final = 1 << 18
_PART_BYTES: Final = 5 << 20
"""The least size of a part of an upload that S3 takes."""
_LISTED: Final = 1_000
_CLIENT: Final["ClientConfig"] = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_RETRY: Final["RetryConfig"] = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
"""A bucket that is away is noticed while the uploader still waits."""
_ASKING: Final["ClientConfig"] = {"connect_timeout": timedelta(seconds=1), "timeout": timedelta(seconds=1.5)}
_ONCE: Final["RetryConfig"] = {"max_retries": 0}
"""For a question whose answer a probe waits for."""


_NO_BUCKET: Final = "the store of evidence has no such bucket"
_NOT_KNOWN: Final = "the store of evidence refuses our credentials"
_CODE: Final = re.compile(
    "<Code>(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)</Code>"
)
"""The S3 API's codes of these refusals: where no blob is named, obstore has no class of its own for them."""


class MissingBlobError(Exception):
    """There is no blob of this name."""


class RefusingStoreError(PassingError):
    """The store answers, and takes nothing from us: its bucket is not there, or our credentials are worth nothing. That
    is for whoever runs it to mend; meanwhile it is as if it were away."""


class Blobs:
    """A store of blobs. Any thread may use it. `asked` is the same store, for questions that cannot wait."""

    def __init__(self, store: ObjectStore, asked: ObjectStore, folder: Path | None, part_bytes: int) -> None:
        self._store = store
        self._asked = asked
        self._answered = self._complained = False
        self._folder = folder
        self._part_bytes = part_bytes

    @classmethod
    def at(cls, url: str | None, default: Path) -> "Blobs":
        """The store at `url` (`file:///…`, `s3://bucket/prefix`; S3's own variables say the rest), else the folder
        `default`, which is made. Raises OSError, and ValueError for a URL that names no store."""
        if url is not None and urlsplit(url).scheme != "file":
            return cls(_bucket(url, _CLIENT, _RETRY), _bucket(url, _ASKING, _ONCE), None, _PART_BYTES)
        folder = default if url is None else Path(unquote(urlsplit(url).path))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = LocalStore(folder)
        return cls(store, store, folder, _PIECE_BYTES)

    def check(self) -> None:
        """Ask the store whether it knows us, until it said so once. Raises `RefusingStoreError` when it says no. A
        store that does not answer raises nothing, since reports without files are taken in all the same."""
        if self._answered:
            return
        try:
            with _translated():
                next(iter(obstore.list(self._asked, chunk_size=1)), None)
        except RefusingStoreError as error:
            if not self._complained:  # readiness is asked for every few seconds, and to the public says no reason
                self._complained = True
                _log.error("no file will be taken in", extra={"reason": str(error)})
            raise
        except PassingError:
            return
        self._answered = True

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Store a blob whole or not at all. Raises `PassingError`, and whatever `pieces` raises."""
        try:
            with _translated():
                obstore.put(self._store, name, iter(pieces), chunk_size=self._part_bytes, max_concurrency=1)
                if self._folder is not None:
                    _sync(self._folder / name)
        except MissingBlobError as error:  # what is not there, when something is put, is the bucket
            raise RefusingStoreError(_NO_BUCKET) from error

    def pieces(self, name: str) -> Iterator[bytes]:
        """A blob, piece by piece. Raises `MissingBlobError` and `PassingError`, possibly midway."""
        with _translated():
            for piece in obstore.get(self._store, name).stream(min_chunk_size=_PIECE_BYTES):
                yield bytes(piece)

    def delete(self, names: Sequence[str]) -> None:
        """Remove blobs; those that are not there are no error. Raises `PassingError`."""
        for name in names:
            with _translated():
                try:
                    obstore.delete(self._store, name)
                except (NotFoundError, FileNotFoundError):
                    continue

    def older_than(self, age_s: float) -> Iterator[list[str]]:
        """The names of blobs that were stored more than `age_s` ago, in batches. Raises `PassingError`."""
        before = time.time() - age_s
        with _translated():
            for batch in obstore.list(self._store, chunk_size=_LISTED):
                yield [each["path"] for each in batch if _seconds(each["last_modified"]) < before]

    def clear_broken(self, age_s: float) -> int:
        """Remove what killed uploads left in a folder under names that no list shows (`name#1`); how many files.

        A bucket clears up by its own rule for incomplete uploads (docs/attachments.md)."""
        if self._folder is None:
            return 0
        before = time.time() - age_s
        left = [path for path in self._folder.rglob("*#*") if path.is_file() and path.stat().st_mtime < before]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def _bucket(url: str, client: "ClientConfig", retry: "RetryConfig") -> ObjectStore:
    # Given any options of a client, obstore reads none from the environment, so this one is handed on.
    plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
    return from_url(url, client_options={**client, "allow_http": plain}, retry_config=retry)


def _seconds(moment: datetime) -> float:
    return moment.astimezone(UTC).timestamp()


def _sync(path: Path) -> None:
    """The file's content and the names on the way to it are on the disk: a blob, its folder, the folder of that."""
    for each in (path, path.parent, path.parent.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise MissingBlobError from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise RefusingStoreError(_NOT_KNOWN) from error
    except (BaseError, OSError) as error:
        code = _CODE.search(str(error))
        if code is not None:
            raise RefusingStoreError(_NO_BUCKET if code[1] == "NoSuchBucket" else _NOT_KNOWN) from error
        raise PassingError(f"the store of evidence is away: {type(error).__name__}") from error
