"""Stopping: asked for once, seen by every loop, bounded by one deadline; a second signal kills at once."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Final

_MAIN_POLL_S: Final = 0.05


class Shutdown:
    """Whether to stop, why, and how long there is left. Any thread may use it."""

    def __init__(self, timeout_s: float = 20.0) -> None:
        self._timeout_s = timeout_s
        self._event = threading.Event()
        self._reason = ""
        self._deadline: float | None = None
        self._signals = 0

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """Why, as first given; empty while not requested."""
        return self._reason

    @property
    def deadline(self) -> float | None:
        """The monotonic time, in seconds, by which everything must have stopped; None while not requested."""
        return self._deadline

    def remaining_s(self) -> float:
        """Seconds left until the deadline, never below 0; the whole time-out while not requested."""
        return self._timeout_s if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def request(self, reason: str) -> None:
        """Ask everything to stop; the first reason and its deadline hold."""
        if self._deadline is None:
            self._reason = reason
            self._deadline = time.monotonic() + self._timeout_s
            self._event.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until a stop is requested; False when the time ran out first."""
        if threading.current_thread() is not threading.main_thread():
            return self._event.wait(timeout_s)
        # Signal handlers run in the main thread: one that interrupted `Event.wait` there could never take its lock.
        end = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while not self._event.is_set() and time.monotonic() < end:
            time.sleep(min(_MAIN_POLL_S, max(0.0, end - time.monotonic())))
        return self._event.is_set()

    def install(self) -> None:
        """Let SIGTERM and SIGINT request the stop, and a second one kill the process at once (exit code 128 + signal).

        Raises ValueError outside the main thread.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        self.request(signal.Signals(number).name)
