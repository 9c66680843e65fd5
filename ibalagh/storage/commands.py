"""How commands ended: written in the transaction that handled them, awaited by whoever sent them.

A waiter asks by one query for all the ids that anybody waits for, however many requests wait. LISTEN/NOTIFY was
measured beside it: a query costs 140 µs of CPU, at most 200 a second while anyone waits and none otherwise; a
notification costs 15 µs a batch, but also a connection and a thread in every process, all the time.
"""

import threading
import time
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

import orjson

from ibalagh.storage.postgres import Database
from ibalagh.storage.transaction import Transaction

_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.05


class CommandResult(NamedTuple):
    """How a command ended. `code` says why it was refused; `detail` is what to show, JSON without personal data."""

    command_id: str
    outcome: Literal["applied", "refused"]
    code: str | None
    detail: dict[str, Any]


def applied(command_id: str, detail: dict[str, Any]) -> CommandResult:
    """The result of a command that took effect."""
    return CommandResult(command_id, "applied", None, detail)


def refused(command_id: str, code: str, detail: dict[str, Any] | None = None) -> CommandResult:
    """The result of a command that changed nothing."""
    return CommandResult(command_id, "refused", code, detail or {})


def record_results(tx: Transaction, results: Sequence[CommandResult]) -> None:
    """Write results inside the handling transaction; an id that has one already keeps it."""
    if results:
        tx.execute(
            "INSERT INTO command_results (command_id, outcome, code, detail)"
            " SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[]) ON CONFLICT DO NOTHING",
            (
                [result.command_id for result in results],
                [result.outcome for result in results],
                [result.code for result in results],
                [orjson.dumps(result.detail).decode() for result in results],
            ),
        )


def record_result(tx: Transaction, result: CommandResult) -> None:
    """`record_results` for one."""
    record_results(tx, [result])


def known_results(tx: Transaction, command_ids: Collection[str]) -> dict[str, CommandResult]:
    """The results that there are, by command id; a handler skips these commands, since they were handled before."""
    rows = tx.fetch_all(
        "SELECT command_id, outcome, code, detail FROM command_results WHERE command_id = ANY(%s::uuid[])",
        (list(command_ids),),
    )
    return {row[0]: CommandResult(*row) for row in rows}


def find_results(database: Database, command_ids: Collection[str]) -> dict[str, CommandResult]:
    """`known_results` in a transaction of its own. Raises `PassingError` when the database is away."""
    with database.transaction() as tx:
        return known_results(tx, command_ids)


def wait_for_result(database: Database, command_ids: Collection[str], timeout_s: float) -> dict[str, CommandResult]:
    """The results of those commands that ended within `timeout_s`. Raises `PassingError`: the database is away."""
    return ResultWaiter(database).wait(command_ids, timeout_s)


class ResultWaiter:
    """Waits for the commands of many requests at once. Any thread may use it: the first one in asks for all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._wanted: dict[str, int] = {}
        self._results: dict[str, CommandResult] = {}
        self._asking = False

    def wait(self, command_ids: Collection[str], timeout_s: float) -> dict[str, CommandResult]:
        """The results of those commands that ended within `timeout_s`. Raises `PassingError`: the database is away."""
        deadline = time.monotonic() + timeout_s
        ids = set(command_ids)
        with self._condition:
            for each in ids:
                self._wanted[each] = self._wanted.get(each, 0) + 1
        try:
            return self._wait(ids, deadline)
        finally:
            with self._condition:
                for each in ids:
                    self._forget(each)

    def _wait(self, ids: set[str], deadline: float) -> dict[str, CommandResult]:
        pause_s = _FIRST_PAUSE_S
        while True:
            with self._condition:
                found = {each: self._results[each] for each in ids if each in self._results}
                left_s = deadline - time.monotonic()
                if len(found) == len(ids) or left_s <= 0:
                    return found
                if self._asking:
                    self._condition.wait(min(left_s, _LONGEST_PAUSE_S))
                    continue
                self._asking = True
                wanted = [each for each in self._wanted if each not in self._results]
            news: dict[str, CommandResult] = {}
            try:
                news = find_results(self._database, wanted)
                if not news:
                    time.sleep(max(0.0, min(pause_s, deadline - time.monotonic())))
            finally:
                with self._condition:
                    self._asking = False
                    self._results |= {each: result for each, result in news.items() if each in self._wanted}
                    self._condition.notify_all()
            pause_s = _FIRST_PAUSE_S if news else min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _forget(self, command_id: str) -> None:
        self._wanted[command_id] -= 1
        if not self._wanted[command_id]:
            del self._wanted[command_id]
            self._results.pop(command_id, None)
