"""Office documents are known by their parts; what acts, is locked, doubled or a bomb is refused by name; a copy shows
the same and refers to nothing that is not in it."""

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.evidence.inspection import RULES, Kind, RefusedFileError, inspect
from services.intake.evidence.viewer import copier, run
from services.intake.evidence.viewing import FIRST_STATUS, NO_COPY_STATUS, make_view
from services.intake.evidence.zips import MOST_ENTRIES
from tests.support.evidence_files import jpeg, png, sample
from tests.support.evidence_films import CANARY, SHOWN
from tests.support.evidence_office import archived, docx_parts, open_document_parts, pptx_parts, xlsx_parts

Parts = Mapping[str, str | bytes]
DOCX = docx_parts(jpeg(), png())
ODT = open_document_parts("text", png())


def verdict(content: bytes) -> str:
    """The kind, or the code of the refusal."""
    try:
        return inspect(io.BytesIO(content))
    except RefusedFileError as error:
        return error.code


def outcome(content: bytes) -> str:
    """What becomes of a file that passes the inspection: `copy`, `no copy`, or the code of the refusal."""
    view = io.BytesIO()
    status = run(copier(inspect(io.BytesIO(content))), io.BytesIO(content), view)
    return {0: "copy", NO_COPY_STATUS: "no copy"}.get(status) or list(RULES)[status - FIRST_STATUS]


def copied(parts: Parts) -> zipfile.ZipFile:
    """The viewing copy of a document of these parts, by a child process."""
    content = archived(parts)
    view = make_view(io.BytesIO(content), inspect(io.BytesIO(content)))
    assert view is not None
    with view:
        return zipfile.ZipFile(io.BytesIO(view.read()))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (archived({**DOCX, "word/vbaProject.bin": b"x"}), "macros"),
        (archived({**DOCX, "Word/VBAPROJECT.BIN": b"x"}), "macros"),
        (archived({**xlsx_parts(b"", b""), "xl/macrosheets/sheet1.xml": "<x/>"}), "macros"),
        (archived({**ODT, "Basic/Standard/Module1.xml": "<x/>"}), "macros"),
        (archived({**ODT, "Scripts/python/x.py": "x"}), "macros"),
        (archived({**ODT, "Basic/Standard/script-lb.xml": "<x/>"}), Kind.ODT),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"), "encrypted_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "refused_kind"),
        (
            archived({"mimetype": ODT["mimetype"], "encrypted-package": b"x", "META-INF/manifest.xml": "<x/>"}),
            "encrypted_file",
        ),
        (archived(DOCX).replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"), "encrypted_file"),
        (archived({**DOCX, "ppt/presentation.xml": "<x/>"}), "ambiguous_file"),
        (archived({"AndroidManifest.xml": "x", "classes.dex": "x"}), "refused_kind"),
        (
            archived({"mimetype": "application/epub+zip", "content.xml": "x", "META-INF/manifest.xml": "x"}),
            "refused_kind",
        ),
        (archived({"word/document.xml": "<x/>"}), "refused_kind"),
        (archived({**DOCX, "../outside.xml": "<x/>"}), "damaged_file"),
        (archived({**DOCX, "/etc/x": "x"}), "damaged_file"),
    ],
)
def test_what_is_no_harmless_document_is_refused_by_name(content: bytes, code: str) -> None:
    assert verdict(content) == code


@pytest.mark.parametrize(
    "content",
    [
        archived(DOCX)[:-22] + b"x" * 30 + archived(DOCX)[-22:],
        b"MZ" + archived(DOCX),
        archived(DOCX) + archived(ODT),
        archived(DOCX) + b"<script>x()</script>",
        archived(DOCX)[:-2] + b"\x05\0hello",
        archived({**DOCX, "WORD/document.xml": "<x/>"}),
        archived(DOCX).replace(b"word/document.xml", b"word/documenX.xml", 1),
    ],
    ids=["before the end", "in front", "another", "behind", "comment", "twice", "two names"],
)
def test_what_two_readers_could_read_differently_is_refused(content: bytes) -> None:
    assert verdict(content) in {"ambiguous_file", "truncated_file", "refused_kind"}


def _with_size(content: bytes, name: bytes, size_bytes: int) -> bytes:
    """The archive, whose directory says another size of a part."""
    place = content.rindex(name) - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    return content[: place + 24] + struct.pack("<I", size_bytes) + content[place + 28 :]


def test_bombs_are_refused_by_what_they_say_and_by_what_they_are() -> None:
    flat = archived({**DOCX, "word/media/a.bin": bytes(20_000_000)})
    assert verdict(flat) == "unpacks_too_large"
    many = archived({**DOCX, **{f"word/{number}.xml": "" for number in range(MOST_ENTRIES)}})
    assert verdict(many) == "unpacks_too_large"
    noise = bytes(range(256)) * 4_000
    large = _with_size(archived({**DOCX, "word/big.bin": noise}), b"word/big.bin", 250 * 1024 * 1024)
    assert verdict(large) == "unpacks_too_large"
    # A part that unpacks to more than it says, or to less.
    packed = archived({**DOCX, "word/big.bin": bytes(900_000)})
    for said in (10, 900_001):
        lying = _with_size(packed, b"word/big.bin", said)
        assert verdict(lying) == Kind.DOCX
        assert outcome(lying) == "damaged_file"
    place = archived(DOCX).rindex(b"_rels/.rels") - 46 + 42
    overlapping = archived(DOCX)[:place] + bytes(4) + archived(DOCX)[place + 4 :]
    assert verdict(overlapping) == "ambiguous_file"


