"""Small honest files of every kind that is taken in, with canaries in their metadata; and files that must be refused.

All are made by code when a test asks; none is kept in the tree.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import pikepdf
from PIL import Image, PngImagePlugin

from services.intake.evidence.kinds import Kind
from tests.support import evidence_office as office
from tests.support.evidence_films import CANARY, SHOWN, box, film, full, mp3, ogg

WORDS: Final = CANARY.decode()
XMP: Final = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><name>' + CANARY + b"</name></x:xmpmeta>"

_HEVC_SETTINGS: Final = bytes.fromhex(
    "0103700000009000000000001ef000fcfdf8f800000f03600001001840010c01ffff03700000030090000003000003001eba"
    "0240610001002b42010103700000030090000003000003001ea020810596ea4929ae6e021a0c0800000300c8000003000840"
    "62000100074401c172b02240"
)
_HEVC_PICTURE: Final = bytes.fromhex("000000152801af1980f77c8537fff1195ff407aff740578b47")
"""One red picture of 64 x 64 in HEVC and what its decoder must know: the smallest that an encoder makes."""


def _picture(width: int = 40, height: int = 20) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def _exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = exif[0x013B] = exif[0x8298] = exif[0x0110] = WORDS
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 34.0, 12.0), 3: "W", 4: (7.0, 35.0, 9.0), 29: WORDS})
    return exif.tobytes()


def _saved(picture: Image.Image, written: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, written, **how)
    return file.getvalue()


def jpeg(orientation: int = 1) -> bytes:
    """A photograph with a place, an author and a comment."""
    return _saved(_picture(), "JPEG", exif=_exif(orientation), xmp=XMP, comment=CANARY)


def mpo() -> bytes:
    """A photograph with a second one, as phones with several lenses make it."""
    return _saved(_picture(), "MPO", exif=_exif(), save_all=True, append_images=[_picture().rotate(180)])


def png() -> bytes:
    """A screenshot with texts, XMP and EXIF."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", WORDS)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return _saved(_picture(), "PNG", pnginfo=texts, exif=_exif())


def moving_png() -> bytes:
    """An animation, larger than its copy may be."""
    frames = [Image.linear_gradient("L").resize((1_000, 1_000)).convert("RGB").rotate(90 * each) for each in range(3)]
    return _saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100, exif=_exif())


def webp(frames: int = 1) -> bytes:
    """A picture as messengers send it, or a moving one."""
    moving = {"save_all": True, "append_images": [_picture()] * (frames - 1)} if frames > 1 else {}
    return _saved(_picture().rotate(180), "WEBP", exif=_exif(), xmp=XMP, **moving)


def gif(frames: int = 1) -> bytes:
    """A picture with a comment, or a moving one."""
    others = [_picture().rotate(angle) for angle in range(1, frames)]
    return _saved(_picture(), "GIF", comment=CANARY, save_all=frames > 1, append_images=others)


def heic(width: int = 64, height: int = 64) -> bytes:
    """A phone's picture; it says that it is so large, whatever is in it."""
    start = box(b"ftyp", b"heic", bytes(4), b"mif1", b"heic")
    properties = box(
        b"ipco",
        box(b"hvcC", _HEVC_SETTINGS),
        full(b"ispe", struct.pack(">II", width, height)),
        full(b"pixi", b"\3\x08\x08\x08"),
    )

    def described(place: int) -> bytes:
        extent = struct.pack(">HHHII", 1, 0, 1, place, len(_HEVC_PICTURE))
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(12), CANARY + b"\0"),
            full(b"iloc", b"\x44\0", struct.pack(">H", 1), extent),
            full(b"iinf", struct.pack(">H", 1), box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1", b"\0")),
            full(b"pitm", struct.pack(">H", 1)),
            box(b"iprp", properties, full(b"ipma", struct.pack(">IHB", 1, 1, 3), b"\x81\x02\x03")),
        )

    place = len(start) + len(described(0)) + 8
    return start + described(place) + box(b"mdat", _HEVC_PICTURE) + box(b"uuid", bytes(16), CANARY)


