"""The queue's order by urgency, age and reach, its pages, its plan with many waiting, and the filter by files."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ibalagh.events.envelope import Data, Event
from ibalagh.events.reports import Attachment
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.triage import claim_store, store
from services.triage.filters import Files, Filter, parameters
from services.triage.handlers import Classifier
from tests.support.desk import FedDesk
from tests.support.triage import NOW, policy, received, report_id

WAITING = 200_000
TEXT = "Bonjour, on m'a envoyé ce message étrange et je ne sais pas quoi en penser du tout, numéro"


class Queue(FedDesk):
    """The desk and its queue."""

    def waits(self, name: str, *, minutes: int, text: str = "rien", **fields: Any) -> None:
        """A report that was received so many minutes ago."""
        event: Event[Data]
        (event,) = Classifier(policy())([received(text, name, **fields)], NOW).effects
        self.take(event._replace(origin_time=NOW - timedelta(minutes=minutes)))

    def order(self, wanted: Filter = Filter(), limit: int = 50) -> list[str]:  # noqa: B008
        """All pages of the queue."""
        seen: list[str] = []
        after = None
        while page := store.queue(self.database, wanted, limit=limit, after=after, now=NOW):
            seen += [each.item.report.report_id for each in page]
            after = store.QueuePlace(page[-1].urgency, page[-1].rank, seen[-1])
        return seen


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield Queue(database)
    database.close()


def test_a_campaign_counts_as_two_hours_of_waiting_for_each_doubling(queue: Queue) -> None:
    names = sorted(map(str, range(8)), key=report_id)
    for name in names[:7]:
        queue.waits(name, minutes=10, text=f"{TEXT} rien")
    queue.waits("older", minutes=10 + 239)
    queue.waits("oldest", minutes=10 + 241)
    queue.waits("urgent", minutes=0, text="je pense au suicide")
    expected = [report_id("urgent"), report_id("oldest"), report_id(names[0]), report_id("older")]
    assert queue.order() == queue.order(limit=1) == expected  # seven: doubled twice
    queue.waits(names[7], minutes=10, text=f"{TEXT} rien")
    assert queue.order(limit=1) == [expected[0], expected[2], expected[1], expected[3]]
    taken = []
    while claim := claim_store.take_next(queue.database, "analyst-1", (), now=NOW, lasts_s=60):
        taken.append(claim.report_id)
    assert taken == queue.order()


def test_a_filter_finds_the_reports_with_files_and_stays_in_its_address(queue: Queue) -> None:
    file = Attachment(sha256="ab" * 32, size_bytes=10, media_type="image/png")
    queue.waits("with", minutes=1, attachments=(file,))
    queue.waits("without", minutes=2, text='rien "value":"ni:///sha-256;')
    wanted = Filter.model_validate({"files": "with_files"})
    assert wanted.query() == "files=with_files"
    assert wanted.files is Files.WITH
    assert queue.order(wanted) == [report_id("with")]
    assert store.count(queue.database, wanted, most=10, now=NOW) == 1
    assert store.count(queue.database, Filter(), most=10, now=NOW) == 2


def test_with_200000_waiting_a_page_reads_its_index_in_order_and_sorts_nothing(queue: Queue) -> None:
    sql = load("services.triage")
    page = sql["queue_page"].replace(":queue_wanted", sql["queue_wanted"])
    given = dict(parameters(Filter(), "analyst-1", NOW)) | {
        "limit": 51,
        "after_id": None,
        "after_urgency": None,
        "after_rank": None,
    }
    claim = {"person": "analyst-1", "now": NOW, "until": NOW, "kept_away": []}
    with queue.database.transaction() as tx:
        tx.execute(
            "INSERT INTO items (report_id, received_at, source_offset, source_partition, urgency, state, source_topic,"
            " report, reach) SELECT gen_random_uuid(), %(now)s::timestamptz - interval '1 second' * n, n, 0, n %% 4,"
            " 'open', 't', '{}', n %% 7 FROM generate_series(1, %(count)s) AS n",
            {"now": NOW, "count": WAITING},
        )
        tx.execute("ANALYZE items")
        plans = [
            "\n".join(row[0] for row in tx.fetch_all("EXPLAIN " + query, parameters_))
            for query, parameters_ in ((page, given), (sql["claim_next"], claim))
        ]
    for plan in plans:
        assert "Index Scan using items_queue" in plan, plan
        assert "Sort" not in plan, plan
