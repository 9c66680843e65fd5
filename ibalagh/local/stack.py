"""The whole system on this machine: database, broker, topics, schemas of the database, the services as processes.

In: a home folder and settings. Out: a running stack whose state any command can read (`ibalagh.local.state`). What
``IBALAGH_KAFKA_BOOTSTRAP`` and ``IBALAGH_DATABASE_URL`` name is used as it is; the rest is started here, on loopback.

The start is numbered, and the stop goes the same way back:
  1. take the home folder's lock: one stack a home;
  2. end what a dead run left, and see that the services' ports are free;
  3. start the database and the broker, side by side;
  4. apply topics and database migrations;
  5. start the services and wait until each says that it is ready;
  6. watch them all and start again what crashes.

Raises `StackError` with one sentence; what was started until then is ended first.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO

from ibalagh.local import kafka, postgres, processes, services, state
from ibalagh.local.errors import StackError
from ibalagh.local.kafka import EmbeddedKafka
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.postgres import EmbeddedPostgres
from ibalagh.local.processes import ProcessRecord
from ibalagh.local.services import SERVICES, Service, Worker
from ibalagh.local.state import RunningService, StackState

KAFKA_PORT = 19092
KAFKA_CONTROLLER_PORT = 19093
DATABASE_PORT = 15432
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 25.0
"""A service's own deadline is 20 s (`shutdown_timeout_s`)."""
WATCH_EVERY_S = 0.5
MIN_FREE_BYTES = 500_000_000

Report = Callable[[str], None]


