"""`ibalagh keys create | list | rotate | revoke`: the API keys of trusted reporters.

In: names, scopes and limits. Out: a new key on standard output, alone on its line and never again; tables and sentences
around it on standard error where a key is printed. Exit code 0: done; 1: not, said in a sentence; 2: wrong usage.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import math
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from services.intake.apikeys import NAME, Reporter, Scope, is_key_id, mint, shown_id
from services.intake.keystore import KeyRefusedError, KeyStore, Listed
from services.intake.quota import day_of
from services.intake.settings import IntakeSettings

_HEADINGS: Final = ("REPORTER", "KEY", "STATE", "SCOPES", "TODAY", "QUOTA", "PER SECOND", "CREATED")
_OVERLAP_DAYS: Final = 7.0
_MOST_OVERLAP_DAYS: Final = 90.0


def main(argv: Sequence[str] | None = None) -> int:
    """Carry one command out; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = IntakeSettings()
    database = Database(settings.database_url, settings.service, pool_size=1)
    try:
        code: int = arguments.run(KeyStore(database), arguments, datetime.now(UTC))
    except KeyRefusedError as error:
        return _fail(str(error))
    except UnknownOutcomeError:
        return _fail("The database was lost while it stored the change: see what `ibalagh keys list` says.")
    except PassingError as error:
        return _fail(f"The database does not answer ({error}); nothing was changed. Is the stack running?")
    finally:
        database.close()
    return code


def _create(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> int:
    scopes = frozenset(Scope(scope) for scope in arguments.scope or [Scope.BATCH])
    if not scopes - {Scope.SUBMITTED_AT}:
        return _fail("The scope submitted_at alone opens nothing: add batch, xarf or stix.")
    reporter = Reporter(arguments.name, scopes, arguments.daily_quota, arguments.rate)
    key = mint(os.urandom)
    store.create(reporter, key, now)
    _hand_over(key.shown, f"{arguments.name} has the key {shown_id(key.key_id)}: {', '.join(sorted(scopes))}.")
    return 0


def _rotate(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> int:
    key = mint(os.urandom)
    end = store.rotate(arguments.name, key, now, timedelta(days=arguments.overlap_days))
    _hand_over(
        key.shown, f"{arguments.name} has the key {shown_id(key.key_id)}; the one before it ends at {_minute(end)}."
    )
    return 0


def _revoke(store: KeyStore, arguments: argparse.Namespace, now: datetime) -> int:
    key_id = is_key_id(arguments.whose)
    name = arguments.whose if key_id is None else None
    ended = store.revoke(now, name=name, key_id=key_id)
    if not ended:
        return _fail(f"There is no valid key of {arguments.whose}; nothing was changed.")
    cache_s = IntakeSettings().key_cache_s
    print(f"{ended} key{'s' if ended > 1 else ''} revoked; within {cache_s:g} s no worker accepts it any more.")
    return 0


def _list(store: KeyStore, _arguments: argparse.Namespace, now: datetime) -> int:
    listed = store.listed(day_of(now))
    if not listed:
        print("There is no key: create one with `ibalagh keys create NAME`.")
        return 0
    rows = [_HEADINGS, *(_row(each, now) for each in listed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _row(listed: Listed, now: datetime) -> tuple[str, ...]:
    key, created_at, reports = listed
    reporter = key.reporter
    if key.ends_at is None:
        state = "valid"
    elif key.ends_at > now:
        state = f"until {_minute(key.ends_at)}"
    else:
        state = f"ended {_minute(key.ends_at)}"
    return (
        reporter.name,
        shown_id(key.key_id),
        state,
        ",".join(sorted(reporter.scopes)),
        str(reports) if reporter.daily_quota else "-",
        str(reporter.daily_quota or "-"),
        f"{reporter.rate_per_s:g}" if reporter.rate_per_s else "-",
        _minute(created_at),
    )


def _hand_over(shown: str, sentence: str) -> None:
    print(sentence, file=sys.stderr)
    print("Hand it over now: it is stored nowhere and will not be shown again.", file=sys.stderr)
    print(shown)


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh keys", description="API keys of trusted reporters.")
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="a trusted reporter and its first key, which is shown once")
    create.add_argument("name", type=_name, help="2 to 63 letters a-z, digits and hyphens")
    create.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], help="may be repeated; default: batch"
    )
    create.add_argument("--daily-quota", type=_count, metavar="N", help="reports in a day; default: no limit")
    create.add_argument("--rate", type=_rate, metavar="PER_SECOND", help="reports a second; default: no limit")
    create.set_defaults(run=_create)
    actions.add_parser("list", help="every key, without its secret").set_defaults(run=_list)
    rotate = actions.add_parser("rotate", help="a new key; the one before it ends by itself after an overlap")
    rotate.add_argument("name", type=_name)
    rotate.add_argument(
        "--overlap-days", type=_overlap, default=_OVERLAP_DAYS, metavar="DAYS", help="default: 7; 0 ends it at once"
    )
    rotate.set_defaults(run=_rotate)
    revoke = actions.add_parser("revoke", help="end all keys of a reporter, or the one key with this id")
    revoke.add_argument("whose", metavar="NAME|KEY_ID", type=_name_or_id)
    revoke.set_defaults(run=_revoke)
    return parser


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 2 to 63 letters a-z, digits and hyphens")
    return text


def _name_or_id(text: str) -> str:
    return text if is_key_id(text) else _name(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of reports")
    return int(text)


def _rate(text: str) -> float:
    return _number(text, 0.001, 1_000_000, "a number of reports a second")


def _overlap(text: str) -> float:
    return _number(text, 0, _MOST_OVERLAP_DAYS, f"a number of days up to {_MOST_OVERLAP_DAYS:g}")


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return number
