"""Files are known by their content, and what is doubled, cut, locked or too large is refused by name."""

import io
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.evidence.inspection import RULES, Kind, RefusedFileError, inspect
from services.intake.evidence.kinds import ACCEPTED, MAX_FILE_BYTES, SUFFIXES
from tests.support.evidence_files import HONEST, archive, gif, heic, jpeg, pdf, png, png_of, sample, samsung_trailer
from tests.support.evidence_films import box, film, ogg, ogg_pages

PICTURES_AND_FILMS = [name for name in HONEST if name not in {"text", "mp3"}]


def verdict(content: bytes) -> str:
    """The kind, or the code of the refusal."""
    try:
        return inspect(io.BytesIO(content))
    except RefusedFileError as error:
        return error.code


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_file_is_of_its_kind(name: str) -> None:
    assert verdict(sample(name)) == HONEST[name][0]


def test_every_kind_has_a_sample_and_a_suffix() -> None:
    assert str(RefusedFileError("empty_file")) == RULES["empty_file"]
    assert {kind for kind, _ in HONEST.values()} == set(Kind) == set(SUFFIXES)
    assert all(sentence.endswith(".") for sentence in [*RULES.values(), ACCEPTED])


@pytest.mark.parametrize("name", PICTURES_AND_FILMS)
def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(name: str) -> None:
    content = sample(name)
    step = max(1, len(content) // 150)
    verdicts = {end: verdict(content[:end]) for end in range(1, len(content), step)}
    taken = [end for end, each in verdicts.items() if each in {*Kind} - {Kind.TEXT}]
    # Boxes and pages are whole where one of them ends behind what plays, or at the first bytes of the next.
    assert all(verdict(content[:end]) == HONEST[name][0] for end in taken)
    assert len(taken) <= (8 if HONEST[name][0] in {Kind.MP4, Kind.QUICKTIME, Kind.M4A, Kind.OGG, Kind.HEIC} else 0)


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "heic", "pdf", "mp4", "mov", "m4a", "opus"])
def test_a_file_without_its_last_bytes_is_said_to_be_cut(name: str) -> None:
    assert verdict(sample(name)[:-6]) == "truncated_file"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"PK\x03\x04\x14\0\0\0\x08\0\xff\xfe", "refused_kind"),
        (b"Rar!\x1a\x07\x01\0\xff", "refused_kind"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "refused_kind"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "refused_kind"),
        (b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff", "refused_kind"),
        (b"\x7fELF\2\1\1\0", "refused_kind"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "refused_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "refused_kind"),
        (b"name".ljust(100, b"\0") + bytes(157) + b"ustar\x0000", "refused_kind"),
        (bytes(0x8001) + b"CD001\1", "refused_kind"),
        (b"#!/bin/sh\nrm -r /\n", "refused_kind"),
        (b"\n <!DOCTYPE html><title>x</title>", "refused_kind"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "refused_kind"),
        (b"<svg onload='x()'/>", "refused_kind"),
        ("\ufeff<script>x()</script>".encode("utf-16"), "refused_kind"),
        (b"words before <html><script>", "refused_kind"),
        (b"{\\rtf1 words}", "refused_kind"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81", "unknown_kind"),
        (b"II*\0\x08\0\0\0", "unknown_kind"),
        (box(b"ftyp", b"avif", bytes(4), b"avif") + box(b"meta", bytes(9)), "unknown_kind"),
        (bytes(3_000), "unknown_kind"),
        (b"caf\xe9 in Latin-1", "unknown_kind"),
        (archive(), "refused_kind"),
        (pdf(password="secret"), "encrypted_file"),
        (pdf(password=""), "encrypted_file"),
        (b"%PDF-1.7\n" + bytes(500), "truncated_file"),
        (box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(9)), "truncated_file"),
        (b"OggS" + bytes(40), "damaged_file"),
        (ogg() + ogg(), "ambiguous_file"),
        (b"".join(ogg_pages(b"\x80theora" + bytes(40), 0, flags=2)), "unknown_kind"),
    ],
)
def test_what_is_not_taken_is_refused_by_name(content: bytes, code: str) -> None:
    assert verdict(content) == code


@pytest.mark.parametrize(
    "content",
    [
        png_of(8_001, 8_000),
        png_of(30_001, 1),
        png_of(2**31 - 1, 2**31 - 1),
        heic(20_000, 20_000),
        gif()[:6] + struct.pack("<HH", 65_535, 65_535) + gif()[10:],
        film().replace(struct.pack(">II", 64 << 16, 48 << 16), struct.pack(">II", 65_535 << 16, 65_535 << 16)),
        jpeg() + jpeg().replace(b"\x08\0\x14\0\x28", b"\x08\xff\xff\xff\xff"),
    ],
)
def test_a_pixel_bomb_is_refused_by_what_it_says_of_itself(content: bytes) -> None:
    assert verdict(content) == "too_many_pixels"


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_a_picture_of_no_pixels_is_damaged(size: tuple[int, int]) -> None:
    assert verdict(png_of(*size)) == "damaged_file"


@pytest.mark.parametrize(
    "appended",
    [
        b"\0" * 200_000,
        jpeg(),
        b"\0\0\0" + jpeg() + bytes(40) + jpeg(),
        film(),
        jpeg() + film(),
        samsung_trailer(b"1700000000000"),
        samsung_trailer(film()),
        b'vivo{"model":"made up"}',
    ],
    ids=["filling", "gain map", "several pictures", "motion", "both", "trailer", "motion in a trailer", "notes"],
)
def test_what_phones_append_to_a_picture_is_accepted(appended: bytes) -> None:
    assert verdict(jpeg() + appended) == Kind.JPEG


