"""Referral's rows in memory, for tests of what batches make of the cases: every row is in sight of every batch."""

from datetime import date
from typing import Any

from ibalagh.events.envelope import Data, Event
from services.referral.batch import decide
from services.referral.competence import table_for
from services.referral.decided import Decided, Snapshot
from services.referral.work import read
from services.referral.workdays import newest
from tests.support.referral import NOW, parsed, report_id

TABLE = table_for(date(2024, 6, 1))
WORKDAYS = newest()
NOTHING = Snapshot({}, {}, {}, {}, frozenset())


class World:
    """Takes batches one after the other and keeps the rows, as the store would."""

    def __init__(self) -> None:
        self.taken: list[Event[Data]] = []
        self.snapshot = NOTHING
        self.competence = TABLE
        self.now = NOW
        self.history: list[Any] = []
        self.answers: dict[str, Any] = {}

    def take(self, *events: Event[Data]) -> Decided:
        decided = decide(read(events), self.snapshot, now=self.now, competence=self.competence, workdays=WORKDAYS)
        decided = decided._replace(effects=[parsed(effect) for effect in decided.effects])
        cases = dict(self.snapshot.cases)
        for case in (*decided.new_cases, *decided.changed_cases):
            cases[case.case_id] = case._replace(number=case.number or len(cases) + 1)
        memberships = dict(self.snapshot.memberships) | {
            each.report_id: each for each in (*decided.new_memberships, *decided.changed_memberships)
        }
        owners = dict(self.snapshot.owners) | {each.key: each.case_id for each in decided.claims}
        suspects = {case_id: dict(each) for case_id, each in self.snapshot.suspects.items()}
        for case_id, reference, state in decided.suspects:
            suspects.setdefault(case_id, {})[reference] = state
        self.taken += decided.effects
        self.answers |= {each.command_id: each for each in decided.answers}
        self.history += decided.history
        proposals = dict(self.snapshot.proposals) | {(kept, other): who for kept, other, who in decided.proposals}
        self.snapshot = Snapshot(memberships, cases, owners, suspects, frozenset(self.answers), proposals)
        return decided

    def case_of(self, name: str) -> Any:
        case_id = self.snapshot.memberships[report_id(name)].case_id
        return None if case_id is None else self.snapshot.cases[case_id]
