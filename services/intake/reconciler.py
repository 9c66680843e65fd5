"""Publishes what was stored and perhaps never published: the process was killed, or the broker did not answer in time.

In: reports that have been pending for longer than a publication lasts; out: each of them in the log exactly once. The
log itself is asked first, since a report whose acknowledgement was lost is there already. A report whose sender was
told to try again later is published too: it counts, even if nobody asks for its receipt. What a reporter says about a
report later is treated in the same way.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, URGENT
from ibalagh.stream.errors import PassingError, UnknownOutcomeError
from ibalagh.stream.ports import Acknowledgement, Consumer, Positions, Producer, TopicPartition
from services.intake.acceptance import record_of
from services.intake.metrics import intake_metrics
from services.intake.publisher import Stop, close_producer
from services.intake.store import IntakeStore, Pending

_log = logging.getLogger(__name__)
_BATCH = 500
_FORGET_EVERY_S = 3_600.0


class StopWait(Stop, Protocol):
    """`Stop`, for a loop that waits."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the request to stop, at most `timeout_s`."""


class Step(NamedTuple):
    """What a batch came to: reports that were looked for, those that the log had, those that were published, and the
    last one that was looked for; None when there was none."""

    looked_for: int
    found: int
    published: int
    last: Pending | None

    @property
    def settled(self) -> int:
        """How many are not pending any more."""
        return self.found + self.published


class Reconciler:
    """`run` looks every `interval_s` for reports pending for more than `age_s`, which must exceed the time that a
    publication may take, so that nobody is publishing them any more. `consumer_of` makes a consumer of a group."""

    def __init__(
        self,
        store: IntakeStore,
        codec: Codec,
        producer: Producer,
        consumer_of: Callable[[str], Consumer],
        *,
        age_s: float,
        interval_s: float,
        publish_timeout_s: float,
    ) -> None:
        self._store = store
        self._codec = codec
        self._producer = producer
        self._consumer_of = consumer_of
        self._age_s = age_s
        self._interval_s = interval_s
        self._publish_timeout_s = publish_timeout_s

    def run(self, stop: StopWait) -> None:
        """Until asked to stop. Raises what is not passing: crash."""
        forgotten_at = time.monotonic()
        try:
            while not stop.requested:
                try:
                    while self.step().settled == _BATCH and not stop.requested:
                        pass
                    if time.monotonic() - forgotten_at > _FORGET_EVERY_S:
                        self._store.forget_positions()
                        forgotten_at = time.monotonic()
                except (PassingError, UnknownOutcomeError) as error:
                    _log.warning("nothing could be reconciled", extra={"error": type(error).__name__})
                stop.wait(self._interval_s)
        finally:
            close_producer(self._producer)

    def step(self, after: Pending | None = None, *, publish: bool = True) -> Step:
        """Settle one batch, of the reports that come after `after`; without `publish`, only look. Raises
        `PassingError` and `UnknownOutcomeError`."""
        with self._store.claim(self._age_s, _BATCH, after) as claim:
            if not claim.reports:
                return Step(0, 0, 0, None)
            topics = [self._codec.topic(RECEIVED), self._codec.topic(URGENT)]
            wanted = {report.report_id for report in claim.reports}
            consumer = self._consumer_of(f"{self._codec.topic_prefix}intake.reconcile.{uuid.uuid4().hex}")
            try:
                there = find_in_log(consumer, topics, claim.search_from(), wanted)
            finally:
                consumer.close()
            if not publish:
                return Step(len(claim.reports), len(there), 0, claim.reports[-1])
            missing = [report for report in claim.reports if report.report_id not in there]
            records = [
                record_of(self._codec, each.report_id, each.value, each.accepted_at, each.event_type)
                for each in missing
            ]
            answers = self._producer.publish(records, self._publish_timeout_s) if records else []
            published = {
                each.report_id: answer for each, answer in zip(missing, answers, strict=True) if answer is not None
            }
            claim.note_published({**there, **published})
            intake_metrics().reconciled(len(there), len(published))
            _log.info("pending reports settled", extra={"found": len(there), "count": len(published)})
            return Step(len(claim.reports), len(there), len(published), claim.reports[-1])


def find_in_log(
    consumer: Consumer,
    topics: Sequence[str],
    start: Mapping[TopicPartition, int],
    wanted: Collection[str],
    timeout_s: float = 50.0,
) -> dict[str, Acknowledgement]:
    """Where the topics hold those of the event ids `wanted` that lie between `start` (else the beginning) and their
    present ends.

    `consumer` is the only member of its group. Raises `PassingError` when the end is not reached within `timeout_s`.
    """

    def start_positions(partitions: Collection[TopicPartition]) -> Positions:
        return {partition: start[partition] for partition in partitions if partition in start}

    consumer.subscribe(topics, start_positions=start_positions)
    ids = {id_.encode(): id_ for id_ in wanted}
    found: dict[str, Acknowledgement] = {}
    ends: Positions = {}
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for record in consumer.consume(5_000, 0.02, 0.1):
            event_id = next((value for name, value in record.headers if name == "ce_id"), None)
            if event_id in ids:
                found.setdefault(ids[event_id], Acknowledgement(record.topic, record.partition, record.offset))
        if not ends and consumer.assignment():
            ends = consumer.end_offsets(consumer.assignment())
        if ends and len(found) == len(ids):
            return found
        positions = consumer.positions()
        if ends and all(positions.get(partition, 0) >= end for partition, end in ends.items()):
            return found
    raise PassingError("the log could not be searched in time")
