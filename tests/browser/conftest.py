"""The browser, once for these tests, and an intake of its own on the session's broker and database server.

Not once for the session: while Playwright runs, its event loop is in the way of every test that runs one.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ibalagh.local.paths import PROJECT_ROOT
from tests.support import topics
from tests.support.browser import launched
from tests.support.databases import fresh_database
from tests.support.intake import IntakeProcess, Place, prepare_place, running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with launched() as started:
        yield started


@pytest.fixture(scope="package")
def place(broker: str, postgres: str) -> Iterator[Place]:
    """Where the intake of these tests keeps what it is told."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    with (
        tempfile.TemporaryDirectory(prefix="ibalagh-browser-") as home,
        fresh_database(postgres, f"test_{uuid.uuid4().hex[:12]}") as database_url,
    ):
        yield prepare_place(broker, database_url, prefix, Path(home))
    topics.remove_with_prefix(broker, prefix)


@pytest.fixture(scope="package")
def intake(browser: Browser, place: Place) -> Iterator[IntakeProcess]:
    """The service as it runs in production; the browser first, so that nothing starts where there is none."""
    with running(place) as process:
        yield process


@pytest.fixture(scope="package")
def flooded(browser: Browser, place: Place) -> Iterator[IntakeProcess]:
    """An intake that takes nothing in without a proof of work or patience, as in a flood."""
    with running(place, INTAKE_OPEN_RATE_PER_S="0.001") as process:
        yield process


@pytest.fixture(scope="package")
def pictures() -> Path:
    """The folder of the screenshots: ``IBALAGH_PICTURES`` where it is set, else `artifacts/form`."""
    folder = Path(os.environ.get("IBALAGH_PICTURES") or PROJECT_ROOT / "artifacts" / "form")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
