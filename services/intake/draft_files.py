"""The files of a draft, which travel in the pages as everything else of it does. Pure.

In: the posted fields `file_1` to `file_10`, each an attachment's id, its size in bytes and its name; out: the files,
and the same fields for another page. What a field says besides the id is only shown to who posted it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ibalagh.events.reports import MAX_ATTACHMENTS

FILE_FIELDS: Final = tuple(f"file_{number}" for number in range(1, MAX_ATTACHMENTS + 1))
REMOVE: Final = "remove-"
"""Before a file's number, it makes the value of the button that takes the file out of the draft."""
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{16,64}) ([0-9]{1,9}) (.{1,120})")


class DraftFile(NamedTuple):
    """A file that was sent: the id that attaches it, its size, how its sender calls it."""

    attachment_id: str
    size_bytes: int
    name: str


def files_of(posted: Mapping[str, str]) -> list[DraftFile]:
    """The files of a draft in their order, each once; what is not of the form of one is none."""
    found: dict[str, DraftFile] = {}
    for field in FILE_FIELDS:
        said = _FORM.fullmatch(posted.get(field, ""))
        if said:
            found.setdefault(said[1], DraftFile(said[1], int(said[2]), said[3]))
    return list(found.values())


def with_files(posted: Mapping[str, str], files: Iterable[DraftFile]) -> dict[str, str]:
    """The posted fields with these files in the place of theirs; more than ten are cut off."""
    rest = {name: value for name, value in posted.items() if name not in FILE_FIELDS}
    written = (f"{each.attachment_id} {each.size_bytes} {each.name}" for each in files)
    return rest | dict(zip(FILE_FIELDS, written, strict=False))


def removed(files: list[DraftFile], go: str) -> list[DraftFile]:
    """The files without the one whose button was pressed, if it was one of those."""
    pressed = go.removeprefix(REMOVE) if go.startswith(REMOVE) else ""
    return [file for number, file in enumerate(files, start=1) if str(number) != pressed]
