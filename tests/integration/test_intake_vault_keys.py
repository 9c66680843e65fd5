"""Master keys come and go while intake works, and a lost key stops it with a sentence instead of being replaced."""

import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ibalagh.ops.keyfiles import read_keys, replace_keys
from services.intake.audit import problems
from services.intake.custody import RefusedError
from services.intake.key_check import FirstChecked, KeyCheck, LostKeyError, Places, at_start
from services.intake.key_file import KeyFile
from services.intake.rotation import Rotation, RotationError
from services.intake.store import IntakeStore
from services.intake.vault import KeyRing
from tests.support.intake import Place, prepare_place, running
from tests.support.poll import eventually
from tests.support.vault import IDENTITY, SECRET, Vault, vault_at


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Iterator[Vault]:
    with vault_at(database_url, tmp_path) as made:
        yield made


def rotation(vault: Vault, batch: int = 500) -> Rotation:
    return Rotation(vault.custodian, vault.key_file, os.urandom, batch=batch)


def used(vault: Vault) -> dict[str, int]:
    """How many identities each key seals, by the vault's own count."""
    return dict(vault.rows("SELECT key_id, count(*) FROM intake_vault.vault GROUP BY 1"))  # type: ignore[arg-type]


def rotate(vault: Vault) -> str:
    key_id, _ = rotation(vault).begin()
    rotation(vault).finish(lambda _done, _total: None, lambda _s: None)
    return key_id


def check(vault: Vault) -> KeyCheck:
    return KeyCheck(vault.intake, Places(None, None, vault.key_file.parent), os.urandom)


