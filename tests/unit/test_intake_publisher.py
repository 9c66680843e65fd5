"""The group commit: accepted means stored and acknowledged, and nobody waits for ever."""

import asyncio
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.events.vocabulary import Channel
from ibalagh.stream.errors import ConflictError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Acknowledgement, Outgoing
from services.intake.acceptance import Acceptance, Prepared
from services.intake.publisher import Outcome, OverloadedError, Publisher, Verdict
from services.intake.receipt import Secrets
from services.intake.store import Known, Stored
from services.intake.submission import Submission
from services.intake.vault import MasterKey

ACCEPTANCE = Acceptance(
    Codec("t."), Secrets.from_root(bytes(32)), MasterKey(bytes(32), os.urandom), lambda: str(uuid.uuid4()), os.urandom
)


def report(key: bytes | None = None, body: bytes = b"{}") -> Prepared:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    return ACCEPTANCE.prepare(Submission(text="x"), channel=Channel.API, now=now, key=key, body=body)


class MemoryStore:
    """The tables as dictionaries; `fails` raises the next errors, one a call."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.stored: dict[str, Prepared] = {}
        self.pending: set[str] = set()
        self.positions: dict[str, Acknowledgement] = {}
        self.batches: list[int] = []

    def store(self, reports: Sequence[Prepared], published: Mapping[str, Acknowledgement]) -> Stored:
        if self.fails:
            raise self.fails.pop(0)
        self.note_published(published)
        by_key = {each.retry.key_hash: each for each in self.stored.values() if each.retry}
        new = [each for each in reports if each.retry is None or each.retry.key_hash not in by_key]
        assert len({each.retry.key_hash for each in new if each.retry}) == len([each for each in new if each.retry])
        self.stored |= {each.report_id: each for each in new}
        self.pending |= {each.report_id for each in new}
        self.batches.append(len(reports))
        found = {
            key: Known(
                each.report_id,
                each.retry.body_hash,
                each.accepted_at,
                each.record_sha256,
                self.positions.get(each.report_id),
                each.report_id in self.pending,
            )
            for key, each in by_key.items()
            if each.retry
        }
        return Stored(frozenset(each.report_id for each in new), found)

    def note_published(self, published: Mapping[str, Acknowledgement]) -> None:
        self.pending -= published.keys()
        self.positions |= published


class MemoryProducer:
    """Acknowledges what `takes` says; keeps what it was given."""

    def __init__(self, takes: Callable[[Outgoing], bool] = lambda _: True, error: Exception | None = None) -> None:
        self.takes = takes
        self.error = error
        self.records: list[Outgoing] = []
        self.closed = False

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list[Acknowledgement | None]:
        assert timeout_s > 0
        if self.error is not None:
            raise self.error
        return [self._take(record) if self.takes(record) else None for record in records]

    def _take(self, record: Outgoing) -> Acknowledgement:
        self.records.append(record)
        return Acknowledgement(record.topic, 0, len(self.records) - 1)

    def close(self) -> None:
        self.closed = True


class Stop:
    requested = False


@contextmanager
def running(store: MemoryStore, producer: MemoryProducer, capacity: int = 1_000) -> Iterator[Publisher]:
    publisher = Publisher(
        store, producer, ACCEPTANCE.receipt_of, max_batch=100, linger_s=0.001, capacity=capacity, publish_timeout_s=1
    )
    stop = Stop()
    thread = threading.Thread(target=publisher.run, args=(stop,))
    thread.start()
    try:
        yield publisher
    finally:
        stop.requested = True
        thread.join(10)
        assert not thread.is_alive()
        assert producer.closed


def ask(publisher: Publisher, *groups: Sequence[Prepared]) -> list[list[Outcome]]:
    async def gather() -> list[list[Outcome]]:
        return list(await asyncio.gather(*(publisher.offer(group) for group in groups)))

    return asyncio.run(gather())


def test_what_is_accepted_is_stored_and_published_and_noted() -> None:
    store, producer = MemoryStore(), MemoryProducer()
    reports = [report() for _ in range(250)]
    with running(store, producer) as publisher:
        answers = ask(publisher, *([each] for each in reports))
    assert [answer[0] for answer in answers] == [
        Outcome(Verdict.ACCEPTED, each.report_id, each.receipt, each.facts(store.positions[each.report_id]))
        for each in reports
    ]
    assert [store.positions[each.report_id].offset for each in reports] == list(range(250))
    assert [record.key for record in producer.records] == [each.report_id.encode() for each in reports]
    assert not store.pending
    assert len(store.batches) < 10
    assert max(store.batches) <= 100


def test_fifty_requests_with_one_key_are_one_report_and_one_receipt() -> None:
    store, producer = MemoryStore(), MemoryProducer()
    with running(store, producer) as publisher:
        answers = ask(publisher, *([report(b"k" * 16)] for _ in range(50)))
        later = ask(publisher, [report(b"k" * 16)])
    assert len({answer[0] for answer in answers + later}) == 1
    assert answers[0][0].verdict is Verdict.ACCEPTED
    assert len(producer.records) == 1


def test_one_key_with_two_bodies_is_refused_in_one_batch_and_later() -> None:
    store, producer = MemoryStore(), MemoryProducer()
    with running(store, producer) as publisher:
        first = ask(publisher, [report(b"k" * 16, b"one"), report(b"k" * 16, b"two")])
        later = ask(publisher, [report(b"k" * 16, b"two")])
    assert [each.verdict for each in first[0] + later[0]] == [Verdict.ACCEPTED, Verdict.KEY_REUSED, Verdict.KEY_REUSED]
    assert len(producer.records) == 1


def test_without_an_acknowledgement_there_is_no_receipt_and_the_report_stays_pending() -> None:
    lost = report(b"k" * 16)
    store = MemoryStore()
    producer = MemoryProducer(lambda record: record.key != lost.report_id.encode())
    with running(store, producer) as publisher:
        answers = ask(publisher, [lost, report()])
        assert store.pending >= {lost.report_id}
    assert [each.verdict for each in answers[0]] == [Verdict.UNAVAILABLE, Verdict.ACCEPTED]
    assert answers[0][0] == Outcome(Verdict.UNAVAILABLE)
    assert store.pending == {lost.report_id}


def test_a_retry_of_a_pending_report_is_not_published_twice_and_gets_its_receipt_once_it_is_noted() -> None:
    first = report(b"k" * 16)
    store, producer = MemoryStore(), MemoryProducer()
    store.stored[first.report_id] = first
    store.pending.add(first.report_id)
    with running(store, producer) as publisher:
        assert ask(publisher, [report(b"k" * 16)])[0][0].verdict is Verdict.UNAVAILABLE
        place = Acknowledgement("t", 0, 0)
        store.note_published({first.report_id: place})
        again = ask(publisher, [report(b"k" * 16)])[0][0]
        assert again == Outcome(Verdict.ACCEPTED, first.report_id, first.receipt, first.facts(place))
    assert producer.records == []


@pytest.mark.parametrize("error", [PassingError("away"), UnknownOutcomeError("lost")])
def test_database_away_promises_nothing_publishes_nothing_and_refuses_at_once_for_a_while(error: Exception) -> None:
    store, producer = MemoryStore(error), MemoryProducer()
    with running(store, producer) as publisher:
        assert ask(publisher, [report()])[0][0] == Outcome(Verdict.UNAVAILABLE)
        assert ask(publisher, [report()])[0][0] == Outcome(Verdict.UNAVAILABLE)
    assert producer.records == []
    assert store.batches == []


def test_a_conflict_is_tried_again_at_once() -> None:
    store, producer = MemoryStore(ConflictError("deadlock"), ConflictError("deadlock")), MemoryProducer()
    with running(store, producer) as publisher:
        assert ask(publisher, [report()])[0][0].verdict is Verdict.ACCEPTED


def test_a_producer_that_cannot_go_on_is_a_crash_that_leaves_nobody_waiting() -> None:
    store, producer = MemoryStore(), MemoryProducer(error=FatalStreamError("fenced"))
    publisher = Publisher(
        store, producer, ACCEPTANCE.receipt_of, max_batch=100, linger_s=0, capacity=10, publish_timeout_s=1
    )
    crashed: list[BaseException] = []

    def run() -> None:
        try:
            publisher.run(Stop())
        except FatalStreamError as error:
            crashed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert ask(publisher, [report()])[0][0].verdict is Verdict.UNAVAILABLE
    thread.join(10)
    assert crashed
    with pytest.raises(OverloadedError):
        ask(publisher, [report()])


def test_more_than_the_queue_holds_is_refused_at_once() -> None:
    publisher = Publisher(
        MemoryStore(), MemoryProducer(), ACCEPTANCE.receipt_of, max_batch=9, linger_s=0, capacity=2, publish_timeout_s=1
    )

    async def overfill() -> None:
        publisher.offer([report(), report()])
        publisher.offer([report()])

    with pytest.raises(OverloadedError):
        asyncio.run(overfill())


def test_what_presses_is_handled_before_what_came_earlier() -> None:
    store, producer = MemoryStore(), MemoryProducer()
    publisher = Publisher(
        store, producer, ACCEPTANCE.receipt_of, max_batch=2, linger_s=0, capacity=100, publish_timeout_s=1
    )
    ordinary, pressing = [report() for _ in range(4)], report()

    async def offered() -> list[list[Outcome]]:
        waiting = [publisher.offer([each]) for each in ordinary]
        waiting.append(publisher.offer([pressing], pressing=True))
        stop = Stop()
        thread = threading.Thread(target=publisher.run, args=(stop,))
        thread.start()
        outcomes = list(await asyncio.gather(*waiting))
        stop.requested = True
        await asyncio.to_thread(thread.join, 10)
        return outcomes

    assert all(outcome[0].verdict is Verdict.ACCEPTED for outcome in asyncio.run(offered()))
    assert producer.records[0] == pressing.record


def test_some_places_are_kept_for_what_presses() -> None:
    publisher = Publisher(
        MemoryStore(), MemoryProducer(), ACCEPTANCE.receipt_of, max_batch=9, linger_s=0, capacity=5, publish_timeout_s=1
    )

    async def fill() -> None:
        for _ in range(4):
            publisher.offer([report()])
        with pytest.raises(OverloadedError):
            publisher.offer([report()])
        publisher.offer([report()], pressing=True)
        with pytest.raises(OverloadedError):
            publisher.offer([report()], pressing=True)

    asyncio.run(fill())


def test_a_group_of_nothing_is_answered_too() -> None:
    with running(MemoryStore(), MemoryProducer()) as publisher:
        assert ask(publisher, []) == [[]]
