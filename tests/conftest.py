"""What every test may ask for: a real broker, a real database, names of its own.

`broker` and `postgres` are started once a session, or taken from ``IBALAGH_TEST_KAFKA_BOOTSTRAP`` and
``IBALAGH_TEST_DATABASE_URL`` when these are set. Whatever a test makes on them has the test's own prefix or database.

An exception in a thread, or one that Python could not raise (a destructor, a callback), fails the test that caused it:
pytest turns both into warnings, and ``filterwarnings = error`` these into failures (`test_runner_is_strict.py`). What a
module leaves open (a socket, a file) fails its last test, not whichever test the collector happens to run in later.
"""

import gc
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.local.kafka import EmbeddedKafka
from ibalagh.local.postgres import EmbeddedPostgres
from tests.support import topics
from tests.support.databases import fresh_database


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--chaos`: the long form of the tests that kill processes under load."""
    parser.addoption("--chaos", action="store_true", default=False, help="run the long form of the chaos tests")


@pytest.fixture(scope="session")
def long_chaos(request: pytest.FixtureRequest) -> bool:
    """Whether the chaos tests run in their long form."""
    return bool(request.config.getoption("--chaos"))


@pytest.fixture(scope="module", autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Has Python find what the module's tests left open while they can still be blamed."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The bootstrap address of a real Kafka broker, shared by the session."""
    given = os.environ.get("IBALAGH_TEST_KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="ibalagh-kafka-") as directory:
        kafka = EmbeddedKafka(Path(directory))
        kafka.start()
        try:
            yield kafka.bootstrap
        finally:
            kafka.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A superuser's URL of a real PostgreSQL server, shared by the session. Tests use `database_url`."""
    given = os.environ.get("IBALAGH_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="ibalagh-postgres-") as directory:
        server = EmbeddedPostgres(Path(directory))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """A superuser's URL of an empty database that only this test has; dropped afterwards."""
    with fresh_database(postgres, f"test_{uuid.uuid4().hex[:12]}") as url:
        yield url


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """A prefix that only this test has, in the place of `ibalagh.`; its topics are deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    yield prefix
    if "broker" in request.fixturenames:
        topics.remove_with_prefix(request.getfixturevalue("broker"), prefix)
