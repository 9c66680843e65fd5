"""`ibalagh db apply`: roles, schemas and migrations of the four services."""

import argparse
from collections.abc import Sequence

from ibalagh.ops.settings import Settings
from ibalagh.storage.migrate import MigrationError, apply_all
from ibalagh.stream.errors import PassingError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every schema is up to date, 1 with one sentence when it could not be brought there."""
    parser = argparse.ArgumentParser(prog="ibalagh db", description="Roles, schemas and migrations of the services.")
    actions = parser.add_subparsers(dest="action", required=True)
    command = actions.add_parser("apply", help="bring every schema up to date (idempotent)")
    command.add_argument("--database-url", default=Settings().database_url, help="default: IBALAGH_DATABASE_URL")
    arguments = parser.parse_args(argv)
    try:
        ran = apply_all(arguments.database_url)
    except (MigrationError, PassingError) as error:
        print(f"ibalagh db: {error}")
        return 1
    for service, names in ran.items():
        print(f"{service}: {', '.join(names) if names else 'up to date'}")
    return 0
