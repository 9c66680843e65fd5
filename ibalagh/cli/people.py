"""`ibalagh people …`: who signed in to the services' pages, who may not any more, and what each role may do.

Exit code 0 when done, 1 with a sentence on standard error. People have pseudonyms here; names are with the provider.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ibalagh.ops.settings import Settings
from ibalagh.storage import people
from ibalagh.storage.audit import BY_COMMAND, Audit
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from ibalagh.web.roles import GRANTS, MEANING

WITH_PAGES = ("triage", "referral", "stats")
"""The services that people sign in to; each keeps its own sessions."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    parser = argparse.ArgumentParser(prog="ibalagh people", description="Who signs in to the pages.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="everybody who ever signed in, with roles and open sessions")
    actions.add_parser("roles", help="what each role may do")
    for name, text in (
        ("revoke", "end somebody's sessions and let them begin none"),
        ("restore", "let somebody who was shut out sign in again"),
    ):
        actions.add_parser(name, help=text).add_argument("pseudonym")
    arguments = parser.parse_args(argv)
    if arguments.action == "roles":
        _print_roles()
        return 0
    try:
        if arguments.action == "list":
            return _list()
        return _revoke(arguments.pseudonym) if arguments.action == "revoke" else _restore(arguments.pseudonym)
    except PassingError as error:
        print(f"ibalagh people: {error}", file=sys.stderr)
        return 1


def each_service(what: Callable[[str, Database], None], services: Sequence[str] = WITH_PAGES) -> None:
    """Call `what` with each service and its database."""
    url = Settings().database_url
    for service in services:
        database = Database(url, service, pool_size=1)
        try:
            what(service, database)
        finally:
            database.close()


def _list() -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table("service", "person", "roles", "signed in (UTC)", "sessions", "last seen (UTC)", "shut out (UTC)")

    def add(service: str, database: Database) -> None:
        for each in people.everybody(database, datetime.now(UTC)):
            table.add_row(
                *(service, each.pseudonym, " ".join(each.roles), _time(each.signed_in_at), str(each.sessions)),
                *(_time(each.seen_at), _time(each.revoked_at)),
            )

    each_service(add)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0


def _revoke(pseudonym: str) -> int:
    found = []

    def revoke(service: str, database: Database) -> None:
        ended = people.shut_out(database, pseudonym, datetime.now(UTC))
        if ended is not None:
            found.append(service)
            Audit(database).note(BY_COMMAND, "revoked", "person", pseudonym)
            print(f"{service}: {pseudonym} is shut out, {ended} sessions ended.")

    each_service(revoke)
    return 0 if found else _nobody(pseudonym)


def _restore(pseudonym: str) -> int:
    found = []

    def restore(service: str, database: Database) -> None:
        if people.let_in(database, pseudonym):
            found.append(service)
            Audit(database).note(BY_COMMAND, "restored", "person", pseudonym)
            print(f"{service}: {pseudonym} may sign in again.")

    each_service(restore)
    return 0 if found else _nobody(pseudonym)


def _nobody(pseudonym: str) -> int:
    print(f"There is no such person: {pseudonym}. `ibalagh people list` shows them all.", file=sys.stderr)
    return 1


def _print_roles() -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("role", "permission", "what it allows")
    for role, granted in GRANTS.items():
        for number, permission in enumerate(sorted(granted)):
            table.add_row(role.value if number == 0 else "", permission.value, MEANING[permission])
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
