"""From an HTTP request to a command on a topic, and back with its result: 200, 202 with a link, 409 or 503.

A command's event id is its command id. The owning service records the result in the transaction that handles the
command; whoever sent it waits for that up to `wait_s`, else is told where to ask.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
import uuid_utils
from fastapi import Response
from pydantic import BaseModel

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.commands import CommandResult, ResultWaiter, find_results
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Producer
from ibalagh.web import ndjson
from ibalagh.web.problems import Problem, unavailable

WAIT_S: Final = 2.0
PUBLISH_TIMEOUT_S: Final = 2.0
MAX_LINES: Final = 1000
_NAMESPACE: Final = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:ibalagh:idempotency-key")

Answer = tuple[int, Mapping[str, Any]]
"""An HTTP status and the members of the body."""
M = TypeVar("M", bound=BaseModel)


def command_id(idempotency_key: str | None, line: int | None = None) -> str:
    """UUIDv5 of an `Idempotency-Key` (and of the line's number in a batch); random without a key."""
    if not idempotency_key:
        return str(uuid_utils.uuid4())
    return str(uuid_utils.uuid5(_NAMESPACE, idempotency_key if line is None else f"{idempotency_key}|{line}"))


class Commands:
    """Publishes commands of one service and waits for their results. Any thread may use it; calls block."""

    def __init__(
        self,
        producer: Producer,
        codec: Codec,
        database: Database,
        *,
        status_path: str = "/v1/commands",
        wait_s: float = WAIT_S,
    ) -> None:
        self._producer = producer
        self._codec = codec
        self._database = database
        self._waiter = ResultWaiter(database)
        self._status_path = status_path
        self._wait_s = wait_s

    def send(self, command: Event[Data]) -> Response:
        """One command: 200 applied, 409 refused (404 when its code begins with `unknown_`), 202 not handled yet,
        503 not accepted by the broker."""
        ((status, members),) = self.submit([command])
        if status < 400:
            return _json(status, members)
        if status == 503:
            return unavailable("The command was not accepted.").response()
        extra = {"command_id": members["command_id"], "outcome": members["outcome"], "refused": members["detail"]}
        return Problem(status, members["code"], "Refused", extra=extra).response()

    def send_lines(
        self,
        body: bytes,
        model: type[M],
        to_command: Callable[[M, int], Event[Data]],
        *,
        max_lines: int = MAX_LINES,
    ) -> Response:
        """`answer_lines` for a body of NDJSON. Raises `Problem` for a body that has no lines or too many."""
        return self.answer_lines(ndjson.read_lines(body, model, max_lines), to_command)

    def answer_lines(self, lines: Iterable[M | Problem], to_command: Callable[[M, int], Event[Data]]) -> Response:
        """Lines in (`ndjson.read_lines`), NDJSON out, an answer per line in order; a line that breaks a rule does not
        stop the others.

        `to_command` gets a valid line and its number, from 0; it may raise `Problem`. The response as a whole is 200.
        """
        answers: list[Answer] = []
        commands: list[Event[Data]] = []
        places: list[int] = []
        for number, line in enumerate(lines):
            try:
                if isinstance(line, Problem):
                    raise line
                commands.append(to_command(line, number))
                places.append(number)
                answers.append((0, {}))
            except Problem as problem:
                answers.append((problem.status, {"outcome": "invalid", **problem.body()}))
        for place, answer in zip(places, self.submit(commands), strict=True):
            answers[place] = answer
        return ndjson.respond(answers)

    def submit(self, commands: Sequence[Event[Data]], *, wait_s: float | None = None) -> list[Answer]:
        """Publish commands together and wait once for all, as long as for one unless `wait_s` is given; the answers in
        order.

        Members: `command_id`, `outcome` (`applied`, `refused`, `pending`, `not_accepted`), `code` (null unless refused
        or not accepted), `detail` (of the result), and `status_url` when pending.
        """
        if not commands:
            return []
        acknowledged = self._producer.publish([self._codec.encode(each) for each in commands], PUBLISH_TIMEOUT_S)
        accepted = [each.id for each, ack in zip(commands, acknowledged, strict=True) if ack is not None]
        try:
            results = self._waiter.wait(accepted, self._wait_s if wait_s is None else wait_s)
        except PassingError:
            results = {}  # accepted all the same: the result can be asked for later
        return [
            self._answer(each.id, results) if ack else (503, _members(each.id, "not_accepted", "unavailable"))
            for each, ack in zip(commands, acknowledged, strict=True)
        ]

    def status(self, id_: str) -> Response:
        """The result of a command; raises `Problem` 404 while there is none."""
        result = find_results(self._database, [id_]).get(id_)
        if result is None:
            raise Problem(404, "no_result", "No result", "No such command was handled yet.", retry_after_s=1)
        return _json(200, _members(id_, result.outcome, result.code, result.detail))

    def _answer(self, id_: str, results: Mapping[str, CommandResult]) -> Answer:
        result = results.get(id_)
        if result is None:
            return 202, _members(id_, "pending") | {"status_url": f"{self._status_path}/{id_}"}
        status = 200 if result.code is None else 404 if result.code.startswith("unknown_") else 409
        return status, _members(id_, result.outcome, result.code, result.detail)


def _members(
    id_: str, outcome: str, code: str | None = None, detail: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"command_id": id_, "outcome": outcome, "code": code, "detail": dict(detail or {})}


def _json(status: int, members: Mapping[str, Any]) -> Response:
    headers = {"Location": members["status_url"]} if status == 202 else None
    return Response(orjson.dumps(members), status, headers, "application/json")
