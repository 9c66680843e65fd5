"""Runs one process of a service: its loops, each in a thread, its HTTP server in another, until told to stop.

A loop that raises is logged once and takes everything down: exit code 1. A clean stop is 0. Nothing goes on half dead.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import uvicorn
from fastapi import FastAPI

from ibalagh.ops.collector import spare_the_collector
from ibalagh.ops.errors import describe_error
from ibalagh.ops.settings import Settings
from ibalagh.ops.shutdown import Shutdown
from ibalagh.web.protocol import HastyProtocol

Loop = Callable[[Shutdown], None]

_log = logging.getLogger(__name__)
_BACKLOG: Final = 2048
_POLL_S: Final = 0.2


class _Watched(Protocol):
    def watch(self, loops: Mapping[str, Callable[[], bool]]) -> None: ...


class _Part(threading.Thread):
    """A loop in its thread; `failed` once it raised."""

    def __init__(self, service: str, name: str, loop: Loop, shutdown: Shutdown) -> None:
        super().__init__(name=f"{service}-{name}", daemon=True)
        self._loop = loop
        self._shutdown = shutdown
        self.failed = False

    def run(self) -> None:
        try:
            self._loop(self._shutdown)
            if not self._shutdown.requested:
                self.failed = True
                _log.error("a loop ended by itself", extra={"loop": self.name})
        except BaseException:  # noqa: BLE001 - it is not swallowed: it ends the process with exit code 1
            self.failed = True
            _log.critical("a loop crashed", exc_info=True, extra={"loop": self.name})
        finally:
            self._shutdown.request(f"{self.name} ended")


def run(
    service: str,
    loops: Mapping[str, Loop],
    app: FastAPI | None,
    settings: Settings,
    *,
    shutdown: Shutdown | None = None,
) -> int:
    """Run until a signal, a `shutdown` request or a crash; the exit code.

    0: stopped cleanly. 1: a loop or the server crashed or ended, a part did not stop before the deadline, or the port
    is taken. Signals are handled when this is the main thread.
    """
    shutdown = shutdown or Shutdown(settings.shutdown_timeout_s)
    if threading.current_thread() is threading.main_thread():
        shutdown.install()
    parts = [_Part(service, name, loop, shutdown) for name, loop in loops.items()]
    if app is not None:
        try:
            listener = _listen(settings)
        except OSError as error:
            _log.critical("cannot listen on the port", extra={"port": settings.http_port, **_kind_of(error)})
            return 1
        port = listener.getsockname()[1]
        app.state.shutdown = shutdown
        parts.append(_Part(service, "http", lambda stop: serve(app, listener, stop), shutdown))
        health: _Watched = app.state.health
        health.watch({part.name: part.is_alive for part in parts})
    else:
        port = None
    spare_the_collector()
    for part in parts:
        part.start()
    _log.info("started", extra={"pid": os.getpid(), "port": port, "worker": settings.worker_index})
    shutdown.wait()
    _log.info("stopping", extra={"reason": shutdown.reason, "deadline_s": shutdown.remaining_s()})
    for part in parts:
        part.join(shutdown.remaining_s())
    hanging = [part.name for part in parts if part.is_alive()]
    if hanging:
        _log.critical("parts did not stop before the deadline", extra={"names": hanging})
    failed = bool(hanging) or any(part.failed for part in parts)
    _log.info("stopped", extra={"exit_code": int(failed)})
    return int(failed)


def serve(app: FastAPI, listener: socket.socket, shutdown: Shutdown) -> None:
    """Serve HTTP on `listener` until the shutdown is requested, then finish what is being answered.

    Raises RuntimeError when the server ended by itself. Nothing about clients is logged, and no header of a proxy is
    believed.
    """
    config = uvicorn.Config(
        app,
        http=HastyProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=max(1, int(shutdown.remaining_s() / 2)),
    )
    server = uvicorn.Server(config)

    def stop_when_asked() -> None:
        while not shutdown.wait(_POLL_S) and not server.should_exit:
            pass
        server.should_exit = True

    watcher = threading.Thread(target=stop_when_asked, name="http-stop", daemon=True)
    watcher.start()
    try:
        server.run(sockets=[listener])
    finally:
        server.should_exit = True
        listener.close()
    if not shutdown.requested:
        raise RuntimeError("the HTTP server ended by itself")


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    return socket.create_server((settings.http_host, settings.http_port), family=family, backlog=_BACKLOG)


def _kind_of(error: OSError) -> dict[str, object]:
    described = describe_error(error)
    return {"error": described["error"], "reason": described["message"]}
