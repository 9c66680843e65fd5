"""A viewing copy shows what the file shows and tells nothing of who made it; and its making harms nobody."""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from itertools import pairwise
from pathlib import Path

import pikepdf
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.intake.evidence import viewing
from services.intake.evidence.fence import OUTPUT_BYTES
from services.intake.evidence.inspection import RULES, Kind, RefusedFileError, inspect
from services.intake.evidence.sound import ogg_pages
from services.intake.evidence.source import Source
from services.intake.evidence.viewer import copier, run
from services.intake.evidence.viewing import FIRST_STATUS, NO_COPY_STATUS, VIEW_KINDS, make_view
from tests.support.evidence_files import HONEST, XMP, jpeg, pdf, png_of, sample, samsung_trailer
from tests.support.evidence_films import CANARY, SHOWN, TIME, box, film

ROOT = Path(__file__).parents[2]
OFFICE = ("docx", "xlsx", "pptx", "odt", "ods", "odp")


def view_of(content: bytes, kind: Kind) -> bytes:
    """The viewing copy, by a child process."""
    view = make_view(io.BytesIO(content), kind)
    assert view is not None
    with view:
        return view.read()


def unpacked(content: bytes) -> bytes:
    """What a PDF or an office document says with all in it unpacked; other files as they are."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            return b"".join(each.filename.encode() + zipped.read(each) for each in zipped.infolist())
    if not content.startswith(b"%PDF"):
        return content
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        document.save(
            written,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=False,
        )
    return written.getvalue()


@pytest.mark.parametrize("name", HONEST)
def test_a_view_holds_no_canary_and_is_a_file_of_its_kind(name: str) -> None:
    kind, _ = HONEST[name]
    content = sample(name)
    assert name == "text" or CANARY in content
    view = view_of(content, kind)
    assert inspect(io.BytesIO(view)) == VIEW_KINDS[kind]
    assert name not in {"pdf", *OFFICE} or SHOWN in unpacked(view)
    whole = view + unpacked(view)
    assert CANARY not in whole
    assert b"xmpmeta" not in whole
    assert b"Exif" not in whole
    assert TIME.to_bytes(4, "big") not in whole


def test_a_photograph_is_turned_upright_before_it_forgets_how_it_was_held() -> None:
    upright = Image.open(io.BytesIO(view_of(jpeg(orientation=6), Kind.JPEG)))
    assert upright.size == (20, 40)
    plain = Image.open(io.BytesIO(view_of(jpeg(), Kind.JPEG)))
    turned = plain.transpose(Image.Transpose.ROTATE_270)
    places = [(x, y) for x in (2, 10, 17) for y in (3, 20, 36)]
    assert all(abs(upright.getpixel(at)[0] - turned.getpixel(at)[0]) < 25 for at in places)  # type: ignore[index]
    assert not upright.getexif()


def test_a_large_picture_becomes_small_enough_to_show() -> None:
    file = io.BytesIO()
    Image.new("RGB", (6_000, 3_000), "red").save(file, "PNG")
    assert Image.open(io.BytesIO(view_of(file.getvalue(), Kind.PNG))).size == (2_560, 1_280)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_pictures_of_every_mode_are_shown(mode: str) -> None:
    for written, kind in (("PNG", Kind.PNG), ("JPEG", Kind.JPEG)):
        if (mode == "CMYK") == (written == "PNG") or (written == "JPEG" and mode not in {"L", "CMYK"}):
            continue
        file = io.BytesIO()
        Image.new(mode, (8, 8), 1 if mode in {"1", "L", "P", "I;16"} else None).save(file, written)
        assert Image.open(io.BytesIO(view_of(file.getvalue(), kind))).size == (8, 8)


def test_a_moving_picture_moves_in_the_copy_too() -> None:
    for name in ("gif, moving", "webp, moving", "png, moving"):
        assert getattr(Image.open(io.BytesIO(view_of(sample(name), HONEST[name][0]))), "n_frames", 1) > 1
    assert Image.open(io.BytesIO(view_of(sample("png, moving"), Kind.PNG))).size == (960, 960)


def test_what_a_phone_appended_is_left_out() -> None:
    content = jpeg() + jpeg() + samsung_trailer(film())
    view = view_of(content, Kind.JPEG)
    assert CANARY not in view
    assert len(view) < len(jpeg())
    assert SHOWN not in view


def test_a_film_plays_on_in_its_copy() -> None:
    content = film()
    view = view_of(content, Kind.MP4)
    assert len(view) == len(content)
    assert view.count(SHOWN + b"vide") == view.count(SHOWN + b"soun") == 2
    for table in (b"stco", b"stsz", b"stsc", b"stts"):
        place = content.index(table)
        assert view[place - 4 : place + 16] == content[place - 4 : place + 16]
    assert b"https://" not in view


def test_a_film_in_fragments_is_copied_if_all_of_it_plays_and_else_has_no_copy() -> None:
    fragment = box(b"moof", box(b"mfhd", bytes(8)), box(b"meta", CANARY)) + box(b"mdat", SHOWN)
    plays = film(handlers=(b"vide", b"soun")) + fragment
    view = view_of(plays, Kind.MP4)
    assert view.endswith(SHOWN)
    assert make_view(io.BytesIO(film() + fragment), Kind.MP4) is None


def test_the_pages_of_a_sound_are_numbered_through_and_keep_their_sound() -> None:
    for name in ("opus", "vorbis", "opus, many comments"):
        view = view_of(sample(name), Kind.OGG)
        source = Source(io.BytesIO(view))
        numbers = [source.little(page.start + 18, 4) for page in ogg_pages(source, 0)]
        assert all(after == before + 1 for before, after in pairwise(numbers))
        assert numbers[0] == 0
        assert view.count(SHOWN) == sample(name).count(SHOWN)


def test_a_document_shows_its_page_and_its_note_and_does_nothing() -> None:
    with pikepdf.open(io.BytesIO(view_of(pdf(pages=3), Kind.PDF))) as document:
        assert len(document.pages) == 3
        assert SHOWN in document.pages[0].Contents.read_bytes()
        photograph = document.pages[0].Resources.XObject.A
        assert Image.open(io.BytesIO(photograph.read_raw_bytes())).size == (40, 20)
        annotations = list(document.pages[0].Annots)  # type: ignore[call-overload]
        assert [str(each.Subtype) for each in annotations] == ["/Text"]
        assert set(document.Root.keys()) == {"/Type", "/Pages"}
        assert not document.attachments


def test_a_text_reads_as_its_bytes_stand() -> None:
    assert view_of(sample("text"), Kind.TEXT).decode() == "Bonjour, سلام reversed\nline two[31m\n"
    assert view_of("سلام".encode("utf-16"), Kind.TEXT).decode() == "سلام"


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (png_of(50_000, 50_000), Kind.PNG, "too_many_pixels"),
        (png_of(5_000, 5_000, b"nonsense"), Kind.PNG, "damaged_file"),
        (pdf(password="secret"), Kind.PDF, "encrypted_file"),
        (b"%PDF-1.7 nonsense", Kind.PDF, "damaged_file"),
        (b"nonsense", Kind.MP4, "truncated_file"),
        (b"nonsense", Kind.HEIC, "damaged_file"),
        (b"nonsense", Kind.OGG, "damaged_file"),
        (b"\xff" * 9, Kind.TEXT, "damaged_file"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(content: bytes, kind: Kind, code: str) -> None:
    with pytest.raises(RefusedFileError) as refused:
        make_view(io.BytesIO(content), kind)
    assert refused.value.code == code


def test_the_original_is_neither_changed_nor_kept_open() -> None:
    open_before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with tempfile.TemporaryFile() as file:
        file.write(sample("mp4"))
        view = make_view(file, Kind.MP4)
        assert view is not None
        view.close()
        file.seek(0)
        assert file.read() == sample("mp4")
    with pytest.raises(RefusedFileError):
        make_view(io.BytesIO(b"nonsense"), Kind.PDF)
    assert set(os.listdir("/proc/self/fd")) == open_before  # noqa: PTH208


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing, "DEADLINE_S", 0.001)
    others = psutil.Process().children()
    with pytest.raises(RefusedFileError) as refused:
        make_view(io.BytesIO(sample("jpeg")), Kind.JPEG)
    assert refused.value.code == "damaged_file"
    assert psutil.Process().children() == others


def test_nothing_of_a_file_is_printed_or_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    view_of(sample("pdf"), Kind.PDF)
    with pytest.raises(RefusedFileError):
        make_view(io.BytesIO(b"%PDF-1.7 " + CANARY), Kind.PDF)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


FENCED = "from services.intake.evidence.fence import fence; import os, socket, subprocess, sys, tempfile; fence(); "


@pytest.mark.parametrize(
    "attempt",
    [
        "bytearray(2 << 30)",
        "[os.dup(1) for _ in range(100)]",
        "os.write(1, bytes(100 << 20))",
        "\nwhile True: pass",
        "subprocess.run(['true'])",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "socket.socket()",
        "socket.socketpair()",
        "open('/dev/null', 'w')",
        "open('README.md')",
        "os.mkdir('made')",
        "os.kill(os.getppid(), 0)",
    ],
    ids=lambda attempt: attempt.strip()[:24],
)
def test_the_fence_holds(attempt: str) -> None:
    limited = FENCED.replace("fence()", "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1)); fence()")
    with tempfile.TemporaryFile() as output:
        done = subprocess.run([sys.executable, "-c", limited + attempt], cwd=ROOT, stdout=output, check=False)
        assert output.seek(0, io.SEEK_END) <= OUTPUT_BYTES
    # The file size's limit makes a write shorter, and the next one fail.
    assert done.returncode != 0 or "write" in attempt


def test_inside_the_fence_threads_run_and_what_is_open_is_read() -> None:
    works = "made = threading.Thread(target=print, args=(1,)); made.start(); made.join(); os.read(0, 1)"
    done = subprocess.run(
        [sys.executable, "-c", "import threading; " + FENCED + works],
        cwd=ROOT,
        input=b"x",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"1\n")


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_no_mutation_ends_in_anything_but_a_copy_without_canaries_or_a_refusal(data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from([name for name in HONEST if name not in {"opus, many comments", "heic", "png, moving"}])
    )
    content = bytearray(sample(name))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=8)
    ):
        content[place] = value
    view = io.BytesIO()
    status = run(copier(HONEST[name][0]), io.BytesIO(bytes(content)), view)
    assert status in {0, NO_COPY_STATUS} or FIRST_STATUS <= status < FIRST_STATUS + len(RULES)
    if status == 0 and HONEST[name][0] in {Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.GIF}:
        assert XMP not in view.getvalue()
        assert CANARY not in view.getvalue()
