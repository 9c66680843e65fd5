"""How long the counters wait for a batch to fill: longer while much comes in, since a batch costs more than its events.

In: what the consumer read last. Out: how long it lingers next. A batch costs a commit, a delta, and a row for every
cell that it touches, once, however many events touch it: measured, 16 µs an event in batches of 300, 10 in batches of
5,000. When little comes in nobody should wait for that.
"""

from typing import Final

from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Record

BUSY_RECORDS_PER_S: Final = 5_000


class PatientConsumer(KafkaConsumer):
    """A consumer that lingers for `busy_linger_s`, in place of what it is told, while it is busy."""

    busy_linger_s: float = 0.15
    _busy = False

    def consume(self, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        """See `ports.Consumer`."""
        lingers_s = max(linger_s, self.busy_linger_s) if self._busy else linger_s
        records = super().consume(max_records, lingers_s, idle_s)
        self._busy = is_busy(len(records), max_records, lingers_s)
        return records


def is_busy(records: int, max_records: int, lingered_s: float) -> bool:
    """Whether so many records in so many seconds are many; a batch that filled before its time ended is."""
    return records >= min(max_records, BUSY_RECORDS_PER_S * lingered_s)
