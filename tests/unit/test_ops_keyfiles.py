"""Key files: what a setting names must be there, what a local stack has made stays as it is."""

import stat
from pathlib import Path

import pytest

from ibalagh.ops.keyfiles import read_or_create, read_public


def test_a_key_that_nobody_named_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    default = tmp_path / "keys" / "a.key"
    made = read_or_create(None, default)
    assert len(made) == 32
    assert stat.S_IMODE(default.stat().st_mode) == 0o600
    assert read_or_create(None, default) == made
    assert list(default.parent.iterdir()) == [default]


def test_a_key_file_that_is_named_must_exist_and_hold_a_key(tmp_path: Path) -> None:
    named, default = tmp_path / "named.key", tmp_path / "default.key"
    with pytest.raises(FileNotFoundError):
        read_or_create(named, default)
    for content, why in (("x" * 64, "hexadecimal"), ("0b" * 31, "31 bytes")):
        named.write_text(content, encoding="ascii")
        with pytest.raises(ValueError, match=why):
            read_or_create(named, default)
    named.write_text("0b" * 32 + "\n", encoding="ascii")
    assert read_or_create(named, default) == b"\x0b" * 32
    assert not default.exists()


def test_public_keys_are_read_where_they_are_named_or_where_they_may_lie(tmp_path: Path) -> None:
    named, default = tmp_path / "named.json", tmp_path / "default.json"
    assert read_public(None, default) is None
    default.write_bytes(b"default")
    assert read_public(None, default) == b"default"
    with pytest.raises(FileNotFoundError):
        read_public(named, default)
    named.write_bytes(b"named")
    assert read_public(named, default) == b"named"
