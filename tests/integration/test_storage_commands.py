"""Results of commands: written with the effects, kept as first written, awaited by many at once."""

import threading
import time

from ibalagh.storage.commands import (
    CommandResult,
    ResultWaiter,
    applied,
    find_results,
    record_result,
    record_results,
    wait_for_result,
)
from tests.support.storage import migrated, uuid_of

ONE, TWO, THREE = (uuid_of(number) for number in (1, 2, 3))
REFUSED = CommandResult(TWO, "refused", "stale_version", {"version": 3})


def test_the_first_result_of_a_command_stays(database_url: str) -> None:
    with migrated(database_url) as database:
        with database.transaction() as tx:
            record_results(tx, [applied(ONE, {"version": 2}), REFUSED])
        with database.transaction() as tx:
            record_result(tx, CommandResult(ONE, "refused", "other", {}))
            record_results(tx, [])
        assert find_results(database, [ONE, TWO, THREE]) == {ONE: applied(ONE, {"version": 2}), TWO: REFUSED}


def test_waiting_ends_as_soon_as_all_results_are_there(database_url: str) -> None:
    with migrated(database_url) as database:
        waiter = ResultWaiter(database)
        got: dict[str, dict[str, CommandResult]] = {}

        def wait(name: str, ids: list[str]) -> None:
            got[name] = waiter.wait(ids, 20)

        threads = [
            threading.Thread(target=wait, args=("both", [ONE, TWO])),
            threading.Thread(target=wait, args=("one", [ONE])),
            threading.Thread(target=wait, args=("again", [ONE])),
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for result in (applied(ONE, {}), REFUSED):
            with database.transaction() as tx:
                record_result(tx, result)
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < 5
        assert got == {
            "both": {ONE: applied(ONE, {}), TWO: REFUSED},
            "one": {ONE: applied(ONE, {})},
            "again": {ONE: applied(ONE, {})},
        }


def test_waiting_gives_up_at_its_time_out_with_what_there_is(database_url: str) -> None:
    with migrated(database_url) as database:
        with database.transaction() as tx:
            record_result(tx, REFUSED)
        assert wait_for_result(database, [ONE, TWO], 0.2) == {TWO: REFUSED}
        assert wait_for_result(database, [], 0.2) == {}
