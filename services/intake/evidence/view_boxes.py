"""Viewing copies of MP4, MOV and M4A: the same film, with everything that does not play turned into empty space.

In: a file that `inspect` took for boxes. Out: a copy of the same length, so that every place that a film's tables name
stays right. Only boxes that playing needs are kept (`_CONTAINERS`); all others become `free` boxes full of zeros: user
data, places, makers' notes, covers. Tracks that are neither picture nor sound (timed places of action cameras, for one)
are emptied, and so is all media data that no picture or sound uses. Times of making and names of makers are blanked.
What an encoder wrote into the coded pictures themselves stays. Pure; errors as in `boxes`, and
`NoCopyError` for a film whose samples cannot be traced.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from services.intake.evidence.boxes import Box, boxes, boxes_end, inside
from services.intake.evidence.kinds import NoCopyError, RefusedFileError
from services.intake.evidence.source import WINDOW, Source

_CONTAINERS: Final = {
    b"moov": frozenset({b"mvhd", b"trak", b"mvex"}),
    b"trak": frozenset({b"tkhd", b"edts", b"mdia", b"tref", b"tapt"}),
    b"edts": frozenset({b"elst"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf", b"elng"}),
    b"minf": frozenset({b"vmhd", b"smhd", b"nmhd", b"gmhd", b"hdlr", b"dinf", b"stbl"}),
    b"dinf": frozenset({b"dref"}),
    b"stbl": frozenset(
        {
            *(b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"stps"),
            *(b"sdtp", b"sgpd", b"sbgp", b"subs"),
        }
    ),
    b"mvex": frozenset({b"mehd", b"trex", b"leva"}),
    b"moof": frozenset({b"mfhd", b"traf"}),
    b"traf": frozenset({b"tfhd", b"tfdt", b"trun", b"sdtp", b"sgpd", b"sbgp", b"subs"}),
    b"mfra": frozenset({b"tfra", b"mfro"}),
}
"""Boxes that hold boxes → those that are kept in them."""
_OUTERMOST: Final = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix"})
_PLAYED: Final = frozenset({b"vide", b"soun"})
_MOST_RANGES: Final = 1_000_000


def copy_boxes(file: BinaryIO, view: BinaryIO) -> None:
    """Write the film to `view`, a file that can be sought."""
    source = Source(file)
    end = boxes_end(source, 0, source.size)
    for chunk in source.chunks(0, end):
        view.write(chunk)
    outer = list(boxes(source, 0, end, outermost=True))
    for start, stop in _unplayed(source, outer):
        _zero(view, start, stop)
    for box in outer:
        _clean(source, view, box, _OUTERMOST)


def _clean(source: Source, view: BinaryIO, box: Box, kept: frozenset[bytes], handler: bytes = b"") -> None:
    """Blank what is not kept of a box that stands where `kept` may stand, in a track of `handler`."""
    if box.name == b"trak":
        handler = _handler(source, box)
    if box.name not in kept or (box.name == b"trak" and handler not in _PLAYED):
        view.seek(box.start + 4)
        view.write(b"free")
        _zero(view, box.body, box.end)
    elif box.name in _CONTAINERS:
        for inner in boxes(source, box.body, box.end):
            _clean(source, view, inner, _CONTAINERS[box.name], handler)
    elif box.name == b"dref":
        for entry in boxes(source, box.body + 8, box.end):
            _point_here(view, entry)
    else:
        for start, stop in _private(source, box, handler):
            _zero(view, start, min(stop, box.end))


def _point_here(view: BinaryIO, entry: Box) -> None:
    """A reference to data says: in this file (flag 1), wherever it pointed to."""
    if entry.end - entry.body < 4:
        raise RefusedFileError("damaged_file")
    view.seek(entry.body)
    view.write(b"\0\0\0\1")
    _zero(view, entry.body + 4, entry.end)


def _private(source: Source, box: Box, handler: bytes) -> Iterator[tuple[int, int]]:
    """What is blanked inside a box that is kept: places from, to."""
    if box.name in {b"mvhd", b"tkhd", b"mdhd"}:  # times of making and of change
        yield box.body + 4, box.body + (20 if source.at(box.body, 1)[0] == 1 else 12)
    elif box.name == b"hdlr":  # QuickTime's maker and flags, and the name
        yield box.body + 12, box.end
    elif box.name == b"stsd" and handler == b"vide":  # the encoder's name, behind sizes and resolutions
        for entry in boxes(source, box.body + 8, box.end):
            yield entry.body + 42, min(entry.body + 74, entry.end)


def _handler(source: Source, track: Box) -> bytes:
    return next((source.at(box.body + 8, 4) for box in inside(source, track, b"mdia", b"hdlr")), b"")


def _unplayed(source: Source, outer: list[Box]) -> Iterator[tuple[int, int]]:
    """What of the media data no picture or sound uses: places from, to.

    A film in fragments is left as it is if it is pictures and sound alone; with more in it there is no copy
    (`NoCopyError`), since where its samples lie is not traced.
    """
    tracks = [track for movie in outer if movie.name == b"moov" for track in inside(source, movie, b"trak")]
    played = [track for track in tracks if _handler(source, track) in _PLAYED]
    if any(box.name == b"moof" for box in outer):
        if len(played) < len(tracks):
            raise NoCopyError
        return
    used = sorted(each for track in played for each in _samples(source, dict(_tables(source, track))))
    for box in outer:
        if box.name == b"mdat":
            place = box.body
            for start, stop in used:
                if stop > place and start < box.end:
                    yield place, max(place, start)
                    place = max(place, stop)
            yield place, box.end


def _tables(source: Source, track: Box) -> Iterator[tuple[bytes, Box]]:
    for table in inside(source, track, b"mdia", b"minf", b"stbl"):
        yield from ((box.name, box) for box in boxes(source, table.body, table.end))


def _samples(source: Source, tables: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """The chunks of a track, from its tables (ISO/IEC 14496-12, 8.7): places from, to."""
    offsets = tables.get(b"co64") or tables.get(b"stco")
    runs, sizes = tables.get(b"stsc"), tables.get(b"stsz")
    if offsets is None or runs is None or sizes is None:
        raise NoCopyError
    width = 8 if offsets.name == b"co64" else 4
    chunks = source.number(offsets.body + 4, 4)
    firsts = [
        (source.number(runs.body + 8 + 12 * number, 4), source.number(runs.body + 12 + 12 * number, 4))
        for number in range(min(source.number(runs.body + 4, 4), (runs.end - runs.body) // 12))
    ]
    same, count = source.number(sizes.body + 4, 4), source.number(sizes.body + 8, 4)
    if max(chunks * width, 0 if same else count * 4) > source.size or chunks > _MOST_RANGES:
        raise RefusedFileError("damaged_file")
    sample, run = 0, 0
    for chunk in range(1, chunks + 1):
        while run + 1 < len(firsts) and firsts[run + 1][0] <= chunk:
            run += 1
        held = min(firsts[run][1] if firsts else 0, count - sample)
        length = same * held
        if not same:
            table = source.at(sizes.body + 12 + 4 * sample, 4 * held)
            length = sum(int.from_bytes(table[place : place + 4], "big") for place in range(0, len(table), 4))
        sample += held
        start = source.number(offsets.body + 8 + width * (chunk - 1), width)
        if length:
            yield start, start + length


def _zero(view: BinaryIO, start: int, stop: int) -> None:
    view.seek(start)
    while start < stop:
        start += view.write(bytes(min(WINDOW, stop - start)))
