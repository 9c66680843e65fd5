"""What every contender of the hop shares: its settings, and what is done to one record."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import RECEIVED, TRIAGED
from ibalagh.ops.collector import spare_the_collector
from ibalagh.stream.ports import Outgoing, Record
from services.triage.handlers import Classifier
from services.triage.reported import ReportCodec


class Settings(NamedTuple):
    """Where to read and write, and under which names."""

    bootstrap: str
    group: str
    source_prefix: str
    target_prefix: str

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings that `bench hop` gave this process. Raises KeyError without them."""
        names = ("BOOTSTRAP", "GROUP", "SOURCE_PREFIX", "TARGET_PREFIX")
        return cls(*(os.environ[f"BENCH_{name}"] for name in names))

    @property
    def source(self) -> str:
        """The topic to read, in full."""
        return self.source_prefix + RECEIVED

    @property
    def target(self) -> str:
        """The topic to write, in full."""
        return self.target_prefix + TRIAGED

    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        return {f"BENCH_{name.upper()}": value for name, value in self._asdict().items()}


def triage(settings: Settings) -> Callable[[Record], Outgoing]:
    """The domain function between two records: decode, decide, encode, exactly as the service does it.

    The collector is set for the peer as it is for our own services.
    """
    spare_the_collector()
    classify = Classifier.from_policy_file()
    source, target = ReportCodec(settings.source_prefix), Codec(settings.target_prefix)

    def handle(record: Record) -> Outgoing:
        handled = classify([source.decode(record)], datetime.now(UTC))
        return target.encode(handled.effects[0])

    return handle
