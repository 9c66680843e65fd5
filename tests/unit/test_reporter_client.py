"""The client of trusted reporters against intake's application: order, repetition, waiting, giving up."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from ibalagh.client.reporter import RefusedError, ReporterClient, Result
from services.intake.apikeys import Scope
from services.intake.publisher import Verdict
from tests.support.intake import app_client
from tests.unit.test_intake_trusted import Service


class Line:
    """The way to the application: a test makes it fail, and its clock stands still but for what the client waits."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.faults: list[httpx.Response | Exception | None] = []
        self.lost_answers = 0
        self.sizes: list[int] = []
        self.now_s = 0.0
        self.waits: list[float] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.sizes.append(len(request.content.splitlines()))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        answer = self.service.client.post(
            request.url.path, content=request.content, headers={"Authorization": request.headers["Authorization"]}
        )
        if self.lost_answers:
            self.lost_answers -= 1
            raise httpx.ReadTimeout("the answer was lost")
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds

    def client(self, key: dict[str, str], **given: Any) -> ReporterClient:
        return ReporterClient(
            "http://intake.test/", key["Authorization"].removeprefix("Bearer "),
            http=httpx.Client(transport=httpx.MockTransport(self.handle)),
            clock=lambda: self.now_s, sleep=self.sleep, chance=lambda: 1.0, **{"batch_lines": 10, **given},
        )  # fmt: skip


@pytest.fixture
def line() -> Iterator[Line]:
    service = Service()
    with app_client(service.app) as service.client:
        yield Line(service)


def reports(count: int) -> Iterator[dict[str, Any]]:
    return ({"text": f"number {number}"} for number in range(1, count + 1))


def sent(line: Line, key: dict[str, str], count: int, **given: Any) -> list[Result]:
    with line.client(key, **given) as client:
        return list(client.send(reports(count)))


def test_every_report_has_its_result_in_order_and_is_stored_once(line: Line) -> None:
    results = sent(line, line.service.key(), 25)
    assert [result.number for result in results] == list(range(1, 26))
    assert all(result.accepted and result.receipt for result in results)
    stored = {report.report_id: report.record.value for report in line.service.memory.stored.values()}
    texts = [orjson.loads(stored[result.report_id])["text"] for result in results]
    assert texts == [f"number {number}" for number in range(1, 26)]
    assert line.sizes == [10, 10, 5]


def test_results_come_batch_by_batch_and_no_report_is_asked_for_ahead(line: Line) -> None:
    taken = []
    with line.client(line.service.key()) as client:
        results = client.send(taken.append(report["text"]) or report for report in reports(100))  # type: ignore[func-returns-value]
        next(results)
    assert len(taken) <= 11


def test_a_lost_answer_is_asked_for_again_and_nothing_is_stored_twice(line: Line) -> None:
    line.lost_answers = 2
    results = sent(line, line.service.key(), 10)
    assert all(result.accepted for result in results)
    assert len(line.service.memory.stored) == 10
    assert line.waits == [0.5 * 1.25, 1.0 * 1.25]


def test_a_wait_that_is_asked_for_is_kept(line: Line) -> None:
    for status in (429, 503):
        line.faults.append(httpx.Response(status, headers={"Retry-After": "7"}, json={"status": status}))
    assert all(result.accepted for result in sent(line, line.service.key(), 3))
    assert line.waits == [7 * 1.25, 7 * 1.25]


def test_only_the_lines_that_were_told_to_wait_are_sent_again(line: Line) -> None:
    busy = {"line": 2, "status": 503, "code": "unavailable", "title": "x"}
    done = {"line": 1, "status": 202, "report_id": str(uuid.uuid4()), "receipt": "r"}
    bad = {"line": 3, "status": 422, "code": "invalid", "title": "x"}
    line.faults.append(httpx.Response(200, content=b"\n".join(map(orjson.dumps, (done, busy, bad)))))
    results = sent(line, line.service.key(), 3)
    assert line.sizes == [3, 1]
    assert [result.accepted for result in results] == [True, True, False]
    assert (results[2].passing, results[0].receipt) == (False, "r")
    [stored] = line.service.memory.received()
    assert stored.text == "number 2"


def test_at_the_deadline_the_last_problem_is_the_result(line: Line) -> None:
    line.service.memory.verdict = Verdict.UNAVAILABLE
    results = sent(line, line.service.key(), 12, deadline_s=20)
    assert [result.number for result in results] == list(range(1, 13))
    assert all(result.passing for result in results)
    assert line.now_s <= 40
    line.faults = [httpx.ConnectError("away")] * 100
    assert sent(line, line.service.key(), 1, deadline_s=20)[0].problem == {
        "status": 503, "code": "unreachable", "title": "No answer came in time",
    }  # fmt: skip


def test_a_quota_that_is_used_up_until_tomorrow_is_not_waited_for(line: Line) -> None:
    results = sent(line, line.service.key(daily_quota=4), 12)
    assert [result.accepted for result in results] == [True] * 4 + [False] * 8
    assert {result.problem["code"] for result in results[4:] if result.problem} == {"quota_used_up"}
    assert line.waits == []


def test_an_interrupted_run_is_repeated_with_the_same_keys(line: Line) -> None:
    key = line.service.key()

    def run() -> list[str]:
        with line.client(key) as client:
            named = client.send(reports(15), key_of=lambda report: f"our-case-{report['text']}".replace(" ", "-"))
            return [result.report_id for result in named]

    assert run() == run()
    assert len(line.service.memory.stored) == 15


def test_a_key_that_opens_nothing_is_an_error_at_once(line: Line) -> None:
    for key, status in (({"Authorization": "Bearer wrong"}, 401), (line.service.key(Scope.XARF), 403)):
        with pytest.raises(RefusedError) as raised:
            sent(line, key, 1)
        assert raised.value.status == status
    assert "scope" in str(raised.value)
    assert line.waits == []


def test_large_reports_go_in_more_requests(line: Line) -> None:
    large = ({"text": "é" * 20_000, "links": ["https://x.example/" + "y" * 2_000] * 20} for _ in range(150))
    with line.client(line.service.key(), batch_lines=5_000) as client:
        assert all(result.accepted for result in client.send(large))
    assert len(line.sizes) == 2


def test_a_batch_has_a_size(line: Line) -> None:
    for lines in (0, 5_001):
        with pytest.raises(ValueError, match="1 to 5000"):
            line.client(line.service.key(), batch_lines=lines)
