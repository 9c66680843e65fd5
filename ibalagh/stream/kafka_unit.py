"""A unit of work in one Kafka transaction: effects, dead letters and positions, for stateless services (triage).

In: a decoded batch and a handler that is a plain function. Out: `Committed`. Where the group's offsets are the truth.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.stream.errors import AbortableError, FatalStreamError, PassingError, UnknownOutcomeError
from ibalagh.stream.ports import GroupMetadata, Positions, TopicPartition, TransactionalProducer
from ibalagh.stream.unit import Batch, Committed, Handled, Rejected

_AT_A_TIME: Final = 500
Handle = Callable[[Sequence[Event[Data]]], Handled]
"""Events of a batch, in order → what follows from them. Pure, or at least repeatable: an aborted batch comes again."""


class KafkaUnit:
    """Handles a batch and commits it in a Kafka transaction.

    `producer_factory` is called on first use and again after a commit of unknown end. `group` gives the consumer's
    metadata at the moment of commit, which fences a worker that has lost its partitions (KIP-447).
    """

    keeps_positions = False

    def __init__(
        self,
        *,
        handle: Handle,
        codec: Codec,
        producer_factory: Callable[[], TransactionalProducer],
        group: Callable[[], GroupMetadata],
        dead_letter_topic: str,
        consumer_name: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._handle = handle
        self._codec = codec
        self._producer_factory = producer_factory
        self._group = group
        self._dead_letter_topic = dead_letter_topic
        self._consumer_name = consumer_name
        self._clock = clock
        self._producer: TransactionalProducer | None = None

    def start_positions(self, partitions: Collection[TopicPartition]) -> Positions:  # noqa: ARG002
        """Nothing: the group's committed offsets are the truth. But these are about to be read, so first the producer
        is made ready, which ends whatever transaction its predecessor left open. Raises `PassingError`."""
        self._ready_producer()
        return {}

    def process(self, batch: Batch) -> Committed:
        """One batch, in these steps:

        1. begin a transaction, making a producer ready first if there is none;
        2. handle the events and produce their effects, some hundred at a time;
        3. produce the dead letters;
        4. send the positions that follow the batch, with the group's metadata;
        5. commit.

        An error in 1 to 5, a handler's too, aborts; where the end of 5 is unknown, or the abort fails as well, the
        producer is thrown away instead. Raises as `Unit.process` says.
        """
        producer = self._ready_producer()
        try:
            producer.begin()
            effects, rejected = self._publish_effects(producer, batch.events)
            producer.produce(
                batch.dead_letters(
                    rejected, topic=self._dead_letter_topic, consumer=self._consumer_name, now=self._clock()
                )
            )
            producer.send_offsets(batch.positions, self._group())
            started = time.perf_counter()
            producer.commit()
        except (UnknownOutcomeError, FatalStreamError):
            self._discard()
            raise
        except BaseException:
            self._abort()
            raise
        return Committed(effects, rejected, time.perf_counter() - started)

    def close(self) -> None:
        """Free the producer; an open transaction is aborted."""
        self._discard()

    def _publish_effects(
        self, producer: TransactionalProducer, events: Sequence[Event[Data]]
    ) -> tuple[int, list[Rejected]]:
        """How many effects there were, and what was refused. By the hundred, since one transaction costs the broker the
        same however large it is, and effects and their records, all at once, would be most of a worker's memory."""
        encode = self._codec.encode
        effects = 0
        rejected: list[Rejected] = []
        for start in range(0, len(events), _AT_A_TIME):
            handled = self._handle(events[start : start + _AT_A_TIME])
            producer.produce([encode(event) for event in handled.effects])
            effects += len(handled.effects)
            rejected += handled.rejected
        return effects, rejected

    def _ready_producer(self) -> TransactionalProducer:
        if self._producer is None:
            producer = self._producer_factory()
            try:
                producer.prepare()
            except BaseException:
                producer.close()
                raise
            self._producer = producer
        return self._producer

    def _abort(self) -> None:
        try:
            if self._producer is not None:
                self._producer.abort()
        except (PassingError, AbortableError, UnknownOutcomeError):
            # The transaction's state is unknown: the next producer of this id fences and ends it.
            self._discard()

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()
