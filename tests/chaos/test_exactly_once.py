"""Every service is killed again and again while reports come in, the broker once; then everything is recounted.

The recount stands on one linear reader of committed records and on SQL; nothing of the services is asked but their
counters, which must agree.
"""

import os
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg2
import pytest
from confluent_kafka import Producer

from ibalagh.contracts.topics import load_topic_files
from ibalagh.local.processes import free_ports
from ibalagh.local.services import SERVICES, Service
from ibalagh.local.stack import Stack
from ibalagh.local.state import read
from tests.chaos.load import Public, Sent, write_reports
from tests.chaos.status import counters, verify
from tests.support.log import Read, read_all
from tests.support.poll import eventually
from tests.support.surroundings import own_stack

PREFIX = "ibalagh."
KILLED = ("intake", "triage", "referral", "stats")
POISON = (b"not json", b'{"report_id": 1}', b"\xff\xfe", None)


class Storm:
    """One stack, and what the storm does to it."""

    def __init__(self, home: Path, rng: Random) -> None:
        self.home = home
        self.rng = rng
        self.kills: Counter[str] = Counter()
        table = [Service(s.name, s.module, port) for s, port in zip(SERVICES, free_ports(len(SERVICES)), strict=True)]
        environ = own_stack(HOME=str(home), PORT_SHIFT=str(rng.randrange(1_000, 9_000)))
        self.stack = Stack(home, environ=environ, table=table)

    def kill(self, name: str) -> None:
        """SIGKILL to a service's process, or the broker; the stack starts it again. One that is down is left alone."""
        state = read(self.home)
        assert state is not None
        pid = state.embedded["kafka-1"] if name == "kafka" else next(s.pid for s in state.services if s.name == name)
        if not pid:  # to the system, 0 means the caller's own process group
            return
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.kills[name] += 1

    def show_logs(self) -> None:
        """The end of every service's log, for whoever reads why the test failed."""
        for log in sorted((self.home / "local" / "logs").glob("*.log")):
            print(f"--- {log.name}", *log.read_text("utf-8").splitlines()[-15:], sep="\n")

    def poison(self, per_topic: int) -> set[tuple[str, int, int]]:
        """Unreadable records to every topic that has a consumer; where each one lies."""
        placed: set[tuple[str, int, int]] = set()
        producer = Producer({"bootstrap.servers": self.stack.state.bootstrap, "enable.idempotence": True})

        def delivered(error: object, message: object) -> None:
            assert error is None
            placed.add((message.topic(), message.partition(), message.offset()))  # type: ignore[attr-defined]

        topics = [topic.name for topic in load_topic_files() if topic.consumers and topic.owner != "stats"]
        for topic in topics:
            for number in range(per_topic):
                headers = [("ce_type", b"ibalagh.report.received.v1")] if number % 2 else []
                key = self.rng.randbytes(8)
                producer.produce(PREFIX + topic, POISON[number % 4], key, headers=headers, on_delivery=delivered)
        assert producer.flush(30) == 0
        assert len(placed) == len(topics) * per_topic
        return placed


