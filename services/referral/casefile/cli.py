"""`ibalagh case export | verify | keys`: a case as a signed PDF for a court, whether one is genuine, who signs.

In: a case's id or number; a file. Out: a PDF that only its owner may read; sentences. Exit code 0: done, valid; 1: not
valid, or not done, said in a sentence; 2: wrong usage or a file that cannot be read.
"""

import argparse
import hashlib
import io
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pikepdf
from rich.console import Console
from rich.progress import Progress

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import UUID_FORM
from ibalagh.local.signing_keys import published_keys, signing_key
from ibalagh.signing import PublicKeys
from ibalagh.storage.audit import BY_COMMAND, Audit, Entry
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import FatalStreamError, PassingError
from services.referral import reading
from services.referral.casefile import manifest, sealing
from services.referral.casefile.pages import MANIFEST_NAME, pdf
from services.referral.casefile.sealing import BrokenSealError, Check, Statement
from services.referral.casefile.texts import read_reports
from services.referral.casefile.words import WORDS
from services.referral.competence import table_named
from services.referral.history import CaseFile
from services.referral.scope import EVERYTHING
from services.referral.searching import MAX_NUMBER
from services.referral.settings import ReferralSettings

_ROWS: Final = 1_000
_FAILED: Final = {
    Check.FORM: "the seal at its end is missing, damaged, or followed by something",
    Check.KEY: "none of the given keys sealed it; was the right key file given?",
    Check.SIGNATURE: "the seal was changed, or is another file's",
    Check.CONTENT: "the file was changed after it was sealed",
}
"""What a failed check means, in plain words."""


