"""Intake for tests: its application in the test's own process, and the whole service as a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
from fastapi import FastAPI

from ibalagh.contracts.codec import Codec
from ibalagh.events.registry import OUTCOMES, RECEIVED, REFERRED, TRIAGED, URGENT, dead_letter_topic
from ibalagh.storage.migrate import apply
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance
from services.intake.admission import Admission
from services.intake.attachments.parts import Parts
from services.intake.http import Intake, Queue, Statuses
from services.intake.proof import Proofs
from services.intake.settings import IntakeSettings
from services.intake.signing import KeySet, Signer
from tests.support import topics
from tests.support.poll import eventually

TOKEN = "a-token-of-the-tests"


class AppClient:
    """Asks an ASGI application one request at a time."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://intake.test")
        self._runner = runner

    def get(self, path: str, **given: Any) -> httpx.Response:
        """The answer to a GET."""
        return self._runner.run(self._client.get(path, **given))

    def post(self, path: str, **given: Any) -> httpx.Response:
        """The answer to a POST."""
        return self._runner.run(self._client.post(path, **given))

    def close(self) -> None:
        """Free the client."""
        self._runner.run(self._client.aclose())


@contextmanager
def app_client(app: FastAPI) -> Iterator[AppClient]:
    """A client of `app` with an event loop of its own."""
    with asyncio.Runner() as runner:
        client = AppClient(app, runner)
        try:
            yield client
        finally:
            client.close()


class Place(NamedTuple):
    """Where an intake works: its broker, database, topics, and the folder of its keys and logs."""

    bootstrap: str
    database_url: str
    prefix: str
    home: Path

    @property
    def codec(self) -> Codec:
        """The codec of the topics."""
        return Codec(self.prefix)

    def environment(self, **given: str) -> dict[str, str]:
        """The service's settings; short waits, any free port."""
        settings = {
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "DATABASE_URL": self.database_url,
            "TOPIC_PREFIX": self.prefix,
            "HOME": str(self.home),
            "HTTP_PORT": "0",
            "API_TOKEN": TOKEN,
            "INTAKE_PUBLISH_TIMEOUT_S": "1.5",
            "INTAKE_RECONCILE_AFTER_S": "5.5",
            "INTAKE_RECONCILE_INTERVAL_S": "0.2",
            "INTAKE_STATUS_LINGER_S": "0.01",
            **given,
        }
        return os.environ | {f"IBALAGH_{name}": value for name, value in settings.items()}


def prepare_place(bootstrap: str, database_url: str, prefix: str, home: Path) -> Place:
    """A place with topics and tables."""
    names = (RECEIVED, URGENT, TRIAGED, REFERRED, OUTCOMES, dead_letter_topic("intake"))
    topics.create(bootstrap, {prefix + name: 2 for name in names}, 1)
    apply(database_url, "intake")
    return Place(bootstrap, database_url, prefix, home)


class IntakeProcess:
    """`python -m services.intake`, its log in a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.intake"], env=dict(environment), stderr=file, stdout=file
            )
        self.http = httpx.Client(timeout=30)
        try:
            self.url = f"http://127.0.0.1:{eventually(self._port, 30)}"
            self.http.base_url = httpx.URL(self.url)
            eventually(self._answers, 30)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()
        self.http.close()

    def stop(self) -> int:
        """End it in an orderly way; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            self.http.close()

    def lines(self) -> list[dict[str, Any]]:
        """What this process has logged."""
        text = self.log.read_bytes()[self._start :].decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def _port(self) -> int | None:
        assert self._process.poll() is None, self.log.read_text()
        return next((line["port"] for line in self.lines() if line["event"] == "started"), None)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(place: Place, **settings: str) -> Iterator[IntakeProcess]:
    """The service at `place`; it must end well, unless the test killed it."""
    process = IntakeProcess(place.environment(**settings), place.home / "intake.log")
    try:
        yield process
    finally:
        code = process.stop()
        assert code in (0, -signal.SIGKILL), place.home.joinpath("intake.log").read_text()


def made_intake(
    acceptance: Acceptance,
    queue: Queue,
    statuses: Statuses,
    *,
    trusts: Callable[[str | None], bool],
    now: datetime,
    open_rate_per_s: float = 10_000.0,
) -> Intake:
    """What the interfaces work with, around a test's own queue and statuses, at a moment that stands still."""
    proofs = Proofs(bytes(32))
    admission = Admission(
        proofs,
        bytes(32),
        open_rate_per_s=open_rate_per_s,
        monotonic=lambda: 0.0,
        wall=lambda: 0.0,
        spread=lambda _below: 0,
    )
    signer = Signer(bytes(32), KeySet([bytes(range(32))]))
    return Intake(acceptance, queue, statuses, trusts, lambda: now, admission, proofs, signer)


def described_application(settings: IntakeSettings) -> FastAPI:
    """The service's application with nothing behind it, to see which routes it has and what its document says."""
    nothing = cast(Any, None)
    intake = made_intake(nothing, nothing, nothing, trusts=lambda _: False, now=datetime.now(UTC))
    return application(
        settings, intake, [], files=Parts(nothing, nothing, nothing, nothing, nothing), dialogue=cast(Any, object())
    )
