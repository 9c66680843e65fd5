"""HTTP/1.1 as uvicorn speaks it, with a deadline for a request's head: a connection that sends none is closed.

The server has a time-out for idle connections between requests only; without this one, whoever opens connections and
says nothing, or one header a minute, holds them as long as they like.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S: Final = 10.0
"""From the connection, or from a request's first byte, until its last header."""


class HastyProtocol(HttpToolsProtocol):
    """See the module's docstring."""

    head_s: float = HEAD_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first request's head is waited for."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins on a connection that was idle."""
        super().on_message_begin()
        if self._deadline is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is there; for the body there is a limit of its own (`middleware.BodyLimit`)."""
        self._head_came()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_s, self.transport.close)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
