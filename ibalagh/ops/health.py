"""Is the process alive, and is it ready: two different questions (Kubernetes' liveness and readiness).

Alive: every loop's thread runs. Ready: every probe, really asked, answered in time; answers are kept for a
second, so that asking often costs nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final, NamedTuple

from ibalagh.ops.errors import describe_error

PROBE_TIMEOUT_S: Final = 2.0
CACHE_S: Final = 1.0


class Probe(NamedTuple):
    """A question to something that the service needs: `check` returns when it is well and raises when it is not."""

    name: str
    check: Callable[[], None]


class Health:
    """Answers for one process. Any thread may use it."""

    def __init__(
        self, probes: Sequence[Probe], *, timeout_s: float = PROBE_TIMEOUT_S, cache_s: float = CACHE_S
    ) -> None:
        self._probes = probes
        self._timeout_s = timeout_s
        self._cache_s = cache_s
        self._loops: Mapping[str, Callable[[], bool]] = {}
        self._running: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._answer: dict[str, str] = {}
        self._answered_at = float("-inf")

    def watch(self, loops: Mapping[str, Callable[[], bool]]) -> None:
        """The loops whose death means that the process must be restarted: name → whether it is alive."""
        self._loops = loops

    def dead_loops(self) -> list[str]:
        """The names of the loops that ended."""
        return [name for name, alive in self._loops.items() if not alive()]

    def readiness(self) -> dict[str, str]:
        """Per probe `ok`, `timeout`, or the error's class, with the message of our own; at most `cache_s` old."""
        with self._lock:
            if time.monotonic() - self._answered_at > self._cache_s:
                deadline = time.monotonic() + self._timeout_s
                for probe in self._probes:
                    self._start(probe)
                self._answer = {probe.name: self._outcome(probe.name, deadline) for probe in self._probes}
                self._answered_at = time.monotonic()
            return dict(self._answer)

    def _start(self, probe: Probe) -> None:
        """Ask, unless the last question is still without an answer."""
        if probe.name in self._running:
            return
        future: Future[None] = Future()
        self._running[probe.name] = future

        def ask() -> None:
            try:
                probe.check()
                future.set_result(None)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
                future.set_exception(error)

        threading.Thread(target=ask, name=f"probe-{probe.name}", daemon=True).start()

    def _outcome(self, name: str, deadline: float) -> str:
        future = self._running[name]
        try:
            future.result(max(0.0, deadline - time.monotonic()))
        except FutureTimeoutError:
            if not future.done():
                return "timeout"
            outcome = "TimeoutError"
        except Exception as error:  # noqa: BLE001
            outcome = _told(error)
        else:
            outcome = "ok"
        del self._running[name]
        return outcome


def _told(error: Exception) -> str:
    described = describe_error(error)
    kind = described["error"].rpartition(".")[2]
    return f"{kind}: {described['message']}" if described.get("message") else kind
