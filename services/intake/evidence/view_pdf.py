"""Viewing copies of PDFs: the pages as they look, without what acts, what is attached, and who made them.

Runs in the fenced child only. qpdf writes anew what the pages still refer to, so earlier versions of a document and
what was taken out of it are not carried over.
"""

import zlib
from typing import Any, BinaryIO, Final

import pikepdf

from services.intake.evidence.bare import bare_jpeg, bare_jpeg2000
from services.intake.evidence.kinds import MAX_FILE_BYTES, NoCopyError, RefusedFileError

MOST_PAGES: Final = 2_000
_OF_THE_DOCUMENT: Final = frozenset(
    {"/Type", "/Pages", "/PageLayout", "/PageMode", "/PageLabels", "/Lang", "/OCProperties", "/ViewerPreferences"}
)
"""What stays of the catalogue; forms, scripts, names, attachments, outlines and structure go."""
_OF_A_PAGE: Final = frozenset(
    {
        *("/Type", "/Parent", "/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox", "/Rotate", "/Contents"),
        *("/Resources", "/Group", "/UserUnit", "/Annots"),
    }
)
_ACTING: Final = frozenset(
    {
        *("/AA", "/OpenAction", "/JS", "/JavaScript", "/AF", "/EF", "/URI", "/XFA", "/RichMediaContent"),
        *("/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/OPI"),
    }
)
"""Keys that start something, attach something or tell of a maker, wherever they stand."""
_PAINTED: Final = frozenset(
    {
        *("/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline"),
        *("/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/Text", "/Widget", "/Redact"),
    }
)
"""Annotations that are seen on the page; links, attachments, films and sounds go."""
_PAINTING: Final = frozenset(
    {
        *("/Type", "/Subtype", "/Rect", "/AP", "/AS", "/F", "/C", "/CA", "/Border", "/BS", "/QuadPoints", "/InkList"),
        *("/Vertices", "/L", "/LE", "/IC", "/DA", "/Contents", "/OC"),
    }
)
"""What stays of an annotation: its look and its words, not its author and its times."""


def copy_pdf(file: BinaryIO, view: BinaryIO) -> None:
    """Write the PDF in `file` to `view`. Raises `RefusedFileError`, `NoCopyError`, and whatever pikepdf raises."""
    file.seek(0)
    try:
        document = pikepdf.open(file, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise RefusedFileError("encrypted_file") from error
    with document:
        if document.is_encrypted:
            raise RefusedFileError("encrypted_file")
        if not 0 < len(document.pages) <= MOST_PAGES:
            raise RefusedFileError("damaged_file")
        _keep(document.Root, _OF_THE_DOCUMENT)
        for key in {"/Info", "/ID"} & set(document.trailer.keys()):
            del document.trailer[key]
        for page in document.pages:
            _keep(page.obj, _OF_A_PAGE)
            _strip_annotations(page.obj)
        for each in document.objects:
            _strip(each, 0)
        document.save(view, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _strip_annotations(page: Any) -> None:
    if "/Annots" not in page:
        return
    kept = [each for each in page.Annots if isinstance(each, pikepdf.Dictionary) and each.get("/Subtype") in _PAINTED]
    for annotation in kept:
        _keep(annotation, _PAINTING)
    page.Annots = pikepdf.Array(kept)


def _keep(dictionary: Any, keys: frozenset[str]) -> None:
    for key in set(dictionary.keys()) - keys:
        del dictionary[key]


def _strip(each: Any, depth: int) -> None:
    """Take the acting keys out of an object and of what stands directly in it."""
    if depth > 50:
        raise RefusedFileError("damaged_file")
    if isinstance(each, pikepdf.Array):
        parts = list(each)
    elif isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
        for key in _ACTING & set(each.keys()):
            del each[key]
        parts = [each[key] for key in set(each.keys())]
    else:
        return
    for part in parts:
        if isinstance(part, (pikepdf.Array, pikepdf.Dictionary)) and not part.is_indirect:
            _strip(part, depth + 1)
    if isinstance(each, pikepdf.Stream):
        _strip_picture(each)


def _strip_picture(stream: pikepdf.Stream) -> None:
    """Take EXIF and the like out of a photograph inside the document; its pixels stay as they are."""
    named = stream.get("/Filter", pikepdf.Array())
    filters = [str(each) for each in (named if isinstance(named, pikepdf.Array) else [named])]
    if not filters or filters[-1] not in {"/DCTDecode", "/DCT", "/JPXDecode"}:
        return
    data = stream.read_raw_bytes()
    for each in filters[:-1]:
        if each not in {"/FlateDecode", "/Fl"}:
            raise NoCopyError
        inflated = zlib.decompressobj()
        data = inflated.decompress(data, MAX_FILE_BYTES)
        if not inflated.eof:
            raise RefusedFileError("damaged_file")
    bare = bare_jpeg2000(data) if filters[-1] == "/JPXDecode" else bare_jpeg(data)
    stream.write(bare, filter=pikepdf.Name(filters[-1]))
