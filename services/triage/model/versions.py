"""Which model is in use: a folder of models by version, and a file that points to one.

`current` holds a version a line: the last one is in use, the one before is what a roll-back goes to, and with no line
left, or no file, it is the committed model. It is replaced in one step, and only after the model lies in the folder,
so a worker that starts at any moment finds one or the other whole.
"""

import re
from pathlib import Path
from typing import Final

from services.triage.model import files

POINTER: Final = "current"
_is_version: Final = re.compile(r"[0-9a-f]{12}").fullmatch


def in_use(folder: Path) -> Path:
    """The file of the model in use. Raises ValueError when the pointer names none, OSError."""
    versions = _history(folder)
    if not versions:
        return files.FILE
    file = _file(folder, versions[-1])
    if not file.exists():
        raise ValueError(f"{folder / POINTER} points to {versions[-1]}, and there is no {file.name} beside it.")
    return file


def promote(folder: Path, proposed: Path) -> str:
    """Put a proposed model in use; its version. Raises ValueError for a file that is no model, OSError."""
    version = files.load(proposed).version
    if not _is_version(version):
        raise ValueError(f"{proposed.name} has no version of the usual form.")
    folder.mkdir(parents=True, exist_ok=True)
    _replace(_file(folder, version), proposed.read_bytes())
    versions = _history(folder)
    if versions[-1:] != [version]:
        _point(folder, [*versions, version])
    return version


def rollback(folder: Path) -> str | None:
    """Go back to the model that was in use before; its version, None for the committed one. Raises ValueError when the
    committed one is in use already, OSError."""
    versions = _history(folder)
    if not versions:
        raise ValueError("The committed model is in use: there is nothing to go back to.")
    _point(folder, versions[:-1])
    return versions[-2] if len(versions) > 1 else None


def _history(folder: Path) -> list[str]:
    try:
        lines = (folder / POINTER).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    if not all(map(_is_version, lines)):
        raise ValueError(f"{folder / POINTER} holds something that is no version.")
    return lines


def _file(folder: Path, version: str) -> Path:
    return folder / f"{version}.npz"


def _point(folder: Path, versions: list[str]) -> None:
    _replace(folder / POINTER, "".join(f"{version}\n" for version in versions).encode("ascii"))


def _replace(file: Path, content: bytes) -> None:
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.write_bytes(content)
    unfinished.replace(file)
