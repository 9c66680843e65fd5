"""Viewing copies of office documents: the same archive with the parts that are seen, and nothing of who made it.

Runs in the fenced child. XML parts are written anew (`office_xml`), photographs and screenshots lose their metadata
(`bare`), whatever else is embedded becomes empty: other documents, sounds, films, fonts, printers' settings. Parts that
only tell go, and what refers to them. Nothing that is unpacked is ever unpacked again.
"""

import codecs
import posixpath
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, BinaryIO, Final

from services.intake.evidence.bare import bare_jpeg, bare_png
from services.intake.evidence.kinds import NoCopyError, RefusedFileError
from services.intake.evidence.office_xml import Part, rewritten
from services.intake.evidence.source import Source
from services.intake.evidence.zips import Entry, entries

MOST_XML_BYTES: Final = 48 * 1024 * 1024
"""Of all XML parts together: about what a child can write anew in its time. A larger document has no copy."""
_MOST_PICTURE_BYTES: Final = 24 * 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024
_TELLING: Final = re.compile(
    r"docprops/.*|customxml/.*|docmetadata/.*|_xmlsignatures/.*"
    r"|word/(?:people\.xml|comments(?:ids|extended|extensible)\.xml|webextensions/.*)"
    r"|xl/(?:persons/.*|threadedcomments/.*|revisions/.*|calcchain\.xml|webextensions/.*|usernames\.xml)"
    r"|ppt/(?:changesinfos/.*|revisioninfo\.xml)"
    r"|(?:object[^/]*/)?(?:meta|settings)\.xml|manifest\.rdf|(?:.*/)?thumbnails/.*|configurations2/.*|basic/.*|layout-cache"
    r"|meta-inf/(?:documentsignatures|macrosignatures|xadessignatures)\.xml",
)
"""Parts that say who, where, when and with what, in small letters: properties, signatures, revisions, people."""
_CONNECTED: Final = re.compile(r"xl/(?:connections\.xml|querytables/.*|model/.*)|word/recipientdata.*")
"""Sources of data with servers, users and passwords, which tables hang on: of such a document there is no copy."""
_XML: Final = re.compile(r".*\.(?:xml|rels|vml|rdf)")
_MADE: Final = (1980, 1, 1, 0, 0, 0)
for _encoding in ("cp437", "utf-8", "utf-16", "ascii"):
    codecs.lookup(_encoding)  # loaded now, since inside the fence no file can be opened, not even the interpreter's own


def copy_office(file: BinaryIO, view: BinaryIO) -> None:
    """Write the document in `file` to `view`. Raises `RefusedFileError`, `NoCopyError`, and whatever zipfile raises."""
    found = entries(Source(file))
    names = {entry.name.lower() for entry in found}
    if any(map(_CONNECTED.fullmatch, names)) or _xml_bytes(found) > MOST_XML_BYTES:
        raise NoCopyError
    gone = frozenset(name for name in names if _TELLING.fullmatch(name))
    file.seek(0)
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(view, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as copy:
        for entry in found:
            if entry.name.lower() in gone or entry.name.endswith("/"):
                continue
            info = zipfile.ZipInfo(entry.name, _MADE)
            info.compress_type = zipfile.ZIP_STORED if entry.name == "mimetype" else zipfile.ZIP_DEFLATED
            with whole.open(entry.name) as part, copy.open(info, "w") as out:
                for piece in _copied(entry, part, gone):
                    out.write(piece)
                _exhaust(part, entry.size_bytes)


def _xml_bytes(found: Iterable[Entry]) -> int:
    return sum(entry.size_bytes for entry in found if _XML.fullmatch(entry.name.lower()))


def _copied(entry: Entry, part: IO[bytes], gone: Collection[str]) -> Iterator[bytes]:
    name = entry.name.lower()
    if name == "mimetype":
        yield part.read(entry.size_bytes)
    elif _XML.fullmatch(name) or (head := part.peek(8)[:8]).startswith(b"<?xml"):  # type: ignore[attr-defined]
        yield from _rewritten(name, part, gone)
    elif entry.size_bytes <= _MOST_PICTURE_BYTES and head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        yield _picture(part.read(entry.size_bytes))


def _rewritten(name: str, part: IO[bytes], gone: Collection[str]) -> Iterator[bytes]:
    """A part that is not well formed, as drawings in VML often are, is left empty; the others must be."""
    how = Part(formulas=name.startswith("xl/worksheets/"), drops=_drops(name, gone))
    if not name.endswith(".vml"):
        yield from rewritten(_pieces(part), how)
        return
    try:
        yield b"".join(rewritten(_pieces(part), how))
    except RefusedFileError:
        return


def _drops(name: str, gone: Collection[str]) -> Callable[[str, Mapping[str, str]], bool]:
    """Whether an element says that a part exists which is gone: in relationships, content types and manifests."""
    base = posixpath.dirname(posixpath.dirname(name)) if name.endswith(".rels") else ""

    def drops(local: str, attributes: Mapping[str, str]) -> bool:
        if local == "Relationship" and attributes.get("TargetMode") != "External":
            return _resolved(base, attributes.get("Target", "")) in gone
        if local == "Override":
            return attributes.get("PartName", "").lstrip("/").lower() in gone
        if local == "file-entry":
            path = attributes.get("full-path", "").lower()
            return path in gone or (path.endswith("/") and len(path) > 1 and _TELLING.fullmatch(path) is not None)
        return False

    return drops


def _resolved(base: str, target: str) -> str:
    path = target if target.startswith("/") else f"{base}/{target}"
    return posixpath.normpath(path).lstrip("/").lower()


def _picture(data: bytes) -> bytes:
    try:
        return bare_jpeg(data) if data.startswith(b"\xff\xd8\xff") else bare_png(data)
    except RefusedFileError:
        return b""


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: part.read(_PIECE_BYTES), b"")


def _exhaust(part: IO[bytes], size_bytes: int) -> None:
    """To the end, where zipfile compares the checksum of as much as the part says that it has. Raises
    `RefusedFileError` for one that has less, as zipfile does for another checksum."""
    for _ in _pieces(part):
        pass
    if part.tell() != size_bytes:
        raise RefusedFileError("damaged_file")
