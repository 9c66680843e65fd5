"""`ibalagh bench referral`: reports into cases, an officer's action until its event, and the list of a full service.

In: how many reports, actions and stored cases. Out: reports a second and CPU per report, once with a link of its own in
every report (each opens a case: three events, four rows) and once with one link in all (a hot campaign: one case); the
milliseconds from the request of an action to its event on the topic; those of a page of a service's cases and inbox.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Final, NamedTuple

import psycopg2
import uuid_utils
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.progress import Progress

from bench.hop import rate_per_s
from bench.platform import Platform, platform
from bench.sampling import Sampler
from bench.stores import Stores
from bench.topics import preload_hidden, timestamps
from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Position, derived_id
from ibalagh.events.make import effect, root
from ibalagh.events.registry import OUTCOMES, REFERRED
from ibalagh.events.reports import Decision, Indicator, ReportFacts, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Channel, Disposition, IndicatorKind, Urgency, Variety
from ibalagh.stream.ports import Outgoing

TIMEOUT_S: Final = 600.0
SERVICE: Final = "PJ-RABAT"
_PROVINCE: Final = "04.421"
_PAGES: Final = 50
_FILL: Final = """
    INSERT INTO referral.cases (case_id, version, state, category, province, urgency, service, prosecutor,
        competence_table, competence_rule, received_on, opened_at, tally, clock, clock_started_at, clock_warns_at,
        clock_due_at, clock_level)
    SELECT gen_random_uuid(), 3, 'referred', 'fraud', '04.421', 0, %(service)s, 'PR-RABAT', 'bench', 'bench',
        date '2024-06-03', now(), '{"fraud":1}', 'acceptance', now(), now() + interval '6 days',
        now() + interval '8 days' + n * interval '1 ms', 0
    FROM generate_series(1, %(cases)s) AS n
"""


class Flow(NamedTuple):
    """Reports into cases: how many a second, and the CPU microseconds of each process for one."""

    reports_per_s: float
    cpu_us_per_report: dict[str, float]


class Result(NamedTuple):
    """What was measured; times in milliseconds."""

    fresh: Flow
    hot: Flow
    action_p99_ms: float
    case_list_ms: float
    inbox_ms: float


def run(reports: int, actions: int, cases: int, console: Console) -> Result:
    """Measure. Raises RuntimeError when the worker does not keep up within ten minutes."""
    with Progress(console=console, transient=True) as progress:
        hot, _ = _flow(reports, progress, one_link=True)
        fresh, (action_p99_ms, list_ms, inbox_ms) = _flow(
            reports, progress, then=lambda running: (_actions(running, actions), *_pages(running, cases))
        )
    return Result(fresh, hot, action_p99_ms, list_ms, inbox_ms)


def _flow(
    reports: int,
    progress: Progress,
    *,
    one_link: bool = False,
    then: Callable[[Platform], tuple[float, ...]] = lambda _: (),
) -> tuple[Flow, tuple[float, ...]]:
    task = progress.add_task("a hot campaign" if one_link else "a case for each", total=reports)
    expected = reports + 2 if one_link else 3 * reports
    show_it: list[Callable[[], None]] = []

    def load(stores: Stores) -> None:
        records = _triaged(reports, Codec(), datetime.now(UTC), one_link=one_link)
        show_it.append(preload_hidden(stores.bootstrap, records, lambda _: None))

    with platform(load, {"referral"}) as running:
        written: list[int] = []
        with Sampler(running.pids) as sampler:
            show_it.pop()()
            deadline = time.monotonic() + TIMEOUT_S
            for batch in timestamps(running.stores.bootstrap, Codec().topic(REFERRED)):
                written += batch
                progress.update(task, completed=len(written) * reports // expected)
                if len(written) >= expected:
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(f"referral wrote {len(written)} of {expected} events in {TIMEOUT_S:.0f} s")
        cpu = {name: usage.cpu_s / reports * 1e6 for name, usage in sampler.usage().items()}
        return Flow(rate_per_s(written) * reports / expected, cpu), then(running)


def _triaged(reports: int, codec: Codec, now: datetime, *, one_link: bool) -> Iterator[Outgoing]:
    """`report.triaged` as triage writes it."""
    facts = ReportFacts(received_on=now.date(), identified=False, country="MA", channel=Channel.FORM)
    for number in range(reports):
        report_id = str(uuid_utils.uuid7())
        link = "https://hot.example/" if one_link else f"https://shop-{number}.example/"
        data = ReportTriagedV1(
            report_id=report_id,
            facts=facts,
            variety=Variety.FRENCH,
            decision=Decision(
                disposition=Disposition.REFER,
                category=Category.FRAUD,
                urgency=Urgency.ROUTINE,
                confidence=0.91,
                reasons=("rule",),
                province=_PROVINCE,
                policy="bench",
            ),
            indicators=(Indicator(kind=IndicatorKind.URL, value=link),),
        )
        cause = root(data, id_=derived_id(report_id, "bench", ""), source="/intake", subject=report_id, now=now)
        cause = cause.at(Position("ibalagh.reports.received", 0, number))
        yield codec.encode(effect(cause, data, source="/triage", subject=report_id, number=0, now=now))


def _actions(running: Platform, actions: int) -> float:
    """The 99th percentile from the request of an action to the moment at which its event can be read, in ms."""
    topic = Codec().topic(OUTCOMES)
    consumer = Consumer(
        {
            "bootstrap.servers": running.stores.bootstrap,
            "group.id": "bench-actions",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 5,
        }
    )
    try:
        numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        cases = _get(running, "/v1/cases", limit=min(actions, 1_000))["items"]
        return _p99([_action(running, consumer, case["case_id"]) for case in cases])
    finally:
        consumer.close()


def _action(running: Platform, consumer: Consumer, case_id: str) -> float:
    began = time.monotonic()
    answer = running.client.post(
        f"{running.addresses['referral']}/v1/cases/{case_id}/actions",
        json={"action": "accept", "actor": "bench"},
        headers={"Authorization": f"Bearer {running.token}"},
    )
    answer.raise_for_status()
    deadline = began + timedelta(minutes=1).total_seconds()
    while time.monotonic() < deadline:
        message = consumer.poll(0.05)
        if message is not None and message.error() is None and message.key() == case_id.encode():
            return (time.monotonic() - began) * 1_000
    raise RuntimeError("the event of an action was not seen within a minute")


def _pages(running: Platform, cases: int) -> tuple[float, float]:
    """The 99th percentile of a page of the cases, and of the inbox, of a service that has so many, in ms."""
    connection = psycopg2.connect(running.stores.database_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_FILL, {"service": SERVICE, "cases": cases})
            cursor.execute("VACUUM ANALYZE referral.cases")
    finally:
        connection.close()
    return _timed(running, "/v1/cases"), _timed(running, "/v1/inbox")


def _timed(running: Platform, path: str) -> float:
    times = []
    for _ in range(_PAGES):
        began = time.monotonic()
        _get(running, path, service=SERVICE, limit=50)
        times.append((time.monotonic() - began) * 1_000)
    return _p99(times)


def _get(running: Platform, path: str, **query: int | str) -> dict[str, list[dict[str, str]]]:
    answer = running.client.get(
        f"{running.addresses['referral']}{path}", params=query, headers={"Authorization": f"Bearer {running.token}"}
    )
    answer.raise_for_status()
    document: dict[str, list[dict[str, str]]] = answer.json()
    return document


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[-1] if len(values) > 1 else values[0]
