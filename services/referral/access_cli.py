"""`ibalagh postings list | set | remove | key | end-keys`: who sees which cases.

In: pseudonyms and codes of the competence table. Out: a table or a sentence; a new key alone on standard output, never
shown again. Exit code 0: done; 1: not, said in a sentence; 2: wrong usage.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from services.referral.access import KEY_PREFIX, Access
from services.referral.competence import Competence, table_for
from services.referral.scope import Scope
from services.referral.settings import ReferralSettings

_KEY_BYTES = 32


def main(argv: Sequence[str] | None = None) -> int:
    """Carry one command out; the exit code."""
    arguments = _parser().parse_args(argv)
    settings = ReferralSettings()
    database = Database(settings.database_url, settings.service, pool_size=1)
    now = datetime.now(UTC)
    try:
        return _carry_out(Access(database), table_for(now.date()), arguments, now)
    except (PassingError, UnknownOutcomeError) as error:
        return _fail(f"The database does not answer ({error}): is the stack running? See `ibalagh postings list`.")
    finally:
        database.close()


def _carry_out(access: Access, table: Competence, arguments: argparse.Namespace, now: datetime) -> int:
    if arguments.action == "list":
        for posting in access.postings():
            place = posting.scope.service or posting.scope.prosecutor
            print(f"{posting.person}\t{place}\tsince {posting.since:%Y-%m-%d %H:%M} UTC")
        return 0
    if arguments.action == "remove":
        if not access.remove(arguments.person):
            return _fail(f"{arguments.person} has no posting.")
        print(f"{arguments.person} has no posting any more.")
        return 0
    service, prosecutor = arguments.service, getattr(arguments, "prosecutor", None)
    if service is not None and service not in table.services:
        return _fail(f"The competence table {table.version} has no service {service}.")
    if prosecutor is not None and prosecutor not in table.services.values():
        return _fail(f"The competence table {table.version} has no prosecutor's office {prosecutor}.")
    if arguments.action == "set":
        access.post(arguments.person, Scope(service, prosecutor), now)
        print(f"{arguments.person} sees the cases of {service or prosecutor}.")
    elif arguments.action == "key":
        key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        access.add_key(key, service, now)
        print(key)
        print(f"A key of {service}, shown once: it sees and acts on that service's cases.", file=sys.stderr)
    else:
        print(f"{access.end_keys(service, now)} keys of {service} ended.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh postings", description="Who sees which cases.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="everybody's posting")
    post = actions.add_parser("set", help="say where a person works")
    post.add_argument("person", help="the pseudonym that the person acts under")
    place = post.add_mutually_exclusive_group(required=True)
    place.add_argument("--service", help="a police service's code, such as PJ-RABAT")
    place.add_argument("--prosecutor", help="a prosecutor's office's code, such as PR-RABAT")
    actions.add_parser("remove", help="end a person's posting").add_argument("person")
    for name, text in (("key", "make a key for a service's own system"), ("end-keys", "end a service's keys")):
        actions.add_parser(name, help=text).add_argument("service")
    return parser


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