def test_documents_in_a_document_are_never_unpacked_and_not_copied() -> None:
    inner = sample("xlsx")
    for _ in range(3):
        inner = archived({**DOCX, "word/embeddings/Book1.xlsx": inner})
    with copied({**DOCX, "word/embeddings/Book1.xlsx": inner}) as copy:
        assert copy.read("word/embeddings/Book1.xlsx") == b""
        assert copy.read("word/embeddings/oleObject1.bin") == b""


_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (archived({**DOCX, "word/document.xml": f"{_BOMB}<w>&b;</w>"}), "damaged_file"),
        (archived({**DOCX, "word/document.xml": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><w/>'}), "damaged_file"),
        (archived({**DOCX, "word/document.xml": "<a>" * 600 + "</a>" * 600}), "damaged_file"),
        (archived({**DOCX, "word/document.xml": "<a>"}), "damaged_file"),
        (archived({**DOCX, "word/drawing.vml": "<xml><br></xml>"}), "copy"),
        (
            archived({**DOCX, "[Content_Types].xml": '<Types><Override ContentType="x.macroEnabled.main"/></Types>'}),
            "macros",
        ),
        (archived({**ODT, "META-INF/manifest.xml": "<m><encryption-data/></m>"}), "encrypted_file"),
        (archived({**xlsx_parts(jpeg(), png()), "xl/connections.xml": "<x/>"}), "no copy"),
    ],
)
def test_what_only_unpacking_shows_is_found_by_the_child(content: bytes, wanted: str) -> None:
    assert outcome(content) == wanted


@pytest.mark.parametrize(
    "parts", [DOCX, xlsx_parts(jpeg(), png()), pptx_parts(jpeg(), png())], ids=["docx", "xlsx", "pptx"]
)
def test_a_copy_refers_only_to_what_is_in_it(parts: Parts) -> None:
    with copied(parts) as copy:
        names = set(copy.namelist())
        assert not any(name.startswith(("docProps/", "customXml/")) for name in names)
        for name in names:
            if name.endswith(".rels"):
                base = posixpath.dirname(posixpath.dirname(name))
                for relation in Tree.fromstring(copy.read(name)):
                    target = relation.attrib["Target"]
                    if relation.get("TargetMode") == "External":
                        assert target == "about:blank"
                    elif "comments" not in target:
                        assert posixpath.normpath(f"{base}/{target}").lstrip("/") in names
        types = Tree.fromstring(copy.read("[Content_Types].xml"))
        overrides = [each.attrib["PartName"][1:] for each in types if "PartName" in each.attrib]
        assert overrides
        assert set(overrides) <= names
        assert all(each.date_time[0] == 1980 for each in copy.infolist())
        pictures = [name for name in names if "/media/" in name]
        assert len(pictures) == 2
        for name in pictures:
            assert inspect(io.BytesIO(copy.read(name))) in {Kind.PNG, Kind.JPEG}


def test_a_text_keeps_its_words_and_loses_who_wrote_them() -> None:
    with copied(DOCX) as copy:
        document = copy.read("word/document.xml").decode()
        assert f"{SHOWN.decode()} &lt;b&gt; سلام" in document
        for kept in ("new", "field", 'w:author="-"', 'src="about:blank"'):
            assert kept in document
        assert "DDEAUTO" not in document
        assert "2026-07-01T" not in document
        assert "a note" in copy.read("word/comments.xml").decode()
        assert "rsid" not in copy.read("word/settings.xml").decode()


def test_a_table_keeps_its_values_and_no_formula() -> None:
    with copied(xlsx_parts(jpeg(), png())) as copy:
        sheet = copy.read("xl/worksheets/sheet1.xml").decode()
        assert f"<v>{SHOWN.decode()}</v>" in sheet
        assert "<f>" not in sheet


def test_an_open_document_keeps_its_type_first_and_lists_what_it_has() -> None:
    with copied(ODT) as copy:
        first = copy.infolist()[0]
        assert (first.filename, first.compress_type, copy.read(first)) == (
            "mimetype",
            zipfile.ZIP_STORED,
            Kind.ODT.encode(),
        )
        listed = re.findall(rb'full-path="([^"]*)"', copy.read("META-INF/manifest.xml"))
        assert sorted(listed) == [b"/", b"Pictures/1.png", b"content.xml"]
        content = copy.read("content.xml").decode()
        assert 'xlink:href="Pictures/1.png"' in content
        assert 'xlink:href="about:blank"' in content
        assert "formula" not in content
        assert "a note" in content


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_part_ends_in_anything_but_a_copy_without_canaries_in_properties_or_a_refusal(
    data: st.DataObject,
) -> None:
    parts = dict(data.draw(st.sampled_from([DOCX, xlsx_parts(jpeg(), png()), ODT])))
    name = data.draw(st.sampled_from(sorted(parts)))
    content = parts[name]
    changed = bytearray(content.encode() if isinstance(content, str) else content)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, max(0, len(changed) - 1)), st.integers(0, 255)), max_size=6)
    ):
        changed[place] = value
    made = archived({**parts, name: bytes(changed)})
    kind = verdict(made)
    assert kind in {*Kind, *RULES}
    if kind in {Kind.DOCX, Kind.XLSX, Kind.ODT}:
        assert outcome(made) in {"copy", "no copy", *RULES}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"PK\x03\x04", b"PK\x03\x04" + bytes(26) + b"word/", b""]))
def test_no_bytes_of_an_archive_end_in_anything_but_a_kind_or_a_refusal(rest: bytes, head: bytes) -> None:
    end = b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", 1, 1, len(rest), len(head), 0)
    assert verdict(head + rest + end) in {*Kind, *RULES}
    assert CANARY not in verdict(head + rest + end).encode()
