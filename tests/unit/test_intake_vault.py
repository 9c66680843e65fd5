"""Sealed identities: what goes in comes out for the same report, and for nothing else."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.ops.keyfiles import read_keys, read_or_create, replace_keys
from services.intake.key_file import LOOK_EVERY_S, KeyFile
from services.intake.vault import KeyRing, MasterKey, SealBrokenError, Sealed, check_value, rewrap, seal, unseal

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


def test_a_ring_wraps_with_its_first_key_and_unwraps_with_all() -> None:
    old, new = bytes([1]) * 32, bytes([2]) * 32
    before = KeyRing([old], os.urandom)
    sealed = seal(b"an invented name", REPORT, before, os.urandom)
    ring = KeyRing([new, old], os.urandom)
    assert unseal(sealed, REPORT, ring) == b"an invented name"
    key_id, wrapped_key = rewrap(sealed.key_id, sealed.wrapped_key, REPORT, ring)
    assert (key_id, list(ring.check_values)) == (ring.current, [ring.current, before.current])
    moved = sealed._replace(key_id=key_id, wrapped_key=wrapped_key)
    assert unseal(moved, REPORT, KeyRing([new], os.urandom)) == b"an invented name"
    with pytest.raises(SealBrokenError):
        unseal(moved, REPORT, before)
    with pytest.raises(SealBrokenError):
        rewrap(sealed.key_id, sealed.wrapped_key, REPORT.replace("1", "2"), ring)


@pytest.mark.parametrize("keys", [[], [bytes(32), bytes(32)], [bytes(31)]])
def test_a_ring_of_no_key_of_the_same_twice_or_of_a_short_one_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        KeyRing(keys, os.urandom)


def test_a_check_value_tells_keys_apart_and_is_none_of_them() -> None:
    one, two = bytes(32), bytes([1]) * 32
    assert check_value(one) == check_value(bytes(32)) != check_value(two)
    assert one not in check_value(one)


def test_a_key_file_that_changes_is_followed_at_the_next_look_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    path = tmp_path / "master.key"
    replace_keys(path, [bytes(32)])
    keys = KeyFile(path, os.urandom, lambda: now)
    first = keys.ring.current
    replace_keys(path, [bytes([1]) * 32, bytes(32)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.wrap(bytes(32), b"x")[0] == first
    now += LOOK_EVERY_S
    second, wrapped = keys.wrap(bytes(32), b"x")
    assert second != first
    for broken in ("no hex", "", "ab" * 31):
        path.write_text(broken)
        now += LOOK_EVERY_S
        assert keys.wrap(bytes(32), b"x")[0] == second
    path.unlink()
    now += LOOK_EVERY_S
    assert keys.unwrap(second, wrapped, b"x") == bytes(32)
    assert [record.levelname for record in caplog.records if record.name == "services.intake.key_file"][-4:] == [
        "WARNING"
    ] * 4
    with pytest.raises(FileNotFoundError):
        KeyFile(path, os.urandom)


def test_a_file_of_several_keys_is_no_receipt_secret(tmp_path: Path) -> None:
    path = tmp_path / "receipts.key"
    replace_keys(path, [bytes(32), bytes([1]) * 32])
    assert len(read_keys(path)) == 2
    with pytest.raises(ValueError, match="2 keys"):
        read_or_create(None, path)
