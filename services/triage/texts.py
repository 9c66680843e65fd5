"""What a reporter wrote, for whoever decides about it, read from the log where triage's own event says that it stands.

So the text lives in one place: the desk's tables hold none, and what the log forgets is forgotten here too. One
consumer in a group of its own stands paused at the ends; for each wish it goes to one position, takes one record, and
stops again. A group without committed offsets leaves nothing behind.
"""

import queue
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final, NamedTuple

from ibalagh.contracts.codec import Codec
from ibalagh.events.dialogue import ReportSupplementedV1
from ibalagh.events.envelope import Data, Position
from ibalagh.events.registry import RECEIVED, URGENT
from ibalagh.events.reports import ReportReceivedV1
from ibalagh.stream.errors import InvalidRecordError, PassingError
from ibalagh.stream.ports import Consumer, Positions, Record, TopicPartition
from ibalagh.stream.processor import Stop

_IDLE_S: Final = 0.02
_MAX_WAITING: Final = 100


class _Wish(NamedTuple):
    position: Position
    answer: "Future[Data | None]"
    deadline: float


class TextReader:
    """Reads single events from `reports.received` and its urgent lane. `run` is its loop; any thread may call the
    other functions."""

    def __init__(self, consumer: Consumer, codec: Codec, *, timeout_s: float) -> None:
        self._consumer = consumer
        self._codec = codec
        self._timeout_s = timeout_s
        self._wishes: queue.Queue[_Wish] = queue.Queue(_MAX_WAITING)

    def report_at(self, position: Position) -> ReportReceivedV1 | None:
        """The report as received; None when it is not in the log, or could not be read in time."""
        found = self._at(position)
        return found if isinstance(found, ReportReceivedV1) else None

    def supplements_at(self, positions: Sequence[Position]) -> list[ReportSupplementedV1 | None]:
        """Supplements, in order; None for what is not in the log, or could not be read in the time that all of them
        have together."""
        found: list[ReportSupplementedV1 | None] = []
        until = time.monotonic() + self._timeout_s
        for position in positions:
            one = self._at(position) if time.monotonic() < until else None
            found.append(one if isinstance(one, ReportSupplementedV1) else None)
        return found

    def _at(self, position: Position) -> Data | None:
        wish = _Wish(position, Future(), time.monotonic() + self._timeout_s)
        try:
            self._wishes.put_nowait(wish)
            return wish.answer.result(self._timeout_s)
        except (queue.Full, FutureTimeoutError):
            return None

    def run(self, shutdown: Stop) -> None:
        """Serve wishes until a stop is requested; the consumer is closed at the end."""
        try:
            topics = [self._codec.topic(RECEIVED), self._codec.topic(URGENT)]
            self._consumer.subscribe(topics, start_positions=self._at_the_ends)
            self._consumer.pause()
            while not shutdown.requested:
                self._serve_one()
        finally:
            self._consumer.close()

    def _at_the_ends(self, partitions: Collection[TopicPartition]) -> Positions:
        return self._consumer.end_offsets(partitions)

    def _serve_one(self) -> None:
        try:
            # Even with nothing to do: who does not poll is thrown out of the group.
            self._consumer.consume(1, 0.0, _IDLE_S)
            wish = self._wishes.get(timeout=_IDLE_S)
        except (PassingError, queue.Empty):
            return
        try:
            wish.answer.set_result(self._read(wish))
        except PassingError:
            wish.answer.set_result(None)

    def _read(self, wish: _Wish) -> Data | None:
        topic, partition, offset = wish.position
        ends = dict(self._consumer.end_offsets(self._consumer.assignment()))
        if ends.get(TopicPartition(topic, partition), 0) <= offset:
            return None
        self._consumer.seek({**ends, TopicPartition(topic, partition): offset})
        self._consumer.resume()
        try:
            while time.monotonic() < wish.deadline:
                for record in self._consumer.consume(1, 0.0, _IDLE_S):
                    if record[:3] == wish.position:
                        return self._decoded(record)
            return None
        finally:
            self._consumer.pause()

    def _decoded(self, record: Record) -> Data | None:
        try:
            return self._codec.decode(record).data
        except InvalidRecordError:
            return None
