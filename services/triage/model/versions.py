"""Which model is in use: a folder of models by version, and a file that points to one.

`current` holds a version a line: the last one is in use, the one before is what a roll-back goes to, and with no line
left, or no file, it is the committed model. It is replaced in one step, and only after the model lies in the folder,
so a worker that looks at any moment finds one or the other whole. `shadow` holds in the same way the one version that
decides beside it, and is heard by nobody.
"""

import re
from pathlib import Path
from typing import Final

from services.triage.model import files

POINTER: Final = "current"
SHADOW: Final = "shadow"
_is_version: Final = re.compile(r"[0-9a-f]{12}").fullmatch


def in_use(folder: Path) -> Path:
    """The file of the model in use. Raises ValueError when the pointer names none, OSError."""
    versions = _history(folder)
    if not versions:
        return files.FILE
    return _known(folder, versions[-1], POINTER)


def stamp(folder: Path) -> tuple[object, object]:
    """What changes whenever `current` or `shadow` is written. Raises OSError."""
    return _stamp(folder / POINTER), _stamp(folder / SHADOW)


def promote(folder: Path, proposed: Path) -> str:
    """Put a proposed model in use, and in the shadow no longer; its version. Raises ValueError for a file that is no
    model, OSError."""
    version = _keep(folder, proposed)
    if _lines(folder / SHADOW) == [version]:
        stop_shadow(folder)
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


def start_shadow(folder: Path, proposed: Path) -> str:
    """Let a proposed model decide beside the one in use; its version. Raises ValueError for a file that is no model,
    OSError."""
    version = _keep(folder, proposed)
    _replace(folder / SHADOW, f"{version}\n".encode("ascii"))
    return version


def stop_shadow(folder: Path) -> None:
    """Let no model decide beside the one in use. Raises OSError."""
    (folder / SHADOW).unlink(missing_ok=True)


def shadowed(folder: Path) -> Path | None:
    """The file of the model that decides beside the one in use. Raises as `in_use` does."""
    versions = _lines(folder / SHADOW)
    return _known(folder, versions[-1], SHADOW) if versions else None


def _keep(folder: Path, proposed: Path) -> str:
    version = files.load(proposed).version
    if not _is_version(version):
        raise ValueError(f"{proposed.name} has no version of the usual form.")
    folder.mkdir(parents=True, exist_ok=True)
    _replace(_file(folder, version), proposed.read_bytes())
    return version


def _history(folder: Path) -> list[str]:
    return _lines(folder / POINTER)


def _lines(pointer: Path) -> list[str]:
    try:
        lines = pointer.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    if not all(map(_is_version, lines)):
        raise ValueError(f"{pointer} holds something that is no version.")
    return lines


def _known(folder: Path, version: str, pointer: str) -> Path:
    file = _file(folder, version)
    if not file.exists():
        raise ValueError(f"{folder / pointer} points to {version}, and there is no {file.name} beside it.")
    return file


def _stamp(pointer: Path) -> object:
    try:
        found = pointer.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _file(folder: Path, version: str) -> Path:
    return folder / f"{version}.npz"


def _point(folder: Path, versions: list[str]) -> None:
    _replace(folder / POINTER, "".join(f"{version}\n" for version in versions).encode("ascii"))


def _replace(file: Path, content: bytes) -> None:
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.write_bytes(content)
    unfinished.replace(file)
