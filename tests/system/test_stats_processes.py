"""Stats as its users meet it: two processes on a real broker and database, through HTTP and topics only."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Cause, Event
from ibalagh.events.registry import ALERTS, DELTAS
from ibalagh.events.statistics import CellIncrement, CountersChangedV1
from ibalagh.events.vocabulary import Category
from ibalagh.local.processes import free_ports
from ibalagh.storage.migrate import apply
from ibalagh.stream.ports import Outgoing, Record
from tests.support import topics
from tests.support.poll import eventually
from tests.unit.test_stats_counting import SMALL

TOKEN = "token-of-a-test"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ROOT = Path(__file__).resolve().parents[2]
TOPICS = (
    "reports.received",
    "reports.received.urgent",
    "reports.triaged",
    "cases.referred",
    "cases.outcomes",
    DELTAS,
    ALERTS,
    "stats.deadletters",
)


@contextmanager
def process(module: str, environment: dict[str, str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A process of ours, ready; its base address. Ended, cleanly, at the end if it still runs."""
    (port,) = free_ports(1)
    env = {**os.environ, **environment, "IBALAGH_HTTP_PORT": str(port), "IBALAGH_API_TOKEN": TOKEN}
    with log.open("ab") as output:
        running = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=env, stdout=output, stderr=output)
    base = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: is_ready(base, running, log), 40, 0.1)
        yield base, running
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0, log.read_text()[-2000:]
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


def is_ready(base: str, running: subprocess.Popen[bytes], log: Path) -> bool:
    if running.poll() is not None:
        pytest.fail(f"ended while starting: {log.read_text()[-3000:]}")
    try:
        return httpx.get(f"{base}/readyz", timeout=3).status_code == 200
    except httpx.HTTPError:
        return False


def write(broker: str, records: Sequence[Record] | Sequence[Outgoing]) -> None:
    producer = Producer({"bootstrap.servers": broker})
    for record in records:
        producer.produce(record.topic, record.value, record.key, partition=0, headers=list(record.headers))
    assert producer.flush(30) == 0