def pdf(pages: int = 1, password: str | None = None) -> bytes:
    """A document with all that acts, tells or hides: the canary in each, what is seen on the page marked as shown."""
    document = pikepdf.new()
    document.docinfo["/Author"] = WORDS
    with document.open_metadata() as metadata:
        metadata["dc:creator"] = [WORDS]
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=WORDS)
    document.Root.OpenAction = script
    document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=document.make_stream(CANARY))
    document.attachments["note.txt"] = CANARY
    for _ in range(pages):
        document.add_blank_page(page_size=(200, 200))
    page = document.pages[0]
    photograph = document.make_stream(jpeg())
    photograph.Type, photograph.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    photograph.Width, photograph.Height, photograph.BitsPerComponent = 40, 20, 8
    photograph.ColorSpace, photograph.Filter = pikepdf.Name.DeviceRGB, pikepdf.Name.DCTDecode
    photograph.Metadata = document.make_stream(XMP)
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(A=photograph))
    page.Contents = document.make_stream(b"q 40 0 0 20 9 9 cm /A Do Q %" + SHOWN)
    page.obj.PieceInfo = pikepdf.Dictionary(Maker=pikepdf.Dictionary(Private=WORDS))
    page.obj.MadeBy = WORDS
    page.obj.AA = pikepdf.Dictionary(O=script)
    rectangle = pikepdf.Array([0, 0, 9, 9])
    annotation = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Rect=rectangle)
    link = pikepdf.Dictionary(annotation)
    link.Subtype, link.A = pikepdf.Name.Link, pikepdf.Dictionary(S=pikepdf.Name.URI, URI=WORDS)
    note = pikepdf.Dictionary(annotation)
    note.Subtype, note.T, note.Contents = pikepdf.Name.Text, WORDS, "a note"
    page.obj.Annots = pikepdf.Array([document.make_indirect(link), document.make_indirect(note)])
    file = io.BytesIO()
    locked = pikepdf.Encryption(owner=password, user=password) if password is not None else None
    document.save(file, encryption=locked or False, compress_streams=False)
    return file.getvalue()


def text() -> bytes:
    """A message with invisible characters that change how it reads."""
    return "Bonjour, سلام\u202e reversed\u202c\u200b\r\nline two\x1b[31m\n".encode()


HONEST: Final[Mapping[str, tuple[Kind, Callable[[], bytes]]]] = {
    "jpeg": (Kind.JPEG, jpeg),
    "mpo": (Kind.JPEG, mpo),
    "png": (Kind.PNG, png),
    "png, moving": (Kind.PNG, moving_png),
    "webp": (Kind.WEBP, webp),
    "webp, moving": (Kind.WEBP, lambda: webp(3)),
    "gif": (Kind.GIF, gif),
    "gif, moving": (Kind.GIF, lambda: gif(3)),
    "heic": (Kind.HEIC, heic),
    "pdf": (Kind.PDF, pdf),
    "mp4": (Kind.MP4, film),
    "3gp": (Kind.MP4, lambda: film(b"3gp5")),
    "mov": (Kind.QUICKTIME, lambda: film(b"qt  ")),
    "old mov": (Kind.QUICKTIME, lambda: film(None)),
    "m4a": (Kind.M4A, lambda: film(b"M4A ", (b"soun",))),
    "mp3": (Kind.MP3, mp3),
    "opus": (Kind.OGG, ogg),
    "vorbis": (Kind.OGG, lambda: ogg(vorbis=True)),
    "opus, many comments": (Kind.OGG, lambda: ogg(comments=9_000)),
    "text": (Kind.TEXT, text),
    "docx": (Kind.DOCX, lambda: office.archived(office.docx_parts(jpeg(), png()))),
    "xlsx": (Kind.XLSX, lambda: office.archived(office.xlsx_parts(jpeg(), png()))),
    "pptx": (Kind.PPTX, lambda: office.archived(office.pptx_parts(jpeg(), png()))),
    "odt": (Kind.ODT, lambda: office.archived(office.open_document_parts("text", png()))),
    "ods": (Kind.ODS, lambda: office.archived(office.open_document_parts("spreadsheet", png()))),
    "odp": (Kind.ODP, lambda: office.archived(office.open_document_parts("presentation", png()))),
}
"""Name of a sample → its kind, and what makes it."""


@cache
def sample(name: str) -> bytes:
    """The honest file of this name."""
    return HONEST[name][1]()


def archive() -> bytes:
    """A small ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("inside.txt", CANARY)
    return file.getvalue()


def png_of(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says that it is so large, with these compressed rows."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def samsung_trailer(data: bytes) -> bytes:
    """What Samsung's phones append: a part with its name, a directory `SEFH` of parts, `SEFT`."""
    part = struct.pack("<HHI", 0, 0x0A01, 14) + b"Image_UTC_Data" + data
    directory = b"SEFH" + struct.pack("<II", 107, 1) + struct.pack("<HHII", 0, 0x0A01, len(part), len(part))
    return part + directory + struct.pack("<I", len(directory)) + b"SEFT"
