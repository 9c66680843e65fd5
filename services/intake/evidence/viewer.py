"""The child process that makes one viewing copy: `python -m services.intake.evidence.viewer KIND <file >copy`.

In: a file that can be sought as standard input, an empty one as standard output, the kind as the argument. Out: the
copy, and exit status 0; `viewing.NO_COPY_STATUS`; or `viewing.FIRST_STATUS` and up for a rule of `RULES`. Never a word
about the file.
"""

import os
import sys
from collections.abc import Callable
from typing import BinaryIO

from services.intake.evidence.fence import fence
from services.intake.evidence.kinds import OFFICE, RULES, Kind, NoCopyError, RefusedFileError
from services.intake.evidence.viewing import FIRST_STATUS, NO_COPY_STATUS


def copier(kind: Kind) -> Callable[[BinaryIO, BinaryIO], None]:
    """What copies a file of this kind; only its own libraries are loaded."""
    if kind in {Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.GIF, Kind.HEIC}:
        from services.intake.evidence.view_pictures import copy_picture

        return copy_picture
    if kind is Kind.PDF:
        from services.intake.evidence.view_pdf import copy_pdf

        return copy_pdf
    if kind in {Kind.MP4, Kind.QUICKTIME, Kind.M4A}:
        from services.intake.evidence.view_boxes import copy_boxes

        return copy_boxes
    if kind in {Kind.MP3, Kind.OGG}:
        from services.intake.evidence.view_sound import copy_mp3, copy_ogg

        return copy_mp3 if kind is Kind.MP3 else copy_ogg
    if kind in OFFICE:
        from services.intake.evidence.view_office import copy_office

        return copy_office
    from services.intake.evidence.view_text import copy_text

    return copy_text


def run(copy: Callable[[BinaryIO, BinaryIO], None], file: BinaryIO, view: BinaryIO) -> int:
    """Make the copy; the exit status."""
    try:
        copy(file, view)
        view.flush()
    except NoCopyError:
        return NO_COPY_STATUS
    except RefusedFileError as error:
        return FIRST_STATUS + list(RULES).index(error.code)
    except Exception:  # noqa: BLE001 - a parser may raise anything, and nothing of it may be told
        return FIRST_STATUS + list(RULES).index("damaged_file")
    return 0


if __name__ == "__main__":
    chosen = copier(Kind(sys.argv[1]))
    fence()
    # Past the interpreter's own end: whatever a broken parser left behind is not tidied up.
    os._exit(run(chosen, os.fdopen(0, "rb"), os.fdopen(1, "r+b")))
