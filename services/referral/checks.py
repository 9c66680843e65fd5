"""The timer's question about a clock, as a command: the same question has the same id each time it is asked. Pure."""

from datetime import datetime

from ibalagh.events.commands import CheckClockV1
from ibalagh.events.envelope import Data, Event, derived_id
from ibalagh.events.make import root
from ibalagh.events.vocabulary import ClockKind
from services.referral.model import SOURCE


def clock_check(case_id: str, kind: ClockKind, started_at: datetime, level: int, *, now: datetime) -> Event[Data]:
    """Ask about the clock of a case that waits for `kind` since `started_at`, of which `level` is said. `now` UTC."""
    id_ = derived_id(case_id, "check_clock", f"{kind.value}|{started_at.isoformat()}|{level}")
    data = CheckClockV1(case_id=case_id, clock=kind, started_at=started_at, level=level)
    return root(data, id_=id_, source=SOURCE, subject=case_id, now=now)