@pytest.mark.parametrize("name", [name for name in HONEST if name != "text"])
@pytest.mark.parametrize(
    "appended",
    [archive(), archive() + bytes(100), b"\0" * 70_000 + archive(), b"<script>x()</script>", b"\x81" * 70_000],
    ids=["zip", "zip and filling", "zip far behind", "script", "something large"],
)
def test_a_second_file_behind_the_first_is_refused(name: str, appended: bytes) -> None:
    assert verdict(sample(name) + appended) in {"ambiguous_file", "truncated_file", "damaged_file"}


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "heic", "mp4", "mp3", "opus"])
def test_an_archive_or_a_document_behind_the_first_is_said_to_be_two_files(name: str) -> None:
    assert verdict(sample(name) + archive()) == "ambiguous_file"
    assert verdict(sample(name) + pdf()) == "ambiguous_file"


@pytest.mark.parametrize("inside", [b"%PDF-1.4\n", b"<html><script>x()</script>", b"<?php x(); ?>"])
def test_a_second_file_inside_the_head_is_refused(inside: bytes) -> None:
    comment = b"\xff\xfe" + struct.pack(">H", len(inside) + 2) + inside
    assert verdict(jpeg()[:2] + comment + jpeg()[2:]) == "ambiguous_file"
    plain = gif()
    table = 13 + (3 << ((plain[10] & 7) + 1))
    commented = plain[:table] + b"\x21\xfe" + bytes([len(inside)]) + inside + b"\0" + plain[table:]
    assert verdict(commented[:13] + commented[13:]) == ("ambiguous_file" if table < 1_000 else Kind.GIF)
    assert verdict(box(b"ftyp", b"isom", bytes(4)) + box(b"free", inside) + film()) == "ambiguous_file"


def test_a_text_that_is_also_an_archive_or_a_document_is_refused() -> None:
    assert verdict(b"words\n%PDF-1.4\n") == "ambiguous_file"


def test_a_text_in_several_scripts_and_encodings_is_taken() -> None:
    for words in ("سلام", "ⴰⵣⵓⵍ", "1 < 2 and <3", "x" * 200_000):
        assert verdict(words.encode()) == verdict(words.encode("utf-16")) == Kind.TEXT


def test_a_file_over_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with large.open("rb") as file, pytest.raises(RefusedFileError) as refused:
        inspect(file)
    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    "content",
    [
        jpeg()[:-2] + b"\x80" * (MAX_FILE_BYTES - len(jpeg())) + b"\xff\xd9",
        b"\xff\xfb\x90\x00".ljust(417, b"\x80") * (MAX_FILE_BYTES // 417),
        "سلام\n".encode() * (MAX_FILE_BYTES // 9),
        film() + box(b"mdat", bytes(MAX_FILE_BYTES - 10_000)),
        png_of(10, 10, bytes(MAX_FILE_BYTES - 100)),
        b"%PDF-1.7\n" + bytes(MAX_FILE_BYTES - 100) + b"startxref\n0\n%%EOF\n",
    ],
    ids=["jpeg", "mp3", "text", "mp4", "png", "pdf"],
)
def test_a_large_file_is_never_held_in_memory(tmp_path: Path, content: bytes) -> None:
    large = tmp_path / "large"
    large.write_bytes(content)
    tracemalloc.start()
    try:
        with large.open("rb") as file:
            assert isinstance(inspect(file), Kind)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff\xe1\0\2" * 2_000_000,
        b"\xff\xd8\xff\xda\0\2" + b"\xff\xda\0\2" * 2_000_000,
        b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 3_000_000,
        b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe" + b"\1x" * 5_000_000,
        film()[:40] + box(b"free") * 1_000_000,
        box(b"ftyp", b"isom", bytes(4)) + box(b"moov", box(b"trak", box(b"mdia", box(b"free") * 20_000)) * 60),
        b"".join(ogg_pages(b"OpusHead" + bytes(11), 0, flags=2)) + b"OggS" * 3_000_000,
        b"%PDF-1.7\n" + b"/Encrypt " * 1_500_000,
        b"PK\x05\x06" * 4_000_000,
        b"ID3\4\0\0\0\0\0\0" * 1_500_000,
    ],
    ids=["jpeg", "scans", "gif", "gif blocks", "boxes", "tracks", "ogg", "pdf", "zip", "id3"],
)
@pytest.mark.timeout(30)
def test_a_file_made_of_headers_alone_is_given_up_on_in_time(content: bytes) -> None:
    assert len(content) <= MAX_FILE_BYTES
    assert verdict(content) in RULES


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_mutation_ends_in_anything_but_a_kind_or_a_refusal(data: st.DataObject) -> None:
    content = bytearray(sample(data.draw(st.sampled_from([name for name in HONEST if name != "opus, many comments"]))))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=12)
    ):
        content[place] = value
    start = data.draw(st.integers(0, len(content)))
    other = sample(data.draw(st.sampled_from(["jpeg", "png", "mp4", "pdf", "text"])))
    made = data.draw(
        st.sampled_from(
            [bytes(content), bytes(content[:start]), bytes(content[:start]) + other, png() + bytes(content)]
        )
    )
    assert verdict(made) in {*Kind, *RULES}


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\0\0\0\x14ftypisom", b"OggS", b"ID3"]
    ),
    rest=st.binary(max_size=400),
)
def test_no_bytes_end_in_anything_but_a_kind_or_a_refusal(head: bytes, rest: bytes) -> None:
    assert verdict(head + rest) in {*Kind, *RULES}
