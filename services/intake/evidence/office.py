"""Office documents, told by the parts of the archive that they are. Pure.

In: a file; out: its kind, None for what is no such document. What acts or is locked is refused by name; nothing is
unpacked here, which the fenced child does (`view_office`).
"""

import re
from collections.abc import Collection
from typing import Final

from services.intake.evidence.kinds import Kind, RefusedFileError
from services.intake.evidence.source import Source
from services.intake.evidence.zips import Entry, entries

_MAIN: Final = {
    "word/document.xml": Kind.DOCX,
    "xl/workbook.xml": Kind.XLSX,
    "ppt/presentation.xml": Kind.PPTX,
}
"""The part that makes a package a document (ECMA-376 part 1, clauses 11.3.10, 12.3.23, 13.3.6), where all write it."""
_OF_A_PACKAGE: Final = frozenset({"[content_types].xml", "_rels/.rels"})
_OPEN_DOCUMENTS: Final = {kind.value: kind for kind in (Kind.ODT, Kind.ODS, Kind.ODP)}
_OF_AN_OPEN_DOCUMENT: Final = frozenset({"content.xml", "meta-inf/manifest.xml"})
_LONGEST_TYPE: Final = 100
_FIRST: Final = re.compile(rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|word/|xl/|ppt/|mimetype)", re.DOTALL)
"""What the first entry of such a document is called, after the 30 bytes of its header."""
_ACTING: Final = re.compile(
    r"(?:.*/)?vbaproject[^/]*|xl/(?:macrosheets|dialogsheets)/.*|(?:.*/)?vbadata\.xml|scripts/.+"
    r"|basic/(?!(?:.*/)?script-l[bc]\.xml$).+",
)
_OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED: Final = re.compile("EncryptedPackage".encode("utf-16-le"))
"""The stream in which a document with a password lies inside the older container ([MS-OFFCRYPTO], 2.3.4.4)."""


def kind_of_office(source: Source) -> Kind | None:
    """The kind of document; None for any other file, other archives included.

    Raises `RefusedFileError`: `macros`, `encrypted_file`, and what `zips.entries` does of a document.
    """
    if source.peek(0, 8) == _OLD and source.find(_LOCKED, 0, source.size, longest=32):
        raise RefusedFileError("encrypted_file")
    if source.peek(0, 4) != b"PK\x03\x04":
        return None
    likely = _FIRST.match(source.peek(0, 64)) is not None
    try:
        found = entries(source)
    except RefusedFileError:
        if likely:
            raise
        return None
    names = {entry.name.lower() for entry in found}
    kind = _package(names) or _open_document(source, found[0], names)
    if kind is None and not (likely and "encrypted-package" in names):
        return None
    if kind is None or any(entry.locked for entry in found):
        raise RefusedFileError("encrypted_file")
    if any(_ACTING.fullmatch(name) for name in names):
        raise RefusedFileError("macros")
    return kind


def _package(names: Collection[str]) -> Kind | None:
    kinds = [kind for part, kind in _MAIN.items() if part in names]
    if not _OF_A_PACKAGE.issubset(names) or not kinds:
        return None
    if len(kinds) > 1:
        raise RefusedFileError("ambiguous_file")
    return kinds[0]


def _open_document(source: Source, first: Entry, names: Collection[str]) -> Kind | None:
    """By the part `mimetype`, which comes first and is not packed (ISO/IEC 26300-3, 3.3)."""
    if first.name != "mimetype" or not first.stored or first.size_bytes > _LONGEST_TYPE:
        return None
    if not _OF_AN_OPEN_DOCUMENT.issubset(names):
        return None
    return _OPEN_DOCUMENTS.get(source.at(first.data, first.size_bytes).decode("ascii", errors="replace"))
