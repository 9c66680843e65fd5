"""Pure ASGI middleware, microseconds each: headers of every response, a limit on bodies, a last catch of errors."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ibalagh.web.problems import Problem, internal_error

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy level 3 of what runs no script; `data:` is for the marks that Bootstrap's style sheet draws
with."""
SCRIPTED_POLICY: Final = f"{CONTENT_SECURITY_POLICY}; script-src 'self'; connect-src 'self'"
"""The same for a page with scripts, and for a script, whose own policy it is when it runs as a worker."""

SECURITY_HEADERS: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
PATIENCE_S: Final = 20.0
SLOWEST_BYTES_PER_S: Final = 16_384
"""A telephone at the edge of its network is faster; who sends a byte now and then only wants to keep us waiting."""
_UNLESS_SAID: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cache-control", b"no-store"),
)

_TOO_SLOW: Final = Problem(
    408,
    "too_slow",
    "Too slow",
    "The body did not come in time. Send it again, over a faster connection if there is one.",
    headers={"Connection": "close"},
)


class SecurityHeaders:
    """Adds `SECURITY_HEADERS` to every response; and, where the response says nothing about it, the policy of what runs
    no script, and `no-store`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                defaults = [(name, value) for name, value in _UNLESS_SAID if name not in said]
                message = {**message, "headers": [*message["headers"], *SECURITY_HEADERS, *defaults]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ErrorBoundary:
    """Answers 500 as a problem detail when the application raises; what has begun to be sent is cut off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watching_send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            response = internal_error(error)
            if started:
                raise ConnectionAbortedError("the response had begun") from None
            await response(scope, receive, send)


class BodyLimit:
    """Refuses bodies over `limit_bytes` with 413, by their announced length or, when chunked, as they come in; and with
    408 those that take longer than `patience_s` and a second for every `SLOWEST_BYTES_PER_S` of them.

    `larger` are other limits for bodies of one media type that are posted to one path: `{path: (media type, bytes)}`;
    an empty media type stands for any. Their handlers stream them.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_bytes: int,
        patience_s: float = PATIENCE_S,
        *,
        larger: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._patience_s = patience_s
        self._larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit_bytes = self._limit_of(scope)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not announced.isdigit() or int(announced) > limit_bytes:
            await _refusal(limit_bytes).response()(scope, receive, send)
            return
        received = 0
        started = complete = False
        began_s = asyncio.get_running_loop().time()

        async def limited_receive() -> Message:
            nonlocal received, complete
            # After the body only a disconnection is waited for, which may take as long as it likes.
            deadline_s = None if complete else began_s + self._patience_s + received / SLOWEST_BYTES_PER_S
            try:
                async with asyncio.timeout_at(deadline_s):
                    message = await receive()
            except TimeoutError:
                raise _TOO_SLOW from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > limit_bytes:
                raise _refusal(limit_bytes)
            return message

        async def send_unless_refused(message: Message) -> None:
            # Whatever the application made of a body that was cut off, the answer is that it was too large.
            nonlocal started
            if started or received <= limit_bytes:
                started = True
                await send(message)

        try:
            await self._app(scope, limited_receive, send_unless_refused)
        except Problem:
            if received <= limit_bytes:
                raise
        if received > limit_bytes and not started:
            await _refusal(limit_bytes).response()(scope, receive, send)

    def _limit_of(self, scope: Scope) -> int:
        if not self._larger or scope["method"] != "POST":
            return self._limit_bytes
        media_type, limit_bytes = self._larger.get(scope["path"], ("", self._limit_bytes))
        sent = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        fits = not media_type or sent.lower().startswith(media_type.encode())
        return limit_bytes if fits else self._limit_bytes


def _refusal(limit_bytes: int) -> Problem:
    detail = f"A body may have {limit_bytes} bytes."
    return Problem(413, "too_large", "Too large", detail, headers={"Connection": "close"})
