"""Counting anew from offset 0 into twins of the tables, which then take their place: safe while workers run.

In: the database and a reader of the log. Out: how many offsets were counted again. Raises RebuildError, and what
reading and storing raise; then the live tables are as they were.

1. One rebuild at a time: an advisory lock.
2. Make empty twins.
3. Count the log into the twins, up to the positions that the workers have stored, until little is missing.
4. In one transaction: keep the workers out (their batches wait), count the little that is missing, up to the positions
   stored now, and swap. The positions stay as they are: the twins hold exactly what they stand for, so the next batch
   of a worker, which is no further than its own positions, adds to the new tables what it would have added to the old.
"""

from typing import Final

from ibalagh.storage.leadership import Leadership
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import ConflictError
from ibalagh.stream.ports import Positions
from services.stats import store
from services.stats.handlers import count
from services.stats.recount import Progress, Reader
from services.stats.store import Store

NEARLY_DONE_RECORDS: Final = 20_000
"""Few enough to be counted while the workers wait: about a second."""
_SWAP_TRIES: Final = 5


class RebuildError(Exception):
    """The rebuild did not begin or could not end; the message says why and what to do."""


def rebuild(database: Database, reader: Reader, consumer: str, progress: Progress) -> int:
    """See the module. `consumer` is the name under which the workers store their positions."""
    lock = Leadership(database, "rebuild")
    if not lock.acquire():  # 1
        raise RebuildError("Another rebuild is running: wait for its end.")
    try:
        with database.transaction() as tx:
            store.make_twins(tx)  # 2
        reached: Positions = {}
        while True:  # 3
            with database.transaction() as tx:
                until = store.read_positions(tx, consumer)
            if reached and sum(until.values()) - sum(reached.values()) <= NEARLY_DONE_RECORDS:
                return _finish(database, reader, consumer, progress)
            for events in reader.read(until, progress):
                with database.transaction() as tx:
                    count(events, Store(tx, store.TWIN))
            reached = until
            if not until:
                return _finish(database, reader, consumer, progress)
    finally:
        lock.release()


def _finish(database: Database, reader: Reader, consumer: str, progress: Progress) -> int:
    for _ in range(_SWAP_TRIES):
        try:
            with database.transaction() as tx:
                store.stop_the_world(tx)
        except ConflictError:
            continue
        # The lock was to be had a moment ago. Reading moves on for good, so what follows is done once.
        with database.transaction() as tx:  # 4
            store.stop_the_world(tx)
            until = store.read_positions(tx, consumer)
            for events in reader.read(until, progress):
                count(events, Store(tx, store.TWIN))
            store.swap_twins(tx)
        return sum(until.values())
    raise RebuildError("The workers' batches never ended: stop the stats workers and rebuild again.")