def read_all(broker: str, topic: str) -> list[Record]:
    """Every record of a topic with one partition."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": f"{topic}.test", "enable.auto.commit": False})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        consumer.assign([TopicPartition(topic, 0, low)])
        records: list[Record] = []
        deadline = time.monotonic() + 10
        while consumer.position([TopicPartition(topic, 0)])[0].offset < high and low < high:
            for message in consumer.consume(100, 0.2):
                records.append(
                    Record(topic, 0, message.offset(), message.key(), message.value(), message.headers() or ())
                )
            if time.monotonic() > deadline:
                break
        return records
    finally:
        consumer.close()


@pytest.fixture
def environment(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    topics.create(broker, {topic_prefix + name: 1 for name in TOPICS})
    apply(database_url, "stats")
    return {
        "IBALAGH_KAFKA_BOOTSTRAP": broker,
        "IBALAGH_DATABASE_URL": database_url,
        "IBALAGH_TOPIC_PREFIX": topic_prefix,
        "IBALAGH_HOME": str(tmp_path / "home"),
    }


def frames(response: httpx.Response) -> Iterator[str]:
    """The data of the events of a stream."""
    data: list[str] = []
    for line in response.iter_lines():
        if line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def test_counters_page_stream_and_communique_follow_the_log(
    broker: str, environment: dict[str, str], topic_prefix: str, tmp_path: Path
) -> None:
    records = [record._replace(topic=topic_prefix + record.topic.removeprefix("ibalagh.")) for record in SMALL]
    with (
        process("services.stats", environment, tmp_path / "stats.log") as (base, _),
        httpx.Client(base_url=base) as client,
    ):
        assert client.get("/v1/counters").status_code == 401
        assert client.get("/events").status_code == 401
        client.headers.update(HEADERS)
        with client.stream("GET", "/v1/events", timeout=20) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            moving = frames(stream)
            assert json.loads(next(moving))["totals"]["received"] == 0
            write(broker, records)
            latest = next(totals for data in moving if (totals := json.loads(data)["totals"])["suspects_presented"])
            assert latest["received"] == 3

        rows = client.get("/v1/counters", params={"measure": "referred", "by": "category,abroad"}).json()["rows"]
        assert sorted(rows, key=str) == sorted(
            [
                {"measure": "referred", "category": "fraud", "abroad": False, "count": 1},
                {"measure": "referred", "category": "terrorism_praise", "abroad": True, "count": 1},
            ],
            key=str,
        )
        outside = client.get("/v1/counters", params={"from": "2031-07-02"}).json()["totals"]
        assert outside["received"] == 0
        assert client.get("/v1/counters", params={"by": "name"}).json()["code"] == "unknown_dimension"
        assert client.get("/v1/counters", params={"from": "2031-07-02", "to": "2031-07-01"}).status_code == 422

        figures = client.get("/v1/communique", params={"from": "2031-07-01", "to": "2031-07-31"}).json()
        assert (figures["reports_processed"], figures["isis_praise"]) == (2, 1)
        text = client.get("/v1/communique", params={"format": "text", "lang": "fr"})
        assert text.headers["content-language"] == "fr"
        assert "Signalements traités" in text.text
        check_files(client)
        check_public(base)
        facets = client.get("/v1/facets", params={"measure": "referred", "facet": "channel"}).json()["rows"]
        assert facets == [{"category": None, "value": "api", "count": 2}]
        assert client.get("/v1/facets", params={"measure": "referred", "facet": "variety"}).status_code == 422

        check_pages(base)
        metrics = client.get("/metrics").text
        assert 'ibalagh_stream_records_consumed_total{loop="counters",service="stats"' in metrics


def check_files(client: httpx.Client) -> None:
    for format_, start in (("pdf", b"%PDF-"), ("html", b"<!doctype html>"), ("csv", b"first_day,last_day,table,row,")):
        file = client.get("/v1/communique", params={"format": format_, "lang": "ar"})
        assert file.content.startswith(start)
        assert file.headers["content-disposition"].startswith("attachment")
    signed = client.get("/v1/communique", params={"format": "signed", "exact": True}).json()
    counts = {row["name"]: row["count"] for table in signed["document"]["tables"] for row in table["rows"]}
    assert counts["reports_processed"] == 2
    assert signed["document"]["log"]
    public = client.get("/v1/communique", params={"format": "signed"}).json()
    assert not any(row["count"] for table in public["document"]["tables"] for row in table["rows"])


def check_public(base: str) -> None:
    with httpx.Client(base_url=base) as anyone:
        days = anyone.get("/v1/public/days.csv")
        assert days.headers["content-type"].startswith("text/csv")
        assert days.headers["access-control-allow-origin"] == "*"
        again = anyone.get("/v1/public/days.csv", headers={"If-None-Match": f'"other", {days.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert anyone.get("/v1/public/releases.json").json() == {"releases": []}
        assert anyone.get("/v1/public/releases/2031-06-01_2031-06-30.json").status_code == 404
        assert anyone.get("/v1/public/keys.json").json()["keys"][0]["crv"] == "Ed25519"


def check_pages(base: str) -> None:
    with httpx.Client(base_url=base, headers={"Accept-Language": "ar"}) as browser:
        assert 'name="token"' in browser.get("/communique").text
        assert browser.get("/communique/file?format=pdf").status_code == 401
        refused = browser.get("/")
        assert 'name="token"' in refused.text
        assert 'dir="rtl"' in refused.text
        assert "النصب والاحتيال" not in refused.text
        assert browser.post("/sign-in", data={"token": "wrong"}).status_code == 401
        signed = browser.post("/sign-in", data={"token": TOKEN, "pseudonym": "operator-1"})
        assert signed.status_code == 303
        assert TOKEN not in signed.headers["set-cookie"]
        page = browser.get("/", params={"lang": "ar"})
        assert page.status_code == 200
        assert 'dir="rtl"' in page.text
        assert "النصب والاحتيال" in page.text
        assert "unsafe" not in page.headers["content-security-policy"]
        communique = browser.get("/communique", params={"from": "2031-07-01", "to": "2031-07-31", "exact": "true"})
        assert 'dir="rtl"' in communique.text
        assert "النصب والاحتيال" in communique.text
        assert "<script" not in communique.text
        assert browser.get("/communique/file?format=pdf").content.startswith(b"%PDF-")
        assert browser.get("/communique?from=never").status_code == 422
        assert "<script>" not in page.text
        with browser.stream("GET", "/events?lang=fr", timeout=10) as stream:
            assert "Escroquerie" in next(frames(stream))


def delta(prefix: str, offset: int, minutes_ago: float, count: int) -> Outgoing:
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    increment = CellIncrement(measure="triaged_by_machine", day=moment.date(), category=Category.FRAUD, count=count)
    data = CountersChangedV1(batch_id=str(uuid.uuid4()), counted_at=moment, increments=(increment,))
    type_ = "ibalagh.counters.changed.v1"
    cause = Cause(f"{prefix}reports.triaged", 0, offset, 0)
    return Codec(prefix).encode(Event(str(uuid.uuid4()), type_, "/stats", "counters-0", moment, moment, data, cause))


def alerts(broker: str, prefix: str) -> list[tuple[str, str]]:
    """(type, surge id) of every alert, read through the contract."""
    events = [Codec(prefix).decode(record) for record in read_all(broker, prefix + ALERTS)]
    return [(event.type, event.data.model_dump()["surge_id"]) for event in events]


def windows_value(base: str, name: str) -> float:
    lines = httpx.get(f"{base}/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_windows_open_and_close_a_surge_ignore_repeats_and_keep_their_table(
    broker: str, environment: dict[str, str], topic_prefix: str, tmp_path: Path
) -> None:
    log = tmp_path / "windows.log"
    in_window = 'ibalagh_windows_reports{category="fraud"}'
    calm = [delta(topic_prefix, 60 - minutes, minutes, 2) for minutes in range(60, 0, -1)]
    write(broker, [*calm, *calm, Outgoing(topic_prefix + DELTAS, b"k", b"not json", [])])
    with process("services.stats.windows_worker", environment, log) as (base, running):
        eventually(lambda: windows_value(base, "ibalagh_windows_deltas_total") == 60, 30)
        eventually(lambda: windows_value(base, "ibalagh_windows_repeats_total") == 60)
        assert 28 <= windows_value(base, in_window) <= 32
        eventually(lambda: len(read_all(broker, f"{topic_prefix}stats.deadletters")) == 1)
        assert memory_mb(running.pid) < 300
        running.kill()
        running.wait()
    with process("services.stats.windows_worker", environment, log) as (base, _):
        write(broker, [*calm[-3:], delta(topic_prefix, 100, 0, 200)])
        eventually(lambda: windows_value(base, "ibalagh_windows_deltas_total") >= 1, 40)
        assert 226 <= windows_value(base, in_window) <= 232
        opened = eventually(lambda: alerts(broker, topic_prefix), 20)
        assert [type_ for type_, _ in opened] == ["ibalagh.surge.opened.v1"]
        later = [delta(topic_prefix, 200 + minutes, -minutes, 2) for minutes in range(1, 26)]
        write(broker, later)
        both = eventually(lambda: len(found := alerts(broker, topic_prefix)) == 2 and found, 20)
        assert both
        assert both[1] == ("ibalagh.surge.closed.v1", opened[0][1])


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024
