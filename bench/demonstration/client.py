"""A light HTTP client for the services' JSON interfaces: one kept-alive connection per thread, standard library only.

Every request of the demo carries its own idempotency key or only reads, so one whose answer was lost is sent again.
"""

import http.client
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
_PATIENCE_S = 30.0
_SOCKET_TIMEOUT_S = 30.0


class Answer(NamedTuple):
    """What came back: the status code, the body, and `Retry-After` in seconds where the service asked to wait."""

    status: int
    body: bytes
    retry_after_s: float | None


class RefusedError(Exception):
    """A service answered with something else than success; the message names service, path, status and problem code."""

    def __init__(self, where: str, answer: Answer) -> None:
        super().__init__(f"{where} answered {answer.status}{_problem(answer.body)}")
        self.status = answer.status


class UnreachableError(Exception):
    """A service did not answer within the client's patience."""


class Client:
    """Speaks to one service at `base_url` with `token`. Safe to share between threads."""

    def __init__(self, base_url: str, token: str, patience_s: float = _PATIENCE_S) -> None:
        parts = urlsplit(base_url)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"not an address with host and port: {base_url}")
        self._address = (parts.hostname, parts.port)
        self._authorization = f"Bearer {token}"
        self._patience_s = patience_s
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Closes the connections of all threads."""
        for connection in self._connections:
            connection.close()

    def get(self, path: str, **query: object) -> Any:
        """The JSON at `path`. Raises `RefusedError` or `UnreachableError`."""
        question = urlencode({name: value for name, value in query.items() if value is not None})
        return orjson.loads(self._ask("GET", f"{path}?{question}" if question else path, None, {}).body)

    def post(self, path: str, value: object, idempotency_key: str) -> Any:
        """Posts `value` as JSON and gives the JSON answered. Raises `RefusedError` or `UnreachableError`."""
        headers = {"Content-Type": JSON, "Idempotency-Key": idempotency_key}
        return orjson.loads(self._ask("POST", path, orjson.dumps(value), headers).body)

    def post_lines(self, path: str, values: Sequence[object], idempotency_key: str) -> list[dict[str, Any]]:
        """Posts `values` as NDJSON under one key; the answers in the order of the lines."""
        body = b"".join(orjson.dumps(value) + b"\n" for value in values)
        answer = self._ask("POST", path, body, {"Content-Type": NDJSON, "Idempotency-Key": idempotency_key})
        return [orjson.loads(line) for line in answer.body.splitlines() if line]

    def pages(self, path: str, limit: int, **query: object) -> Iterator[dict[str, Any]]:
        """All items of a paged list, page by page."""
        after: str | None = None
        while True:
            page = self.get(path, limit=limit, after=after, **query)
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        deadline = time.monotonic() + self._patience_s
        while True:
            answer = self._try(method, path, body, headers)
            if answer is not None and answer.status < 300:
                return answer
            if answer is not None and answer.status != 503:
                raise RefusedError(f"{method} {self._address[1]}{path.partition('?')[0]}", answer)
            pause_s = 0.1 if answer is None or answer.retry_after_s is None else answer.retry_after_s
            if time.monotonic() + pause_s > deadline:
                raise UnreachableError(
                    f"Nothing useful came back from port {self._address[1]} for {path.partition('?')[0]}."
                )
            time.sleep(pause_s)

    def _try(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer | None:
        """One attempt; None when the connection failed, which the next attempt makes anew."""
        connection = self._connection()
        try:
            connection.request(method, path, body, {"Authorization": self._authorization, "Accept": JSON, **headers})
            response = connection.getresponse()
            return Answer(response.status, response.read(), _seconds(response.getheader("Retry-After")))
        except (OSError, http.client.HTTPException):
            connection.close()
            return None

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(*self._address, timeout=_SOCKET_TIMEOUT_S)
            self._local.connection = connection
            self._connections.append(connection)
        return connection


def batches(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """`values` in lists of at most `size`."""
    batch: list[Any] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdigit() else None


def _problem(body: bytes) -> str:
    """The problem's code and title (RFC 9457), which hold nothing of what was sent."""
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    told = [
        str(problem[name])
        for name in ("code", "title", "field", "rule")
        if isinstance(problem, dict) and name in problem
    ]
    return f" ({', '.join(told)})" if told else ""
