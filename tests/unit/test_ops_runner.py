"""The runner: loops and server together, one deadline, crash loudly; signals, seen from outside the process."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from ibalagh.ops import runner
from ibalagh.ops.settings import Settings
from ibalagh.ops.shutdown import Shutdown
from ibalagh.web.app import create_app
from tests.support.poll import eventually


def wait(shutdown: Shutdown) -> None:
    """A loop that behaves."""
    shutdown.wait()


def crash(_shutdown: Shutdown) -> None:
    """A loop that does not."""
    raise LookupError("a bug")


def run_in_thread(
    loops: dict[str, runner.Loop], shutdown: Shutdown, settings: Settings
) -> tuple[threading.Thread, list[int]]:
    codes: list[int] = []
    app = create_app("test", settings, [])
    thread = threading.Thread(
        target=lambda: codes.append(runner.run("test", loops, app, settings, shutdown=shutdown)), daemon=True
    )
    thread.start()
    return thread, codes


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url)
    except httpx.TransportError:
        return None


def test_a_clean_stop_is_0_and_the_server_answers_until_then(port: int) -> None:
    shutdown = Shutdown(10)
    thread, codes = run_in_thread({"loop": wait}, shutdown, Settings(http_port=port))
    response = eventually(lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
    assert response is not None
    assert response.json() == {"status": "ok", "dead_loops": []}
    assert "server" not in response.headers
    shutdown.request("test")
    thread.join(15)
    assert codes == [0]
    assert _answers(f"http://127.0.0.1:{port}/healthz") is None


@pytest.mark.parametrize("bad", [crash, lambda _shutdown: None])
def test_a_loop_that_crashes_or_ends_takes_everything_down_with_1(port: int, bad: runner.Loop) -> None:
    shutdown = Shutdown(10)
    thread, codes = run_in_thread({"good": wait, "bad": bad}, shutdown, Settings(http_port=port))
    thread.join(15)
    assert codes == [1]
    assert shutdown.reason == "test-bad ended"


def test_a_loop_that_does_not_stop_before_the_deadline_is_1(port: int) -> None:
    release = threading.Event()

    def deaf(_shutdown: Shutdown) -> None:
        release.wait(30)

    shutdown = Shutdown(0.3)
    thread, codes = run_in_thread({"deaf": deaf}, shutdown, Settings(http_port=port))
    shutdown.request("test")
    thread.join(15)
    release.set()
    assert codes == [1]


def test_a_port_that_is_taken_is_1_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(http_port=taken.getsockname()[1])
        app = create_app("test", settings, [])
        assert runner.run("test", {"loop": wait}, app, settings, shutdown=Shutdown(5)) == 1


PROGRAM = """
import sys, threading
from ibalagh.ops import runner
from ibalagh.ops.settings import Settings
def loop(shutdown):
    print("ready", flush=True)
    shutdown.wait()
    print("asked", flush=True)
    if sys.argv[1] == "deaf":
        threading.Event().wait(60)
sys.exit(runner.run("test", {"loop": loop}, None, Settings(shutdown_timeout_s=60)))
"""


def _started(kind: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_cleanly(number: signal.Signals) -> None:
    with _started("good") as process:
        process.send_signal(number)
        assert process.wait(15) == 0


def test_a_second_signal_kills_at_once() -> None:
    with _started("deaf") as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 128 + signal.SIGTERM


def test_the_first_reason_and_its_deadline_hold() -> None:
    shutdown = Shutdown(10)
    assert (shutdown.requested, shutdown.deadline, shutdown.remaining_s()) == (False, None, 10)
    assert not shutdown.wait(0.01)
    shutdown.request("first")
    deadline = shutdown.deadline
    shutdown.request("second")
    assert (shutdown.requested, shutdown.reason, shutdown.deadline) == (True, "first", deadline)
    assert shutdown.wait(0)
    assert 0 < shutdown.remaining_s() <= 10
