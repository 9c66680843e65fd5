"""Small films and sounds made by hand, with canaries wherever metadata may stand. Nothing in them was recorded."""

import struct

from services.intake.evidence.sound import ogg_checksum

CANARY = b"canary-tells-who"
"""Planted in all metadata: it must not be found in any viewing copy."""
SHOWN = b"shown-sample-"
"""Stands in the samples that play: it must be found in the copy of a film."""
TIME = 3_800_000_000
"""A time of making, in seconds since 1904."""


def box(name: bytes, *content: bytes) -> bytes:
    """A box of the ISO base media format."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name: bytes, *content: bytes, flags: int = 0) -> bytes:
    """A box with version 0 and flags."""
    return box(name, struct.pack(">I", flags), *content)


def _track(number: int, handler: bytes, place: int, samples: list[bytes]) -> bytes:
    if handler == b"vide":
        compressor = bytes([len(CANARY)]) + CANARY.ljust(31, b"\0")
        entry = box(
            b"avc1", bytes(6) + b"\0\1", bytes(16), struct.pack(">HHIIIH", 64, 48, 72 << 16, 72 << 16, 0, 1), compressor
        ) + struct.pack(">Hh", 24, -1)
        entry = struct.pack(">I", len(entry)) + entry[4:]
    elif handler == b"soun":
        entry = box(b"mp4a", bytes(6) + b"\0\1", bytes(8), struct.pack(">HHIHH", 1, 16, 0, 44_100, 0), bytes(60))
    else:
        entry = box(b"gpmd", bytes(6) + b"\0\1", CANARY)
    times = struct.pack(">II", TIME, TIME)
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">III", 1, len(samples), 1_000)),
        full(b"stsc", struct.pack(">IIII", 1, 1, len(samples), 1)),
        full(b"stsz", struct.pack(">II", 0, len(samples)), *(struct.pack(">I", len(each)) for each in samples)),
        full(b"stco", struct.pack(">II", 1, place)),
    )
    links = full(b"dref", struct.pack(">I", 1), full(b"url ", b"https://" + CANARY + b".example/\0"))
    media = box(
        b"mdia",
        full(b"mdhd", times, struct.pack(">II", 1_000, 1_000), bytes(4)),
        full(b"hdlr", bytes(4), handler, bytes(12), CANARY + b"\0"),
        box(b"minf", full(b"vmhd", bytes(8), flags=1), box(b"dinf", links), table),
    )
    side = (64 << 16, 48 << 16) if handler == b"vide" else (0, 0)
    header = full(b"tkhd", times, struct.pack(">III", number, 0, 1_000), bytes(52), struct.pack(">II", *side), flags=7)
    return box(b"trak", header, media, box(b"udta", box(b"\xa9nam", CANARY)), full(b"meta", CANARY))


def film(brand: bytes | None = b"isom", handlers: tuple[bytes, ...] = (b"vide", b"soun", b"meta")) -> bytes:
    """A film with one chunk a track, `brand` None for a QuickTime film of before 2005; it says where it was made."""
    start = box(b"ftyp", brand, bytes(4), brand, b"mp42") if brand else box(b"wide")
    start += box(b"free", CANARY)
    samples = {each: [(SHOWN if each != b"meta" else CANARY) + each] * 2 for each in handlers}
    gap = CANARY
    place = len(start) + 8 + len(gap)
    tracks = []
    for number, handler in enumerate(handlers, start=1):
        tracks.append(_track(number, handler, place, samples[handler]))
        place += sum(map(len, samples[handler]))
    movie = box(
        b"moov",
        full(b"mvhd", struct.pack(">II", TIME, TIME), struct.pack(">II", 1_000, 1_000), bytes(80)),
        *tracks,
        box(b"udta", box(b"\xa9xyz", b"+33.57-007.58/" + CANARY), full(b"meta", CANARY)),
        box(b"gps ", CANARY),
    )
    data = box(b"mdat", gap, *(each for handler in handlers for each in samples[handler]))
    return start + data + movie + box(b"uuid", bytes(16), CANARY) + full(b"meta", CANARY)


def mp3() -> bytes:
    """Silent frames of 128 kbit/s between an ID3v2 tag and the tags that follow."""
    tag = b"TPE1" + struct.pack(">I", len(CANARY) + 1) + b"\0\0\0" + CANARY
    head = b"ID3\4\0\0" + bytes([0, 0, len(tag) >> 7, len(tag) & 0x7F])
    frames = (b"\xff\xfb\x90\x00" + bytes(413)) * 8
    ape = b"APETAGEX" + struct.pack("<IIII", 2_000, 32 + len(CANARY), 1, 0xA0000000) + bytes(8)
    return head + tag + frames + ape + CANARY + ape + b"TAG" + CANARY.ljust(125, b"\0")


def ogg_pages(packet: bytes, number: int, *, flags: int = 0, serial: int = 7) -> list[bytes]:
    """One packet, over as many pages as it needs, the first of them the stream's page `number`."""
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    pages = []
    while lacing:
        values, lacing = lacing[:255], lacing[255:]
        data, packet = packet[: sum(values)], packet[sum(values) :]
        head = struct.pack("<4sBBqIII", b"OggS", 0, flags | bool(pages), 960, serial, number + len(pages), 0)
        page = head + bytes([len(values)]) + values + data
        pages.append(page[:22] + struct.pack("<I", ogg_checksum(page)) + page[26:])
    return pages


def ogg(*, vorbis: bool = False, comments: int = 1) -> bytes:
    """A voice message: Opus, or Vorbis, with so many comments."""
    listed = struct.pack("<I", comments) + (struct.pack("<I", len(CANARY)) + CANARY) * comments
    listed = struct.pack("<I", len(CANARY)) + CANARY + listed
    if vorbis:
        packets = [b"\x01vorbis" + struct.pack("<IBIIIIBB", 0, 1, 44_100, 0, 64_000, 0, 0xB8, 1)]
        packets += [b"\x03vorbis" + listed + b"\1", b"\x05vorbis" + SHOWN]
    else:
        packets = [b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 312, 48_000, 0, 0), b"OpusTags" + listed]
    pages: list[bytes] = []
    for packet in packets + [SHOWN + bytes([each]) * 300 for each in range(3)]:
        pages += ogg_pages(packet, len(pages), flags=0 if pages else 2)
    return b"".join(pages)
