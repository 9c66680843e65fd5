"""The vault: the database decides who may do what, nothing opens without a row of the audit, erased is erased."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import psycopg2
import pytest

from ibalagh.storage.chain import Head
from ibalagh.storage.migrate import apply, migrations_of
from services.intake.audit import problems
from services.intake.custody import RefusedError, asking
from services.intake.vault import KeyRing
from tests.support.storage import uuid_of
from tests.support.vault import IDENTITY, SECRET, Vault, vault_at

OPENED = "SELECT * FROM intake_vault.opened({})"


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Iterator[Vault]:
    with vault_at(database_url, tmp_path) as made:
        yield made


def outcomes(vault: Vault) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.outcome) for entry in vault.custody.audit()]


INTAKE, CUSTODIAN = ("intake",), ("custodian",)
BOTH = INTAKE + CUSTODIAN
FORBIDDEN = (
    (BOTH, "SELECT ciphertext FROM intake_vault.vault"),
    (INTAKE, "SELECT wrapped_key FROM intake_vault.vault"),
    (CUSTODIAN, "SELECT nonce FROM intake_vault.vault"),
    (INTAKE, "SELECT * FROM intake_vault.vault"),
    (INTAKE, "COPY intake_vault.vault TO STDOUT"),
    (INTAKE, "INSERT INTO intake_vault.vault SELECT * FROM intake_vault.vault RETURNING ciphertext"),
    (BOTH, "UPDATE intake_vault.vault SET ciphertext = ''"),
    (BOTH, "DELETE FROM intake_vault.vault"),
    (INTAKE, "DROP TABLE intake_vault.vault"),
    (INTAKE, "ALTER TABLE intake_vault.vault OWNER TO ibalagh_intake"),
    (INTAKE, "CREATE TABLE intake_vault.mine (id int)"),
    (INTAKE, OPENED.format(1)),
    (INTAKE, "SELECT intake_vault.erase('{}', 'amina', 'x')"),
    (CUSTODIAN, "SELECT intake_vault.erase('{}', 'retention', 'x')"),
    (CUSTODIAN, "SELECT intake_vault.expire('{}', 'x')"),
    (INTAKE, "SELECT intake_vault.shred('{}', 'amina', 'x')"),
    (INTAKE, "SELECT intake_vault.record('amina', 'open', NULL, 'granted', 'x')"),
    (CUSTODIAN, "SELECT intake_vault.record('retention', 'erase', NULL, 'due', 'x')"),
    (CUSTODIAN, "SELECT intake_vault.record('amina', 'erase', NULL, 'done', 'x')"),
    (CUSTODIAN, "SELECT intake_vault.note('retention', 'erase', NULL, 'done', 'x')"),
    (INTAKE, "SELECT intake_vault.drop_key('x')"),
    (INTAKE, "SELECT * FROM intake_vault.audit"),
    (CUSTODIAN, "UPDATE intake_vault.audit SET reason = 'x'"),
    (BOTH, "DELETE FROM intake_vault.audit"),
    (CUSTODIAN, "TRUNCATE intake_vault.audit"),
    (CUSTODIAN, "INSERT INTO intake_vault.audit SELECT * FROM intake_vault.audit"),
    (CUSTODIAN, "UPDATE intake_vault.audit_head SET number = 0"),
    (CUSTODIAN, "DROP TABLE intake_vault.audit"),
    (INTAKE, "SELECT * FROM intake_vault.custodians"),
    (CUSTODIAN, "SELECT * FROM intake.submissions"),
)
"""Who may not carry a statement out."""


@pytest.mark.parametrize(("role", "statement"), [(role, statement) for roles, statement in FORBIDDEN for role in roles])
def test_intake_reads_nothing_back_and_a_custodian_goes_not_round_the_audit(
    vault: Vault, role: str, statement: str
) -> None:
    vault.seal([1])
    database = {"intake": vault.intake, "custodian": vault.custodian}[role]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.execute(statement)


def test_an_identity_is_given_only_for_a_row_of_the_audit_that_is_committed_and_fresh(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    granted = "SELECT intake_vault.record('amina', 'open', %s, 'granted', 'x')"
    with vault.custodian.transaction() as tx:
        [number] = tx.fetch_one(granted, (report_id,)) or (0,)
        assert tx.fetch_all(OPENED.format(number)) == []
        tx.execute("SAVEPOINT one")
        [within] = tx.fetch_one(granted, (report_id,)) or (0,)
        tx.execute("RELEASE one")
        assert tx.fetch_all(OPENED.format(within)) == []
    with vault.custodian.transaction() as tx:
        assert len(tx.fetch_all(OPENED.format(number))) == 1
        [refused] = tx.fetch_one("SELECT intake_vault.record('amina', 'open', %s, 'no', 'x')", (report_id,)) or (0,)
    with vault.custodian.transaction() as tx:
        assert tx.fetch_all(OPENED.format(refused)) == []
    vault.rows("UPDATE intake_vault.audit SET at = at - interval '61 seconds'")
    with vault.custodian.transaction() as tx:
        assert tx.fetch_all(OPENED.format(number)) == []


def test_a_custodian_opens_an_identity_and_the_audit_says_so_without_it(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    assert orjson.loads(vault.open(report_id)) == IDENTITY
    assert orjson.loads(vault.open(report_id.upper())) == IDENTITY
    entries = list(vault.custody.audit())
    assert outcomes(vault) == [("amina", "add_custodian", "done"), *[("amina", "open", "granted")] * 2]
    assert (entries[1].report_id, entries[1].reason) == (report_id, "request 12 of the prosecutor")
    assert problems(entries, vault.custody.audit_head()) == []
    assert "Invented" not in str(vault.rows("SELECT a::text FROM intake_vault.audit a"))


def test_every_refusal_is_a_row_of_the_audit(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    keys = KeyRing([bytes(32)], bytes)
    for name, secret, report, outcome in (
        ("nobody", SECRET, report_id, "unknown_custodian"),
        ("amina", "a guess", report_id, "wrong_secret"),
        ("amina", SECRET, report_id.replace("1", "2"), "no_identity"),
        ("amina", SECRET, report_id, "broken_seal"),
    ):
        with pytest.raises(RefusedError, match=outcome):
            vault.custody.open(report, asking(name, secret, "x"), keys)
        assert outcomes(vault)[-1] == (name, "open", outcome)
    with pytest.raises(ValueError, match="UUID"):
        vault.open("1; DROP TABLE vault")


def test_an_erased_identity_is_gone_and_everything_else_stays(vault: Vault) -> None:
    erased, kept = vault.seal([1, 2])
    before = vault.rows("SELECT * FROM intake.submissions ORDER BY report_id")
    at = vault.custody.erase(erased, vault.who)
    assert datetime.now(UTC) - at < timedelta(minutes=1)
    assert vault.custody.erase(erased, vault.who) == at
    with pytest.raises(RefusedError, match="erased") as refusal:
        vault.open(erased)
    assert refusal.value.erased_at == at
    assert vault.rows(
        "SELECT key_id, nonce, ciphertext, wrapped_key FROM intake_vault.vault WHERE report_id = %s", erased
    ) == [(None,) * 4]
    assert orjson.loads(vault.open(kept)) == IDENTITY
    assert vault.rows("SELECT * FROM intake.submissions ORDER BY report_id") == before
    assert outcomes(vault).count(("amina", "erase", "done")) == 1
    with pytest.raises(RefusedError, match="no_identity"):
        vault.custody.erase(erased.replace("1", "7"), vault.who)


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE intake_vault.audit SET reason = 'another' WHERE number = 3", "Row 3 was changed"),
        ("UPDATE intake_vault.audit SET at = at - interval '1 microsecond' WHERE number = 3", "Row 3 was changed"),
        ("UPDATE intake_vault.audit SET login = 'somebody' WHERE number = 2", "Row 2 was changed"),
        ("DELETE FROM intake_vault.audit WHERE number = 3", "Rows 3 to 3 are missing"),
        ("DELETE FROM intake_vault.audit WHERE number = 5", "The newest row should be 5"),
        ("UPDATE intake_vault.audit SET previous = hash WHERE number = 4", "Row 4 does not follow"),
    ],
)
def test_a_changed_or_removed_row_of_the_audit_is_found(vault: Vault, tampering: str, found: str) -> None:
    for report_id in vault.seal(range(4)):
        vault.open(report_id)
    vault.rows(tampering)
    assert found in " ".join(problems(vault.custody.audit(), vault.custody.audit_head()))


def test_an_audit_that_was_written_anew_is_found_by_a_noted_head(vault: Vault) -> None:
    [report_id] = vault.seal([1])
    vault.open(report_id)
    noted = vault.custody.audit_head()
    assert Head.parse(str(noted)) == noted
    vault.open(report_id)
    assert problems(vault.custody.audit(), vault.custody.audit_head(), noted) == []
    vault.rows(
        "DELETE FROM intake_vault.audit;"
        " UPDATE intake_vault.audit_head SET number = 0, hash = sha256('ibalagh vault audit')"
    )
    vault.open(report_id)
    vault.open(report_id)
    assert problems(vault.custody.audit(), vault.custody.audit_head()) == []
    assert "written anew" in " ".join(problems(vault.custody.audit(), vault.custody.audit_head(), noted))


def test_after_the_first_custodian_another_vouches_and_a_name_is_given_once(vault: Vault) -> None:
    stranger = asking("stranger", "x", "x")
    with pytest.raises(RefusedError, match="unknown_custodian"):
        vault.custody.add_custodian("stranger", "x", stranger)
    assert vault.custody.add_custodian("brahim", "another secret", vault.who)
    assert vault.custody.remove_custodian("brahim", vault.who)
    assert not vault.custody.remove_custodian("brahim", vault.who)
    assert not vault.custody.add_custodian("brahim", "another secret", vault.who)
    with pytest.raises(RefusedError, match="unknown_custodian"):
        vault.custody.admit(asking("brahim", "another secret", "x"), "open")


def test_what_was_sealed_before_the_vault_moved_is_there_and_its_key_is_known(
    database_url: str, tmp_path: Path
) -> None:
    before = [step for step in migrations_of("intake") if step.name < "intake/0004"]
    apply(database_url, "intake", before)
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO intake.vault (report_id, key_id, nonce, ciphertext, wrapped_key, sealed_at)"
            " VALUES (%s, 'a key', 'n', 'c', 'w', now())",
            (uuid_of(1),),
        )
    connection.close()
    with vault_at(database_url, tmp_path) as vault:
        assert vault.rows("SELECT key_id, convert_from(ciphertext, 'UTF8') FROM intake_vault.vault") == [("a key", "c")]
        assert vault.rows("SELECT key_id, purpose FROM intake_vault.keys") == [("a key", "master")]


def test_a_login_that_is_no_superuser_but_may_make_roles_and_schemas_can_migrate(database_url: str) -> None:
    name = f"migrator_{database_url.rpartition('_')[2]}"
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    address = urlsplit(database_url)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{name}'")
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'ibalagh_intake%'")
        for (role,) in cursor.fetchall():  # made by others on this server; its own it could act as anyway
            cursor.execute(f"GRANT {role} TO {name}")
        cursor.execute(f'GRANT CREATE ON DATABASE "{address.path[1:]}" TO {name}')
        try:
            login = address._replace(netloc=f"{name}:{name}@{address.hostname}:{address.port}").geturl()
            assert "intake/0004_vault.sql" in apply(login, "intake")
        finally:
            cursor.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")
    connection.close()


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "two\nlines", "reversed \u202e text"])
def test_a_reason_is_one_bounded_visible_line(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        asking("amina", SECRET, reason)


@pytest.mark.parametrize("name", ["", "retention", "Amina", "a b", "x" * 64])
def test_a_custodian_has_a_plain_name_that_is_not_retentions(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        asking(name, SECRET, "x")
