"""`ibalagh receipt`: what a person is told about a signed receipt, and the exit code that a script goes by."""

from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from ibalagh import cli
from services.intake.signing import Signer
from tests.unit.test_intake_signing import FACTS, SIGNER


class Files(NamedTuple):
    """A receipt and its keys as files; what was sent and what the log holds, too."""

    receipt: Path
    keys: Path
    key: Path
    body: Path
    record: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(*(tmp_path / name for name in ("receipt.json", "keys.json", "key.json", "body", "record")))
    made.receipt.write_bytes(orjson.dumps(SIGNER.sign(FACTS)))
    made.keys.write_bytes(orjson.dumps(SIGNER.keys.jwks))
    made.key.write_bytes(orjson.dumps(SIGNER.keys.jwks["keys"][0]))
    made.body.write_bytes(b"sent")
    made.record.write_bytes(b"recorded")
    return made


def verify(*arguments: object) -> int:
    return cli.main(["receipt", "verify", *map(str, arguments)])


def test_a_valid_receipt_says_what_it_proves(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(files.receipt, "--keys", files.keys) == 0
    out = capsys.readouterr().out
    for proven in (
        "VALID",
        FACTS.report_id,
        "2026-07-01 12:00:00.000000 UTC",
        "topic ibalagh.reports.received, partition 3, offset 42",
        FACTS.received_sha256.hex(),
        FACTS.record_sha256.hex(),
    ):
        assert proven in out


def test_what_was_sent_and_what_the_log_holds_can_be_compared(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(files.receipt, "--key", files.key, "--body", files.body, "--record", files.record) == 0
    assert "is exactly that" in capsys.readouterr().out
    files.body.write_bytes(b"sent\n")
    assert verify(files.receipt, "--key", files.key, "--body", files.body) == 1
    assert "Failed check: body" in capsys.readouterr().err
    files.record.write_bytes(b"another")
    assert verify(files.receipt, "--key", files.key, "--record", files.record) == 1
    assert "Failed check: record" in capsys.readouterr().err


def test_a_changed_receipt_says_which_check_failed(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    written = files.receipt.read_bytes()
    files.receipt.write_bytes(written.replace(b'"offset":42', b'"offset":43'))
    assert verify(files.receipt, "--keys", files.keys) == 1
    assert "Failed check: signature" in capsys.readouterr().err
    files.receipt.write_bytes(written.replace(b'"offset":42', b'"offset":"42"'))
    assert verify(files.receipt, "--keys", files.keys) == 1
    assert "Failed check: form" in capsys.readouterr().err
    files.receipt.write_bytes(orjson.dumps(Signer(bytes(32)).sign(FACTS)))
    assert verify(files.receipt, "--keys", files.keys) == 1
    captured = capsys.readouterr()
    assert "Failed check: key" in captured.err
    assert not captured.out


def test_what_cannot_be_read_is_wrong_usage(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(files.receipt.with_name("missing"), "--keys", files.keys) == 2
    assert verify(files.receipt, "--keys", files.keys.with_name("missing")) == 2
    assert verify(files.receipt, "--keys", files.keys, "--body", files.body.with_name("missing")) == 2
    assert verify(files.body, "--keys", files.keys) == 2
    assert verify(files.receipt, "--keys", files.receipt) == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 5
    assert not captured.out


def test_wrong_arguments_are_wrong_usage(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], [files.receipt, "--key", files.key, "--keys", files.keys]):
        with pytest.raises(SystemExit) as ended:
            verify(*arguments)
        assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_without_a_key_file_and_without_a_stack_it_says_what_to_give(
    files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path))
    assert verify(files.receipt) == 2
    assert cli.main(["receipt", "keys"]) == 2
    assert cli.main(["receipt", "keys", "--url", "not an address"]) == 2
    err = capsys.readouterr().err
    assert "--keys" in err
    assert "not an address" in err
