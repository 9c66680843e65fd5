"""What each person at the desk chose, and was shown. Raises what `ibalagh.storage.postgres.Database` raises."""

from datetime import UTC, datetime
from typing import Final

from ibalagh.events.vocabulary import Category
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load
from services.triage.wellbeing import Choices, Meter, View, meter

_SQL: Final = load("services.triage")


def choices(database: Database, person: str) -> Choices:
    """What a person chose; the defaults of who chose nothing."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["choices_of"], {"person": person})
    return Choices() if row is None else Choices.model_validate_json(row[0])


def choose(database: Database, person: str, chosen: Choices) -> None:
    """Keep what a person chose."""
    with database.transaction() as tx:
        tx.execute(_SQL["put_choices"], {"person": person, "choices": chosen.model_dump_json()})


def note_view(database: Database, person: str, report_id: str, category: Category, now: datetime) -> None:
    """A person is shown the content of a report."""
    with database.transaction() as tx:
        tx.execute(
            _SQL["note_view"], {"person": person, "report_id": report_id, "category": category.value, "now": now}
        )


def seen_at(database: Database, person: str, report_id: str) -> datetime | None:
    """When a person was last shown the content of a report."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["seen_at"], {"person": person, "report_id": report_id})
    return None if row is None else row[0]


def day(database: Database, person: str, chosen: Choices, now: datetime) -> Meter:
    """The meter of a person's day, which begins at midnight UTC."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with database.transaction(read_only=True) as tx:
        rows = tx.fetch_all(_SQL["views_since"], {"person": person, "since": midnight})
    return meter([View(at, Category(category)) for at, category in rows], chosen, now)