class _UsageError(Exception):
    """What was asked cannot be done; the message says why in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry one command out; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.action == "keys":
            keys = published_keys(ReferralSettings())
            print(orjson.dumps(keys.jwks, option=orjson.OPT_INDENT_2).decode())
            return 0
        if arguments.action == "verify":
            return _verify(arguments.file, arguments.keys)
        return _export(arguments)
    except _UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except (PassingError, FatalStreamError) as error:
        print(f"Database or log do not answer ({error}): is the stack running?", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh case", description="Case files.")
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write a case as a signed PDF")
    export.add_argument("case", help="the case's id, or its number")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write it; must not exist yet")
    export.add_argument("--lang", choices=list(WORDS), default="ar", help="of the pages (default: ar)")
    export.add_argument(
        "--custody-now",
        action="store_true",
        help="the chain of custody up to now, not up to the case's latest event: such a file is never the same twice",
    )
    verify = actions.add_parser("verify", help="check a case file, offline")
    verify.add_argument("file", type=Path)
    verify.add_argument("--keys", type=Path, metavar="FILE", help="published keys, as `ibalagh case keys` prints them")
    actions.add_parser("keys", help="print the published keys, to be kept for `verify --keys`")
    return parser


def _export(arguments: argparse.Namespace) -> int:
    settings = ReferralSettings()
    if arguments.out.exists():
        raise _UsageError(f"{arguments.out} exists already.")
    database = Database(settings.database_url, settings.service, pool_size=1)
    try:
        file = _case_file(database, arguments.case)
        custody = _custody(database, file.case.case_id)
        until = manifest.latest(file)
        if arguments.custody_now:  # the database's clock, which wrote the rows, may be ahead of this one
            until = max([datetime.now(UTC), *[row.at for row in custody]])
        content, missing = _made(settings, file, custody, arguments.lang, until)
        # Noted before anybody has it, as with whatever is shown.
        digest = hashlib.sha256(content).hexdigest()
        Audit(database).note(
            BY_COMMAND, "exported", "case", file.case.case_id, detail=f"version {file.case.version} {digest[:16]}"
        )
    finally:
        database.close()
    _write(arguments.out, content)
    print(f"{arguments.out}: case {file.case.number}, version {file.case.version}, {len(file.reports)} reports.")
    if missing:
        print(f"The log does not hold {missing} of them any more: their texts are left out, and the pages say so.")
    print(f"SHA-256 {digest}")
    return 0


def _made(
    settings: ReferralSettings, file: CaseFile, custody: Sequence[Entry], language: str, until: datetime
) -> tuple[bytes, int]:
    """The sealed file, and of how many reports the log holds nothing any more."""
    key = signing_key(settings)
    report_ids = [each.report_id for each in file.reports]
    between = manifest.written_between(file)
    found: dict[str, manifest.Found] = {}
    if between is not None:
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("reading the log", total=1.0)
            found = read_reports(
                settings.kafka_bootstrap,
                Codec(settings.topic_prefix),
                report_ids,
                between,
                lambda share: progress.update(task, completed=share),
            )
    document = manifest.manifest(
        file,
        found,
        custody,
        table_named(file.case.competence_table),
        until=until,
        language=language,
        key_id=key.key_id,
    )
    pages = pdf(document, sealing.signed(document, key))
    return sealing.sealed(pages, file.case.case_id, file.case.version, key), len(report_ids) - len(found)


def _case_file(database: Database, named: str) -> CaseFile:
    case_id: str | None = None
    if re.fullmatch(UUID_FORM, named):
        case_id = named
    elif re.fullmatch(r"[0-9]{1,19}", named) and 0 < int(named) <= MAX_NUMBER:
        case_id = reading.case_of_number(database, EVERYTHING, int(named))
    else:
        raise _UsageError(f"{named} is neither a case's id nor a number.")
    file = None if case_id is None else reading.case_file(database, EVERYTHING, case_id)
    if file is None:
        raise _UsageError(f"There is no case {named}.")
    return file


def _custody(database: Database, case_id: str) -> list[Entry]:
    """All rows of the audit about a case, the oldest first."""
    audit = Audit(database)
    rows = audit.newest(subject=case_id, limit=_ROWS)
    while len(rows) % _ROWS == 0 and rows:
        more = audit.newest(subject=case_id, limit=_ROWS, before=rows[-1].number)
        if not more:
            break
        rows += more
    return rows[::-1]


def _write(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
    except OSError as error:
        raise _UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _verify(path: Path, key_file: Path | None) -> int:
    content = _bytes(path)
    keys = published_keys(ReferralSettings()) if key_file is None else _keys(key_file)
    try:
        statement = sealing.check(content, keys)
        document = sealing.check_signed(_attached(content), keys)
    except BrokenSealError as error:
        detail = f": {error.detail}" if error.detail else ""
        print(f"NOT VALID. Failed check: {error.check} - {_FAILED[error.check]}{detail}.", file=sys.stderr)
        print(_of_the_data(content, keys), file=sys.stderr)
        return 1
    print("\n".join(_proven(statement, document)))
    return 0


def _proven(statement: Statement, document: dict[str, Any]) -> list[str]:
    case = document["case"]
    return [
        "VALID. Nothing in this file was changed since the platform sealed it.",
        "",
        f"  case      {case['number']}, {statement.case_id}",
        f"  version   {statement.case_version}, {case['state']}, with {case['service']} and {case['prosecutor']}",
        f"  holds     {len(document['reports'])} reports, {len(document['evidence'])} files by their SHA-256",
        f"  custody   {len(document['custody'])} rows until {document['custody_until']}",
        "",
        f"Sealed with the key {statement.key_id}.",
        "It says what the platform held about the case, and not whether what the reports say is true.",
    ]


def _of_the_data(content: bytes, keys: PublicKeys) -> str:
    """What is to be said of the attached data of a file whose seal is broken."""
    try:
        document = sealing.check_signed(_attached(content), keys)
    except BrokenSealError:
        return f"The data in {MANIFEST_NAME} cannot be vouched for either."
    case = document["case"]
    return (
        f"The data in {MANIFEST_NAME} has a signature of its own, which holds: case {case['number']}, version "
        f"{case['version']}. What is drawn on the pages may differ from it."
    )


def _attached(content: bytes) -> bytes:
    """The attached manifest; empty where there is none, or no PDF."""
    try:
        with pikepdf.open(io.BytesIO(content)) as opened:
            return bytes(opened.attachments[MANIFEST_NAME].get_file().read_bytes())
    except (pikepdf.PdfError, KeyError, ValueError, RuntimeError):
        return b""


def _keys(path: Path) -> PublicKeys:
    try:
        return PublicKeys.read(orjson.loads(_bytes(path)))
    except ValueError as error:
        raise _UsageError(f"{path} does not hold published keys: {error}.") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _UsageError(f"{path} cannot be read: {error.strerror}.") from None
