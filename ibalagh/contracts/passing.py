"""A codec for a reader that most records are no matter to: these it knows by their raw bytes, and does not parse.

In: records; out: their events, or for a record that is passed over an event without data. Among records of one
millisecond all that are passed over share the first one's event: the loop reads only times from it, to sample how far
behind it is. What is passed over is not checked either; those readers do that to whom it matters, and keep the dead
letters.
"""

from abc import ABC, abstractmethod
from typing import Final

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.stream.ports import Record


class PassedOver(Data):
    """The data of an event that was passed over."""


_NOTHING: Final = PassedOver()


class PassingCodec(Codec, ABC):
    """A codec that parses what `passes_over` does not name. One thread uses it to read."""

    def __init__(self, topic_prefix: str) -> None:
        super().__init__(topic_prefix)
        self._passed: Event[Data] | None = None
        self._passed_ms = 0

    @abstractmethod
    def passes_over(self, wire_type: bytes, value: bytes) -> bool:
        """Whether a record of this type, with this value, is no matter to the reader."""

    def read(self, wire_type: bytes, record: Record) -> Event[Data]:  # noqa: ARG002 - for readers that know better
        """The event of a record that is not passed over. Raises as `decode` does."""
        return super().decode(record)

    def decode(self, record: Record) -> Event[Data]:
        """See `Codec.decode`."""
        value = record[4]
        wire_type = b""
        for name, attribute in record[5]:
            if name == "ce_type":
                wire_type = attribute or b""
                break
        if value is None or not self.passes_over(wire_type, value):
            return self.read(wire_type, record)
        timestamp_ms = record[6]
        if self._passed is None or timestamp_ms != self._passed_ms:
            self._passed = super().decode(record)._replace(data=_NOTHING)
            self._passed_ms = timestamp_ms
        return self._passed
