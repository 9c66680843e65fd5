"""What nobody came for is removed by itself: staged files, blobs without a row, evidence whose time is over.

In: the rows, the store; out: deletions. Rows go first, and their blobs after the commit: killed in between, the blobs
have no row and the next sweep finds them. A blob younger than an upload may last is left alone, since its row comes
after it. Raises `PassingError` and its kin; the loop tries again.
"""

import logging
from typing import Final, NamedTuple, Protocol

from ibalagh.stream.errors import ConflictError, PassingError, UnknownOutcomeError
from services.intake.attachments.blobs import Blobs
from services.intake.attachments.file_keys import upload_of
from services.intake.attachments.records import Records
from services.intake.attachments.vessel import Vessel
from services.intake.publisher import Stop
from services.intake.reconciler import StopWait

_log = logging.getLogger(__name__)
_FIRST_AFTER_S: Final = 60.0


class Leadership(Protocol):
    """The right to sweep. Raises `PassingError`."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class Swept(NamedTuple):
    """How many staged files, files of old reports, blobs without a row, and broken files of a folder were removed."""

    staged: int
    expired: int
    orphans: int
    broken: int


class Sweep:
    """`run` sweeps every `interval_s`; blobs are orphans only after `orphan_after_s`; evidence is kept `days`."""

    def __init__(
        self,
        records: Records,
        blobs: Blobs,
        vessel: Vessel,
        leadership: Leadership,
        *,
        interval_s: float,
        orphan_after_s: float,
        days: int,
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._vessel = vessel
        self._leadership = leadership
        self._interval_s = interval_s
        self._orphan_after_s = orphan_after_s
        self._days = days

    def run(self, stop: StopWait) -> None:
        """Until asked to stop. Raises what is not passing: crash."""
        stop.wait(min(self._interval_s, _FIRST_AFTER_S))
        while not stop.requested:
            try:
                self.sweep(stop)
            except (PassingError, ConflictError, UnknownOutcomeError) as error:
                _log.warning("evidence will be swept again", extra={"error": type(error).__name__})
            finally:
                self._leadership.release()
            stop.wait(self._interval_s)

    def sweep(self, stop: Stop) -> Swept | None:
        """Once; None where another process sweeps."""
        if not self._leadership.acquire():
            return None
        swept = Swept(self._staged(stop), self._expired(stop), self._orphans(stop), self._broken())
        if any(swept):
            _log.info("evidence was swept", extra=swept._asdict())
        return swept

    def _staged(self, stop: Stop) -> int:
        count = 0
        while not stop.requested and (batch := self._records.forget_staged()):
            for upload_id in batch:
                self._vessel.forget(upload_id)
            count += len(batch)
        return count

    def _expired(self, stop: Stop) -> int:
        """Their blobs have no row then, and go with the orphans."""
        count = 0
        while not stop.requested and (batch := self._records.expire(self._days)):
            count += batch
        return count

    def _orphans(self, stop: Stop) -> int:
        count = 0
        for names in self._blobs.older_than(self._orphan_after_s):
            if stop.requested:
                break
            known = self._records.known({upload_of(name) for name in names})
            orphans = [name for name in names if upload_of(name) not in known]
            self._blobs.delete(orphans)
            count += len(orphans)
        return count

    def _broken(self) -> int:
        return self._blobs.clear_broken(self._orphan_after_s)
