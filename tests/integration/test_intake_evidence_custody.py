"""Who may do what with the rows and keys of evidence: the database decides; master keys come and go under files too."""

import hashlib
import io
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from ibalagh.ops.keyfiles import read_keys, replace_keys
from services.intake.attached import Claim, Upload
from services.intake.attachments.blobs import Blobs
from services.intake.attachments.records import Records, Staged, claim, free_among, next_number
from services.intake.attachments.sweep import Sweep, Swept
from services.intake.attachments.vessel import Vessel
from services.intake.custody import RefusedError
from services.intake.key_check import KeyCheck, LostKeyError, Places
from services.intake.key_file import KeyFile
from services.intake.rotation import Rotation, RotationError
from tests.support.storage import uuid_of
from tests.support.vault import SECRET, Vault, vault_at

CONTENT = b"invented evidence\n" * 10_000
REPORT = uuid_of(1)


class Stop:
    """Never asked to stop."""

    requested = False


class Leader:
    """Always the one who sweeps."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Iterator[Vault]:
    with vault_at(database_url, tmp_path) as made:
        yield made


def store_of(vault: Vault) -> Blobs:
    return Blobs.at(None, vault.key_file.parents[1] / "evidence")


def vessel_of(vault: Vault) -> Vessel:
    return Vessel(store_of(vault), KeyFile(vault.key_file, os.urandom), os.urandom)


def records_of(vault: Vault, lifetime_s: float = 3_600) -> Records:
    return Records(vault.intake, lifetime_s=lifetime_s)


def stage(vault: Vault) -> tuple[str, bytes]:
    """A staged file; its id and the hash of its capability."""
    vessel = vessel_of(vault)
    upload_id = vessel.new_id()
    keys = [
        vessel.store(upload_id, io.BytesIO(CONTENT), view=view, name="" if view else "proof.txt")
        for view in (False, True)
    ]
    upload = Upload(os.urandom(32), hashlib.sha256(CONTENT).digest(), len(CONTENT), "text/plain")
    records_of(vault).stage(Staged(upload_id, upload, len(CONTENT), keys))
    return upload_id, upload.capability_hash


def give(vault: Vault, capability_hash: bytes, report_id: str = REPORT) -> None:
    with vault.intake.transaction() as tx:
        wish = [Claim(capability_hash, report_id, next_number(tx, report_id))]
        assert free_among(tx, wish) == {capability_hash}
        claim(tx, wish)


def forbidden(vault: Vault, role: str, sql: str) -> None:
    database = vault.intake if role == "intake" else vault.custodian
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.execute(sql)


def test_neither_role_reads_keys_past_the_audit(vault: Vault) -> None:
    _, capability = stage(vault)
    give(vault, capability)
    forbidden(vault, "intake", "SELECT wrapped_key FROM intake_vault.upload_keys")
    forbidden(vault, "intake", "SELECT share FROM intake_vault.upload_keys")
    forbidden(vault, "intake", "SELECT * FROM intake_vault.evidence_opened(1)")
    forbidden(vault, "custodian", "SELECT share FROM intake_vault.upload_keys")
    forbidden(vault, "custodian", "SELECT * FROM intake_vault.viewable(1)")
    forbidden(
        vault, "custodian", f"SELECT intake_vault.record('(operator)', 'view', '{REPORT}', 'granted', 'attachment 1')"
    )
    with vault.custodian.transaction() as tx:
        audited = tx.fetch_one(f"SELECT intake_vault.record('amina', 'evidence', '{REPORT}', 'granted', 'x')")
        assert audited is not None
        assert tx.fetch_all("SELECT * FROM intake_vault.evidence_opened(%s)", audited) == []
    with vault.custodian.transaction() as tx:
        assert len(tx.fetch_all("SELECT * FROM intake_vault.evidence_opened(%s)", audited)) == 1


def test_what_a_report_has_is_neither_given_away_nor_deleted_by_intake(vault: Vault) -> None:
    upload_id, capability = stage(vault)
    give(vault, capability)
    with vault.intake.transaction() as tx:
        wish = [Claim(capability, uuid_of(2), 1)]
        assert free_among(tx, wish) == frozenset()
        assert tx.execute("UPDATE intake_vault.uploads SET report_id = NULL, number = NULL") == 0
        assert tx.execute("DELETE FROM intake_vault.uploads") == 0
    with pytest.raises(ValueError, match="not free"), vault.intake.transaction() as tx:
        claim(tx, wish)
    assert vault.rows("SELECT upload_id::text, report_id::text FROM intake_vault.uploads") == [(upload_id, REPORT)]


def test_further_files_of_a_report_are_numbered_on(vault: Vault) -> None:
    for _ in range(3):
        give(vault, stage(vault)[1])
    assert [each.number for each in records_of(vault).files_of(REPORT)] == [1, 2, 3]


def test_files_are_under_the_new_master_key_after_a_rotation_and_still_open(vault: Vault) -> None:
    vault.seal([5])
    give(vault, stage(vault)[1])
    [old] = KeyFile(vault.key_file, os.urandom).ring.check_values
    rotation = Rotation(vault.custodian, vault.key_file, os.urandom, batch=1)
    key_id, _ = rotation.begin()
    with pytest.raises(RotationError, match="still sealed"):
        rotation.drop(old)
    assert rotation.finish(lambda _done, _total: None, lambda _s: None) == 3
    assert vault.rows("SELECT DISTINCT key_id FROM intake_vault.upload_keys") == [(key_id,)]
    rotation.drop(old)
    assert len(read_keys(vault.key_file)) == 1
    [file] = vault.custody.open_files(REPORT, vault.who)
    name, pieces = vessel_of(vault).original(file.upload_id, file.key)
    assert (name, b"".join(pieces)) == ("proof.txt", CONTENT)


def test_intake_does_not_start_without_the_master_key_of_files_and_a_custodian_can_give_them_up(vault: Vault) -> None:
    give(vault, stage(vault)[1])
    [lost] = KeyFile(vault.key_file, os.urandom).ring.check_values
    replace_keys(vault.key_file, [os.urandom(32)])
    check = KeyCheck(vault.intake, Places(None, None, vault.key_file.parent), os.urandom)
    with pytest.raises(LostKeyError):
        check.master_keys()
    assert vault.custody.give_up_files(lost, vault.who) == 2
    check.master_keys()
    with pytest.raises(RefusedError, match="no_evidence"):
        vault.custody.open_files(REPORT, vault.who)
    assert len(records_of(vault).files_of(REPORT)) == 1


def test_the_sweep_removes_what_is_nobodys_and_what_is_old_and_nothing_else(vault: Vault) -> None:
    kept, old, staged = (stage(vault) for _ in range(3))
    give(vault, kept[1])
    give(vault, old[1], uuid_of(2))
    vault.rows("UPDATE intake_vault.uploads SET staged_at = now() - interval '31 days' WHERE upload_id = %s", old[0])
    sweep = Sweep(
        records_of(vault, lifetime_s=0),
        store_of(vault),
        vessel_of(vault),
        Leader(),
        interval_s=1,
        orphan_after_s=0,
        days=30,
    )
    assert sweep.sweep(Stop()) == Swept(1, 1, 2, 0)
    assert vault.rows("SELECT upload_id::text FROM intake_vault.uploads") == [(kept[0],)]
    assert {path.name.partition(".")[0] for path in (vault.key_file.parents[1] / "evidence").rglob("*.*")} == {kept[0]}
    audit = vault.rows(
        "SELECT actor, action, report_id::text, reason FROM intake_vault.audit ORDER BY number DESC LIMIT 1"
    )
    assert audit == [("retention", "erase_file", uuid_of(2), "evidence is kept for 30 days")]
    assert staged[0] != kept[0]
    assert sweep.sweep(Stop()) == Swept(0, 0, 0, 0)


def test_erasing_an_identity_leaves_the_evidence_sealed(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    give(vault, stage(vault)[1], report_id)
    vault.custody.erase(report_id, vault.who)
    assert len(vault.custody.open_files(report_id, vault.who)) == 1


def test_a_custodian_takes_originals_out_by_command_and_an_altered_blob_is_not_written(vault: Vault) -> None:
    ids = [stage(vault) for _ in range(2)]
    for _, capability in ids:
        give(vault, capability)
    broken = vault.key_file.parents[1] / "evidence" / ids[1][0][:2] / f"{ids[1][0]}.original"
    blob = bytearray(broken.read_bytes())
    blob[-1] ^= 1
    broken.write_bytes(blob)
    secret = vault.key_file.parent / "amina"
    secret.write_text(SECRET)
    out = vault.key_file.parents[1] / "out"
    environment = os.environ | {
        "IBALAGH_DATABASE_URL": vault.url,
        "IBALAGH_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "IBALAGH_HOME": str(vault.key_file.parents[1]),
        "IBALAGH_INTAKE_CUSTODIAN_SECRET_FILE": str(secret),
    }

    def run(report: str) -> subprocess.CompletedProcess[str]:
        given = ["vault", "evidence", report, "--out", str(out), "--custodian", "amina", "--reason", "request 12"]
        command = [sys.executable, "-m", "ibalagh.cli", *given]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = run(REPORT)
    assert done.returncode == 1
    assert "File 2 does not open" in done.stderr
    assert [path.name for path in out.iterdir()] == ["1-proof.txt"]
    assert (out / "1-proof.txt").read_bytes() == CONTENT
    assert (out / "1-proof.txt").stat().st_mode & 0o777 == 0o600
    none = run(str(uuid.uuid4()))
    assert (none.returncode, "No files came" in none.stderr) == (1, True)
    again = run(REPORT)
    assert (again.returncode, "exists" in again.stderr) == (1, True)
