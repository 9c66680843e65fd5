"""Intake's application in the test's own process, asked without a network and without waiting threads."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI


class AppClient:
    """Asks an ASGI application one request at a time."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://intake.test")
        self._runner = runner

    def get(self, path: str, **given: Any) -> httpx.Response:
        """The answer to a GET."""
        return self._runner.run(self._client.get(path, **given))

    def post(self, path: str, **given: Any) -> httpx.Response:
        """The answer to a POST."""
        return self._runner.run(self._client.post(path, **given))

    def close(self) -> None:
        """Free the client."""
        self._runner.run(self._client.aclose())


@contextmanager
def app_client(app: FastAPI) -> Iterator[AppClient]:
    """A client of `app` with an event loop of its own."""
    with asyncio.Runner() as runner:
        client = AppClient(app, runner)
        try:
            yield client
        finally:
            client.close()
