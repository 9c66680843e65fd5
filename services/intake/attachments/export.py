"""A custodian's copy of an original, as it was sent.

In: the file that the audit says is opened, a folder; out: a file there that only its owner may read, whose SHA-256 is
that of the upload. What does not agree is removed again.
"""

import hashlib
import os
from pathlib import Path

from services.intake.attachments.vessel import Vessel
from services.intake.custody import OpenedFile
from services.intake.vault import SealBrokenError


def export(vessel: Vessel, file: OpenedFile, folder: Path) -> Path:
    """Write an original as `<number>-<name>`. Raises FileExistsError, OSError, `SealBrokenError` when it does not open
    or is not what was received, `MissingBlobError`, `PassingError`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name, pieces = vessel.original(file.upload_id, file.key)
    path = folder / f"{file.number}-{Path(name).name}"
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
        if digest.digest() != file.sha256:
            raise SealBrokenError
    except BaseException:
        path.unlink()
        raise
    return path
