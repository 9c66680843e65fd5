"""What several tests begin with: of intake a place of its own, and what makes and keeps reports there; of triage the
whole service, and who asks it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ibalagh.storage.postgres import Database
from services.intake.acceptance import Acceptance
from services.intake.store import IntakeStore
from tests.support.durable import acceptance_at
from tests.support.intake import Place, prepare_place
from tests.support.serving import serving
from tests.support.triage_service import Triage, running


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


@pytest.fixture
def triage(database_url: str) -> Iterator[Triage]:
    """The whole of triage over a memory broker and a real database."""
    with running(database_url) as service:
        yield service


@pytest.fixture
def client(triage: Triage) -> Iterator[httpx.Client]:
    """Who asks its interface and pages, signed in as nobody."""
    with serving(triage.app) as client:
        yield client