@pytest.fixture
def storm() -> Iterator[Storm]:
    """A running stack of its own: the broker and every service may be killed.

    Not in pytest's folder, which every session of pytest on the machine closes to other users, PostgreSQL's included.
    """
    with tempfile.TemporaryDirectory(prefix="ibalagh-chaos-") as home:
        made = Storm(Path(home), Random(20241))
        made.stack.start(lambda _: None)
        try:
            yield made
        finally:
            made.show_logs()
            made.stack.stop()


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled_when_everything_is_killed_under_load(storm: Storm, long_chaos: bool) -> None:
    count, kills, rate_per_s = (20_000, 3, 450.0) if long_chaos else (1_500, 1, 120.0)
    reports = write_reports(count, campaigns=count // 40, rng=storm.rng)
    public = Public(storm.stack.address("intake"), storm.stack.state.token or "", reports, rate_per_s)
    public.start()
    poison = _storm(storm, public, kills)
    public.join()
    assert all(storm.kills[name] >= kills for name in KILLED)
    assert storm.kills["kafka"] == 1
    assert len(public.accepted) == count
    _settle(storm, count)
    _recount(storm, public, reports, poison)


def _storm(storm: Storm, public: Public, kills: int) -> set[tuple[str, int, int]]:
    """Kills at random moments, evenly over the load; the broker in the middle; poison at the beginning and the end."""
    victims = [name for name in KILLED for _ in range(kills)]
    storm.rng.shuffle(victims)
    victims.insert(len(victims) // 2, "kafka")
    poison = storm.poison(4)
    for number, name in enumerate(victims):
        moment = (number + storm.rng.random()) / (len(victims) + 1)
        eventually(lambda moment=moment: public.progress >= moment, timeout_s=240)  # type: ignore[misc]
        before = storm.kills[name]
        eventually(lambda name=name, before=before: storm.kill(name) or storm.kills[name] > before, timeout_s=60)  # type: ignore[misc]
    return poison | eventually(lambda: storm.poison(4), timeout_s=60)


def _settle(storm: Storm, count: int) -> None:
    """Wait until all is counted."""

    def counted() -> bool:
        totals = counters(storm.stack)["totals"]
        decided = totals.get("referred", 0) + totals.get("to_review", 0) + totals.get("dismissed", 0)
        return totals.get("triaged", 0) >= count and decided >= count

    eventually(counted, timeout_s=180, every_s=0.5)


def _recount(storm: Storm, public: Public, reports: list[Sent], poison: set[tuple[str, int, int]]) -> None:
    bootstrap = storm.stack.state.bootstrap or ""
    log = {topic.name: read_all(bootstrap, PREFIX + topic.name) for topic in load_topic_files()}
    accepted = Counter(public.accepted.values())
    spoilt = {(topic.removeprefix(PREFIX), partition, offset) for topic, partition, offset in poison}
    good = {name: [r for r in records if (name, r.partition, r.offset) not in spoilt] for name, records in log.items()}

    received = [*good["reports.received"], *good["reports.received.urgent"]]
    assert Counter(record.id for record in received) == accepted, "received once each, in one of the lanes"
    triaged = [record for record in good["reports.triaged"] if record.type == "ibalagh.report.triaged.v1"]
    assert Counter(record.data()["report_id"] for record in triaged) == accepted, "triaged once each"
    referred = {r.data()["report_id"] for r in triaged if r.data()["decision"]["disposition"] == "refer"}
    in_cases = [r.data() for r in good["cases.referred"] if r.type.endswith(("case.opened.v1", "case.joined.v1"))]
    assert Counter(data["report_id"] for data in in_cases) == Counter(referred), "in a case once each"
    assert len(referred) > len(reports) / 2, "the load must reach the end of the pipeline to show anything"

    _order_is_kept(good["cases.referred"])
    _one_case_per_campaign(public, reports, {data["report_id"]: data["case_id"] for data in in_cases})
    _letters_hold_the_poison_only(log, poison)
    for name, records in good.items():
        assert max(Counter(r.id for r in records if r.id).values(), default=1) == 1, f"an event twice in {name}"

    totals = counters(storm.stack)["totals"]
    assert totals["received"] == totals["triaged"] == len(accepted)
    assert totals["referred"] == len(referred)
    with psycopg2.connect(storm.stack.state.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT report_id) FROM referral.case_reports")
        assert cursor.fetchone() == (len(referred), len(referred))
        cursor.execute("SELECT count(*) FROM referral.cases")
        assert cursor.fetchone() == (len({data["case_id"] for data in in_cases}),)
    connection.close()
    assert verify(storm.stack) == 0, "`ibalagh stats verify` recounts the same"


def _order_is_kept(cases: list[Read]) -> None:
    """Per case, versions rise by one in the order of the log."""
    versions: dict[str, list[int]] = defaultdict(list)
    for record in cases:
        versions[record.data()["case_id"]].append(record.data()["version"])
    for found in versions.values():
        assert found == list(range(1, len(found) + 1))


def _one_case_per_campaign(public: Public, reports: list[Sent], case_of: dict[str, str]) -> None:
    cases: dict[int, set[str]] = defaultdict(set)
    for report in reports:
        case = case_of.get(public.accepted[report.key])
        if report.campaign is not None and case is not None:
            cases[report.campaign].add(case)
    assert cases
    assert {len(found) for found in cases.values()} == {1}, "a campaign has one case"
    assert len({case for found in cases.values() for case in found}) == len(cases), "and shares it with no other"


def _letters_hold_the_poison_only(log: dict[str, list[Read]], poison: set[tuple[str, int, int]]) -> None:
    """Each consumer of a topic has put each poison record of it to its dead letters once, and nothing else."""
    letters = Counter(
        (
            record.headers["dl_consumer"],
            (record.headers["dl_topic"] or b"").decode(),
            int(record.headers["dl_partition"] or b""),
            int(record.headers["dl_offset"] or b""),
        )
        for name, records in log.items()
        if name.endswith(".deadletters")
        for record in records
    )
    assert set(letters.values()) == {1}
    assert {tuple(position) for _, *position in letters} == poison
