"""MP3 and Ogg, walked frame by frame and page by page. Pure.

All functions raise `RefusedFileError`: `truncated_file`, `damaged_file`, `ambiguous_file`.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.source import Source

_BIT_RATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Kilobits a second of layer III: of MPEG-1, then of MPEG-2 and 2.5 (ISO/IEC 11172-3 and 13818-3)."""
_SAMPLE_RATES: Final = (44_100, 48_000, 32_000)
_FEWEST_PAGES: Final = 3
"""Both formats begin with two pages of headers at least; sound follows."""
_NOT_ZERO: Final = re.compile(rb"[^\0]", re.DOTALL)
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def frame_length(head: bytes) -> int | None:
    """Bytes of the layer III frame with this header of four bytes; None if it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate, sampling = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate in {0, 15} or sampling == 3 or head[3] & 3 == 2:
        return None
    older = version == 3
    hertz = _SAMPLE_RATES[sampling] // (1 if older else 2 if version == 2 else 4)
    kilobits = _BIT_RATES[0 if older else 1][rate]
    return (144 if older else 72) * kilobits * 1000 // hertz + (head[2] >> 1 & 1)


def mp3_frames(source: Source, start: int) -> tuple[int, int] | None:
    """Where the unbroken run of frames begins and ends, behind ID3v2 tags; None if there is none at `start`."""
    place = start
    while source.peek(place, 3) == b"ID3":
        head = source.at(place, 10)
        if any(byte & 0x80 for byte in head[6:]):
            raise RefusedFileError("damaged_file")
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        place += 10 + length + (10 if head[5] & 0x10 else 0)
        if place >= source.size:
            raise RefusedFileError("truncated_file")
    if place > start:  # tags are padded, some beyond their length
        padded = source.find(_NOT_ZERO, place, source.size)
        place = padded[0] if padded else source.size
    first, count = place, 0
    while length_of_frame := frame_length(source.peek(place, 4)):
        if place + length_of_frame > source.size:
            break
        place, count = place + length_of_frame, count + 1
    return (first, place) if count >= 3 or (count and place == source.size) else None


def mp3_end(source: Source, end: int) -> int:
    """After the tags that may follow the frames: Lyrics3, APE and ID3v1; a last frame that was cut counts too."""
    if frame_length(source.peek(end, 4)) is not None:
        return source.size
    if source.peek(end, 8) == b"APETAGEX":
        end += 32 + source.little(end + 12, 4)
    if source.peek(end, 3) == b"TAG" and end + 128 <= source.size:
        end += 128
    return end


class Page(NamedTuple):
    """One Ogg page (RFC 3533, section 6): its place, flags, serial number, lacing values, and where its data lies."""

    start: int
    flags: int
    serial: int
    lacing: bytes
    body: int
    end: int


def ogg_pages(source: Source, start: int) -> Iterator[Page]:
    """The pages from `start` on, each with its checksum checked, until something is none."""
    place = start
    while source.peek(place, 4) == b"OggS":
        head = source.at(place, 27)
        lacing = source.at(place + 27, head[26])
        body = place + 27 + head[26]
        end = body + sum(lacing)
        whole = source.at(place, end - place)
        if head[4] != 0 or ogg_checksum(whole[:22] + bytes(4) + whole[26:]) != int.from_bytes(head[22:26], "little"):
            raise RefusedFileError("damaged_file")
        yield Page(place, head[5], int.from_bytes(head[14:18], "little"), lacing, body, end)
        place = end


def ogg_checksum(page: bytes) -> int:
    """Ogg's CRC-32 (RFC 3533, section 6, field 7): zlib's polynomial with the bits the other way round, from zero."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def ogg_end(source: Source, start: int) -> int | None:
    """After the last page of a stream of Opus (RFC 7845) or Vorbis sound; None if it carries something else."""
    end, serial, count = start, None, 0
    for page in ogg_pages(source, start):
        if serial is None:
            head = source.peek(page.body, 8)
            if not page.flags & 2 or not (head == b"OpusHead" or head[:7] == b"\x01vorbis"):
                return None
            serial = page.serial
        elif page.serial != serial or page.flags & 2:
            raise RefusedFileError("ambiguous_file")  # several streams at once or in a chain: no phone makes these
        end, count = page.end, count + 1
    if 0 < count < _FEWEST_PAGES:
        raise RefusedFileError("truncated_file")
    return end if count else None
