"""Triage as a process on real Kafka and PostgreSQL: reports in, decisions out, killed in between."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.migrate import apply
from ibalagh.stream.kafka import KafkaProducer
from tests.support import topics
from tests.support.log import Read, read_all
from tests.support.poll import eventually
from tests.support.triage import received, report_id

TOKEN = "t" * 40
TOPICS = {"reports.received": 3, "reports.triaged": 3, "triage.decisions": 2, "triage.deadletters": 1}
MEMORY_LIMIT_BYTES = 200_000_000


class Stack:
    """Topics, a database and as many processes of triage as a test starts."""

    def __init__(self, broker: str, database_url: str, prefix: str, logs: Path) -> None:
        self.broker, self._url, self._prefix, self._logs = broker, database_url, prefix, logs
        self.codec = Codec(prefix)
        topics.create(broker, {self.codec.topic(name): count for name, count in TOPICS.items()})
        apply(database_url, "triage")
        self.producer = KafkaProducer(broker, "test")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.client = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

    def start(self, worker: int = 0) -> subprocess.Popen[bytes]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = os.environ | {
            "IBALAGH_KAFKA_BOOTSTRAP": self.broker,
            "IBALAGH_DATABASE_URL": self._url,
            "IBALAGH_TOPIC_PREFIX": self._prefix,
            "IBALAGH_API_TOKEN": TOKEN,
            "IBALAGH_TRIAGE_HTTP_PORT": str(port),
            "IBALAGH_TRIAGE_BATCH_MAX_RECORDS": "200",
            "IBALAGH_WORKER_INDEX": str(worker),
        }
        with self.log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "services.triage"], env=environment, stderr=log)
        self.processes.append(process)
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        eventually(self._ready, timeout_s=40)
        return process

    def log(self, number: int) -> Path:
        return self._logs / f"triage-{number}.log"

    def _ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def publish(self, events: Sequence[Event[Data]]) -> None:
        assert all(self.producer.publish([self.codec.encode(event) for event in events], 20.0))

    def written(self, topic: str) -> list[Read]:
        return read_all(self.broker, self.codec.topic(topic))

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def reports(self) -> list[Any]:
        return list(self.get("/v1/reports?limit=5000")["items"])

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
        self.client.close()
        self.producer.close()


@pytest.fixture
def stack(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(broker, database_url, topic_prefix, tmp_path)
    yield stack
    stack.close()


def test_a_report_is_triaged_reviewed_and_poison_a_dead_letter(stack: Stack) -> None:
    process = stack.start()
    canary = "xyzzycanary"
    report = received(f"{canary} arnaque et insultes", links=("https://a.example/x",))
    poison = stack.codec.encode(report)._replace(value=b"not json")
    assert stack.producer.publish([poison], 10.0) != [None]
    stack.publish([report])
    [item] = eventually(lambda: stack.get("/v1/reviews")["items"], timeout_s=20)
    shown = stack.get(f"/v1/reports/{item['report_id']}")
    assert canary in shown["text"]
    decision = {"report_id": item["report_id"], "version": 1, "action": "reclassify", "category": "fraud"}
    answer = stack.client.post("/v1/decisions", json=decision | {"reviewer": "analyst-1"})
    assert (answer.status_code, answer.json()["detail"]["version"]) == (200, 2)
    stale = stack.client.post("/v1/decisions", json=decision | {"reviewer": "analyst-2"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    triaged, reviewed = eventually(
        lambda: written if len(written := stack.written("reports.triaged")) == 2 else [], timeout_s=20
    )
    assert [triaged.type, reviewed.type] == ["ibalagh.report.triaged.v1", "ibalagh.report.reviewed.v1"]
    assert triaged.key == reviewed.key == item["report_id"].encode()
    [letter] = eventually(lambda: stack.written("triage.deadletters"), timeout_s=20)
    assert (letter.value, letter.headers["dl_reason"]) == (b"not json", b"bad_json")
    assert psutil.Process(process.pid).memory_info().rss < MEMORY_LIMIT_BYTES
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert canary not in stack.log(0).read_text()


def test_killed_again_and_again_and_beside_a_second_worker_nothing_is_lost_or_doubled(stack: Stack) -> None:
    """Reports over all partitions, two workers, each killed in the middle of the load; then a recount."""
    count = 4_000
    events = [received(f"arnaque numéro {number}", str(number)) for number in range(count)]
    expected = {report_id(str(number)).encode() for number in range(count)}
    first = stack.start(0)
    stack.publish(events[:2_000])
    eventually(lambda: len(stack.written("reports.triaged")) > 200, timeout_s=30)
    first.kill()
    second = stack.start(1)
    stack.start(0)
    stack.publish(events[2_000:])
    eventually(lambda: len(stack.written("reports.triaged")) > 2_500, timeout_s=60)
    second.kill()
    eventually(lambda: len(stack.written("reports.triaged")) >= count, timeout_s=60)
    by_key = Counter(read.key for read in stack.written("reports.triaged"))
    assert set(by_key) == expected
    assert set(by_key.values()) == {1}
    eventually(lambda: len(stack.reports()) == count, timeout_s=60)
    assert stack.written("triage.deadletters") == []
