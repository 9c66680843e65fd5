"""One decision about many reports: a selection is frozen, confirmed by its exact number, applied, taken back as one.

Never "all that match": what is decided about are the reports that were listed when the selection was made, each on the
version that it had then. Each is a command of its own, whose id is derived from the selection's, so a repeat decides
nothing twice, and what was not accepted can be sent again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import uuid_utils

from ibalagh.events.commands import DecideReportV1
from ibalagh.events.desk import UndoDecisionV1
from ibalagh.events.envelope import Data, Event
from ibalagh.events.make import root
from ibalagh.storage.commands import CommandResult, find_results
from ibalagh.storage.postgres import Database
from ibalagh.web.commands import Commands, command_id
from ibalagh.web.problems import Problem, unavailable
from services.triage import bulk_store
from services.triage.acts import SOURCE
from services.triage.bulk_store import Bulk, BulkDecision, Frozen

MOST: Final = 1_000
"""Reports of one selection: what a person can answer for."""
_AT_A_TIME: Final = 200


class Progress(NamedTuple):
    """How far it is: reports that were changed, that wait for a second person, that were refused (by code, with the
    reports), and those of which nothing is known yet."""

    applied: int
    proposed: int
    refused: Mapping[str, Sequence[str]]
    pending: int


class Bulks:
    """Selections and what is done with them. Any thread may use it."""

    def __init__(self, database: Database, commands: Commands, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._commands = commands
        self._clock = clock

    def select(self, person: str, report_ids: Sequence[str], query: str) -> Bulk:
        """Freeze a selection. Raises `Problem` 422 for none, too many, or reports that are unknown."""
        wanted = list(dict.fromkeys(report_ids))
        if not 1 <= len(wanted) <= MOST:
            raise Problem(422, "bad_selection", "Not so many", f"Select 1 to {MOST} reports.", field="report_ids")
        bulk = Bulk(str(uuid_utils.uuid4()), person, self._clock(), query, None, None, None)
        if bulk_store.make(self._database, bulk, wanted) != len(wanted):
            raise Problem(422, "unknown_report", "No such report", "Some are unknown.", field="report_ids")
        return bulk

    def get(self, bulk_id: str) -> tuple[Bulk, list[Frozen]]:
        """A selection and its reports. Raises `Problem` 404."""
        bulk = bulk_store.one(self._database, bulk_id)
        if bulk is None:
            raise Problem(404, "unknown_selection", "No such selection")
        return bulk, bulk_store.reports(self._database, bulk_id)

    def decide(self, bulk_id: str, person: str, decision: BulkDecision, count: int) -> None:
        """Decide about all of a selection; a second time sends what is not known to be handled yet, if it is the same
        decision. Raises `Problem`: 403 for somebody else's selection, 409 for another number of reports than there are
        or another decision than before, 503."""
        bulk, reports = self._of(bulk_id, person)
        if count != len(reports):
            raise Problem(409, "wrong_count", "Not so many", f"The selection has {len(reports)} reports.")
        now = self._clock()
        if not bulk_store.decide(self._database, bulk_id, decision, now):
            bulk = self.get(bulk_id)[0]
            if bulk.decision != decision or bulk.decided_at is None or bulk.undone_at is not None:
                raise Problem(409, "decided_already", "Something else was decided about these")
            now = bulk.decided_at
        self._send(list(_decisions(bulk, decision, reports, now)), now)

    def undo(self, bulk_id: str, person: str) -> None:
        """Take back what was applied; a second time sends what is not known to be handled yet. A report that was
        decided about since stays as it is. Raises `Problem`: 403, 409 when nothing was decided, 503."""
        _, reports = self._of(bulk_id, person)
        bulk_store.undo(self._database, bulk_id, self._clock())
        bulk = self.get(bulk_id)[0]
        if bulk.undone_at is None:
            raise Problem(409, "nothing_to_undo", "Nothing was decided about these")
        results = find_results(self._database, [_decision_id(bulk_id, each) for each in reports])
        made = {each.number: results.get(_decision_id(bulk_id, each)) for each in reports}
        self._send(list(_undoings(bulk, reports, made, bulk.undone_at)), bulk.undone_at)

    def progress(self, bulk: Bulk, reports: Sequence[Frozen]) -> Progress:
        """How far the decision is."""
        return _progress(reports, self._results(reports, lambda each: _decision_id(bulk.bulk_id, each)))

    def undoing(self, bulk: Bulk, reports: Sequence[Frozen]) -> Progress:
        """How far taking it back is; of the reports that were changed."""
        made = self._results(reports, lambda each: _decision_id(bulk.bulk_id, each))
        changed = [each for each in reports if _version(made.get(each.number)) is not None]
        return _progress(changed, self._results(changed, lambda each: _undo_id(bulk.bulk_id, each)))

    def _of(self, bulk_id: str, person: str) -> tuple[Bulk, list[Frozen]]:
        bulk, reports = self.get(bulk_id)
        if bulk.person != person:
            raise Problem(403, "not_yours", "Somebody else selected these")
        return bulk, reports

    def _results(self, reports: Sequence[Frozen], id_of: Callable[[Frozen], str]) -> dict[int, CommandResult]:
        found = find_results(self._database, [id_of(each) for each in reports])
        return {each.number: found[id_of(each)] for each in reports if id_of(each) in found}

    def _send(self, commands: Sequence[tuple[str, Data, str]], now: datetime) -> None:
        """Publish what has no result yet. Raises `Problem` 503 when the broker does not take it."""
        known = find_results(self._database, [id_ for id_, _, _ in commands])
        events: list[Event[Data]] = [
            root(data, id_=id_, source=SOURCE, subject=subject, now=now)
            for id_, data, subject in commands
            if id_ not in known
        ]
        for start in range(0, len(events), _AT_A_TIME):
            answers = self._commands.submit(events[start : start + _AT_A_TIME], wait_s=0)
            if any(status == 503 for status, _ in answers):
                raise unavailable("Some were not accepted: send it again.")


def _decisions(
    bulk: Bulk, decision: BulkDecision, reports: Sequence[Frozen], now: datetime
) -> Iterator[tuple[str, Data, str]]:
    for each in reports:
        data = DecideReportV1(
            report_id=each.report_id,
            version=each.version,
            reviewer=bulk.person,
            decided_at=now,
            amendments_seen=0,  # nobody looked at what reporters said since
            **decision.model_dump(),
        )
        yield _decision_id(bulk.bulk_id, each), data, each.report_id


def _undoings(
    bulk: Bulk, reports: Sequence[Frozen], made: Mapping[int, CommandResult | None], now: datetime
) -> Iterator[tuple[str, Data, str]]:
    for each in reports:
        version = _version(made.get(each.number))
        if version is not None:
            data = UndoDecisionV1(report_id=each.report_id, version=version, person=bulk.person, undone_at=now)
            yield _undo_id(bulk.bulk_id, each), data, each.report_id


def _decision_id(bulk_id: str, report: Frozen) -> str:
    return command_id(f"bulk|{bulk_id}", report.number)


def _undo_id(bulk_id: str, report: Frozen) -> str:
    return command_id(f"bulk|{bulk_id}|undo", report.number)


def _version(result: CommandResult | None) -> int | None:
    """The version that a decision made; None where it made none."""
    if result is None or result.outcome != "applied" or "proposal_id" in result.detail:
        return None
    return int(result.detail["version"])


def _progress(reports: Sequence[Frozen], results: Mapping[int, CommandResult]) -> Progress:
    refused: dict[str, list[str]] = {}
    counted: Counter[str] = Counter()
    for each in reports:
        result = results.get(each.number)
        if result is not None and result.code is not None:
            refused.setdefault(result.code, []).append(each.report_id)
        else:
            kind = "pending" if result is None else "applied" if _version(result) is not None else "proposed"
            counted[kind] += 1
    return Progress(counted["applied"], counted["proposed"], refused, counted["pending"])
