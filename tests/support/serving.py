"""An application behind a real HTTP server, as its service runs it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI

from ibalagh.ops import runner
from ibalagh.ops.shutdown import Shutdown


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[httpx.Client]:
    """Serve `app` on loopback, on a free port where none is named; yields a client with its address as base."""
    shutdown = Shutdown(5)
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=runner.serve, args=(app, listener, shutdown))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield client
    finally:
        shutdown.request("test ended")
        thread.join()
