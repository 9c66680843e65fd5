"""The windows as a Faust app: reads `stats.deltas`, keeps `surges.WindowState` in a table, publishes `stats.alerts`.

Faust commits its place and its table's changelog apart from each other, so after a crash it reads deltas again that
are in the table already. Therefore the whole state is one value under one key: its marks refuse exactly what it holds.
Alerts are published before the state is kept, with ids that follow from the surge: a repeat repeats the id.

It reads uncommitted records, as Faust does unless it writes in transactions; that is harmless here, since a delta is
put on the topic only after the database has committed it. Raises (out of `run`) what made the app crash.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import faust
from prometheus_client import Counter, Gauge

from ibalagh.contracts.codec import Codec
from ibalagh.events import make
from ibalagh.events.envelope import Data, Event, derived_id
from ibalagh.events.registry import DELTAS, dead_letter_topic, type_of
from ibalagh.events.statistics import CountersChangedV1, SurgeClosedV1, SurgeOpenedV1
from ibalagh.events.vocabulary import Category
from ibalagh.stream.deadletters import dead_letter
from ibalagh.stream.errors import FatalStreamError, InvalidRecordError, PassingError
from ibalagh.stream.ports import Outgoing, Record
from ibalagh.stream.processor import Stop
from services.stats.handlers import SOURCE
from services.stats.names import windows
from services.stats.settings import WindowsSettings
from services.stats.surges import HOPPING_MINUTES, Rules, WindowState, minute_of, watch

_KEY: Final = "windows"
_TICK_S: Final = 5.0
_QUIET_S: Final = 30.0
"""Without a delta for so long the clock moves the windows on; while deltas come, old ones too, they do it."""
_POLL_S: Final = 0.1
_PUBLISH_S: Final = 10.0
_STOP_S: Final = 10.0
_log = logging.getLogger(__name__)

DELTAS_APPLIED: Final = Counter("ibalagh_windows_deltas_total", "Deltas added to the windows")
DELTAS_REPEATED: Final = Counter("ibalagh_windows_repeats_total", "Deltas that the windows held already")
OPEN_SURGES: Final = Gauge("ibalagh_windows_open_surges", "Surges that are not over")
IN_WINDOW: Final = Gauge("ibalagh_windows_reports", "Reports in the last 15 minutes", ("category",))


class Windows:
    """The app, run in the thread that calls `run`, in an event loop of its own."""

    def __init__(
        self,
        settings: WindowsSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._rules = Rules(settings.surge_minimum, settings.surge_ratio)
        self._codec = Codec(settings.topic_prefix)
        self._clock = clock
        self._monotonic = monotonic
        self._state: WindowState | None = None
        self._last_delta = monotonic()
        self._ready = False

    def run(self, shutdown: Stop) -> None:
        """Run until a stop is requested. Raises what made the app crash."""
        asyncio.run(self._run(shutdown))

    def check(self) -> None:
        """For readiness. Raises `PassingError` until the table is read back and deltas are taken."""
        if not self._ready:
            raise PassingError("the windows are being read back")

    async def _run(self, shutdown: Stop) -> None:
        app = self._app()
        try:
            await app.start()
            while not shutdown.requested:
                if app.crash_reason is not None:
                    raise app.crash_reason
                self._ready = bool(app.rebalancing is False and app.tables.recovery.completed.is_set())
                await asyncio.sleep(_POLL_S)
        finally:
            self._ready = False
            await asyncio.wait_for(app.stop(), _STOP_S)

    def _app(self) -> Any:
        """The app: one agent over the deltas, one table, one timer."""
        brokers = [f"kafka://{address}" for address in self._settings.kafka_bootstrap.split(",")]
        app = faust.App(
            windows(self._settings.topic_prefix),
            broker=brokers,
            store="memory://",
            # Faust makes this folder even for tables in memory, by default where the process was started.
            datadir=Path(tempfile.gettempdir()) / windows(self._settings.topic_prefix),
            web_enabled=False,
            topic_disable_leader=True,
            topic_partitions=1,
            topic_replication_factor=self._settings.windows_replication,
            producer_compression_type="lz4",
            producer_acks=-1,
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=1.0,
            broker_session_timeout=10.0,  # a minute by default: so long would a restart after a crash wait
            broker_heartbeat_interval=3.0,
        )
        deltas = app.topic(self._codec.topic(DELTAS), key_serializer="raw", value_serializer="raw", internal=False)
        table = app.Table("state", key_type=str, value_type=str, partitions=1)

        @app.agent(deltas, name="windows")
        async def apply_deltas(stream: Any) -> None:
            async for event in stream.events():
                if self._state is None:
                    kept = table.get(_KEY)
                    self._state = WindowState() if kept is None else WindowState.model_validate_json(kept)
                await self._apply(app, table, _record(event.message))

        @app.on_partitions_revoked.connect
        async def forget(*_: Any, **__: Any) -> None:
            self._state = None  # whoever has the partition next goes on in the table

        @app.timer(_TICK_S, name="clock")  # type: ignore[untyped-decorator]
        async def move_on() -> None:
            state = self._state
            if state is not None and self._monotonic() - self._last_delta > _QUIET_S:
                await self._watch(app, state, max(state.latest, minute_of(self._clock())))

        return app

    async def _apply(self, app: Any, table: Any, record: Record) -> None:
        """One delta: apply, publish what follows, keep the state."""
        if record.partition != 0:
            raise FatalStreamError(f"{record.topic} must have one partition, since the windows are one state")
        try:
            delta = self._decode(record)
        except InvalidRecordError as error:
            topic = self._codec.topic(dead_letter_topic("stats"))
            consumer = windows(self._settings.topic_prefix)
            await _publish(app, dead_letter(record, error.reason, topic, consumer, self._clock()))
            _log.warning("put a record to the dead letters", extra={"reason": error.reason})
            return
        state = self._state or WindowState()
        self._last_delta = self._monotonic()
        if not state.apply(delta):
            DELTAS_REPEATED.inc()
            return
        DELTAS_APPLIED.inc()
        await self._watch(app, state, state.latest)
        table[_KEY] = state.model_dump_json()

    def _decode(self, record: Record) -> Event[CountersChangedV1]:
        event = self._codec.decode(record)
        if event.cause is None:
            raise InvalidRecordError("missing_attribute")
        if not isinstance(event.data, CountersChangedV1):
            raise InvalidRecordError("unknown_type")
        return event._replace(data=event.data)  # type: ignore[return-value]

    async def _watch(self, app: Any, state: WindowState, now: int) -> None:
        for change in watch(state, now, self._rules):
            await _publish(app, self._codec.encode(self._alert(change)))
            _log.info("a surge changed", extra={"category": change.category, "type": type_of(type(change))})
        OPEN_SURGES.set(len(state.surges))
        for category in Category:
            IN_WINDOW.labels(category.value).set(state.window(category, now, HOPPING_MINUTES))

    def _alert(self, change: SurgeOpenedV1 | SurgeClosedV1) -> Event[Data]:
        type_ = type_of(type(change))
        id_ = derived_id(change.surge_id, type_, change.category)
        return make.root(change, id_=id_, source=SOURCE, subject=change.category.value, now=self._clock())


async def _publish(app: Any, record: Outgoing) -> None:
    """Write a record and wait until the broker has it; a TimeoutError when it never does, which crashes the app."""
    topic = app.topic(record.topic, key_serializer="raw", value_serializer="raw", internal=False)
    async with asyncio.timeout(_PUBLISH_S):
        await (await topic.send(key=record.key, value=record.value, headers=list(record.headers)))


def _record(message: Any) -> Record:
    headers = message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    return Record(message.topic, message.partition, message.offset, message.key, message.value, list(headers))
