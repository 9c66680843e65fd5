"""How long the counters wait for a batch to fill: longer while much comes in, since a batch costs more than its events.

In: how many records the consumer reads, and when. Out: how long it lingers next. A batch costs a commit, a delta, and a
row for every cell that it touches, once, however many events touch it: measured, 16 µs an event in batches of 300, 10
in batches of 5,000. When little comes in nobody should wait for that. What comes in, comes in bursts, since others
commit in transactions: only a rate over many of these tells much from little.
"""

import time
from typing import Final

from ibalagh.stream.kafka import KafkaConsumer
from ibalagh.stream.ports import Record

BUSY_RECORDS_PER_S: Final = 5_000
LOOK_EVERY_S: Final = 0.5
"""Some ten transactions of the services before."""


class Pace:
    """Whether much comes in, as it was when last looked at; `now` is in seconds of any clock that only rises."""

    def __init__(self, now: float) -> None:
        self.busy = False
        self._since = now
        self._records = 0

    def note(self, records: int, max_records: int, now: float) -> None:
        """So many records were read. As many as may be is much at once: more wait."""
        self._records += records
        elapsed_s = now - self._since
        if records >= max_records:
            self.busy = True
        elif elapsed_s >= LOOK_EVERY_S:
            self.busy = self._records >= BUSY_RECORDS_PER_S * elapsed_s
        else:
            return
        self._since, self._records = now, 0


class PatientConsumer(KafkaConsumer):
    """A consumer that lingers for `busy_linger_s`, in place of what it is told, while it is busy."""

    busy_linger_s: float = 0.15
    _pace: Pace | None = None

    def consume(self, max_records: int, linger_s: float, idle_s: float) -> list[Record]:
        """See `ports.Consumer`."""
        pace = self._pace = self._pace or Pace(time.monotonic())
        lingers_s = max(linger_s, self.busy_linger_s) if pace.busy else linger_s
        records = super().consume(max_records, lingers_s, idle_s)
        pace.note(len(records), max_records, time.monotonic())
        return records
