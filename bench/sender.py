"""Requests over plain connections, made before the clock runs: what a sender costs is taken from those it measures.

In: whole HTTP requests, as bytes. Out: how long each took, in seconds. Raises RuntimeError for an answer that is not
the expected one.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import orjson

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    """Sends requests to one address, over as many connections as are in use at once."""

    def __init__(self, address: str, expected_status: int = 202) -> None:
        url = urlsplit(address)
        self._host, self._port = url.hostname, url.port
        self._expected = b"HTTP/1.1 %d " % expected_status
        self._idle: list[_Connection] = []

    async def at_a_rate(self, requests: Sequence[bytes], rate_per_s: float) -> list[float]:
        """On a fixed schedule: a late answer delays no later request, so slowness is not hidden. Each span runs from
        when its request was due."""
        spans_s: list[float] = []

        async def send(request: bytes, due_s: float) -> None:
            await self._exchange(request)
            spans_s.append(time.monotonic() - due_s)

        began_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number, request in enumerate(requests):
                due_s = began_s + number / rate_per_s
                if (wait_s := due_s - time.monotonic()) > 0:
                    await asyncio.sleep(wait_s)
                tasks.create_task(send(request, due_s))
        self._close()
        return spans_s

    async def at_full_speed(self, requests: Iterable[bytes], at_once: int) -> list[float]:
        """The next as soon as one is answered, `at_once` of them in flight."""
        waiting = iter(requests)
        spans_s: list[float] = []

        async def send_some() -> None:
            for request in waiting:
                began_s = time.monotonic()
                await self._exchange(request)
                spans_s.append(time.monotonic() - began_s)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(send_some())
        self._close()
        return spans_s

    async def _exchange(self, request: bytes) -> None:
        # The connection that was used last: the server closes those that nobody uses.
        while self._idle and self._idle[-1][0].at_eof():
            self._idle.pop()[1].close()
        connection = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        reader, writer = connection
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not head.startswith(self._expected):
            raise RuntimeError(f"intake answered {head[:40]!r}")
        self._idle.append(connection)

    def _close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


def report_request(token: str, key: str, body: object) -> bytes:
    """A single report for intake's JSON interface, with its idempotency key."""
    return _request("/v1/reports", token, key, "application/json", orjson.dumps(body))


def batch_request(token: str, key: str, bodies: Iterable[object]) -> bytes:
    """A batch of reports, one a line."""
    content = b"".join(orjson.dumps(body) + b"\n" for body in bodies)
    return _request("/v1/reports:batch", token, key, "application/x-ndjson", content)


def _request(path: str, token: str, key: str, media_type: str, content: bytes) -> bytes:
    return (
        b"POST %b HTTP/1.1\r\nHost: intake\r\nContent-Type: %b\r\n"
        b"Authorization: Bearer %b\r\nIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (path.encode(), media_type.encode(), token.encode(), key.encode(), len(content), content)
    )
