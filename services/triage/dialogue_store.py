"""The desk's rows of dialogues in PostgreSQL: amendments and messages in, what is shown of them out.

Inside the unit's transaction unless a page asks; raises what `ibalagh.storage.postgres.Database` raises.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.events.dialogue import ReportAmendedV1
from ibalagh.events.envelope import Position
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.triage.dialogue import Amendment, Sent

_SQL: Final = load("services.triage")


class Message(NamedTuple):
    """What an analyst wrote."""

    message_id: str
    sent_at: datetime
    sender: str
    text: str


class Dialogue(NamedTuple):
    """Everything that was said about a report since it came, each part in order."""

    amendments: Sequence[Amendment]
    messages: Sequence[Message]


def add(tx: Transaction, amendments: Sequence[Amendment]) -> set[str]:
    """Attach amendments to their reports; those that are attached already change nothing. The ids of those that are
    new. A report that is more urgent for one of them goes up in the queue, and so does the one that it waits behind;
    one that the desk does not have yet is remembered for `overtaken`.

    The caller holds the lock of links, since amendments of a report are numbered.
    """
    new: set[str] = set()
    for amendment in sorted(amendments, key=lambda each: each.data.report_id):
        data, source = amendment
        given = {
            "amendment_id": data.amendment_id,
            "report_id": data.report_id,
            "kind": data.kind.value,
            "amended_at": data.amended_at,
            "urgency": int(data.urgency),
            "found": data.to_json().decode(),
            "topic": source.topic,
            "partition": source.partition,
            "offset": source.offset,
        }
        if tx.execute(_SQL["add_amendment"], given):
            tx.execute(_SQL["count_amendment"], given)
            new.add(data.amendment_id)
        # Of those too that are attached already: by the urgent lane, when the report was not here or was on its way.
        tx.execute(_SQL["raise_urgency"], given)
        if data.amendment_id in new:
            tx.execute(_SQL["note_overtaken"], given)
    return new


def meet(tx: Transaction) -> None:
    """Reports that came after what their reporters added are as urgent as that. Of few or none, ever, whatever the
    batch: so it costs a look at a table that is nearly always empty."""
    if tx.fetch_all(_SQL["are_overtaken"]):
        tx.execute(_SQL["raise_overtaken"])


def add_messages(tx: Transaction, sent: Collection[Sent]) -> None:
    """Keep messages that took effect."""
    for event, sender in sent:
        tx.execute(_SQL["add_message"], {**event.model_dump(), "sender": sender})


def mark_seen(tx: Transaction, seen: Mapping[str, int | None]) -> None:
    """So many amendments of reports were shown to people; None: all."""
    ordered = sorted(seen.items())
    if ordered:
        tx.execute(
            _SQL["mark_seen"],
            {"report_ids": [each for each, _ in ordered], "seen": [count for _, count in ordered]},
        )


def read(database: Database, report_id: str) -> Dialogue:
    """What was said about a report."""
    with database.transaction(read_only=True) as tx:
        amendments = tx.fetch_all(_SQL["amendments_of"], {"report_id": report_id})
        messages = tx.fetch_all(_SQL["messages_of"], {"report_id": report_id})
    return Dialogue(
        [Amendment(ReportAmendedV1.model_validate_json(row[0]), Position(*row[1:4])) for row in amendments],
        [Message(*row) for row in messages],
    )
