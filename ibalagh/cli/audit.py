"""`ibalagh audit …`: who saw and did what on the services' pages, and whether that record is whole.

Exit code 0 when done, 1 when the audit was tampered with or the database does not answer.
"""

import argparse
import sys
from collections.abc import Sequence

from ibalagh.cli.people import WITH_PAGES, each_service
from ibalagh.storage.audit import Audit, Entry
from ibalagh.storage.chain import Head
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    parser = argparse.ArgumentParser(prog="ibalagh audit", description="Who saw and did what on the pages.")
    actions = parser.add_subparsers(dest="action", required=True)
    command = actions.add_parser("list", help="the newest rows of all services, the newest first")
    command.add_argument("--service", choices=WITH_PAGES, help="of this service only")
    command.add_argument("--person", default="", metavar="PSEUDONYM", help="of this person only")
    command.add_argument("--subject", default="", metavar="ID", help="about this report, case or page only")
    command.add_argument("--limit", type=int, default=100, metavar="N", help="most rows of a service (default 100)")
    verify = actions.add_parser("verify", help="check that nothing was changed or removed")
    verify.add_argument("--service", choices=WITH_PAGES, help="of this service only")
    verify.add_argument("--expect", type=Head.parse, metavar="HEAD", help="with --service: what it printed earlier")
    arguments = parser.parse_args(argv)
    if arguments.action == "verify" and arguments.expect and not arguments.service:
        parser.error("--expect is of one service: name it with --service")
    services = (arguments.service,) if arguments.service else WITH_PAGES
    try:
        if arguments.action == "list":
            return _list(services, arguments)
        return _verify(services, arguments.expect)
    except PassingError as error:
        print(f"ibalagh audit: {error}", file=sys.stderr)
        return 1


def _list(services: Sequence[str], arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows: list[tuple[str, Entry]] = []

    def read(service: str, database: Database) -> None:
        newest = Audit(database).newest(
            person=arguments.person, subject=arguments.subject, limit=max(1, arguments.limit)
        )
        rows.extend((service, entry) for entry in newest)

    each_service(read, services)
    table = Table("time (UTC)", "service", "row", "person", "action", "subject", "permission", "detail")
    for service, entry in sorted(rows, key=lambda row: row[1].at, reverse=True):
        shown = (entry.person, entry.action, f"{entry.kind} {entry.subject}", entry.permission, entry.detail)
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", service, str(entry.number), *map(Text, shown))
    Console(width=None if sys.stdout.isatty() else 240).print(table)
    return 0


def _verify(services: Sequence[str], expected: Head | None) -> int:
    wrong = 0

    def check(service: str, database: Database) -> None:
        nonlocal wrong
        head, found = Audit(database).problems(expected)
        wrong += len(found)
        for sentence in found:
            print(f"{service}: {sentence}", file=sys.stderr)
        if not found:
            print(f"{service}: {head.number} rows, each as it was written. Note this for --expect next time: {head}")

    each_service(check, services)
    return 1 if wrong else 0
