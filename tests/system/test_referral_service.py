"""Referral as a process on real Kafka and PostgreSQL: events in, events out, killed in between."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.storage.postgres import Database
from services.referral.linking import case_id_for
from tests.support.poll import eventually
from tests.support.referral import report_id, triaged
from tests.support.service_processes import ServiceProcesses

TOPICS = {"reports.triaged": 3, "cases.actions": 2, "cases.referred": 2, "cases.outcomes": 2, "referral.deadletters": 1}


class Stack(ServiceProcesses):
    """Referral's processes, and what its tables hold."""

    def __init__(self, broker: str, database_url: str, prefix: str, logs: Path) -> None:
        super().__init__("referral", TOPICS, broker, database_url, prefix, logs)
        self.database = Database(database_url, "referral")

    def count(self, table: str) -> int:
        with self.database.transaction() as tx:
            row = tx.fetch_one(f"SELECT count(*) FROM {table}")
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        super().close()
        self.database.close()


@pytest.fixture
def stack(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(broker, database_url, topic_prefix, tmp_path)
    yield stack
    stack.close()


def test_a_report_becomes_a_case_an_action_an_outcome_and_poison_a_dead_letter(stack: Stack) -> None:
    process = stack.start()
    poison = stack.codec.encode(triaged("poison"))._replace(value=b"not json")
    stack.publish([triaged("a", "x")])
    assert stack.producer.publish([poison], 10.0) != [None]
    case_id = case_id_for(report_id("a"), 1)
    eventually(lambda: len(stack.written("cases.referred")) == 3, timeout_s=20)
    answer = stack.client.post(f"/v1/cases/{case_id}/actions", json={"action": "accept", "actor": "officer-1"})
    assert (answer.status_code, answer.json()["detail"]["version"]) == (200, 4)
    [outcome] = eventually(lambda: stack.written("cases.outcomes"), timeout_s=20)
    assert (outcome.type, outcome.key) == ("ibalagh.case.accepted.v1", case_id.encode())
    stale = stack.client.post(
        f"/v1/cases/{case_id}/actions", json={"action": "open_investigation", "actor": "officer-1", "version": 3}
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    [letter] = eventually(lambda: stack.written("referral.deadletters"), timeout_s=20)
    assert (letter.value, letter.headers["dl_reason"]) == (b"not json", b"bad_json")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_killed_again_and_again_and_beside_a_second_worker_nothing_is_lost_or_doubled(stack: Stack) -> None:
    """Campaigns over all partitions, two workers, one killed, then both, in the middle of the load; then a recount."""
    reports, campaigns = 6_000, 40
    events = [triaged(f"r{number}", f"campaign-{number % campaigns}", f"own-{number}") for number in range(reports)]
    stack.publish(events[:500])
    stack.start()
    for part in range(2):
        victim = stack.start()
        done = stack.count("case_reports")
        stack.publish(events[500 + part * 2750 : 500 + (part + 1) * 2750])
        eventually(lambda done=done: stack.count("case_reports") > done, timeout_s=40)  # type: ignore[misc]
        victims = [each for each in stack.processes if each.poll() is None] if part == 1 else [victim]
        for each in victims:
            each.kill()
            each.wait(10)
    stack.start()
    stack.publish(events[:300])
    eventually(lambda: stack.count("case_reports") == reports, timeout_s=60)
    expected = reports + 2 * campaigns
    eventually(lambda: len(stack.written("cases.referred")) >= expected, timeout_s=60)
    stack.processes[-1].send_signal(signal.SIGTERM)
    assert stack.processes[-1].wait(30) == 0

    written = stack.written("cases.referred")
    assert len({each.id for each in written}) == len(written) == expected
    assert Counter(each.type.split(".")[1] + "." + each.type.split(".")[2] for each in written) == {
        "case.opened": campaigns,
        "case.joined": reports - campaigns,
        "case.referred": campaigns,
        "prosecution.notified": campaigns,
    }
    placed = Counter(data["report_id"] for each in written if "report_id" in (data := each.data()))
    assert set(placed.values()) == {1}
    assert len(placed) == reports
    versions: dict[str, list[int]] = {}
    for each in written:
        versions.setdefault(each.data()["case_id"], []).append(each.data()["version"])
    assert len(versions) == campaigns == stack.count("cases")
    assert all(each == list(range(1, len(each) + 1)) for each in versions.values())
    assert stack.count("case_reports") == reports
    assert not stack.written("referral.deadletters")
