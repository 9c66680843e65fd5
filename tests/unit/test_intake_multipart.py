"""Forms with files, read as they come: the same parts however the body is cut, and no form that is none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.attachments.multipart import MOST_PARTS, BadFormError, Begun, Data, Ended, Multipart

TYPE = "multipart/form-data; boundary=cut"


def part(disposition: str, content: bytes) -> bytes:
    return b"--cut\r\nContent-Disposition: %s\r\n\r\n%s\r\n" % (disposition.encode(), content)


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--cut--\r\n"


def read(*pieces: bytes, content_type: str = TYPE) -> list[tuple[str, str | None, bytes]]:
    form = Multipart(content_type)
    found: list[tuple[str, str | None, bytes]] = []
    whole = 0
    for piece in pieces:
        for said in form.feed(piece):
            if isinstance(said, Begun):
                found.append((said.name, said.filename, b""))
            elif isinstance(said, Data):
                name, filename, content = found[-1]
                found[-1] = (name, filename, content + said.piece)
            else:
                assert isinstance(said, Ended)
                whole += 1
    form.close()
    assert whole == len(found)
    return found


WHOLE = body(
    part('form-data; name="text"', "ما رأيت".encode()),
    part('form-data; name="files"; filename="صورة.png"\r\nContent-Type: image/png', b"\r\n--cu\r\n--cutt\r\n\0"),
    part('form-data; name="files"; filename=""', b""),
)
PARTS = [("text", None, "ما رأيت".encode()), ("files", "صورة.png", b"\r\n--cu\r\n--cutt\r\n\0"), ("files", "", b"")]


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_however_a_body_is_cut_it_says_the_same(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(WHOLE)]
    assert read(*(WHOLE[start:end] for start, end in pairwise(borders))) == PARTS


def test_a_body_that_is_cut_off_is_no_form() -> None:
    for end in range(len(WHOLE) - 4):
        with pytest.raises(BadFormError):
            read(WHOLE[:end])


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/mixed; boundary=cut", f"multipart/form-data; boundary={'x' * 71}", "", "x"],
)
def test_a_header_without_a_boundary_is_no_forms(content_type: str) -> None:
    with pytest.raises(BadFormError):
        Multipart(content_type)


@pytest.mark.parametrize(
    "wrong",
    [
        b"nothing of the kind",
        body(part("attachment; name=x", b"")),
        body(part("form-data", b"")),
        body(b"--cut\r\n\r\nno head\r\n"),
        body(b"--cut\r\nX: " + b"y" * 10_000 + b"\r\n\r\n\r\n"),
        body(b"--cut\r\n" + b"X: y\r\n" * 20 + b"\r\n\r\n"),
        body(*[part('form-data; name="a"', b"")] * (MOST_PARTS + 1)),
    ],
)
def test_parts_that_are_no_fields_or_too_many_are_refused(wrong: bytes) -> None:
    with pytest.raises(BadFormError):
        read(wrong)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(b"--cut\r\n" + content)
    except BadFormError:
        return
