"""A member of a consumer group on Kafka, on the classic group protocol, reading committed records only.

In: a group's topics. Out: batches of `Record`s of the partitions owned now. A partition starts where the caller's
`start_positions` says, else at the group's committed offset, else at its beginning; an offset that the log no longer
(or not yet) has is a `FatalStreamError`, never a silent skip.

The callbacks of a rebalance run inside `consume` and only note what changed; starting positions are looked up after
the callback, where an error can be raised and the look-up tried again.
"""

import time
from collections.abc import Callable, Collection, Sequence
from operator import methodcaller
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException
from confluent_kafka import Consumer as _Consumer
from confluent_kafka import TopicPartition as _TopicPartition

from ibalagh.stream.errors import FatalStreamError, PassingError
from ibalagh.stream.kafka.client import (
    MAX_MESSAGE_BYTES,
    MAX_POLL_INTERVAL_S,
    SESSION_TIMEOUT_S,
    common_config,
    is_passing,
    kafka_error,
    raised,
)
from ibalagh.stream.ports import GroupMetadata, Headers, PassesOver, Positions, Record, TopicPartition

UNREADABLE_HEADERS: Final[Headers] = (("unreadable_headers", None),)
"""In the place of headers of which a name is no UTF-8: the one thing that a dead letter cannot keep."""
# Nothing in Kafka keeps a writer from a header name that is no UTF-8. The library then returns a broken list with an
# exception set; the interpreter's own fast path for a method call does not look (Python 3.11), a call from C does.
_ask_headers: Final = methodcaller("headers")
_new: Final = tuple.__new__
_LOOKUP_TIMEOUT_S: Final = 10.0
_GATHERED_BYTES: Final = 256 * 1024
_AT_A_TIME: Final = 250
"""Messages asked of the library at once: so many, made into records, still lie in a processor's nearest caches."""
_LATEST: Final = -1
"""ListOffsets' time stamp for the end of a partition; with read_committed the broker answers the last stable offset."""


