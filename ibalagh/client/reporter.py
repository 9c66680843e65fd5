"""The client of a trusted reporter: any number of reports in, one result each out, in order.

    with ReporterClient("https://ibalagh.example", key) as client:
        for result in client.send(reports, key_of=lambda report: f"case-{report['case']:012d}"):
            ...

Reports go in batches, each with an idempotency key, and are sent again until they are answered for good: whole batches
when no answer came, single lines when only these were told to wait. So nothing is reported twice, and an interrupted
run may simply be repeated, if `key_of` gives the same keys.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx
import orjson

from ibalagh.stream.retry import Backoff

PATH: Final = "/v1/reports:batch"
MAX_LINES: Final = 5_000
MAX_BATCH_BYTES: Final = 8_388_608

_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_JITTER: Final = 0.25
_UNREACHABLE: Final[Mapping[str, Any]] = {"status": 503, "code": "unreachable", "title": "No answer came in time"}

Report = Mapping[str, Any]


class RefusedError(Exception):
    """A whole request was refused, and would be again: a wrong key (401), no scope for it (403), a bad body."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"refused with {status}: {problem.get('detail') or problem.get('title') or 'no reason given'}")
        self.status = status
        self.problem = problem


class Result(NamedTuple):
    """What became of the report with this number, counted from 1: its id and receipt, or the problem (RFC 9457)."""

    number: int
    report_id: str = ""
    receipt: str = ""
    problem: Mapping[str, Any] | None = None

    @property
    def accepted(self) -> bool:
        """Whether the report is durable."""
        return self.problem is None

    @property
    def passing(self) -> bool:
        """Whether the same report may be accepted later: it was refused for the time being, until the deadline."""
        return self.problem is not None and self.problem.get("status") in _PASSING


class _Line(NamedTuple):
    number: int
    body: bytes


class _Reply(NamedTuple):
    """Answers by number, those to be asked for again, and the wait that was asked for."""

    results: Mapping[int, Result]
    again: Mapping[int, Mapping[str, Any]]
    wait_s: float


class ReporterClient:
    """Sends reports to the platform at `base_url` with an API key. Not to be shared between threads.

    `deadline_s` is how long a batch may take with all its repetitions. `http` replaces the HTTP client; `clock` (a
    clock that only goes forward, seconds), `sleep` and `chance` (0 to 1) are arguments for tests.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        batch_lines: int = 500,
        deadline_s: float = 300,
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if not 1 <= batch_lines <= MAX_LINES:
            raise ValueError(f"a batch has 1 to {MAX_LINES} lines")
        self._url = base_url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        self._batch_lines = batch_lines
        self._deadline_s = deadline_s
        self._http = http or httpx.Client(timeout=60)
        self._clock = clock
        self._sleep = sleep
        self._chance = chance

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, reports: Iterable[Report], key_of: Callable[[Report], str] | None = None) -> Iterator[Result]:
        """Send `reports`, in the form of `POST /v1/reports`; a result for each, in order, batch by batch.

        `key_of` names a report: 16 to 128 visible ASCII characters, the same whenever it is sent. Without it, and
        without an `idempotency_key` in the report, it is new in every run. Raises `RefusedError`.
        """
        for batch in self._batches(self._lines(reports, key_of)):
            yield from self._settled(batch)

    def _lines(self, reports: Iterable[Report], key_of: Callable[[Report], str] | None) -> Iterator[_Line]:
        for number, report in enumerate(reports, start=1):
            key = key_of(report) if key_of else report.get("idempotency_key") or str(uuid.uuid4())
            yield _Line(number, orjson.dumps({**report, "idempotency_key": key}))

    def _batches(self, lines: Iterable[_Line]) -> Iterator[list[_Line]]:
        batch: list[_Line] = []
        size_bytes = 0
        for line in lines:
            if batch and (len(batch) == self._batch_lines or size_bytes + len(line.body) > MAX_BATCH_BYTES):
                yield batch
                batch, size_bytes = [], 0
            batch.append(line)
            size_bytes += len(line.body) + 1
        if batch:
            yield batch

    def _settled(self, batch: Sequence[_Line]) -> list[Result]:
        """The results of a batch: what is refused for the time being is sent again until the deadline."""
        deadline = self._clock() + self._deadline_s
        results: dict[int, Result] = {}
        waiting = batch
        pause = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        while True:
            reply = self._ask(waiting)
            results |= reply.results
            waiting = [line for line in waiting if line.number in reply.again]
            wait_s = max(reply.wait_s, pause.fail()) * (1 + _JITTER * self._chance())
            if not waiting or self._clock() + wait_s > deadline:
                results |= {line.number: Result(line.number, problem=reply.again[line.number]) for line in waiting}
                return [results[line.number] for line in batch]
            self._sleep(wait_s)

    def _ask(self, lines: Sequence[_Line]) -> _Reply:
        """One request. Raises `RefusedError`."""
        everything = [line.number for line in lines]
        try:
            response = self._http.post(
                self._url, content=b"\n".join(line.body for line in lines), headers=self._headers
            )
        except httpx.TransportError:
            return _Reply({}, dict.fromkeys(everything, _UNREACHABLE), 0)
        if response.status_code == httpx.codes.OK:
            return _read(lines, response.content)
        problem = _problem(response)
        if response.status_code not in _PASSING:
            raise RefusedError(response.status_code, problem)
        return _Reply({}, dict.fromkeys(everything, problem), _seconds(response.headers.get("Retry-After")))


def _read(lines: Sequence[_Line], body: bytes) -> _Reply:
    """The answers of a batch, which stand in the order of its lines."""
    results: dict[int, Result] = {}
    again: dict[int, Mapping[str, Any]] = {}
    wait_s = 0.0
    for line, raw in zip(lines, body.splitlines(), strict=True):
        answer = orjson.loads(raw)
        if answer["status"] in _PASSING:
            again[line.number] = answer
            wait_s = max(wait_s, float(answer.get("retry_after_s", 0)))
        elif "report_id" in answer:
            results[line.number] = Result(line.number, answer["report_id"], answer["receipt"])
        else:
            results[line.number] = Result(line.number, problem=answer)
    return _Reply(results, again, wait_s)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        value = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"status": response.status_code, "title": response.reason_phrase}


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.isdecimal() else 0.0
