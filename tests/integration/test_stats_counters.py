"""Counters on a real broker and database: exact under repeats, recounted from the log, rebuilt while others count."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import psycopg2
import pytest
from confluent_kafka import Producer
from prometheus_client import REGISTRY

from ibalagh.contracts.codec import Codec
from ibalagh.events import registry
from ibalagh.events.envelope import Data
from ibalagh.events.statistics import CountersChangedV1
from ibalagh.events.vocabulary import Category
from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.migrate import apply
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from ibalagh.storage.unit import PostgresUnit
from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Record
from ibalagh.stream.processor import Processor
from services.stats import cli, store
from services.stats.counting import TOPICS, Cell, Measure
from services.stats.handlers import Counters
from services.stats.names import group
from services.stats.reading import CountingCodec
from services.stats.recount import log_reader
from services.stats.watching import Watch
from tests.support import topics
from tests.support.poll import eventually
from tests.unit.stats_log import Log, decision, facts
from tests.unit.test_stats_counting import SMALL, by_measure, count, small_log


@dataclass
class Running:
    """A counting worker whose steps the test takes, on topics and a database of its own."""

    bootstrap: str
    database_url: str
    prefix: str
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        names = (*TOPICS, registry.DELTAS, "stats.deadletters")
        topics.create(self.bootstrap, {self.prefix + name: 1 for name in names})
        apply(self.database_url, "stats")
        self.database = Database(self.database_url, "stats")
        self.processor = self.worker()

    def worker(self) -> Processor:
        name = group(self.prefix)
        codec = CountingCodec(self.prefix)
        return Processor(
            name="counters",
            service="stats",
            topics=TOPICS,
            consumer=KafkaConsumer(self.bootstrap, name, name),
            codec=codec,
            unit=PostgresUnit(self.database, name, Counters("test").handle, codec=codec),
            max_records=7,
        )

    def write(self, records: Sequence[Record]) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True})
        for record in records:
            producer.produce(record.topic, record.value, record.key, partition=0, headers=list(record.headers))
        assert producer.flush(30) == 0

    def count_until(self, offsets: int) -> None:
        """Step until so many offsets are counted."""

        def done() -> bool:
            self.processor.step()
            return self.counted_offsets() >= offsets

        eventually(done, 60, 0)

    def counted_offsets(self) -> int:
        with self.database.transaction() as tx:
            return sum(store.read_positions(tx, group(self.prefix)).values())

    def cells(self) -> dict[Cell, int]:
        with self.database.transaction() as tx:
            return store.read_cells(tx)

    def command(self, *arguments: str) -> int:
        return cli.main(arguments)

    def close(self) -> None:
        self.processor.run(_Stop())  # closes its consumer, also a second time
        self.database.close()


@dataclass
class _Stop:
    requested: bool = True


@pytest.fixture
def running(broker: str, database_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("IBALAGH_KAFKA_BOOTSTRAP", broker)
    monkeypatch.setenv("IBALAGH_DATABASE_URL", database_url)
    monkeypatch.setenv("IBALAGH_TOPIC_PREFIX", topic_prefix)
    stack = Running(broker, database_url, topic_prefix)
    yield stack
    stack.close()


def retopic(records: Sequence[Record], prefix: str) -> list[Record]:
    """The records on topics with another prefix."""
    return [record._replace(topic=prefix + record.topic.removeprefix(registry.PREFIX)) for record in records]


def test_events_that_the_log_repeats_are_counted_once(running: Running) -> None:
    once = retopic(SMALL, running.prefix)
    running.write([*once, *once, *reversed(once)])
    running.count_until(3 * len(once))
    assert running.cells() == count([SMALL])
    assert running.command("verify") == 0


def test_any_text_of_a_cell_is_kept_as_it_is_and_sums_are_those_of_the_cells(running: Running) -> None:
    log = Log()
    names = ['a"b', "a\\b", "{a,b}", "NULL", "'; --", " a ", "جماعة", None]
    for number, name in enumerate(names * 2):
        of = facts(day=date(2031, 7, 1 + number // len(names)))
        triaged = log.triaged(log.received(number, of), of, decision(Category.TERRORISM_PRAISE, organisation=name))
        log.opened(triaged, of, Category.TERRORISM_PRAISE, name)
    running.write(retopic(log.records, running.prefix))
    running.count_until(len(log.records))
    cells = count([log.records])
    assert running.cells() == cells
    period = store.Period(date(2031, 7, 2), date(2031, 7, 2))
    with running.database.transaction() as tx:
        totals, of_a_day = store.read_totals(tx), store.read_totals(tx, period, [Measure.REFERRED])
        sums, sums_of_a_day = store.read_sums(tx), store.read_sums(tx, period, [Measure.REFERRED])
    assert list(totals) == [measure.value for measure in Measure]
    assert {measure: total for measure, total in totals.items() if total} == by_measure(cells)
    assert {measure: total for measure, total in of_a_day.items() if total} == {"referred": len(names)}
    expected: Counter[Cell] = Counter()
    for cell, number in cells.items():
        expected[cell._replace(day=None)] += number
    assert sums == expected
    assert {cell.organisation: number for cell, number in sums_of_a_day.items()} == dict.fromkeys(names, 1)


def test_a_worker_that_starts_again_goes_on_where_the_database_stands(running: Running) -> None:
    records = retopic(SMALL, running.prefix)
    running.write(records[:9])
    running.count_until(9)
    running.processor.run(_Stop())
    running.processor = running.worker()
    running.write(records[9:])
    running.count_until(len(records))
    assert running.cells() == count([SMALL])


def test_deltas_add_up_to_the_counters(running: Running) -> None:
    records = retopic(SMALL, running.prefix)
    running.write([*records, *records])
    running.count_until(2 * len(records))
    outbox = PostgresOutbox(running.database, group(running.prefix))
    total: Counter[tuple[object, ...]] = Counter()
    batches = []
    for offset, written in enumerate(outbox.read({}, 1_000).records):
        record = Record(written.topic, 0, offset, written.key, written.value, written.headers)
        data: Data = Codec(running.prefix).decode(record).data
        assert isinstance(data, CountersChangedV1)
        batches.append(data.batch_id)
        for each in data.increments:
            total[(each.measure, each.day, each.category, each.organisation, each.identified, each.country)] += (
                each.count
            )
    assert {cell: n for cell, n in total.items() if n} == {tuple(cell): n for cell, n in running.cells().items()}
    assert len(set(batches)) == len(batches)


def test_what_cannot_be_counted_goes_to_the_dead_letters_and_nothing_stops(running: Running) -> None:
    records = retopic(SMALL, running.prefix)
    opened = next(record for record in records if record.topic.endswith(registry.REFERRED))
    poison = [records[0]._replace(value=b"{"), opened._replace(value=b"{}"), records[0]._replace(value=None)]
    running.write([*poison, *records])
    running.count_until(len(records) + len(poison))
    assert running.cells() == count([SMALL])
    letters = [
        dict(record.headers)["dl_reason"]
        for record in PostgresOutbox(running.database, group(running.prefix)).read({}, 1_000).records
        if record.topic.endswith("deadletters")
    ]
    assert sorted(letters) == [b"bad_data", b"bad_json", b"null_value"]


def test_verify_finds_a_planted_difference_and_rebuild_heals_it(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    records = retopic(SMALL, running.prefix)
    running.write([*records, *records])
    running.count_until(2 * len(records))
    with running.database.transaction() as tx:
        tx.execute("UPDATE counters SET count = count + 1 WHERE measure = 'received' AND country = 'FR'")
        tx.execute("DELETE FROM counters WHERE measure = 'suspects_presented'")
        tx.execute("UPDATE facets SET value = 'batch' WHERE measure = 'received'")
        tx.execute("INSERT INTO late VALUES ('2031-07-05', 'received', '2031-07-01', NULL, NULL, true, 'MA', 1)")
    assert running.command("verify") == 1
    told = capsys.readouterr()
    assert "received 2031-07-01 anonymous FR: the database says 2, the log says 1" in told.out
    assert "facets: received channel 2031-07-01 batch: the database says 3, the log says 0" in told.out
    assert "late: 2031-07-05 received 2031-07-01 identified MA: the database says 1, the log says 0" in told.out
    assert "5 of " in told.err
    watch = Watch(
        running.database,
        group(running.prefix),
        lambda: log_reader(running.bootstrap, running.prefix),
        every_s=1,
        pause=0.01,
    )
    watch.once(Shutdown())
    assert REGISTRY.get_sample_value("ibalagh_stats_differing_cells") == 5
    assert running.command("rebuild") == 0
    assert running.cells() == count([SMALL])
    assert running.command("verify") == 0
    watch.once(Shutdown())
    assert REGISTRY.get_sample_value("ibalagh_stats_differing_cells") == 0


def test_after_a_rebuild_counting_goes_on_and_repeats_are_still_refused(running: Running) -> None:
    log = small_log()
    running.write(retopic(log.records, running.prefix))
    running.count_until(len(log.records))
    assert running.command("rebuild") == 0
    assert running.command("rebuild") == 0
    before = len(log.records)
    of = facts(country="ES")
    received = log.received(99, of)
    log.triaged(received, of, decision(Category.FRAUD))
    for record in list(log.records):
        log.repeat(record)
    running.write(retopic(log.records[before:], running.prefix))
    running.count_until(len(log.records))
    assert running.cells() == count([log.records])
    assert running.command("verify") == 0


def test_a_rebuild_while_another_runs_is_refused(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    other = Leadership(running.database, "rebuild")
    assert other.acquire()
    assert running.command("rebuild") == 1
    assert "Another rebuild is running" in capsys.readouterr().err
    other.release()


def test_a_rebuild_while_the_worker_counts_loses_nothing(running: Running) -> None:
    log = Log()
    of = facts()
    for number in range(3_000):
        log.triaged(log.received(number, of), of, decision(Category.FRAUD))
    records = retopic(log.records, running.prefix)
    running.write(records[:1_000])
    running.count_until(500)
    stop = _Stop(requested=False)
    worker = threading.Thread(target=running.processor.run, args=(stop,))
    worker.start()
    try:
        running.write(records[1_000:])
        before = running.counted_offsets()
        assert running.command("rebuild") == 0
        assert before < len(records), "the worker was done before the rebuild began: nothing was tried"
        eventually(lambda: running.counted_offsets() == len(records), 60)
    finally:
        stop.requested = True
        worker.join()
    assert running.cells() == count([log.records])
    assert running.command("verify") == 0


def test_only_the_role_of_stats_may_read_the_counters(running: Running) -> None:
    apply(running.database_url, "triage")
    other = Database(running.database_url, "triage")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), other.transaction() as tx:
        tx.fetch_all("SELECT * FROM stats.counters")
    other.close()
