"""Refusals for whoever reads them: problem details in the reader's language, and pages for browsers.

One middleware around an application, so that whatever refuses, a handler or another middleware, says it once, in
English, and is read in every language. In: a response of `ibalagh.web.problems.MEDIA_TYPE`; out: the same with `title`
and `detail` of the service's texts, in the language of `Accept-Language` (RFC 9110, section 12.5.4). Codes, fields and
rules stay as they are: programs read these. What has no text stays English.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ibalagh.web.pages import preferred
from ibalagh.web.problems import MEDIA_TYPE

Texts = Mapping[str, Mapping[str, Any]]
"""One language: `codes`, code → `{title, detail}`; `rules`, rule → detail. `{n}` is the English detail's number."""
Members = dict[str, Any]
Page = Callable[[Request, Members], Response]
"""Shows the members of a problem detail as a page, in a language of its own choice."""

ENGLISH: Final = "en"
INTERFACE: Final = "/v1/"
"""Below this, programs ask, and are answered as such whatever they accept."""
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_OF_THE_BODY: Final = frozenset({"content-length", "content-type"})


class Refusals:
    """ASGI 3 middleware. `texts` by language, English aside, which is that of the problems themselves; `page` is None
    where there are no pages."""

    def __init__(self, app: ASGIApp, texts: Mapping[str, Texts], page: Page | None = None) -> None:
        self._app = app
        self._texts = texts
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_readable(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await self._readable(scope, start, body)(scope, receive, send)

        await self._app(scope, receive, send_readable)

    def _readable(self, scope: Scope, start: Message, body: bytes) -> Response:
        request = Request(scope)
        members: Members = orjson.loads(body)
        headers = Headers(raw=list(start["headers"])).items()
        kept = {name: value for name, value in headers if name not in _OF_THE_BODY}
        wants_page = "text/html" in request.headers.get("accept", "") and not scope["path"].startswith(INTERFACE)
        if self._page is not None and wants_page:
            response = self._page(request, members)
            response.headers.update(kept)
            return response
        language = language_of(request, self._texts)
        if language in self._texts:
            members = translated(members, self._texts[language])
        kept |= {"Content-Language": language, "Vary": "Accept-Language"}
        return Response(orjson.dumps(members), start["status"], kept, MEDIA_TYPE)


def language_of(request: Request, texts: Mapping[str, Texts]) -> str:
    """The language that a request prefers of those of `texts` and English, which is told where none fits."""
    return preferred(request.headers.get("accept-language", ""), {ENGLISH, *texts}, ENGLISH)


def translated(members: Members, texts: Texts) -> Members:
    """The members of a problem detail with `title`, `detail` and the details of `errors` in the language of `texts`,
    each as far as there is a text for its code or rule."""
    codes, rules = texts["codes"], texts["rules"]
    said = codes.get(members["code"])
    if said is not None:
        members = {**members, "title": said["title"]}
        if "detail" in members:
            members["detail"] = _filled(said["detail"], members["detail"])
    if "errors" in members:
        members = {**members, "errors": [_told(each, codes, rules) for each in members["errors"]]}
    return members


def _told(error: Mapping[str, str], codes: Mapping[str, Any], rules: Mapping[str, str]) -> Mapping[str, str]:
    """One of `errors`; a rule may also be the code of the whole problem."""
    text = rules.get(error["rule"]) or codes.get(error["rule"], {}).get("detail")
    return error if text is None else {**error, "detail": _filled(text, error["detail"])}


def _filled(text: str, english: str) -> str:
    # A detail never repeats what was sent, so its number is a limit of ours, and the limit is all that texts differ by.
    number = _NUMBER.search(english)
    return text.replace("{n}", number[0] if number else "")


def _is_problem(start: Message) -> bool:
    return any(name.lower() == b"content-type" and value == MEDIA_TYPE.encode() for name, value in start["headers"])
