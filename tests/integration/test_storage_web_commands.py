"""Commands over HTTP: published, handled elsewhere, answered with the result that the handler recorded."""

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from pydantic import BaseModel

from ibalagh.events.envelope import Data, Event
from ibalagh.storage.commands import CommandResult, applied, record_results, refused
from ibalagh.storage.postgres import Database
from ibalagh.stream.ports import Acknowledgement, Outgoing
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem
from tests.support import storage
from tests.support.storage import CODEC, migrated, uuid_of

Handle = Callable[[str], CommandResult | None]


class _Broker:
    """A producer whose consumer handles at once; ids in `lost` are not acknowledged."""

    def __init__(self, database: Database, handle: Handle, lost: Sequence[str] = ()) -> None:
        self._database = database
        self._handle = handle
        self._lost = lost

    def publish(self, records: Sequence[Outgoing], timeout_s: float) -> list[Acknowledgement | None]:
        """Handle what is not lost."""
        assert timeout_s > 0
        ids = [(dict(record.headers)["ce_id"] or b"").decode() for record in records]
        with self._database.transaction() as tx:
            results = [self._handle(each) for each in ids if each not in self._lost]
            record_results(tx, [result for result in results if result is not None])
        return [None if each in self._lost else Acknowledgement("t", 0, 0) for each in ids]

    def close(self) -> None:
        """Nothing to free."""


class _Line(BaseModel):
    n: int


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """triage's database with the common tables."""
    with migrated(database_url) as database:
        yield database


def commands(database: Database, handle: Handle, *lost: str) -> Commands:
    """What a service would use, waiting for 0.2 s."""
    return Commands(_Broker(database, handle, lost), CODEC, database, wait_s=0.2)


def test_an_applied_command_is_200_with_its_detail(database: Database) -> None:
    response = commands(database, lambda id_: applied(id_, {"version": 2})).send(storage.command(1))
    assert response.status_code == 200
    assert json.loads(bytes(response.body)) == {
        "command_id": uuid_of(1),
        "outcome": "applied",
        "code": None,
        "detail": {"version": 2},
    }


@pytest.mark.parametrize(("code", "status"), [("stale_version", 409), ("unknown_report", 404)])
def test_a_refused_command_is_a_problem_with_what_is_current(database: Database, code: str, status: int) -> None:
    response = commands(database, lambda id_: refused(id_, code, {"version": 3})).send(storage.command(1))
    members = json.loads(bytes(response.body))
    assert (response.status_code, response.media_type) == (status, "application/problem+json")
    assert (members["code"], members["refused"], members["command_id"]) == (code, {"version": 3}, uuid_of(1))


def test_a_command_that_is_not_handled_in_time_is_202_with_a_link(database: Database) -> None:
    sender = commands(database, lambda _id: None)
    response = sender.send(storage.command(1))
    assert response.status_code == 202
    link = response.headers["location"]
    assert link == json.loads(bytes(response.body))["status_url"] == f"/v1/commands/{uuid_of(1)}"
    with pytest.raises(Problem) as none_yet:
        sender.status(uuid_of(1))
    assert none_yet.value.status == 404
    with database.transaction() as tx:
        record_results(tx, [refused(uuid_of(1), "stale_version")])
    assert json.loads(bytes(sender.status(uuid_of(1)).body))["code"] == "stale_version"


def test_a_command_that_the_broker_did_not_take_is_503(database: Database) -> None:
    response = commands(database, lambda id_: applied(id_, {}), uuid_of(1)).send(storage.command(1))
    assert (response.status_code, "retry-after" in response.headers) == (503, True)


def test_a_batch_is_answered_line_by_line_in_order(database: Database) -> None:
    def handle(id_: str) -> CommandResult | None:
        return {
            uuid_of(1): applied(uuid_of(1), {"version": 2}),
            uuid_of(2): refused(uuid_of(2), "stale_version"),
        }.get(id_)

    def to_command(line: _Line, number: int) -> Event[Data]:
        if line.n == 9:
            raise Problem(422, "no_nines", "No nines", field="n")
        return storage.command(line.n)

    body = b'{"n": 2}\nnot json\n{"n": 9}\n{"n": 1}\n{"n": 3}\n{"n": 4}\n'
    response = commands(database, handle, uuid_of(4)).send_lines(body, _Line, to_command)
    answers = [json.loads(line) for line in bytes(response.body).splitlines()]
    assert [(each["line"], each["status"], each["outcome"], each["code"]) for each in answers] == [
        (1, 409, "refused", "stale_version"),
        (2, 400, "invalid", "bad_json"),
        (3, 422, "invalid", "no_nines"),
        (4, 200, "applied", None),
        (5, 202, "pending", None),
        (6, 503, "not_accepted", "unavailable"),
    ]


def test_the_same_idempotency_key_gives_the_same_command_id() -> None:
    assert command_id("k") == command_id("k") != command_id("l")
    assert command_id("k", 1) != command_id("k", 2) != command_id("k")
    assert command_id(None) != command_id(None)
