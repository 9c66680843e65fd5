"""Sealed identities: what goes in comes out for the same report, and for nothing else."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.keys import read_or_create
from services.intake.vault import MasterKey, SealBrokenError, Sealed, seal, unseal

KEYS = MasterKey(bytes(range(32)), os.urandom)
REPORT = "01890000-0000-7000-8000-000000000001"


@given(st.binary(max_size=2_000))
def test_what_is_sealed_comes_out_again(plain: bytes) -> None:
    sealed = seal(plain, REPORT, KEYS, os.urandom)
    assert unseal(sealed, REPORT, KEYS) == plain
    assert len(plain) < 4 or plain not in b"".join((sealed.nonce, sealed.ciphertext, sealed.wrapped_key))


@given(st.sampled_from(("nonce", "ciphertext", "wrapped_key")), st.integers(0, 11), st.integers(1, 255))
def test_any_altered_byte_breaks_the_seal(part: str, place: int, change: int) -> None:
    sealed = seal(b"an invented name", REPORT, KEYS, os.urandom)
    altered = bytearray(getattr(sealed, part))
    altered[place] ^= change
    with pytest.raises(SealBrokenError):
        unseal(sealed._replace(**{part: bytes(altered)}), REPORT, KEYS)


def test_a_row_moved_to_another_report_does_not_open() -> None:
    sealed = seal(b"an invented name", REPORT, KEYS, os.urandom)
    with pytest.raises(SealBrokenError):
        unseal(sealed, REPORT.replace("1", "2"), KEYS)


def test_another_master_key_does_not_open_and_has_another_id() -> None:
    other = MasterKey(bytes(32), os.urandom)
    sealed = seal(b"an invented name", REPORT, KEYS, os.urandom)
    assert other.key_id != KEYS.key_id
    with pytest.raises(SealBrokenError):
        unseal(sealed, REPORT, other)
    with pytest.raises(SealBrokenError):
        unseal(sealed._replace(key_id=other.key_id), REPORT, other)


def test_an_erased_key_leaves_nothing_to_open() -> None:
    sealed = seal(b"an invented name", REPORT, KEYS, os.urandom)
    with pytest.raises(SealBrokenError):
        unseal(sealed._replace(wrapped_key=b""), REPORT, KEYS)


def test_every_report_has_a_data_key_of_its_own() -> None:
    one, two = (seal(b"the same", REPORT, KEYS, os.urandom) for _ in range(2))
    assert not set(Sealed(*one)[:3]) & set(Sealed(*two)[:3])


def test_a_master_key_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(b"short", os.urandom)


def test_a_missing_default_key_file_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    default = tmp_path / "keys" / "master.key"
    key = read_or_create(None, default)
    assert len(key) == 32
    assert read_or_create(None, default) == key
    assert stat.S_IMODE(default.stat().st_mode) == 0o600
    assert [each.name for each in default.parent.iterdir()] == ["master.key"]


def test_a_named_key_file_must_exist_and_hold_enough_hexadecimal_digits(tmp_path: Path) -> None:
    named = tmp_path / "named.key"
    with pytest.raises(FileNotFoundError):
        read_or_create(named, tmp_path / "default.key")
    for content, reason in (("ab" * 31, "31 bytes"), ("no hex", "hexadecimal")):
        named.write_text(content)
        with pytest.raises(ValueError, match=reason):
            read_or_create(named, tmp_path / "default.key")
    named.write_text("ab" * 32 + "\n")
    assert read_or_create(named, tmp_path / "default.key") == b"\xab" * 32
    assert not (tmp_path / "default.key").exists()
