"""What several tests of intake begin with: a place of its own, and what makes and keeps reports there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.storage.postgres import Database
from services.intake.acceptance import Acceptance
from services.intake.store import IntakeStore
from tests.support.durable import acceptance_at
from tests.support.intake import Place, prepare_place


@pytest.fixture
def place(broker: str, database_url: str, topic_prefix: str, tmp_path: Path) -> Place:
    """Where an intake runs: a database, topics and a home of its own."""
    return prepare_place(broker, database_url, topic_prefix, tmp_path)


@pytest.fixture
def acceptance(place: Place) -> Acceptance:
    """Prepares reports with the secrets that the service at `place` takes up."""
    return acceptance_at(place)


@pytest.fixture
def store(place: Place) -> Iterator[IntakeStore]:
    """What the service at `place` keeps."""
    database = Database(place.database_url, "intake")
    yield IntakeStore(database)
    database.close()
