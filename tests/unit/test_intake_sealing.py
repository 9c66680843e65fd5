"""Sealed files: what comes out is what went in, and any change to a blob is noticed."""

import hmac
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.attachments.file_keys import blob_name, context_of, new_key, open_key, upload_of
from services.intake.attachments.sealing import CHUNK_BYTES, HEADER_BYTES, sealed, unsealed
from services.intake.vault import MasterKey, SealBrokenError

KEY, PREFIX, CONTEXT = bytes(range(32)), b"prefix7", b"file/original"
BLOCK = CHUNK_BYTES + 16
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]


def blob_of(plain: bytes) -> bytes:
    return b"".join(sealed([plain], KEY, PREFIX, CONTEXT))


def opened(*pieces: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(unsealed(pieces, key, context))


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_out_as_it_went_in(size: int) -> None:
    plain = os.urandom(size)
    assert opened(blob_of(plain)) == plain


@given(st.lists(st.binary(max_size=70_000), max_size=6), st.integers(1, 70_000))
def test_pieces_may_be_of_any_size_on_both_sides(pieces: list[bytes], step: int) -> None:
    blob = b"".join(sealed(pieces, KEY, PREFIX, CONTEXT))
    assert opened(*(blob[at : at + step] for at in range(0, len(blob), step))) == b"".join(pieces)


@pytest.mark.parametrize("size", SIZES)
def test_a_blob_cut_off_anywhere_near_a_border_does_not_open(size: int) -> None:
    blob = blob_of(bytes(size))
    borders = {HEADER_BYTES + each * BLOCK for each in range(5)}
    for end in sorted({at + shift for at in (0, *borders, len(blob)) for shift in (-17, -1, 0, 1)}):
        if 0 <= end < len(blob):
            with pytest.raises(SealBrokenError):
                opened(blob[:end])


def test_chunks_that_are_moved_repeated_left_out_or_added_are_noticed() -> None:
    blob = blob_of(os.urandom(3 * CHUNK_BYTES + 7))
    head, rest = blob[:HEADER_BYTES], blob[HEADER_BYTES:]
    first, second, third, last = (rest[at : at + BLOCK] for at in range(0, len(rest), BLOCK))
    for order in (
        (second, first, third, last),
        (first, first, third, last),
        (first, third, last),
        (first, second, third),
        (first, second, third, last, last),
        (last,),
    ):
        with pytest.raises(SealBrokenError):
            opened(head, *order)
    with pytest.raises(SealBrokenError):
        opened(blob + b"x")


@given(st.integers(0, 2 * CHUNK_BYTES + 100), st.integers(1, 255))
def test_a_changed_byte_is_noticed_wherever_it_is(at: int, change: int) -> None:
    blob = bytearray(blob_of(bytes(2 * CHUNK_BYTES + 61)))
    blob[at % len(blob)] ^= change
    with pytest.raises(SealBrokenError):
        opened(bytes(blob))


def test_another_key_or_another_file_opens_nothing() -> None:
    blob = blob_of(b"x")
    with pytest.raises(SealBrokenError):
        opened(blob, key=bytes(32))
    with pytest.raises(SealBrokenError):
        opened(blob, context=b"file/view")


def test_nothing_comes_out_of_a_chunk_that_was_changed_and_what_came_before_is_genuine() -> None:
    plain = os.urandom(2 * CHUNK_BYTES)
    blob = bytearray(blob_of(plain))
    blob[-1] ^= 1
    pieces = unsealed([bytes(blob)], KEY, CONTEXT)
    assert next(pieces) == plain[:CHUNK_BYTES]
    with pytest.raises(SealBrokenError):
        next(pieces)


def test_a_key_needs_both_of_its_halves_and_is_the_keys_of_one_blob() -> None:
    master = MasterKey(bytes(32), os.urandom)
    stored, key = new_key("an-id", master, os.urandom, view=False)
    assert open_key("an-id", stored, master) == key
    assert key not in (stored.wrapped_key, stored.share)
    data_key = master.unwrap(stored.key_id, stored.wrapped_key, context_of("an-id", view=False).encode())
    assert key != data_key
    assert key == hmac.digest(data_key, b"ibalagh file key v1" + stored.share + b"an-id/original", "sha256")
    assert open_key("an-id", stored._replace(share=bytes(32)), master) != key
    for other in (("another", stored), ("an-id", stored._replace(view=True))):
        with pytest.raises(SealBrokenError):
            open_key(*other, master)


def test_the_names_of_blobs_tell_whose_they_are() -> None:
    assert upload_of(blob_name("0a1b", view=True)) == upload_of(blob_name("0a1b", view=False)) == "0a1b"
    assert blob_name("0a1b", view=True) != blob_name("0a1b", view=False)
