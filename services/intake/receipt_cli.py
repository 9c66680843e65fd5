"""`ibalagh receipt verify|keys`: check a signed receipt without asking anyone; print the keys that a stack publishes.

Exit code 0 valid (keys: printed), 1 not valid, with the check that failed, 2 wrong usage or a file that cannot be read.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import orjson

from ibalagh.local import state
from ibalagh.local.paths import home
from services.intake.signing import Check, InvalidReceiptError, KeySet, SignedReceipt, read_keys, read_receipt

_TIMEOUT_S: Final = 10.0
_FAILED: Final = {
    Check.FORM: "this is not a signed receipt, or a part of it is missing, added or malformed",
    Check.KEY: "none of the given keys signed it; was the right key file given?",
    Check.SIGNATURE: "something in it was changed after it was signed, or the signature is another receipt's",
}
"""What a failed check means, in plain words."""


class _UsageError(Exception):
    """What was asked cannot be done; the message says why in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.action == "keys":
            print(orjson.dumps(_published(arguments.url).jwks, option=orjson.OPT_INDENT_2).decode())
            return 0
        return _verify(arguments)
    except _UsageError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh receipt", description="Signed receipts.")
    actions = parser.add_subparsers(dest="action", required=True)
    verify = actions.add_parser("verify", help="check a signed receipt, offline when a key file is given")
    verify.add_argument("file", type=Path, help="the signed receipt, or the whole answer of POST /v1/reports")
    keys = verify.add_mutually_exclusive_group()
    keys.add_argument("--keys", type=Path, metavar="FILE", help="published keys, as `ibalagh receipt keys` prints them")
    keys.add_argument("--key", type=Path, metavar="FILE", help="one of them alone")
    verify.add_argument("--body", type=Path, metavar="FILE", help="what was sent: compare it with what was received")
    verify.add_argument("--record", type=Path, metavar="FILE", help="the value of the log's record: compare it too")
    published = actions.add_parser("keys", help="print the published keys, to be kept for `verify --keys`")
    for each in (verify, published):
        each.add_argument("--url", help="address of the platform that publishes the keys (default: the stack here)")
    return parser


def _verify(arguments: argparse.Namespace) -> int:
    given = _json(arguments.file)
    file = arguments.keys or arguments.key
    keys = _published(arguments.url) if file is None else _keys(_json(file), str(file))
    try:
        receipt = read_receipt(given)
        keys.verify(receipt)
    except InvalidReceiptError as error:
        return _invalid(error.check.value, _FAILED[error.check])
    document = receipt.document
    for option, file, expected in (
        ("body", arguments.body, document.received_sha256),
        ("record", arguments.record, document.record_sha256),
    ):
        if file is not None and _sha256(file) != expected:
            return _invalid(option, f"it is genuine, but {file} is not, byte for byte, what it speaks of")
    print("\n".join(_proven(receipt, arguments)))
    return 0


def _proven(receipt: SignedReceipt, arguments: argparse.Namespace) -> list[str]:
    document, log = receipt.document, receipt.document.log
    body = f"({arguments.body} is exactly that)" if arguments.body else "(compare with --body FILE)"
    record = f"({arguments.record} is exactly that)" if arguments.record else "(compare with --record FILE)"
    return [
        "VALID. Nothing in this receipt was changed since the platform signed it.",
        "",
        "It proves that the platform",
        f"  took in the report    {document.report_id}",
        f"  at                    {document.accepted_at.replace('T', ' ').removesuffix('Z')} UTC",
        f"  as a request whose    SHA-256 is {document.received_sha256} {body}",
        f"  and put it in its log at topic {log.topic}, partition {log.partition}, offset {log.offset},",
        f"  as a record whose     SHA-256 is {document.record_sha256} {record}",
        "",
        f"Signed with the key {document.key_id}.",
        "It says nothing about who sent the report, nor whether what the report says is true.",
    ]


def _invalid(check: str, meaning: str) -> int:
    print(f"NOT VALID. Failed check: {check} - {meaning}.", file=sys.stderr)
    return 1


def _published(url: str | None) -> KeySet:
    address = f"{(url or _stack_address()).rstrip('/')}/v1/receipts/keys"
    try:
        answer = httpx.get(address, timeout=_TIMEOUT_S).raise_for_status()
        return _keys(orjson.loads(answer.content), address)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError):
        raise _UsageError(f"{address} did not give the published keys.") from None


def _stack_address() -> str:
    running = state.running(home())
    ports = [service.port for service in running.services if service.name == "intake"] if running else []
    if not ports:
        raise _UsageError("No stack runs here: name a file with the published keys by --keys, or an address by --url.")
    return f"http://127.0.0.1:{ports[0]}"


def _keys(given: object, origin: str) -> KeySet:
    try:
        return read_keys(given)
    except ValueError as error:
        raise _UsageError(f"{origin} does not hold published keys: {error}.") from None


def _json(file: Path) -> object:
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise _UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        raise _UsageError(f"{file} is not JSON.") from None


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _UsageError(f"{file} cannot be read: {error.strerror}.") from None
