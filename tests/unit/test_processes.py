"""Processes are ended only when they are still the ones that were started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ibalagh.local import processes
from ibalagh.local.errors import StackError
from ibalagh.local.processes import ProcessRecord
from ibalagh.local.services import MAX_BACKOFF_S, Service, Worker, backoff_s, end_leftovers
from ibalagh.local.supervisor import parse_workers
from tests.support.poll import eventually


def spawn(code: str = "import time; time.sleep(60)") -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def test_a_recycled_pid_is_never_signalled(tmp_path: Path) -> None:
    with spawn() as other:
        stale = ProcessRecord(other.pid, ProcessRecord.of(other.pid).started_s - 100)
        assert stale.process() is None
        (tmp_path / "pids").mkdir()
        stale.write(tmp_path / "pids" / "triage")
        assert end_leftovers(tmp_path, 1) == 0
        assert processes.end([stale], 1) == 0
        assert other.poll() is None
        assert not list((tmp_path / "pids").iterdir())
        other.kill()


def test_a_process_that_ignores_the_request_is_killed_at_the_deadline() -> None:
    deaf = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with spawn(deaf) as process, spawn() as polite:
        assert process.stdout is not None
        process.stdout.readline()
        records = [ProcessRecord.of(process.pid), ProcessRecord.of(polite.pid)]
        assert processes.end(records, 0.3) == 1
        assert process.wait(5) == -signal.SIGKILL
        assert polite.wait(5) == -signal.SIGTERM


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', '{"pid": "x", "started_s": 1}'])
def test_a_broken_pid_file_names_no_process(tmp_path: Path, content: str) -> None:
    (tmp_path / "pid").write_text(content)
    assert ProcessRecord.read(tmp_path / "pid") is None


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    mine = ProcessRecord.of(os.getpid())
    mine.write(tmp_path / "pid")
    assert ProcessRecord.read(tmp_path / "pid") == mine
    assert mine.process() is not None


def test_free_ports_are_different_and_free() -> None:
    ports = processes.free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        processes.ensure_port_free(port, "a test")


def test_the_pause_before_a_restart_doubles_up_to_a_limit() -> None:
    assert [backoff_s(crashes) for crashes in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert backoff_s(100) == MAX_BACKOFF_S


def test_a_crashing_service_is_started_again_after_its_pause_and_the_pause_shrinks_after_a_sound_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "crasher.py").write_text("raise SystemExit(7)\n")
    environment = {"PYTHONPATH": str(tmp_path)}
    worker = Worker(Service("crasher", "crasher", 1), 0, environment=environment, port=1, directory=tmp_path)

    def ended() -> bool:
        return worker.pid is None

    worker.start(now_s=0)
    eventually(ended)
    assert "exit code 7; it starts again in 0.5 s" in (worker.watch(now_s=1) or "")
    assert worker.watch(now_s=1.4) is None
    assert "started again (restart 1)" in (worker.watch(now_s=1.6) or "")
    eventually(ended)
    assert "in 1.0 s" in (worker.watch(now_s=2) or "")
    worker.watch(now_s=4)
    eventually(ended)
    assert "in 0.5 s" in (worker.watch(now_s=400) or "")
    worker.forget()


def test_workers_are_read_from_the_command_line() -> None:
    assert parse_workers(["triage=2", "stats=1"]) == {"triage": 2, "stats": 1}
    for wrong in ("triage", "triage=", "triage=0", "triage=x", "triage=-1", "triage=51"):
        with pytest.raises(StackError, match="write NAME=N"):
            parse_workers([wrong])
