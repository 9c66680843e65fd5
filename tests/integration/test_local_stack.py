"""The embedded stack with real stores and one small service: up, status, crash, down, and how a start can fail."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from ibalagh.local import processes, state
from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.processes import ProcessRecord
from ibalagh.local.stack import KAFKA_PORT
from ibalagh.stream.admin import ClusterAdmin
from tests.support.poll import eventually
from tests.support.surroundings import own_stack

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may pass; a second pytest would close pytest's usual one to it again."""
    with tempfile.TemporaryDirectory(prefix="ibalagh-stack-") as directory:
        yield Path(directory)


@pytest.fixture
def environment(place: Path) -> dict[str, str]:
    """A home of its own, and ports of its own, the highest (Kafka's) below those of outgoing connections."""
    shift = processes.free_ports(1)[0] - KAFKA_PORT
    return {**own_stack(HOME=str(place / "home"), PORT_SHIFT=str(shift)), "COLUMNS": "160"}


@pytest.fixture
def ibalagh(environment: dict[str, str]) -> Run:
    """Runs a command of the command line."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ibalagh.cli", *arguments]
        return subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def start(environment: dict[str, str], place: Path, ibalagh: Run) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the small stack in the background; whatever a test leaves is taken down afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        process = processes.start(
            [sys.executable, "-m", "tests.support.small_stack"],
            environment=environment,
            log=place / "supervisor.log",
            directory=PROJECT_ROOT,
        )
        started.append(process)
        return process

    yield run
    assert ibalagh("down").returncode == 0
    for process in started:
        process.wait(5)


def ready(place: Path) -> state.StackState:
    def check() -> state.StackState | None:
        now = state.read(place / "home")
        assert now is None or now.failure is None, now.failure
        return now if now is not None and now.ready else None

    found = eventually(check, timeout_s=60)
    assert found is not None
    return found


def get(port: int, path: str) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return dict(json.load(answer))


def test_nothing_runs_at_first(ibalagh: Run) -> None:
    status = ibalagh("status")
    assert (status.returncode, status.stdout) == (3, "not running; ./run up starts it\n")
    assert json.loads(ibalagh("status", "--json").stdout) == {"running": False}
    down = ibalagh("down")
    assert (down.returncode, down.stdout) == (0, "Nothing was running.\n")


def test_a_stack_is_up_with_topics_and_schemas_survives_a_crash_and_goes_down(
    start: Callable[[], subprocess.Popen[bytes]], ibalagh: Run, place: Path
) -> None:
    supervisor = start()
    now = ready(place)
    assert now.bootstrap is not None
    assert now.database_url is not None
    assert now.token is not None
    assert len(ClusterAdmin(now.bootstrap).names("ibalagh.")) >= 12
    connection = psycopg2.connect(now.database_url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        assert cursor.fetchone() == ("on", "on")
    connection.close()
    for name in ("token", "stack.json"):
        assert (place / "home" / "local" / name).stat().st_mode & 0o077 == 0, "secrets are their owner's alone"

    first, second = now.services
    assert (first.worker, second.worker, second.port) == (0, 1, first.port + 1)
    seen = get(second.port, "/environment")
    assert seen["IBALAGH_API_TOKEN"] == now.token
    assert seen["IBALAGH_KAFKA_BOOTSTRAP"] == now.bootstrap
    assert seen["IBALAGH_WORKER_INDEX"] == "1"
    assert seen["IBALAGH_HOME"] == str(place / "home")

    status = ibalagh("status", "--json")
    overview = json.loads(status.stdout)
    assert status.returncode == 0, status.stderr
    assert {process["name"] for process in overview["processes"]} == {"kafka-1", "postgres", "echo", "echo-1"}
    assert overview["dead_letters"] == 0
    assert "echo-1" in ibalagh("status").stdout

    with pytest.raises((urllib.error.URLError, ConnectionError)):
        get(first.port, "/crash")
    eventually(lambda: (state.read(place / "home") or now).services[0].restarts == 1, timeout_s=20)
    eventually(lambda: ibalagh("status", "--json").returncode == 0, timeout_s=20)

    second_start = subprocess.run(
        [sys.executable, "-m", "tests.support.small_stack"],
        env={**os.environ, "IBALAGH_HOME": str(place / "home")},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second_start.returncode == 1
    assert "already running here: ./run status shows it, ./run down ends it" in second_start.stdout
    up = ibalagh("up")
    assert (up.returncode, "already running" in up.stderr) == (1, True)

    pids = [service.pid for service in now.services] + list(now.embedded.values())
    down = ibalagh("down")
    assert (down.returncode, down.stdout) == (0, "Stopped.\n")
    assert supervisor.wait(5) == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert ibalagh("status").returncode == 3


def test_what_a_killed_run_left_is_ended_by_the_next_start_and_the_data_is_still_there(
    start: Callable[[], subprocess.Popen[bytes]], ibalagh: Run, place: Path
) -> None:
    supervisor = start()
    before = ready(place)
    assert before.database_url is not None
    execute(before.database_url, "CREATE TABLE kept (id int)")
    supervisor.kill()
    supervisor.wait()
    left = [psutil.Process(service.pid) for service in before.services]
    assert all(process.is_running() for process in left), "services outlive a supervisor that is killed"
    assert "cut off" in ibalagh("status").stdout

    start()
    after = eventually(lambda: (now := ready(place)).runner != before.runner and now, timeout_s=60)
    assert after
    assert "ended 4 processes that an unfinished earlier run had left" in (place / "supervisor.log").read_text()
    assert not any(process.is_running() for process in left)
    assert after.database_url is not None
    execute(after.database_url, "DROP TABLE kept")


def test_a_taken_port_is_named_with_the_remedy_and_nothing_is_left_running(
    start: Callable[[], subprocess.Popen[bytes]], environment: dict[str, str], ibalagh: Run, place: Path
) -> None:
    port = 8100 + int(environment["IBALAGH_PORT_SHIFT"])
    with socket.create_server(("127.0.0.1", port)):
        supervisor = start()
        assert supervisor.wait(60) == 1
    log = (place / "supervisor.log").read_text()
    assert f"Port {port}, which echo needs, is taken by process {os.getpid()}" in log
    assert "IBALAGH_PORT_SHIFT" in log
    assert "the last start failed: Port" in ibalagh("status").stdout
    held = (place / "home" / "local").glob("**/pid")
    assert not [file for file in held if (record := ProcessRecord.read(file)) and record.process()]


def test_a_stop_during_the_start_ends_everything(start: Callable[[], subprocess.Popen[bytes]], place: Path) -> None:
    supervisor = start()
    pid_file = place / "home" / "local" / "kafka" / "broker-1" / "pid"
    eventually(pid_file.exists, timeout_s=30)
    broker = ProcessRecord.read(pid_file)
    assert broker is not None
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0
    assert broker.process() is None


def test_a_stack_on_given_stores_starts_none(
    start: Callable[[], subprocess.Popen[bytes]],
    environment: dict[str, str],
    broker: str,
    database_url: str,
    topic_prefix: str,
    place: Path,
) -> None:
    environment |= {
        "IBALAGH_KAFKA_BOOTSTRAP": broker,
        "IBALAGH_DATABASE_URL": database_url,
        "IBALAGH_TOPIC_PREFIX": topic_prefix,
    }
    start()
    now = ready(place)
    assert (now.bootstrap, now.database_url, dict(now.embedded)) == (broker, database_url, {})
    assert len(ClusterAdmin(broker).names(topic_prefix)) >= 12


def execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
