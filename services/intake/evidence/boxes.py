"""Boxes of the ISO base media format (ISO/IEC 14496-12) and QuickTime: HEIC, MP4, MOV, M4A. Pure."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.intake.evidence.kinds import Kind, RefusedFileError
from services.intake.evidence.pictures import check_pixels
from services.intake.evidence.source import Source

MOST_BOXES: Final = 20_000
"""Boxes in one container: a film cut into fragments of a second has some thousands."""

_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_FILM: Final = re.compile(rb"iso[m2-9ab]|mp4[12]|avc1|M4[VABP] |3g[p2s].|dash|MSNV|mmp4|XAVC|f4v |qt  ", re.DOTALL)
_OLD_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""What a QuickTime film may begin with instead of `ftyp`, which it knows only since 2005."""


_OUTERMOST: Final = _OLD_QUICKTIME | {
    *(b"ftyp", b"styp", b"moof", b"mfra", b"sidx", b"meta", b"uuid", b"udta", b"mpvd", b"sefd")
}
"""Outermost boxes of pictures and films: one of these that reaches past the end was cut."""


class Box(NamedTuple):
    """One box: its four-letter name, where it starts, where its content starts, where it ends (bytes)."""

    name: bytes
    start: int
    body: int
    end: int


def boxes(source: Source, start: int, end: int, *, outermost: bool = False) -> Iterator[Box]:
    """The boxes that fill `start` to `end`.

    Raises `RefusedFileError`: a box that reaches past the end is `truncated_file` if `outermost`, else `damaged_file`,
    as is what is no box at all.
    """
    place = start
    for _ in range(MOST_BOXES):
        if place >= end or (not outermost and end - place < 8):  # QuickTime ends some lists with four zero bytes
            return
        length, name = source.number(place, 4), source.at(place + 4, 4)
        body = place + 8
        if length == 1:
            length, body = source.number(place + 8, 8), place + 16
        elif length == 0 and outermost:
            length = end - place
        if length < body - place:
            raise RefusedFileError("damaged_file")
        if place + length > end:
            raise RefusedFileError("truncated_file" if outermost else "damaged_file")
        yield Box(name, place, body, place + length)
        place += length
    raise RefusedFileError("damaged_file")


def inside(source: Source, outer: Box, *names: bytes) -> Iterator[Box]:
    """The boxes that are reached from `outer` by the path `names`."""
    skipped = 4 if outer.name == b"meta" and source.peek(outer.body + 4, 4) != b"hdlr" else 0  # MP4's has a version
    for box in boxes(source, outer.body + skipped, outer.end):
        if box.name == names[0]:
            if len(names) == 1:
                yield box
            else:
                yield from inside(source, box, *names[1:])


def looks_like_boxes(source: Source, start: int) -> bool:
    """Whether a file of boxes starts here."""
    head = source.peek(start, 12)
    return head[4:8] == b"ftyp" or (start == 0 and head[4:8] in _OLD_QUICKTIME and len(head) == 12)


def boxes_end(source: Source, start: int, end: int) -> int:
    """Where the run of outermost boxes at `start` stops being one, at most `end`: what follows is no box."""
    place = start
    for box in boxes(source, start, end, outermost=True):
        place = box.end
        if not _is_box(source, place, end):
            break
    return place


def _is_box(source: Source, place: int, end: int) -> bool:
    """Whether a box follows here, one that was cut perhaps: it has a known name, or a likely one and fits."""
    if end - place < 8:
        return False
    length, name = source.peek(place, 4), source.peek(place + 4, 4)
    likely = all(letter >= 0x20 for letter in name)  # QuickTime's own names may begin with ©, 0xA9
    return name in _OUTERMOST or (likely and 8 <= int.from_bytes(length, "big") <= end - place)


def kind_of_boxes(source: Source, start: int, end: int) -> Kind | None:
    """The kind of the boxes between `start` and `end`; None for a brand that is not taken.

    Raises `RefusedFileError`: no film or picture in it, or pixels beyond the limit.
    """
    outer = list(boxes(source, start, end, outermost=True))
    brands = _brands(source, outer[0])
    if brands and (brands[0] in _HEIC or (brands[0] in {b"mif1", b"msf1"} and _HEIC & set(brands))):
        _check_heic(source, outer)
        return Kind.HEIC
    if brands and not any(_FILM.fullmatch(brand) for brand in brands):
        return None
    movie = next((box for box in outer if box.name == b"moov"), None)
    if movie is None:
        raise RefusedFileError("truncated_file" if any(box.name == b"mdat" for box in outer) else "damaged_file")
    handlers = {source.at(box.body + 8, 4) for box in inside(source, movie, b"trak", b"mdia", b"hdlr")}
    if not handlers & {b"vide", b"soun"}:
        raise RefusedFileError("damaged_file")
    for header in inside(source, movie, b"trak", b"tkhd"):
        width, height = source.number(header.end - 8, 2), source.number(header.end - 4, 2)  # 16.16 fixed point
        if width and height:
            check_pixels(width, height)
    if not brands or brands[0] == b"qt  ":
        return Kind.QUICKTIME
    return Kind.MP4 if b"vide" in handlers else Kind.M4A


def _brands(source: Source, first: Box) -> list[bytes]:
    """The major brand, then the compatible ones; empty for a QuickTime film from before there were brands."""
    if first.name != b"ftyp":
        return []
    listed = source.at(first.body, min(first.end - first.body, 400))
    return [listed[:4], *(listed[place : place + 4] for place in range(8, len(listed) - 3, 4))]


def _check_heic(source: Source, outer: list[Box]) -> None:
    sizes = [
        (source.number(box.body + 4, 4), source.number(box.body + 8, 4))
        for meta in outer
        if meta.name == b"meta"
        for box in inside(source, meta, b"iprp", b"ipco", b"ispe")
    ]
    if not sizes:
        raise RefusedFileError("damaged_file")
    for size in sizes:
        check_pixels(*size)
