"""The event stream of the figures: one frame a second at most, made once and sent to every browser.

In: `stats.deltas`, which say that the counters changed; then, once, the counters. Out: server-sent events (WHATWG HTML,
section 9.2) to any number of listeners. However many listen, the database is asked once a second, and not at all while
nothing changes or nobody listens; what nobody listens to is not written. A listener that is slow misses frames, never
order.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing
from typing import Final, NamedTuple

from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Consumer, TopicPartition
from ibalagh.stream.processor import Stop

FRAME_EVERY_S: Final = 1.0
HEARTBEAT_S: Final = 15.0
"""A comment is sent after so long without a frame, so that a proxy keeps the connection and a dead one is noticed."""
RETRY_MS: Final = 2_000
_RETRY_AFTER_S: Final = 1.0
_HEARTBEAT: Final = b": still here\n\n"
_log = logging.getLogger(__name__)


class Frame(NamedTuple):
    """What there is to send: its number from 1, and how it is written for each kind of listener."""

    number: int
    written: dict[str, bytes]


Render = Callable[[Collection[str]], dict[str, str]]
"""Reads the counters and writes them for these kinds of listeners; raises `PassingError` when the database is away."""


class _Listener(NamedTuple):
    kind: str
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event


class Feed:
    """Frames for listeners of any thread's event loop; `run` makes them in a thread of its own."""

    def __init__(
        self,
        consumer: Callable[[], Consumer],
        topic: str,
        render: Render,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_consumer = consumer
        self._topic = topic
        self._render = render
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._frame = Frame(0, {})
        self._closed = False
        self._listeners: set[_Listener] = set()

    def run(self, shutdown: Stop) -> None:
        """Make frames until a stop is requested; then the streams end. Raises what no retry can cure."""
        consumer = self._make_consumer()
        try:
            consumer.subscribe([self._topic], start_positions=consumer.end_offsets)
            changed, next_frame, wait_until = True, 0.0, 0.0
            assigned: frozenset[TopicPartition] = frozenset()
            while not shutdown.requested:
                now = self._monotonic()
                try:
                    changed = bool(consumer.consume(1_000, 0.0, 0.1)) or changed
                    here = frozenset(consumer.positions())
                    if here != assigned:
                        # Reading begins at the end: what came before, since the last frame, is told by none.
                        changed, assigned = True, here
                    kinds = self._listened_to()
                    wanted = kinds and (changed or not kinds <= self._frame.written.keys())
                    if wanted and now >= max(next_frame, wait_until):
                        self._publish(self._render(kinds))
                        changed, next_frame = False, now + FRAME_EVERY_S
                except PassingError as error:
                    wait_until = now + _RETRY_AFTER_S
                    _log.warning("no frame for now", extra={"error": type(error).__name__})
        finally:
            self._close()
            consumer.close()

    async def listen(self, kind: str) -> AsyncGenerator[bytes]:
        """The stream of one listener: the frame that there is, then each new one, until the feed ends."""
        listener = _Listener(kind, asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.add(listener)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            sent = 0
            while not self._closed:
                listener.woken.clear()
                frame = self._frame
                if frame.number != sent and kind in frame.written:
                    sent = frame.number
                    yield frame.written[kind]
                    continue
                try:
                    await asyncio.wait_for(listener.woken.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield _HEARTBEAT
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _listened_to(self) -> frozenset[str]:
        """The kinds that somebody listens to. While nobody does, the last frame ages, so it is thrown away."""
        with self._lock:
            kinds = frozenset(listener.kind for listener in self._listeners)
        if not kinds:
            self._frame = self._frame._replace(written={})
        return kinds

    def _publish(self, texts: dict[str, str]) -> None:
        number = self._frame.number + 1
        self._frame = Frame(number, {kind: _event(number, text) for kind, text in texts.items()})
        self._wake()

    def _close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            if not listener.loop.is_closed():
                listener.loop.call_soon_threadsafe(listener.woken.set)


async def lasting(frames: AsyncGenerator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """The frames of a listener until so many seconds have passed, which is seen with the next frame or heartbeat."""
    ends_at = asyncio.get_running_loop().time() + seconds
    async with aclosing(frames):
        async for frame in frames:
            yield frame
            if asyncio.get_running_loop().time() >= ends_at:
                return


def _event(number: int, text: str) -> bytes:
    """A server-sent event named `counters`; a line break in the data begins another data line."""
    data = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: counters\nid: {number}\n{data}\n".encode()
