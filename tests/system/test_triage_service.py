"""Triage as a process on real Kafka and PostgreSQL: reports in, decisions out, killed in between."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ibalagh.events.registry import URGENT
from ibalagh.stream.kafka import KafkaTransactionalProducer
from tests.support.poll import eventually
from tests.support.service_processes import ServiceProcesses
from tests.support.triage import received, report_id

TOPICS = {
    "reports.received": 3,
    "reports.received.urgent": 1,
    "reports.triaged": 3,
    "triage.decisions": 2,
    "triage.deadletters": 1,
}
MEMORY_LIMIT_BYTES = 300_000_000
_BACKLOG_HELD_S = 240.0
"""Longer than all waits of a test together, so that the broker does not end the transaction by itself."""


class Stack(ServiceProcesses):
    """Triage's processes, and what its interface says."""

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def reports(self) -> list[Any]:
        return list(self.get("/v1/reports?limit=5000")["items"])


@pytest.fixture
def stack(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack("triage", TOPICS, broker, database_url, topic_prefix, tmp_path)
    yield stack
    stack.close()


def test_a_report_is_triaged_reviewed_and_poison_a_dead_letter(stack: Stack) -> None:
    process = stack.start()
    canary = "xyzzycanary"
    report = received(f"{canary} regardez cette page svp", links=("https://a.example/x",))
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


def test_an_urgent_report_overtakes_the_backlog_and_is_said_once(stack: Stack) -> None:
    """The backlog is sent first, in a transaction that stays open meanwhile: nobody can be done with it, however slow
    or fast the machine is. Whatever waits for it comes after the report then."""
    count = 3_000
    stack.start()
    backlog = [stack.codec.encode(received(f"arnaque numéro {number}", str(number))) for number in range(count)]
    urgent = stack.codec.encode(received("je pense au suicide", "urgent"))
    producer = KafkaTransactionalProducer(
        stack.broker, f"test.{stack.codec.topic_prefix}", transaction_timeout_s=_BACKLOG_HELD_S
    )
    producer.prepare()
    producer.begin()
    producer.produce(backlog)
    assert all(stack.producer.publish([urgent._replace(topic=stack.codec.topic(URGENT))] * 2, 20.0))
    [item] = eventually(lambda: stack.get("/v1/reviews?limit=5")["items"], timeout_s=40)
    assert (item["report_id"], item["urgency"]) == (report_id("urgent"), 3)
    assert stack.get(f"/v1/reports/{item['report_id']}")["text"] == "je pense au suicide"
    eventually(lambda: stack.written("reports.triaged"), timeout_s=40)
    producer.commit()
    producer.close()
    eventually(lambda: len(stack.written("reports.triaged")) > count, timeout_s=60)
    eventually(lambda: len(stack.reports()) > count, timeout_s=60)
    written = stack.written("reports.triaged")
    [said] = [each for each in written if each.key == report_id("urgent").encode()]
    assert (said.headers["ce_cause"] or b"").decode().startswith(stack.codec.topic(URGENT))
    behind = [each for each in written if each.partition == said.partition and each.offset > said.offset]
    assert len(behind) == sum(each.partition == said.partition for each in written) - 1 > 0
    assert stack.get("/v1/reviews?limit=1")["items"][0]["report_id"] == report_id("urgent")
    assert len(written) == count + 1
    assert stack.written("triage.deadletters") == []


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
