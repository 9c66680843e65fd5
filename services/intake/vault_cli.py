"""`ibalagh vault …`: the custodian's commands. docs/vault.md is their handbook.

Exit code 0 when done, 1 with a sentence on standard error, 2 for wrong usage. An identity is shown on a terminal and
nowhere else: never in a file or a pipe, never in a log.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ibalagh.local.paths import home
from ibalagh.ops.keyfiles import ensure_key
from ibalagh.storage.chain import Head
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from services.intake.attachments.blobs import MissingBlobError
from services.intake.attachments.export import export
from services.intake.attachments.parts import blobs_of
from services.intake.attachments.vessel import Vessel
from services.intake.audit import problems
from services.intake.custody import ROLE, Asking, Custody, RefusedError, asking
from services.intake.key_check import KeyCheck, Places
from services.intake.key_file import KeyFile
from services.intake.rotation import Rotation, RotationError
from services.intake.settings import CustodianSettings
from services.intake.vault import SealBrokenError

_SECRET_BYTES: Final = 32
_REFUSED: Final = {
    "unknown_custodian": "There is no custodian of this name.",
    "wrong_secret": "This is not the custodian's secret.",
    "no_identity": "The vault has no identity for this report: it was anonymous, or the id is another's.",
    "no_evidence": "No files came with this report, or their time is over.",
    "broken_seal": "It does not open: its master key is not in the key file, or the row was altered.",
}
_Action = Callable[[argparse.Namespace, Database, CustodianSettings], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = CustodianSettings()
    own = settings.custodian_database_url
    database = Database(settings.database_url if own is None else own.get_secret_value(), ROLE)
    action: _Action = arguments.carry_out
    try:
        return action(arguments, database, settings)
    except RefusedError as error:
        if error.erased_at is not None:
            return _fail(f"The identity was erased on {error.erased_at:%Y-%m-%d at %H:%M:%S} UTC.")
        return _fail(_REFUSED[error.outcome])
    except SealBrokenError:
        return _fail("A data key does not unwrap: its master key is not in the key file, or the row was altered.")
    except (RotationError, OSError, ValueError) as error:
        return _fail(str(error))
    except (PassingError, UnknownOutcomeError) as error:
        return _fail(f"The database does not answer, or this login may not act as the custodian ({error}).")
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh vault", description="Sealed identities, for custodians.")
    actions = parser.add_subparsers(dest="action", required=True)
    by_name = argparse.ArgumentParser(add_help=False)
    by_name.add_argument("--custodian", required=True, metavar="NAME", help="who asks")
    by_name.add_argument("--secret-file", type=Path, help="file with the custodian's secret (default: it is asked for)")
    why = argparse.ArgumentParser(add_help=False)
    why.add_argument("--reason", required=True, metavar="TEXT", help="kept in the audit for ever: name no person")

    def command(name: str, carry_out: _Action, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, parents=parents)
        added.set_defaults(carry_out=carry_out)
        return added

    command("open", _open, "show an identity on this terminal", by_name, why).add_argument("report", metavar="REPORT")
    command("erase", _erase, "erase an identity for ever", by_name, why).add_argument("report", metavar="REPORT")
    files = command("evidence", _evidence, "write the files of a report as they were sent", by_name, why)
    files.add_argument("report", metavar="REPORT")
    files.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if need be; nothing is replaced")
    audit = command("audit", _audit, "everything that was done with the vault")
    audit.add_argument("--report", metavar="REPORT", help="of this report only")
    audit.add_argument("--verify", action="store_true", help="check that nothing was changed or removed")
    audit.add_argument("--expect", type=Head.parse, metavar="HEAD", help="with --verify: what it printed earlier")
    command("keys", _keys, "the master keys, and how many identities each seals")
    command("rotate-key", _rotate, "make a new master key and put every identity under it", by_name, why)
    drop = command("drop-key", _drop, "remove a master key that seals nothing any more", by_name, why)
    drop.add_argument("key", metavar="KEY")
    drop.add_argument("--lost", action="store_true", help="erase what it seals, since nobody can open it any more")
    command("renew-receipts", _renew, "go on without the lost key of receipts: the earlier ones are void", by_name, why)
    add = command("add-custodian", _add, "add a custodian; after the first one, another must vouch", by_name, why)
    add.add_argument("name", metavar="NEW_NAME")
    add.add_argument("--secret-to", type=Path, required=True, help="file, made now, that takes the new one's secret")
    command("remove-custodian", _remove, "a custodian is one no more", by_name, why).add_argument(
        "name", metavar="NAME"
    )
    return parser


def _open(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    if not sys.stdout.isatty():
        return _fail("An identity is shown on a terminal only, and this is none.")
    keys = KeyFile(_places(settings).master_file, os.urandom)
    identity = Custody(database).open(arguments.report, _who(arguments, settings), keys)
    for name, value in sorted(orjson.loads(identity).items()):
        print(f"{name}: {_visible(str(value))}")
    return 0


def _erase(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    erased_at = Custody(database).erase(arguments.report, _who(arguments, settings))
    print(f"The identity of {arguments.report} is erased, since {erased_at:%Y-%m-%d %H:%M:%S} UTC.")
    return 0


def _evidence(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    who = _who(arguments, settings)
    vessel = Vessel(blobs_of(settings), KeyFile(_places(settings).master_file, os.urandom), os.urandom)
    custody = Custody(database)
    bad = 0
    for file in custody.open_files(arguments.report, who):
        try:
            path = export(vessel, file, arguments.out)
            print(f"{path}  {file.media_type}  SHA-256 {file.sha256.hex()}: as it was received")
        except (SealBrokenError, MissingBlobError):
            bad += 1
            custody.record(who, "evidence", "broken_seal", arguments.report)
            print(
                f"File {file.number} does not open: its blob is gone or altered, or its key is not there.",
                file=sys.stderr,
            )
    return int(bad > 0)


def _audit(arguments: argparse.Namespace, database: Database, _: CustodianSettings) -> int:
    custody = Custody(database)
    if arguments.verify:
        head = custody.audit_head()
        until = (entry for entry in custody.audit() if entry.number <= head.number)
        found = problems(until, head, arguments.expect)
        for sentence in found:
            print(sentence, file=sys.stderr)
        if not found:
            print(f"{head.number} rows, each as it was written. Note this for --expect next time:\n{head}")
        return int(bool(found))
    table = Table("row", "time (UTC)", "actor", "login", "action", "report", "outcome", "reason")
    for entry in custody.audit():
        if arguments.report in (None, entry.report_id):
            shown = (entry.actor, entry.login, entry.action, entry.report_id or "", entry.outcome, entry.reason)
            table.add_row(str(entry.number), f"{entry.at:%Y-%m-%d %H:%M:%S}", *(Text(_visible(each)) for each in shown))
    Console(width=None if sys.stdout.isatty() else 240).print(table)
    return 0


def _keys(_arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    table = Table("key", "wraps", "first seen (UTC)", "state")
    for use in _rotation(database, settings).uses():
        if use.dropped_at is not None:
            state = f"dropped {use.dropped_at:%Y-%m-%d}"
        elif use.held:
            state = "current" if use.current else "unwraps only"
        else:
            state = "LOST: not in the key file" if use.wraps else "not in the key file, seals nothing"
        table.add_row(use.key_id, f"{use.wraps:,}", f"{use.first_seen_at:%Y-%m-%d %H:%M}", state)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0


def _rotate(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    custody, who = _admitted(arguments, database, settings, "rotate_key")
    rotation = _rotation(database, settings)
    key_id, new = rotation.begin()
    print(f"{key_id} is {'the new' if new else 'still the'} current key{'' if new else ': going on where it ended'}.")
    custody.record(who, "rotate_key", "begun" if new else "resumed")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Wrapping again", total=None)
        count = rotation.finish(lambda done, total: bar.update(task, completed=done, total=total))
    custody.record(who, "rotate_key", "done")
    print(f"{count:,} data keys were put under it. `ibalagh vault keys` shows which keys can be dropped.")
    return 0


def _drop(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    custody, who = _admitted(arguments, database, settings, "drop_key")
    rotation = _rotation(database, settings)
    if arguments.lost:
        ensure_key(_places(settings).master_file)  # without any, intake would not start either
        if any(use.key_id == arguments.key and use.held for use in rotation.uses()):
            return _fail(f"{arguments.key} is not lost: the key file holds it.")
        count = sum(custody.erase_all(reports, who) for reports in rotation.sealed_with(arguments.key))
        files = custody.give_up_files(arguments.key, who)
        print(f"{count:,} identities and {files:,} keys of files that nobody can open any more are erased.")
    rotation.drop(arguments.key)
    custody.record(who, "drop_key", "done")
    print(f"{arguments.key} is dropped: nothing can be sealed with it, and the key file does not hold it.")
    return 0


def _renew(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    custody, who = _admitted(arguments, database, settings, "renew_receipts")
    KeyCheck(database, _places(settings), os.urandom).renew_receipts()
    custody.record(who, "renew_receipts", "done")
    print("Intake starts with the key that is there now; receipts given out before are void.")
    return 0


def _add(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    first = not Custody(database).has_custodians()
    who = asking(arguments.custodian, "", arguments.reason) if first else _who(arguments, settings)
    secret = secrets.token_hex(_SECRET_BYTES)
    with os.fdopen(os.open(arguments.secret_to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
    added = False
    try:
        added = Custody(database).add_custodian(arguments.name, secret, who)
    finally:
        if not added:
            arguments.secret_to.unlink()
    if not added:
        return _fail(f"The name {arguments.name} was given before, and names are not given twice.")
    print(f"{arguments.name} is a custodian; {arguments.secret_to} holds the secret: hand it over and remove it here.")
    return 0


def _remove(arguments: argparse.Namespace, database: Database, settings: CustodianSettings) -> int:
    if not Custody(database).remove_custodian(arguments.name, _who(arguments, settings)):
        return _fail(f"There is no custodian {arguments.name}.")
    print(f"{arguments.name} is a custodian no more.")
    return 0


def _admitted(
    arguments: argparse.Namespace, database: Database, settings: CustodianSettings, action: str
) -> tuple[Custody, Asking]:
    custody, who = Custody(database), _who(arguments, settings)
    custody.admit(who, action)
    return custody, who


def _who(arguments: argparse.Namespace, settings: CustodianSettings) -> Asking:
    asking(arguments.custodian, "", arguments.reason)
    file = arguments.secret_file or settings.custodian_secret_file
    if file is not None:
        secret = file.read_text(encoding="utf-8").strip()
    elif sys.stdin.isatty():
        secret = getpass.getpass(f"Secret of {arguments.custodian}: ").strip()
    else:
        raise ValueError("The custodian's secret is needed: --secret-file, or a terminal to ask at.")
    return asking(arguments.custodian, secret, arguments.reason)


def _places(settings: CustodianSettings) -> Places:
    return Places(settings.master_key_file, settings.receipt_key_file, home() / "keys")


def _rotation(database: Database, settings: CustodianSettings) -> Rotation:
    return Rotation(database, _places(settings).master_file, os.urandom)


def _visible(text: str) -> str:
    """What others wrote, without what a terminal would obey or hide."""
    return "".join(symbol if symbol.isprintable() else f"\\u{ord(symbol):04x}" for symbol in text)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