class KafkaConsumer:
    """A consumer of one group. Without `subscribe` it only commits and looks up offsets for its group.

    `gather_s` lets the broker keep back what is less than `_GATHERED_BYTES` for so many seconds: for a reader that
    nobody waits for, since at low rates every transaction is a fetch of its own for each reader. What `passes_over`
    names is left out.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        client_id: str = "ibalagh",
        *,
        session_timeout_s: float = SESSION_TIMEOUT_S,
        gather_s: float = 0.0,
        passes_over: PassesOver | None = None,
    ) -> None:
        self._passes_over = passes_over
        self._latched: Exception | None = None
        self._start_positions: Callable[[Collection[TopicPartition]], Positions] | None = None
        self._on_revoked: Callable[[Collection[TopicPartition]], None] | None = None
        self._owned: set[TopicPartition] = set()
        self._unplaced: set[TopicPartition] = set()
        self._starts: dict[TopicPartition, int] = {}
        self._metadata: GroupMetadata | None = None
        self._revocations = 0
        self._paused = False
        self._consumer = _Consumer(
            {
                **common_config(bootstrap, client_id),
                "group.id": group,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                # A partition that stays where it is keeps its fetched records and its place through a rebalance, and
                # nothing is in flight while a callback runs, so that eager's stop of the world would gain nothing.
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": int(session_timeout_s * 1000),
                "heartbeat.interval.ms": int(session_timeout_s * 1000 / 4),
                "max.poll.interval.ms": int(MAX_POLL_INTERVAL_S * 1000),
                "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
                **({"fetch.min.bytes": _GATHERED_BYTES, "fetch.wait.max.ms": int(gather_s * 1000)} if gather_s else {}),
                # A full queue is looked at again after this time (the default is 1 s), and may hold this much memory.
                "fetch.queue.backoff.ms": 10,
                "queued.min.messages": 5_000,
                "queued.max.messages.kbytes": 8_192,
                "topic.metadata.refresh.interval.ms": 30_000,
                "error_cb": self._on_error,
            }
        )

    def subscribe(
        self,
        topics: Sequence[str],
        *,
        start_positions: Callable[[Collection[TopicPartition]], Positions] | None = None,
        on_revoked: Callable[[Collection[TopicPartition]], None] | None = None,
    ) -> None:
        """See `ports.Consumer`."""
        self._start_positions = start_positions
        self._on_revoked = on_revoked
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def consume(self, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        """See `ports.Consumer`. The first record is asked for alone, because a call of the library waits for as many as
        it is asked for, or its whole time-out, however many have arrived."""
        self._raise_latched()
        revocations = self._revocations
        messages = self._consumer.consume(1, idle_s)
        records = self._records(messages)
        if messages:
            self._fill(records, max_records - 1, time.monotonic() + linger_s)
        if revocations != self._revocations:
            records = [record for record in records if TopicPartition(record[0], record[1]) in self._owned]
        if self._unplaced:
            self._place_or_latch()
        if not records:
            self._raise_latched()
        return records

    def _fill(self, records: list[Record], max_messages: int, deadline: float) -> None:
        while (wanted := min(max_messages, _AT_A_TIME)) > 0:
            messages = self._consumer.consume(wanted, max(0.0, deadline - time.monotonic()))
            records += self._records(messages)
            if len(messages) < wanted:
                return
            max_messages -= wanted

    def assignment(self) -> Collection[TopicPartition]:
        """See `ports.Consumer`."""
        return frozenset(self._owned)

    def positions(self) -> Positions:
        """See `ports.Consumer`; a partition of which nothing was read yet stands at its start, if that is known."""
        positions = {partition: start for partition, start in self._starts.items() if start >= 0}
        for at in self._consumer.position([_TopicPartition(*partition) for partition in self._owned]):
            if at.offset >= 0:
                positions[TopicPartition(at.topic, at.partition)] = at.offset
        return positions

    def committed(self, partitions: Collection[TopicPartition]) -> Positions:
        """See `ports.Consumer`. Offsets in an open transaction are waited for, since they may become the group's."""
        if not partitions:
            return {}
        found = self._look_up(self._consumer.committed, [_TopicPartition(*partition) for partition in partitions])
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def end_offsets(self, partitions: Collection[TopicPartition]) -> Positions:
        """See `ports.Consumer`."""
        if not partitions:
            return {}
        asked = [_TopicPartition(*partition, _LATEST) for partition in partitions]
        return self._look_up(self._consumer.offsets_for_times, asked)

    def seek(self, positions: Positions) -> None:
        """See `ports.Consumer`."""
        try:
            for partition, offset in positions.items():
                self._consumer.seek(_TopicPartition(*partition, offset))
                self._starts[partition] = offset
        except KafkaException as exception:
            error = kafka_error(exception)
            # A partition that was assigned a moment ago may not be fetched from yet.
            if error.code() == KafkaError._STATE:
                raise PassingError("seek: a partition is not being fetched from yet") from None
            raise raised(error, "seek") from None

    def rewind(self) -> None:
        """See `ports.Consumer`."""
        self._metadata = None
        self.seek(self._start_offsets(self._owned))

    def pause(self) -> None:
        """See `ports.Consumer`."""
        self._paused = True
        self._consumer.pause([_TopicPartition(*partition) for partition in self._owned])

    def resume(self) -> None:
        """See `ports.Consumer`."""
        self._paused = False
        self._consumer.resume([_TopicPartition(*partition) for partition in self._owned])

    def commit(self, positions: Positions) -> None:
        """See `ports.Consumer`."""
        if positions:
            offsets = [_TopicPartition(*partition, offset) for partition, offset in positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def group_metadata(self) -> GroupMetadata:
        """See `ports.Consumer`. Kept until the next rebalance: the library asks its own thread, and keeps the
        interpreter's lock while it waits for the answer."""
        if self._metadata is None:
            self._metadata = self._consumer.consumer_group_metadata()
        return self._metadata

    def close(self) -> None:
        """See `ports.Consumer`."""
        self._consumer.close()

    def _records(self, messages: Sequence[Any]) -> list[Record]:
        records: list[Record] = []
        passes_over = self._passes_over
        for message in messages:
            error = message.error()
            if error is None:
                if passes_over is None or not passes_over(message.topic(), message.value()):
                    records.append(record_of(message))
            else:
                # Records beside it have moved the positions already, so these must be returned; it is raised after.
                self._latch(self._consume_error(error))
        return records

    def _consume_error(self, error: KafkaError) -> Exception:
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            return FatalStreamError(f"the group's offset is not in the log any more, or not yet: {error.str()}")
        return raised(error, "consume")

    def _assigned(self, consumer: _Consumer, partitions: Sequence[_TopicPartition]) -> None:
        self._metadata = None
        self._unplaced.update(TopicPartition(at.topic, at.partition) for at in partitions)
        consumer.incremental_assign([])

    def _revoked(self, consumer: _Consumer, partitions: Sequence[_TopicPartition]) -> None:
        gone = {TopicPartition(at.topic, at.partition) for at in partitions}
        self._metadata = None
        self._revocations += 1
        self._unplaced -= gone
        consumer.incremental_unassign([_TopicPartition(*partition) for partition in gone & self._owned])
        self._owned -= gone
        for partition in gone:
            self._starts.pop(partition, None)
        if self._on_revoked is not None:
            self._on_revoked(gone)

    def _place_or_latch(self) -> None:
        try:
            starts = self._start_offsets(self._unplaced)
            self._consumer.incremental_assign([_TopicPartition(*partition, at) for partition, at in starts.items()])
            if self._paused:
                self._consumer.pause([_TopicPartition(*partition) for partition in starts])
        except KafkaException as exception:
            self._latch(raised(kafka_error(exception), "assign"))
        except Exception as error:  # noqa: BLE001 - raised by the next call: records in hand must be returned first
            self._latch(error)
        else:
            self._owned |= self._unplaced
            self._starts.update(starts)
            self._unplaced = set()

    def _start_offsets(self, partitions: Collection[TopicPartition]) -> Positions:
        given = self._start_positions(partitions) if self._start_positions is not None else {}
        starts = dict.fromkeys(partitions, OFFSET_BEGINNING)
        starts.update(self.committed([partition for partition in partitions if partition not in given]))
        starts.update((partition, given[partition]) for partition in partitions if partition in given)
        return starts

    def _look_up(
        self, ask: Callable[..., list[_TopicPartition]], partitions: list[_TopicPartition]
    ) -> dict[TopicPartition, int]:
        try:
            answers = ask(partitions, timeout=_LOOKUP_TIMEOUT_S)
        except KafkaException as exception:
            raise raised(kafka_error(exception), "look up offsets") from None
        for answer in answers:
            if answer.error is not None:
                raise raised(answer.error, "look up offsets")
        return {TopicPartition(answer.topic, answer.partition): answer.offset for answer in answers}

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN or not is_passing(error):
            self._latch(raised(error, "consumer"))

    def _latch(self, error: Exception) -> None:
        """Keep the first error for the next call; one that is no use retrying wins over one that passes."""
        if self._latched is None or isinstance(error, FatalStreamError):
            self._latched = error

    def _raise_latched(self) -> None:
        if self._latched is not None:
            error, self._latched = self._latched, None
            raise error


def record_of(message: Any) -> Record:
    """The record in a message without error; typed `Any`, since the library's types allow None for all it holds."""
    # The class would take half as long again to make the same of them, and this runs once per record of every reader.
    return _new(
        Record,
        (
            message.topic(),
            message.partition(),
            message.offset(),
            message.key(),
            message.value(),
            _headers(message),
        ),
    )


def _headers(message: Any) -> Headers:
    """The headers, asked for once only: after a failure the library would hand out a list with holes in it."""
    try:
        return _ask_headers(message) or ()
    except SystemError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            return UNREADABLE_HEADERS
        raise
