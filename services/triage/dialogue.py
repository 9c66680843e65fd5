"""What the desk keeps of a dialogue with a reporter, and the rules of it. Pure.

In: `report.amended` and the commands of analysts; out: rows, and what is new to people. Amendments of a report are
counted, so that "new" has an exact meaning: more of them than were shown to whoever last decided or wrote.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from ibalagh.events.commands import DecideReportV1, SendMessageV1
from ibalagh.events.dialogue import MessageSentV1, ReportAmendedV1
from ibalagh.events.envelope import Cause, Position
from services.triage.reviews import RefusalCode, Refused


class Amendment(NamedTuple):
    """What a reporter did after the report; `source` is where its text stands in the log."""

    data: ReportAmendedV1
    source: Position


class Sent(NamedTuple):
    """A message that took effect: the event that says so, and who wrote it."""

    event: MessageSentV1
    sender: str


class Standing(NamedTuple):
    """Where the dialogue about a report stands: how many amendments there are, how many of these were shown to whoever
    decided or wrote last, when the newest came, and whether the reporter withdrew the report."""

    amendments: int = 0
    seen: int = 0
    changed_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def news(self) -> bool:
        """Whether there is something new from the reporter."""
        return self.seen < self.amendments


SILENT = Standing()
"""A report whose reporter said nothing since."""


def amendment_of(data: ReportAmendedV1, cause: Cause) -> Amendment:
    """The amendment that an event tells of."""
    return Amendment(data, Position(*cause[:3]))


def answer(
    known: Collection[str], commands: Sequence[tuple[str, SendMessageV1]], answered: Collection[str]
) -> list[tuple[str, Sent | Refused]]:
    """What becomes of messages about the reports that are `known`: (command id, outcome) of each, in order.

    Those whose id is in `answered`, or came before, are left out: their first result holds.
    """
    done = set(answered)
    outcomes: list[tuple[str, Sent | Refused]] = []
    for id_, command in commands:
        if id_ in done:
            continue
        done.add(id_)
        if command.report_id not in known:
            outcomes.append((id_, Refused(RefusalCode.UNKNOWN_REPORT, {})))
            continue
        event = MessageSentV1(report_id=command.report_id, message_id=id_, text=command.text, sent_at=command.sent_at)
        outcomes.append((id_, Sent(event, command.sender)))
    return outcomes


def changes_of(commands: Iterable[DecideReportV1 | SendMessageV1]) -> dict[str, int | None]:
    """Up to which amendment people have seen reports, after these commands; None for all that there are."""
    seen: dict[str, int | None] = {}
    for command in commands:
        before = seen.get(command.report_id, 0)
        given = command.amendments_seen
        seen[command.report_id] = None if before is None or given is None else max(before, given)
    return seen
