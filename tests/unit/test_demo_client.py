"""The demo's HTTP client: keeps its connection, waits when asked to, sends again what was lost, names refusals."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from bench.demonstration.client import Client, RefusedError, UnreachableError, batches
from bench.demonstration.steps import RefusedCommandError, give_commands
from bench.demonstration.timeline import TooSlowError, settle, wait_for_count


class _Service(ThreadingHTTPServer):
    """Answers with the next of `script`: (status, body, headers), or None to hang up without an answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, Any, dict[str, str]] | None] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Service

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, dict(self.headers), body))
        step = self.server.script.pop(0)
        if step is None:
            self.close_connection = True
            return
        status, value, headers = step
        answer = value if isinstance(value, bytes) else orjson.dumps(value)
        self.send_response(status)
        for name, text in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[_Service]:
    server = _Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(service: _Service) -> Iterator[Client]:
    client = Client(service.address, "secret-token", patience_s=2)
    yield client
    client.close()


def test_requests_carry_token_and_key_over_one_connection(service: _Service, client: Client) -> None:
    service.script = [(202, {"report_id": "r"}, {}), (200, {"stages": {}}, {})]
    assert client.post("/v1/reports", {"text": "ش"}, "key-1") == {"report_id": "r"}
    assert client.get("/v1/counters", limit=5, after=None) == {"stages": {}}
    (_, headers, body), (path, _, _) = service.seen
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer secret-token", "key-1")
    assert orjson.loads(body) == {"text": "ش"}
    assert path == "/v1/counters?limit=5"
    assert service.connections == 1


def test_a_busy_service_is_asked_again_after_the_time_that_it_names(service: _Service, client: Client) -> None:
    service.script = [(503, {}, {"Retry-After": "1"}), (202, {"report_id": "r"}, {})]
    assert client.post("/v1/reports", {}, "key-1") == {"report_id": "r"}
    assert [headers["Idempotency-Key"] for _, headers, _ in service.seen] == ["key-1", "key-1"]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(service: _Service, client: Client) -> None:
    service.script = [None, (202, {"report_id": "r"}, {})]
    assert client.post("/v1/reports", {}, "key-1") == {"report_id": "r"}
    assert len(service.seen) == 2


def test_a_refusal_names_the_place_and_the_problem_but_nothing_that_was_sent(service: _Service, client: Client) -> None:
    service.script = [(422, {"code": "invalid", "field": "text", "rule": "not_blank"}, {})]
    with pytest.raises(RefusedError, match=r"/v1/reports answered 422 \(invalid, text, not_blank\)") as caught:
        client.post("/v1/reports", {"text": "personal"}, "key-1")
    assert "personal" not in str(caught.value)


def test_a_service_that_stays_busy_is_given_up(service: _Service, client: Client) -> None:
    service.script = [(503, {}, {"Retry-After": "60"})]
    with pytest.raises(UnreachableError):
        client.get("/v1/counters")


def test_lists_are_read_page_by_page_and_lines_answered_in_order(service: _Service, client: Client) -> None:
    service.script = [
        (200, {"items": [1, 2], "next": "2"}, {}),
        (200, {"items": [3], "next": None}, {}),
        (200, b'{"line":0}\n{"line":1}\n', {}),
    ]
    assert list(client.pages("/v1/reviews", 2, state="open")) == [1, 2, 3]
    assert [path for path, _, _ in service.seen] == [
        "/v1/reviews?limit=2&state=open",
        "/v1/reviews?limit=2&after=2&state=open",
    ]
    assert client.post_lines("/v1/decisions:batch", [{"a": 1}, {"a": 2}], "key-2") == [{"line": 0}, {"line": 1}]
    assert service.seen[-1][2] == b'{"a":1}\n{"a":2}\n'


def test_batches_hold_all_values_in_order() -> None:
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []


def test_waiting_for_a_count_ends_when_it_is_reached_and_fails_when_it_stands_still() -> None:
    counts = iter([0, 3, 5])
    shown: list[int] = []
    wait_for_count(lambda: next(counts), 5, "triage", 1, shown.append)
    assert shown == [0, 3, 5]
    with pytest.raises(TooSlowError, match="triage: stood still at 2 of 5"):
        wait_for_count(lambda: 2, 5, "triage", 0.2, shown.append)


def test_settling_ends_at_once_when_done_and_else_when_nothing_moves() -> None:
    answers = iter([1, 2, 3])
    assert settle(lambda: next(answers), lambda answer: answer == 3, quiet_s=5, longest_s=5) == 3
    assert settle(lambda: 7, lambda answer: answer == 3, quiet_s=0.3, longest_s=5) == 7


def test_commands_wait_for_results_that_are_pending(service: _Service, client: Client) -> None:
    applied, pending = {"status": 200, "outcome": "applied"}, {"status": 202, "outcome": "pending", "command_id": "c2"}
    service.script = [
        (200, orjson.dumps(applied) + b"\n" + orjson.dumps(pending) + b"\n", {}),
        (404, {"code": "no_result"}, {}),
        (200, {"outcome": "applied", "code": None}, {}),
    ]
    done: list[int] = []
    give_commands(client, "/v1/actions:batch", [{"action": "accept"}, {"action": "decline"}], "run", done.append)
    assert done == [1, 1]
    assert service.seen[-1][0] == "/v1/commands/c2"


def test_a_refused_command_ends_the_work_and_is_named_by_its_code(service: _Service, client: Client) -> None:
    service.script = [(200, b'{"status":409,"outcome":"refused","code":"not_allowed"}\n', {})]
    with pytest.raises(RefusedCommandError, match="accept was refused: not_allowed"):
        give_commands(client, "/v1/actions:batch", [{"action": "accept"}], "run", lambda _count: None)