def run(vault: Vault, *arguments: str) -> subprocess.Popen[str]:
    """`ibalagh vault …` as a person runs it."""
    secret = vault.key_file.parent / "amina"
    secret.write_text(SECRET)
    environment = os.environ | {
        "IBALAGH_DATABASE_URL": vault.url,
        "IBALAGH_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "IBALAGH_HOME": str(vault.key_file.parents[1]),
        "IBALAGH_INTAKE_CUSTODIAN_SECRET_FILE": str(secret),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "ibalagh.cli", "vault", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(vault: Vault, *arguments: str) -> tuple[int, str]:
    """The exit code, and everything that the command says."""
    process = run(vault, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


WHO = ("--custodian", "amina", "--reason", "a test")


def test_a_rotation_puts_every_identity_under_a_new_key_and_the_old_one_can_be_dropped(vault: Vault) -> None:
    ids = vault.seal(range(1, 8))
    vault.custody.erase(ids[0], vault.who)
    [old] = used(vault).keys() - {None}
    with pytest.raises(RotationError, match="current"):
        rotation(vault).drop(old)
    new, made = rotation(vault, 2).begin()
    assert made
    late = vault.seal([8])
    with pytest.raises(RotationError, match="still sealed"):
        rotation(vault).drop(old)
    told: list[tuple[int, int]] = []
    assert rotation(vault, 2).finish(lambda done, total: told.append((done, total)), lambda _s: None) == 6
    assert told == [(2, 6), (4, 6), (6, 6)]
    assert used(vault) == {None: 1, new: 7}
    states = {use.key_id: (use.wraps, use.current, use.held) for use in rotation(vault).uses()}
    assert states == {old: (0, False, True), new: (7, True, True)}
    rotation(vault).drop(old)
    rotation(vault).drop(old)
    assert len(read_keys(vault.key_file)) == 1
    for report_id in (*ids[1:], *late):
        assert orjson.loads(vault.open(report_id)) == IDENTITY


def test_what_is_sealed_with_the_old_key_while_it_is_rotated_is_opened_and_wrapped_again(vault: Vault) -> None:
    before = read_keys(vault.key_file)
    new, _ = rotation(vault).begin()
    after = read_keys(vault.key_file)
    late: list[str] = []

    def a_service_that_has_not_looked_yet(_wait_s: float) -> None:
        replace_keys(vault.key_file, before)
        late.extend(vault.seal([len(late) + 1]))
        replace_keys(vault.key_file, after)

    assert orjson.loads(vault.open(vault.seal([50])[0])) == IDENTITY
    assert rotation(vault).finish(lambda _done, _total: None, a_service_that_has_not_looked_yet) == 2
    assert used(vault) == {new: 3}
    for report_id in late:
        assert orjson.loads(vault.open(report_id)) == IDENTITY


def test_nothing_is_stored_under_a_key_that_was_dropped(vault: Vault) -> None:
    before = read_keys(vault.key_file)
    [old] = KeyRing(before, os.urandom).check_values
    vault.seal([1])
    rotate(vault)
    rotation(vault).drop(old)
    replace_keys(vault.key_file, before)
    with pytest.raises(Exception, match="dropped"):
        vault.seal([2])
    assert vault.rows("SELECT count(*) FROM intake.submissions") == [(1,)]


def test_a_rotation_killed_half_way_is_gone_on_with_by_the_same_command(vault: Vault) -> None:
    ids = vault.seal(range(1, 6_001))
    [old] = used(vault)
    process = run(vault, "rotate-key", *WHO)
    try:
        eventually(lambda: len(used(vault)) == 2, 30, 0.005)
    finally:
        process.kill()
        process.communicate()
    left = used(vault)
    assert left[old] > 0
    [new] = left.keys() - {old}
    code, text = said(vault, "rotate-key", *WHO)
    assert (code, "still the current key" in text) == (0, True), text
    assert used(vault) == {new: 6_000}
    assert orjson.loads(vault.open(ids[0])) == orjson.loads(vault.open(ids[-1])) == IDENTITY
    assert len(read_keys(vault.key_file)) == 2
    assert said(vault, "drop-key", old, *WHO)[0] == 0
    code, text = said(vault, "keys")
    assert (code, new in text, "6,000" in text, "dropped" in text) == (0, True, True, True)
    assert said(vault, "audit", "--verify")[0] == 0


def test_two_cannot_change_the_keys_at_once(vault: Vault) -> None:
    vault.seal([1])
    rotation(vault).begin()

    def another(_wait_s: float) -> None:
        with pytest.raises(RotationError, match="just now"):
            rotation(vault).begin()

    assert rotation(vault).finish(lambda _done, _total: None, another) == 1


def test_a_lost_master_key_is_not_replaced(vault: Vault) -> None:
    vault.seal([1])
    vault.key_file.unlink()
    with pytest.raises(LostKeyError, match=r"Put the file back .* docs/vault\.md"):
        check(vault).master_keys()
    assert not vault.key_file.exists()
    replace_keys(vault.key_file, [bytes(32)])
    with pytest.raises(LostKeyError):
        check(vault).master_keys()


def test_a_key_that_seals_nothing_may_go_and_a_fresh_vault_gets_one(vault: Vault) -> None:
    first = check(vault).master_keys().ring.current
    vault.key_file.unlink()
    second = check(vault).master_keys().ring.current
    assert first != second
    [report_id] = vault.seal([1])
    vault.custody.erase(report_id, vault.who)
    vault.key_file.unlink()
    assert check(vault).master_keys().ring.current not in (first, second)


def test_a_lost_receipt_key_is_not_replaced_unless_a_custodian_says_so(vault: Vault) -> None:
    file = vault.key_file.parent / "intake-receipts.key"
    check(vault).receipt_root()
    file.unlink()
    check(vault).receipt_root()  # nothing depends on it yet
    root = file.read_bytes()
    vault.seal([1])
    file.unlink()
    with pytest.raises(LostKeyError, match="Receipts"):
        check(vault).receipt_root()
    assert not file.exists()
    replace_keys(file, [bytes(32)])
    with pytest.raises(LostKeyError, match="Receipts"):
        check(vault).receipt_root()
    file.write_bytes(root)
    check(vault).receipt_root()
    file.unlink()
    assert said(vault, "renew-receipts", *WHO)[0] == 0
    check(vault).receipt_root()


def test_identities_of_a_key_that_is_lost_for_good_are_erased_so_that_intake_can_start(vault: Vault) -> None:
    ids = vault.seal(range(1, 4))
    [lost] = used(vault)
    code, text = said(vault, "drop-key", lost, "--lost", *WHO)
    assert (code, "is not lost" in text) == (1, True)
    replace_keys(vault.key_file, [os.urandom(32)])
    assert "LOST" in said(vault, "keys")[1]
    with pytest.raises(RefusedError, match="broken_seal"):
        vault.open(ids[0])
    vault.key_file.unlink()
    assert said(vault, "drop-key", lost, "--lost", *WHO)[0] == 0
    assert used(vault) == {None: 3}
    check(vault).master_keys()
    assert problems(vault.custody.audit(), vault.custody.audit_head()) == []


def test_without_the_database_nothing_is_stored_before_the_keys_were_checked(vault: Vault) -> None:
    check(vault).take_up()
    vault.seal([1])
    replace_keys(vault.key_file, [os.urandom(32)])
    store = FirstChecked(IntakeStore(vault.intake), check(vault))
    with pytest.raises(LostKeyError):
        store.store([], {})
    away = Vault(*vault)._replace(intake=type(vault.intake)("postgresql://postgres@127.0.0.1:1/x", "intake")).intake
    places = Places(None, None, vault.key_file.parent)
    _, used_store = at_start(KeyCheck(away, places, os.urandom), places, IntakeStore(vault.intake))
    assert isinstance(used_store, FirstChecked)


def test_a_service_seals_with_the_new_key_within_seconds_and_does_not_start_without_its_keys(
    broker: str, database_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    with vault_at(database_url, tmp_path) as vault:
        place = prepare_place(broker, database_url, topic_prefix, tmp_path)
        old = KeyFile(vault.key_file, os.urandom).ring.current
        report = {"text": "x", "identity": IDENTITY}
        with running(place) as intake:
            assert intake.http.post("/v1/reports", json=report).status_code == 202
            assert used(vault) == {old: 1}
            new = rotate(vault)

            def sealed_anew() -> bool:
                assert intake.http.post("/v1/reports", json=report).status_code == 202
                return used(vault).get(new, 0) > 1

            eventually(sealed_anew, 5, 0.2)
        rotate_again(vault, old)
        vault.key_file.rename(tmp_path / "elsewhere")
        assert refuses_to_start(place)
        (tmp_path / "elsewhere").rename(vault.key_file)
        with running(place):
            pass


def rotate_again(vault: Vault, old: str) -> None:
    """What the service sealed late is put under the new key too, and the old one goes."""
    rotation(vault).finish(lambda _done, _total: None, lambda _s: None)
    rotation(vault).drop(old)


def refuses_to_start(place: Place) -> bool:
    log = place.home / f"{uuid.uuid4().hex}.log"
    with log.open("wb") as file:
        code = subprocess.run(
            [sys.executable, "-m", "services.intake"], env=place.environment(), stderr=file, timeout=60, check=False
        ).returncode
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    [line] = [line for line in lines if line["level"] == "CRITICAL"]
    return code == 1 and "docs/vault.md" in line["reason"]


def on_a_terminal(vault: Vault, *arguments: str) -> tuple[int, str]:
    """As `said`, with a terminal for its output."""
    ours, theirs = pty.openpty()
    secret = vault.key_file.parent / "amina"
    secret.write_text(SECRET)
    environment = os.environ | {
        "IBALAGH_DATABASE_URL": vault.url,
        "IBALAGH_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "IBALAGH_HOME": str(vault.key_file.parents[1]),
    }
    command = [sys.executable, "-m", "ibalagh.cli", "vault", *arguments, "--secret-file", str(secret)]
    code = subprocess.run(command, env=environment, stdout=theirs, stderr=theirs, timeout=60, check=False).returncode
    os.close(theirs)
    text = b""
    try:
        while chunk := os.read(ours, 4096):
            text += chunk
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    return code, text.decode()


def test_the_command_opens_on_a_terminal_only_erases_and_says_when(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    code, text = said(vault, "open", report_id, *WHO)
    assert (code, "terminal" in text, "Invented" in text) == (1, True, False)
    code, text = on_a_terminal(vault, "open", report_id, *WHO)
    assert (code, "name: Invented Person" in text, "phone: +212" in text) == (0, True, True)
    code, text = said(vault, "open", report_id, "--custodian", "amina")
    assert (code, "--reason" in text) == (2, True)
    for _ in range(2):
        code, text = said(vault, "erase", report_id, *WHO)
        assert (code, f"identity of {report_id} is erased" in text) == (0, True)
    code, text = on_a_terminal(vault, "open", report_id, *WHO)
    assert (code, "was erased on" in text) == (1, True)
    code, text = said(vault, "audit", "--report", report_id)
    assert code == 0
    assert [word for word in text.split() if word in ("granted", "done", "erased")] == [
        "granted", "done", "erased", "erased",
    ]  # fmt: skip
    code, text = said(vault, "audit", "--verify")
    head = text.split()[-1]
    assert said(vault, "audit", "--verify", "--expect", head)[0] == 0
    vault.rows("UPDATE intake_vault.audit SET actor = 'brahim' WHERE number = 2")
    code, text = said(vault, "audit", "--verify")
    assert (code, "Row 2 was changed" in text) == (1, True)


def test_the_command_makes_custodians_whose_secret_only_its_owner_reads(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "brahim"
    assert said(vault, "add-custodian", "brahim", "--secret-to", str(file), *WHO)[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    [report_id] = vault.seal([1])
    who = ("--custodian", "brahim", "--reason", "x", "--secret-file", str(file))
    assert said(vault, "erase", report_id, *who)[0] == 0
    assert said(vault, "remove-custodian", "brahim", *WHO)[0] == 0
    code, text = said(vault, "erase", report_id, *who)
    assert (code, "no custodian" in text) == (1, True)
    again = tmp_path / "again"
    assert said(vault, "add-custodian", "brahim", "--secret-to", str(again), *WHO)[0] == 1
    assert not again.exists()
