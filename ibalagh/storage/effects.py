"""Effects on their way into the outbox, packed from the event at once: every case event of every report goes here.

In: events with a cause; out: the COPY stream that `Codec.encode` and `binary.pack_rows` would make of them, byte for
byte, at half of their time: neither pairs of headers nor rows are built in between, what a type and a source fix is
rendered once, and what the effects of one cause share is rendered once per cause.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.binary import pack_headers, pack_row, stream_of

_PLAIN: Final = re.compile(rb"[0-9A-Za-z_.:+/-]*").fullmatch
"""What needs no escape in JSON, nor care for its encoding."""
_OWN: Final = b',["ce_id","%b"],["ce_subject","%b"],["ce_time","%b"],["ce_origintime","%b"],["ce_cause","%b/%d/%d/%d"]]'
_OWN_COUNT: Final = 5


class EffectPacker:
    """Packs effects as `codec` encodes them. One thread uses it."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._fixed: dict[tuple[str, str], tuple[str, bytes]] = {}

    def pack(self, effects: Sequence[Event[Data]]) -> bytes:
        """A whole COPY stream for `OUTBOX_COLUMNS`. Raises ValueError for an event without cause."""
        rows: list[bytes] = []
        last_time = last_origin = last_subject = last_topic = None
        time_ = origin = key = source = b""
        plain = True
        for event in effects:
            id_, type_, said_by, subject, time, origin_time, data, cause, _ = event
            if cause is None:
                raise ValueError(f"{type_} {id_} has no cause, so it has no place in the outbox")
            topic, partition, offset, number = cause
            if time is not last_time:
                last_time, time_ = time, _wire(time)
            if origin_time is not last_origin:
                last_origin, origin = origin_time, _wire(origin_time)
            if subject is not last_subject or topic is not last_topic:
                last_subject, last_topic = subject, topic
                key, source = subject.encode(), topic.encode()
                plain = _PLAIN(key) is not None and _PLAIN(source) is not None
            if plain:
                to, fixed = self._fixed.get((type_, said_by)) or self._fix(event)
                headers = fixed % (id_.encode(), key, time_, origin, source, partition, offset, number)
                value = data.__pydantic_serializer__.to_json(data)
                rows.append(pack_row(cause, to, key, value, headers))
            else:
                outgoing = self._codec.encode(event)
                rows.append(pack_row(cause, outgoing.topic, key, outgoing.value, pack_headers(outgoing.headers)))
        return stream_of(rows)

    def _fix(self, event: Event[Data]) -> tuple[str, bytes]:
        """The topic of a type from a source, and the headers of its events, to be filled in: from one event that the
        codec encoded, so that the codec alone says what they are."""
        outgoing = self._codec.encode(event)
        names = [name for name, _ in outgoing.headers[-_OWN_COUNT:]]
        if names != ["ce_id", "ce_subject", "ce_time", "ce_origintime", "ce_cause"]:
            raise ValueError("the codec writes other headers than are packed here")
        fixed = pack_headers(outgoing.headers[:-_OWN_COUNT])[:-1].replace(b"%", b"%%") + _OWN
        self._fixed[event.type, event.source] = outgoing.topic, fixed
        return outgoing.topic, fixed


def _wire(time: datetime) -> bytes:
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat().encode()
