"""Effects on their way into the outbox, packed from the event at once: every case event of every report goes here.

In: events with a cause, and which causes a batch has; out: the rows that `Codec.encode` and `chunks` would make of
them, at half of their time: no pairs of headers are built in between, what a type and a source fix is said once in a
row, and what the effects of one cause share is rendered once per cause.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ibalagh.contracts.codec import Codec, format_time
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.chunks import ChunkWriter, Shape
from ibalagh.stream.ports import TopicPartition

_OWN: Final = ("ce_id", "ce_subject", "ce_time", "ce_origintime", "ce_cause")


class EffectPacker:
    """Packs effects as `codec` encodes them. One thread uses it."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._shapes: dict[tuple[str, str], tuple[str, Shape]] = {}

    def pack(self, effects: Sequence[Event[Data]], causes: Mapping[TopicPartition, tuple[int, int]]) -> bytes | None:
        """A COPY stream of the outbox's rows; None when the effects do not come in the order of their causes.

        `causes`: per source partition the offsets of the batch, from the first to before the last. Raises ValueError
        for an event whose cause is none of these.
        """
        writer = ChunkWriter()
        add = writer.add
        last_time = last_origin = last_subject = last_topic = None
        last_partition = last_offset = last_number = -1
        last_of: dict[tuple[str, int], tuple[int, int]] = {}
        begin = end = 0
        time_ = origin = key = place = b""
        for event in effects:
            id_, type_, said_by, subject, time, origin_time, data, cause, _ = event
            if cause is None:
                raise ValueError(f"{type_} {id_} has no cause, so it has no place in the outbox")
            topic, partition, offset, number = cause
            if partition != last_partition or topic != last_topic:
                if last_topic is not None:
                    last_of[last_topic, last_partition] = last_offset, last_number
                last_topic, last_partition = topic, partition
                begin, end = causes.get((topic, partition), (0, 0))  # type: ignore[call-overload] # it is such a pair
                last_offset, last_number = last_of.get((topic, partition), (begin - 1, 0))
                place = b""
            if offset != last_offset or not place:
                if offset < last_offset and begin <= offset:
                    return None
                if not begin <= offset < end:
                    raise ValueError(f"the cause of {type_} {id_} is not of this batch")
                place = f"{topic}/{partition}/{offset}/".encode()
            if offset == last_offset and number < last_number:
                return None
            last_offset, last_number = offset, number
            if time is not last_time:
                last_time, time_ = time, format_time(time)
            if origin_time is not last_origin:
                last_origin, origin = origin_time, format_time(origin_time)
            if subject is not last_subject:
                last_subject, key = subject, subject.encode()
            name, shape = self._shapes.get((type_, said_by)) or self._learn(event)
            value = data.to_json()
            own = id_.encode(), key, time_, origin, b"%b%d" % (place, number)
            add(topic, partition, offset, shape, (name, key, value, *own))
        return writer.stream()

    def _learn(self, event: Event[Data]) -> tuple[str, Shape]:
        """The shape of a type from a source, from one event that the codec encoded: it alone says what headers are."""
        outgoing = self._codec.encode(event)
        fixed = outgoing.headers[: -len(_OWN)]
        if tuple([name for name, _ in outgoing.headers[-len(_OWN) :]]) != _OWN:
            raise ValueError("the codec writes other headers than are packed here")
        learnt = f"{event.type} {event.source}", Shape(outgoing.topic, tuple(fixed), _OWN)
        self._shapes[event.type, event.source] = learnt
        return learnt
