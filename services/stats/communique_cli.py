"""`ibalagh stats communique|publish|releases|check`: what is published, made, kept, listed, and checked.

Exit code 0 when done, 1 with a sentence, 2 for wrong usage.
"""
# ruff: noqa: T201 - what a command says it prints

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from ibalagh.local.signing_keys import published_keys
from ibalagh.signing import BadSignatureError, PublicKeys, UnknownKeyError
from ibalagh.storage.postgres import Database
from services.stats import formats, publishing, release, wording
from services.stats.release import Days
from services.stats.settings import StatsSettings


def add_parsers(actions: Any) -> None:
    """Add the commands to those of `ibalagh stats`."""
    figures = actions.add_parser("communique", help="the figures of a period, signed")
    _add_period(figures, needed=False)
    figures.add_argument("--format", choices=formats.FORMATS, default="text")
    figures.add_argument("--lang", choices=wording.LANGUAGES, default="en")
    figures.add_argument(
        "--exact", action="store_true", help="leave nothing out: for those inside, not to be published"
    )
    figures.add_argument("--as-of", dest="as_of", type=_day, help="as the figures stood at the end of this civil day")
    figures.add_argument("--output", type=Path, help="file to write (default: standard output)")
    _add_period(actions.add_parser("publish", help="publish a period that is over, or its correction"), needed=True)
    actions.add_parser("releases", help="what was published, and what each correction changed")
    check = actions.add_parser("check", help="whether a communiqué's JSON was signed by one of our keys")
    check.add_argument("file", type=Path)
    check.add_argument("--keys", type=Path, help="published keys (default: those of this stack)")


def communique(database: Database, settings: StatsSettings, arguments: argparse.Namespace) -> int:
    """Write a communiqué."""
    if arguments.first and arguments.last and arguments.first > arguments.last:
        return _fail("The first day comes after the last one.")
    days = Days(first=arguments.first, last=arguments.last)
    publisher = publishing.Publisher.by_settings(settings)
    with database.transaction("repeatable read", read_only=True) as tx:
        made = publisher.make(tx, days, public=not arguments.exact, as_of=arguments.as_of)
    written = formats.write(made.signed, arguments.format, arguments.lang)
    if arguments.output is not None:
        arguments.output.write_bytes(written.content)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(written.content)
        sys.stdout.buffer.flush()
    return 0


def publish(database: Database, settings: StatsSettings, arguments: argparse.Namespace) -> int:
    """Publish a period."""
    if arguments.first > arguments.last:
        return _fail("The first day comes after the last one.")
    publisher = publishing.Publisher.by_settings(settings)
    try:
        with database.transaction("read committed") as tx:
            published = publisher.publish(tx, Days(first=arguments.first, last=arguments.last), datetime.now(UTC))
    except publishing.ReleaseError as error:
        return _fail(str(error))
    if published is None:
        print("Nothing that is published of this period has changed.")
    else:
        print(f"Published: {_name(published)}.")
    return 0


def releases(database: Database) -> int:
    """List what was published."""
    with database.transaction(read_only=True) as tx:
        published = publishing.read_releases(tx)
    corrected = {id(each.later): each for each in publishing.corrected(published)}
    for each in published:
        print(f"{_name(each)}, made {each.made_at.date()}, SHA-256 {each.signed.sha256}")
        if (correction := corrected.get(id(each))) is not None:
            why = correction.why
            print(f"  since then {why.added} came in, {why.taken_away} were taken out, {why.moved} changed place")
            for row in correction.rows:
                print(f"  {row.name}: {_shown(row.was)} -> {_shown(row.now)}")
    return 0


def check(settings: StatsSettings, arguments: argparse.Namespace) -> int:
    """Check a signature."""
    try:
        keys = (
            published_keys(settings)
            if arguments.keys is None
            else PublicKeys.read(orjson.loads(arguments.keys.read_bytes()))
        )
        signed = release.read(arguments.file.read_bytes())
        release.verify(signed, keys)
    except OSError as error:
        return _fail(f"A file cannot be read: {error.strerror}.")
    except ValueError:
        return _fail("The file of keys holds no published keys.")
    except release.BadDocumentError:
        return _fail("This is no signed communiqué.")
    except UnknownKeyError:
        return _fail("None of these keys signed it.")
    except BadSignatureError:
        return _fail("The signature is not of this document: it was changed.")
    print(f"Signed by {signed.document.key_id}; SHA-256 {signed.sha256}.")
    return 0


def _add_period(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    first, last = ("", "") if needed else (" (default: the beginning)", " (default: today)")
    parser.add_argument("--from", dest="first", type=_day, required=needed, help=f"first civil day, YYYY-MM-DD{first}")
    parser.add_argument("--to", dest="last", type=_day, required=needed, help=f"last civil day, included{last}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day of the form YYYY-MM-DD") from None


def _name(each: publishing.Release) -> str:
    return f"{each.days.first} to {each.days.last}, number {each.number}"


def _shown(count: int | None) -> str:
    return "left out" if count is None else str(count)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
