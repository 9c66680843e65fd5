"""The shared HTTP manners: problem details for every refusal, headers, limits, sign-in, operations, pages."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ibalagh.ops.health import Probe
from ibalagh.ops.settings import Settings
from ibalagh.stream.errors import PassingError
from ibalagh.web import middleware
from ibalagh.web.app import create_app
from ibalagh.web.auth import bearer
from ibalagh.web.middleware import SECURITY_HEADERS, BodyLimit
from ibalagh.web.pages import Pages
from ibalagh.web.problems import Problem
from ibalagh.web.protocol import HastyProtocol
from ibalagh.web.words import LANGUAGES
from tests.support.serving import serving

SETTINGS = Settings(api_token=SecretStr("secret-token"), http_body_bytes=2000)
SECRET = "0600-000-000"


class _Note(BaseModel):
    """A body for tests."""

    text: Annotated[str, Field(min_length=1, max_length=50)]
    count: int = 0


def _broken() -> None:
    raise ConnectionError


@pytest.fixture
def app() -> FastAPI:
    """An application with a route for every kind of answer."""
    app = create_app("Test", SETTINGS, [Probe("broker", lambda: None)], description="For tests")

    @app.post("/notes", summary="Take a note")
    def take(note: _Note) -> dict[str, int]:
        return {"length": len(note.text)}

    @app.post("/raw")
    async def raw(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.get("/crash")
    def crash() -> None:
        raise LookupError(SECRET)

    @app.get("/away")
    def away() -> None:
        raise PassingError("the broker is away")

    @app.get("/refuse")
    def refuse() -> None:
        raise Problem(409, "stale_version", "Stale", "Version 3 is current.", field="version", extra={"version": 3})

    @app.get("/secret", dependencies=[Depends(bearer(SETTINGS))])
    def secret() -> str:
        return "told"

    @app.get("/page")
    def page(request: Request) -> Response:
        return Pages().render("base.html", request)

    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of `app`."""
    with serving(app) as client:
        yield client


def problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The members of a problem detail, after checking what all of them share."""
    members: dict[str, object] = response.json()
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert (members["status"], members["code"]) == (status, code)
    assert members["type"]
    assert members["title"]
    return members


def test_unknown_paths_and_methods_are_problems(client: httpx.Client) -> None:
    problem(client.get("/nowhere"), 404, "not_found")
    response = client.delete("/notes")
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_input_that_breaks_a_rule_is_told_by_field_and_rule_and_not_repeated(client: httpx.Client) -> None:
    response = client.post("/notes", json={"text": SECRET * 10, "count": SECRET})
    members = problem(response, 422, "invalid")
    errors = members["errors"]
    assert isinstance(errors, list)
    assert [(each["field"], each["rule"]) for each in errors] == [("text", "string_too_long"), ("count", "int_parsing")]
    assert all(each["detail"] for each in errors)
    assert SECRET not in response.text


def test_a_body_that_is_not_json_is_a_problem(client: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    problem(client.post("/notes", content=b"{", headers=json_type), 400, "bad_json")
    problem(client.post("/notes", content=b"\xff", headers=json_type), 400, "bad_request")
    problem(client.post("/notes", content=b"[" * 1900, headers=json_type), 400, "bad_request")
    problem(
        client.post("/notes", content=b'{"text": "a"}', headers={"content-type": "text/plain"}),
        415,
        "unsupported_media_type",
    )


def test_a_body_over_the_limit_is_refused_announced_or_not(client: httpx.Client) -> None:
    assert client.post("/raw", content=b"x" * 2000).text == "2000"
    problem(client.post("/raw", content=b"x" * 2001), 413, "too_large")
    problem(client.post("/raw", content=iter([b"x" * 1500, b"x" * 501])), 413, "too_large")
    chunked_json = iter([b'{"text": "' + b"x" * 1990, b'aaaaaaaaaaa"}'])
    problem(client.post("/notes", content=chunked_json, headers={"content-type": "application/json"}), 413, "too_large")


def test_an_endless_body_is_not_read_to_its_end() -> None:
    chunks = 0

    async def receive() -> dict[str, object]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"x" * 1500, "more_body": chunks < 50}

    async def read_all(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            pass

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "headers": [(b"transfer-encoding", b"chunked")]}
    asyncio.run(BodyLimit(read_all, 2000)(scope, receive, send))
    assert (sent[0]["status"], chunks) == (413, 2)


@pytest.mark.parametrize(
    ("path", "method", "kind", "status"),
    [
        ("/files", "POST", b"", 200),
        ("/form", "POST", b"Multipart/Form-Data; boundary=x", 200),
        ("/form", "POST", b"application/json", 413),
        ("/form", "POST", b"", 413),
        ("/files", "PUT", b"", 413),
        ("/other", "POST", b"", 413),
    ],
)
def test_a_larger_body_is_let_in_where_its_handler_streams_it(path: str, method: str, kind: bytes, status: int) -> None:
    sent: list[Message] = []

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"content-length", b"5000"), (b"content-type", kind)]
    scope: Scope = {"type": "http", "path": path, "method": method, "headers": headers}
    larger = {"/files": ("", 9_000), "/form": ("multipart/form-data", 9_000)}
    asyncio.run(BodyLimit(answer, 2_000, larger=larger)(scope, receive, send))
    assert sent[0]["status"] == status


async def _send_nothing(_message: Message) -> None:
    return


def test_a_body_that_does_not_come_is_refused_with_408() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def read_all(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    with pytest.raises(Problem) as caught:
        asyncio.run(BodyLimit(read_all, 2_000, patience_s=0.05)(scope, receive, send))
    assert (caught.value.status, caught.value.code) == (408, "too_slow")


def test_after_the_body_a_disconnection_is_waited_for_as_long_as_it_takes() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"x", "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def wait_for_the_end(_scope: Scope, receive: Receive, _send: Send) -> None:
        assert (await receive())["body"] == b"x"
        assert (await receive())["type"] == "http.disconnect"

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(BodyLimit(wait_for_the_end, 2_000, patience_s=0.05)(scope, receive, _send_nothing))


def test_a_slow_body_is_answered_as_a_problem(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware.BodyLimit.__init__, "__defaults__", (0.2,))
    with serving(app) as client, socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as connection:
        connection.sendall(b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
        connection.settimeout(10)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"too_slow"' in answer


def test_a_head_that_does_not_come_costs_the_connection(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HastyProtocol, "head_s", 0.2)
    with serving(app) as client:
        for begun in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as connection:
                connection.sendall(begun)
                connection.settimeout(10)
                assert connection.recv(65_536) == b""
        assert client.get("/healthz").status_code == 200
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as connection:
            connection.settimeout(10)
            for _ in range(2):  # the deadline of the first head does not end the second
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost")
            assert connection.recv(65_536) == b""


def test_a_crash_is_500_without_anything_of_the_inside(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/crash")
    problem(response, 500, "internal_error")
    assert SECRET not in response.text
    assert "LookupError" not in response.text
    assert [record.message for record in caplog.records if record.name.startswith("ibalagh")] == ["a request failed"]


def test_what_is_away_for_now_is_503_with_retry_after(client: httpx.Client) -> None:
    response = client.get("/away")
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) > 0


def test_a_problem_of_a_handler_keeps_its_members(client: httpx.Client) -> None:
    members = problem(client.get("/refuse"), 409, "stale_version")
    assert members["version"] == 3
    assert members["errors"] == [{"field": "version", "rule": "stale_version", "detail": "Version 3 is current."}]


@pytest.mark.parametrize("path", ["/page", "/nowhere", "/crash", "/healthz", "/assets/ibalagh.css", "/raw"])
def test_every_response_carries_the_security_headers(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    for name, value in SECURITY_HEADERS:
        assert response.headers[name.decode()] == value.decode()
    assert response.headers["cache-control"] == ("public, max-age=3600" if "assets" in path else "no-store")
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "server" not in response.headers


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "secret-token", "Basic secret-token", "Bearer", "Bearer sécret"]
)
def test_without_the_token_nobody_gets_in(client: httpx.Client, header: str | None) -> None:
    response = client.get("/secret", headers=[] if header is None else [(b"authorization", header.encode())])
    problem(response, 401, "not_signed_in")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_with_the_token_one_gets_in_and_without_one_in_the_settings_nobody_does(client: httpx.Client) -> None:
    assert client.get("/secret", headers={"authorization": "Bearer secret-token"}).json() == "told"
    for token in (None, SecretStr("")):
        settings = Settings(api_token=token)
        closed = create_app("Test", settings, [])
        closed.get("/secret", dependencies=[Depends(bearer(settings))])(lambda: "told")
        with serving(closed) as other:
            for header in ("Bearer", "Bearer None"):
                problem(other.get("/secret", headers={"authorization": header}), 401, "not_signed_in")


def test_liveness_and_readiness_say_what_is_wrong(app: FastAPI) -> None:
    with serving(app) as client:
        assert client.get("/healthz").json() == {"status": "ok", "dead_loops": []}
        assert client.get("/readyz").json() == {"status": "ready", "probes": {"broker": "ok"}}
        app.state.health.watch({"relay": lambda: False})
        assert client.get("/healthz").status_code == 503
    with serving(create_app("Test", SETTINGS, [Probe("database", _broken)], public=True)) as client:
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (503, {"status": "not_ready"})


def test_metrics_are_in_prometheus_form(client: httpx.Client) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE python_info gauge" in response.text


def test_the_interface_documents_itself_without_scripts(client: httpx.Client) -> None:
    assert set(client.get("/openapi.json").json()["paths"]) >= {"/notes", "/raw"}
    page = client.get("/docs").text
    assert "Take a note" in page
    assert "<script" not in page
    assert re.search(r"<code>text</code></td><td>application/json</td><td><code>string</code></td><td>yes", page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_has_its_language_and_direction_and_nothing_inline(client: httpx.Client, language: str) -> None:
    response = client.get(f"/page?lang={language}")
    rtl = language == "ar"
    assert f'<html lang="{language}" dir="{"rtl" if rtl else "ltr"}">' in response.text
    assert ("bootstrap.rtl.min.css" in response.text) == rtl
    assert response.headers["content-language"] == language
    assert response.text.count('aria-current="true"') == 1
    assert 'href="#main"' in response.text
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|javascript:", response.text)


@pytest.mark.parametrize(
    ("header", "language"), [("fr-CA,fr;q=0.8", "fr"), ("de,es;q=0.5", "es"), ("zz", "ar"), ("", "ar")]
)
def test_the_browsers_language_is_taken_where_we_have_it(client: httpx.Client, header: str, language: str) -> None:
    assert client.get("/page", headers={"accept-language": header}).headers["content-language"] == language


def test_assets_are_those_on_the_list_only(client: httpx.Client) -> None:
    assert client.get("/assets/ibalagh.css").headers["content-type"].startswith("text/css")
    for name in ("app.py", "..%2fapp.py", "%2e%2e/app.py"):
        assert client.get(f"/assets/{name}").status_code == 404


def test_requests_are_answered_side_by_side(app: FastAPI) -> None:
    both = threading.Barrier(2)

    @app.get("/meet")
    def meet() -> str:
        both.wait(10)
        return "met"

    with serving(app) as client:
        answers: list[int] = []
        threads = [threading.Thread(target=lambda: answers.append(client.get("/meet").status_code)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200, 200]
