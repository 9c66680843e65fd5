"""Viewing copies of sound: MP3 frames without their tags, Ogg without comments. Pure; errors as in `sound`."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.sound import Page, mp3_frames, ogg_checksum, ogg_pages
from services.intake.evidence.source import Source

_LONGEST_HEADERS: Final = 4 * 1024 * 1024
"""Bytes of Ogg header packets; comments with a cover picture have some hundred thousand."""
_NO_COMMENTS: Final = {b"OpusHead": b"OpusTags" + bytes(8), b"\x01vorbis": b"\x03vorbis" + bytes(8) + b"\x01"}
"""By the first packet's mark: a comment packet of no vendor and no comments (RFC 7845, 5.2; Vorbis I, clause 5)."""


def copy_mp3(file: BinaryIO, view: BinaryIO) -> None:
    """Write the unbroken run of frames, and nothing around it."""
    source = Source(file)
    frames = mp3_frames(source, 0)
    if frames is None:
        raise RefusedFileError("damaged_file")
    for chunk in source.chunks(*frames):
        view.write(chunk)


def copy_ogg(file: BinaryIO, view: BinaryIO) -> None:
    """Write the stream with an empty comment packet: header pages are made anew, the others are numbered on."""
    source = Source(file)
    pages = ogg_pages(source, 0)
    first = next(pages)
    mark = next(mark for mark in _NO_COMMENTS if source.peek(first.body, 8).startswith(mark))
    view.write(source.at(first.start, first.end - first.start))
    headers = [_NO_COMMENTS[mark]]
    headers += _packets(source, pages, 1 if mark == b"OpusHead" else 2)[1:]
    number = 1
    for made in _header_pages(headers, first.serial):
        view.write(_numbered(made, number))
        number += 1
    for page in pages:
        if page.serial != first.serial or page.flags & 2:
            raise RefusedFileError("ambiguous_file")
        view.write(_numbered(source.at(page.start, page.end - page.start), number))
        number += 1


def _packets(source: Source, pages: Iterator[Page], count: int) -> list[bytes]:
    """The next `count` packets, which must end together with a page, as both formats demand of their headers."""
    packets, packet = [], bytearray()
    for page in pages:
        place = page.body
        for length in page.lacing:
            packet += source.at(place, length)
            place += length
            if length < 255:
                packets.append(bytes(packet))
                packet.clear()
        if len(packets) > count or len(packet) + sum(map(len, packets)) > _LONGEST_HEADERS:
            break
        if len(packets) == count and not packet:
            return packets
    raise RefusedFileError("damaged_file")


def _header_pages(packets: list[bytes], serial: int) -> Iterator[bytes]:
    """Pages with these packets, without number and checksum. Header pages have granule position 0."""
    lacing = b"".join(bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets)
    data = b"".join(packets)
    continued = False
    while lacing:
        values, lacing = lacing[:255], lacing[255:]
        body, data = data[: sum(values)], data[sum(values) :]
        ends = any(value < 255 for value in values)
        granule = bytes(8) if ends else b"\xff" * 8
        head = b"OggS\0" + bytes([continued]) + granule + serial.to_bytes(4, "little") + bytes(8) + bytes([len(values)])
        yield head + values + body
        continued = values[-1] == 255


def _numbered(page: bytes, number: int) -> bytes:
    page = page[:18] + number.to_bytes(4, "little") + bytes(4) + page[26:]
    return page[:22] + ogg_checksum(page).to_bytes(4, "little") + page[26:]