class Stack:
    """One stack in one home folder. The process that makes it runs it and must call `stop`."""

    def __init__(
        self,
        home: Path,
        *,
        workers: Mapping[str, int] | None = None,
        environ: Mapping[str, str] = os.environ,
        table: Sequence[Service] = SERVICES,
    ) -> None:
        """`workers`: processes per service, 1 where not named. Raises `StackError` for a service that is not there."""
        unknown = set(workers or {}) - {service.name for service in table}
        if unknown:
            known = ", ".join(service.name for service in table)
            raise StackError(f"There is no service {', '.join(sorted(unknown))}: the services are {known}.")
        self._home = home
        self._directory = home / "local"
        self._environ = environ
        self._table = table
        self._counts = {service.name: (workers or {}).get(service.name, 1) for service in table}
        self._shift = int(environ.get("IBALAGH_PORT_SHIFT", "0"))
        self._lock: IO[str] | None = None
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._workers: list[Worker] = []
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._report: Report = print
        self._state = StackState(runner=ProcessRecord.of(os.getpid()), step="starting")

    @property
    def state(self) -> StackState:
        """The stack as it is now: addresses, token, processes."""
        return self._state

    def address(self, name: str) -> str:
        """The base address of a service's first worker, e.g. `http://127.0.0.1:8100`."""
        return next(f"http://127.0.0.1:{worker.port}" for worker in self._workers if worker.service.name == name)

    def start(self, report: Report) -> None:
        """Starts everything; `report` gets a line per step, and later one per crash and restart."""
        self._report = report
        self._take_lock()
        try:
            self._end_leftovers()
            for service, number, port in self._places():
                processes.ensure_port_free(port, service.name if number == 0 else f"{service.name}-{number}")
            self._step("starting the database and the broker")
            self._start_stores()
            self._step("applying topics and database migrations")
            self._prepare_stores()
            self._step("starting the services")
            self._start_services()
        except BaseException as error:
            self.stop(failure=str(error) if isinstance(error, StackError) else None)
            raise
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._watcher.start()
        self._step("running", ready=True)

    def stop(self, failure: str | None = None) -> None:
        """Ends services, then broker and database, each group under one deadline; gives the home folder back."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        records = [record for worker in self._workers if (record := worker.record()) is not None]
        killed = processes.end(records, STOP_TIMEOUT_S)
        if killed:
            self._report(f"{killed} processes had to be killed: they did not stop within {STOP_TIMEOUT_S:.0f} s")
        for worker in self._workers:
            worker.forget()
        self._workers = []
        if self._kafka is not None:
            self._kafka.stop()
        if self._postgres is not None:
            self._postgres.stop()
        if self._lock is not None:
            if failure is None:
                state.state_file(self._home).unlink(missing_ok=True)
            else:
                self._step("failed", failure=failure)
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._directory).free < MIN_FREE_BYTES:
            raise StackError(f"The disk is nearly full: free at least 0.5 GB for {self._home}, then start again.")
        lock = (self._directory / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(
                "A stack is already running here: ./run status shows it, ./run down ends it; IBALAGH_HOME and "
                "IBALAGH_PORT_SHIFT let a second one run beside it."
            ) from None
        self._lock = lock

    def _end_leftovers(self) -> None:
        ended = end_leftovers(self._home)
        if ended:
            self._report(f"ended {ended} processes that an unfinished earlier run had left")

    def _start_stores(self) -> None:
        bootstrap = self._environ.get("IBALAGH_KAFKA_BOOTSTRAP")
        database_url = self._environ.get("IBALAGH_DATABASE_URL")
        with ThreadPoolExecutor(max_workers=2) as pool:
            starts = []
            if not bootstrap:
                ports = [KAFKA_PORT + self._shift, KAFKA_CONTROLLER_PORT + self._shift]
                self._kafka = EmbeddedKafka(self._directory / "kafka", ports=ports)
                starts.append(pool.submit(self._kafka.start))
            if not database_url:
                self._postgres = EmbeddedPostgres(self._directory / "postgres", DATABASE_PORT + self._shift)
                starts.append(pool.submit(self._postgres.start))
        for started in starts:
            started.result()
        self._state = replace(
            self._state,
            bootstrap=bootstrap or (self._kafka.bootstrap if self._kafka else None),
            database_url=database_url or (self._postgres.url if self._postgres else None),
            token=self._environ.get("IBALAGH_API_TOKEN") or read_or_make_token(self._directory / "token"),
            topic_prefix=self._environ.get("IBALAGH_TOPIC_PREFIX"),
        )

    def _prepare_stores(self) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            for done in [pool.submit(self._command, "topics", "apply"), pool.submit(self._command, "db", "apply")]:
                done.result()

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ibalagh.cli", *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=PROJECT_ROOT, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            text = (done.stderr or done.stdout).strip()[-500:]
            raise StackError(f"`ibalagh {' '.join(arguments)}` failed: {text}")

    def _start_services(self) -> None:
        environment = self._environment()
        for service, number, port in self._places():
            self._workers.append(Worker(service, number, environment=environment, port=port, directory=self._directory))
        for worker in self._workers:
            worker.start(time.monotonic())
        deadline = time.monotonic() + READY_TIMEOUT_S
        for worker in self._workers:
            wait_ready(worker, deadline)

    def _places(self) -> list[tuple[Service, int, int]]:
        """Every process of a service with its number and its port."""
        return [
            (service, number, service.port + self._shift + number)
            for service in self._table
            for number in range(self._counts[service.name])
        ]

    def _environment(self) -> dict[str, str]:
        return {**self._environ, **self._state.environment(), "IBALAGH_HOME": str(self._home)}

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_EVERY_S):
            events = [event for worker in self._workers if (event := worker.watch(time.monotonic())) is not None]
            events += self._restart_stores()
            for event in events:
                self._report(event)
            if events:
                self._step(self._state.step, ready=True)

    def _restart_stores(self) -> list[str]:
        events = []
        try:
            if self._kafka is not None:
                for node in self._kafka.crashed():
                    events.append(f"the broker ended; it starts again on its data (node {node})")
                    self._kafka.start_broker(node)
            if self._postgres is not None and self._postgres.pid is None:
                events.append("the database ended; it starts again on its data")
                self._postgres.restart()
        except StackError as error:
            events.append(str(error))
        return events

    def _step(self, step: str, *, ready: bool = False, failure: str | None = None) -> None:
        embedded = self._kafka.pids() if self._kafka is not None else {}
        if self._postgres is not None and self._postgres.pid is not None:
            embedded["postgres"] = self._postgres.pid
        if step != self._state.step and failure is None:
            self._report(step)
        self._state = replace(
            self._state,
            step=step,
            ready=ready,
            failure=failure,
            embedded=embedded,
            services=tuple(
                RunningService(worker.service.name, worker.number, worker.pid or 0, worker.port, worker.restarts)
                for worker in self._workers
            ),
        )
        state.write(self._home, self._state)


def end_leftovers(home: Path) -> int:
    """Ends every process that a dead run left in this home folder; returns how many there were."""
    directory = home / "local"
    ended = services.end_leftovers(directory, STOP_TIMEOUT_S)
    ended += kafka.end_leftovers(directory / "kafka")
    return ended + postgres.end_leftovers(directory / "postgres")


def read_or_make_token(file: Path) -> str:
    """The stack's bearer token: made at random the first time (256 bits), kept with mode 0600."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(token)
        return token


def wait_ready(worker: Worker, deadline_s: float) -> None:
    """Asks `/readyz` until it answers 200. Raises `StackError` when the process ends or the deadline passes."""
    address = f"http://127.0.0.1:{worker.port}/readyz"
    while True:
        if worker.pid is None:
            raise StackError(f"{worker.name} ended while starting: see {worker.log}.")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline_s:
                raise StackError(f"{worker.name} was not ready in time: see {worker.log}.") from None
            time.sleep(0.05)
