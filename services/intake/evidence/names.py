"""The name under which an upload is shown and offered: from what the sender's machine calls it. Pure."""

import re
import unicodedata
from typing import Final

from services.intake.evidence.kinds import SUFFIXES, Kind

LONGEST: Final = 100
"""Characters of a name with its suffix; and at most twice as many bytes in UTF-8, since file systems count these."""

_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE
)
"""Names of devices on Windows, whatever follows their first full stop."""
_FORBIDDEN: Final = re.compile(r'[<>:"|?*%;=`$&\'\\/]')
_SPACES: Final = re.compile(r"\s+")
_EDGE: Final = " .-"
"""Not at either end: hidden files, options of commands, and ends that Windows drops."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are left out: controls, bidirectional and other format characters, surrogates, unassigned."""
_LONGEST_SUFFIX: Final = 8


def safe_name(name: str | None, kind: Kind) -> str:
    """A display name with the kind's suffix: one line, no path, nothing invisible, bounded; `file` if nothing is left.

    Never a path: files are stored under names of our own.
    """
    last = re.split(r"[\\/\0]", (name or "")[-1_000:])[-1]
    visible = "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFC", last) if _shown(each))
    stem = _SPACES.sub(" ", _FORBIDDEN.sub("_", visible)).strip(_EDGE)
    start, dot, ending = stem.rpartition(".")
    if dot and len(ending) < _LONGEST_SUFFIX and ending.isalnum():
        stem = start.rstrip(_EDGE)
    suffix = SUFFIXES[kind]
    stem = stem[: LONGEST - len(suffix)]
    stem = stem.encode()[: 2 * LONGEST - len(suffix)].decode(errors="ignore").rstrip(_EDGE)
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"file {stem}"[: LONGEST - len(suffix)].strip()
    return stem + suffix


def _shown(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _INVISIBLE
