"""`ibalagh bench urgent`: how soon a report of danger is before an analyst while a backlog waits in front of it.

In: how many reports wait, and how many urgent ones come. The backlog is written before the services start and becomes
visible at one moment; then urgent reports come one after the other over intake's HTTP interface. Out: of each the
seconds from the request to the moment when triage's interface shows it, and how many reports were still waiting then.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

import psycopg2
from rich.console import Console
from rich.progress import Progress

from bench.platform import Platform, platform
from bench.stores import Stores
from bench.topics import preload_hidden
from bench.workload import raw_reports
from ibalagh.contracts.codec import Codec

POLL_S: Final = 0.01
GIVE_UP_S: Final = 60.0
PAUSE_S: Final = 0.5
TEXT: Final = "je pense au suicide"


class Seen(NamedTuple):
    """One urgent report: after how many seconds it was shown, and how many of the backlog were not triaged then."""

    after_s: float
    behind: int


def run(reports: int, urgent: int, seed: int, console: Console) -> list[Seen]:
    """Load, start, send. Raises RuntimeError when an urgent report is not shown within a minute."""
    with Progress(console=console, transient=True) as progress:
        loading = progress.add_task("loading the backlog", total=reports)
        show_it: list[Callable[[], None]] = []

        def load(stores: Stores) -> None:
            records = raw_reports(reports, seed, Codec(), datetime.now(UTC))
            show_it.append(preload_hidden(stores.bootstrap, records, lambda count: progress.advance(loading, count)))

        with platform(load, {"intake", "triage"}) as running:
            show_it.pop()()
            seen = []
            for number in range(urgent):
                seen.append(_one(running, number, reports))
                time.sleep(PAUSE_S)
            return seen


def _one(running: Platform, number: int, reports: int) -> Seen:
    began = time.monotonic()
    answer = running.client.post(f"{running.addresses['intake']}/v1/reports", json={"text": f"{TEXT} ({number})"})
    answer.raise_for_status()
    report = f"{running.addresses['triage']}/v1/reports/{answer.json()['report_id']}"
    while running.client.get(report, headers={"Authorization": f"Bearer {running.token}"}).status_code != 200:
        if time.monotonic() - began > GIVE_UP_S:
            raise RuntimeError(f"an urgent report was not shown within {GIVE_UP_S:.0f} s")
        time.sleep(POLL_S)
    after_s = time.monotonic() - began
    connection = psycopg2.connect(running.stores.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM triage.items")
            (triaged,) = cursor.fetchone() or (0,)
    finally:
        connection.close()
    return Seen(after_s, max(0, reports - triaged))
