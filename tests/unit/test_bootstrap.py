"""Set-up's decisions: what is installed, when it is done again, and what it says when it cannot go on."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ibalagh import bootstrap


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with locks and the folders of a complete set-up, but no stamp."""
    for folder in ("requirements", ".venv/bin", ".ibalagh/jars", ".ibalagh/assets"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("run.lock", "dev.lock", "jgo.lock.toml"):
        (tmp_path / "requirements" / name).write_text(name)
    (tmp_path / ".venv" / "bin" / "python").touch()
    return tmp_path


def stamp(root: Path, kind: str) -> None:
    bootstrap.write_stamp(root / ".venv", bootstrap.fingerprint(root, kind))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ([], "run"),
        (["demo", "--exit"], "run"),
        (["up"], "run"),
        (["setup"], "run"),
        (["setup", "--dev"], "dev"),
        (["test", "-k", "x"], "dev"),
        (["check"], "dev"),
        (["lock"], "dev"),
    ],
)
def test_developers_commands_get_the_developers_packages(arguments: list[str], kind: str) -> None:
    assert bootstrap.lock_kind(arguments) == kind


def test_an_environment_without_a_stamp_is_not_ready(root: Path) -> None:
    assert not bootstrap.is_ready(root, "run")


def test_a_stamp_of_the_locks_as_they_are_makes_it_ready(root: Path) -> None:
    stamp(root, "run")
    assert bootstrap.is_ready(root, "run")
    assert not bootstrap.is_ready(root, "dev")


def test_the_developers_environment_serves_every_command(root: Path) -> None:
    stamp(root, "dev")
    assert bootstrap.is_ready(root, "run")
    assert bootstrap.is_ready(root, "dev")


@pytest.mark.parametrize("lock", ["run.lock", "jgo.lock.toml"])
def test_a_changed_lock_asks_for_a_set_up(root: Path, lock: str) -> None:
    stamp(root, "run")
    (root / "requirements" / lock).write_text("newer")
    assert not bootstrap.is_ready(root, "run")


@pytest.mark.parametrize("missing", [".ibalagh/jars", ".ibalagh/assets", ".venv/bin/python"])
def test_a_part_that_was_removed_asks_for_a_set_up(root: Path, missing: str) -> None:
    stamp(root, "run")
    (root / missing).unlink() if missing.endswith("python") else (root / missing).rmdir()
    assert not bootstrap.is_ready(root, "run")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run.lock": 1}'])
def test_a_half_written_stamp_is_none(root: Path, content: str) -> None:
    (root / ".venv" / "ibalagh-stamp.json").write_text(content)
    assert not bootstrap.is_ready(root, "run")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("WARNING: Retrying … NewConnectionError('… Failed to establish')\nERROR: No matching", "cannot be reached"),
        ("WARNING: Retrying … ConnectTimeoutError(…, 'Connection to x timed out.')", "cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ERROR: No matching distribution found for uvloop==0.23.0", "No matching distribution found for uvloop"),
        ("", "printed nothing"),
    ],
)
def test_a_failed_installation_gets_one_sentence_that_says_what_to_do(output: str, sentence: str) -> None:
    said = bootstrap.explain(output, Path("/checkout"))
    assert sentence in said
    assert "then run the same command again" in said
    assert "\n" not in said


class FakeSetUp:
    """The slow parts of set-up, replaced: they note their order, and one can be made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
        self.done: list[str] = []
        self.fails = ""
        self.stamp_seen: list[bool] = []
        monkeypatch.setattr(bootstrap, "_make_venv", lambda venv: self.step(venv, "venv"))
        monkeypatch.setattr(bootstrap, "_install_packages", lambda root, kind: self.step(root / ".venv", kind))
        monkeypatch.setattr(bootstrap, "_install_jars", lambda root: self.step(root / ".venv", "jars"))
        monkeypatch.setattr(bootstrap, "_works", lambda _venv: works)

    def step(self, venv: Path, name: str) -> None:
        self.stamp_seen.append((venv / "ibalagh-stamp.json").exists())
        if name == self.fails:
            raise bootstrap.SetupError(name)
        self.done.append(name)


def test_an_interrupted_set_up_leaves_no_stamp_and_is_made_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FakeSetUp(monkeypatch, works=True)
    parts.fails = "jars"
    with pytest.raises(bootstrap.SetupError):
        bootstrap.set_up(root, "run")
    assert not bootstrap.is_ready(root, "run")
    parts.fails = ""
    parts.done.clear()
    bootstrap.set_up(root, "run")
    assert parts.done == ["venv", "run", "jars"]
    assert bootstrap.is_ready(root, "run")


def test_a_newer_lock_is_installed_over_a_sound_environment_without_a_stamp_meanwhile(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(root, "dev")
    (root / "requirements" / "dev.lock").write_text("newer")
    parts = FakeSetUp(monkeypatch, works=True)
    bootstrap.set_up(root, "run" if bootstrap.is_ready(root, "run") else "dev")
    bootstrap.set_up(root, "dev")
    assert parts.done == ["dev", "jars"], "the developers' packages stay, nothing is made anew, nothing is done twice"
    assert parts.stamp_seen == [False, False]


def test_an_environment_whose_python_has_gone_is_made_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp(root, "run")
    (root / ".venv" / "bin" / "python").unlink()
    parts = FakeSetUp(monkeypatch, works=False)
    bootstrap.set_up(root, "run")
    assert parts.done[0] == "venv"


def test_two_set_ups_at_once_do_the_work_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FakeSetUp(monkeypatch, works=True)
    both = [threading.Thread(target=bootstrap.set_up, args=(root, "run")) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert parts.done == ["venv", "run", "jars"]


def test_too_little_space_is_said_before_anything_is_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FakeSetUp(monkeypatch, works=True)
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", 10**18)
    with pytest.raises(bootstrap.SetupError, match=r"free about 1\.5 GB"):
        bootstrap.set_up(root, "run")
    assert parts.done == []


def test_a_python_without_venv_is_told_which_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(bootstrap.SetupError, match="apt-get install python3-venv"):
        bootstrap._make_venv(tmp_path)


def test_the_command_line_starts_without_the_heavy_imports() -> None:
    heavy = ("pydantic", "confluent_kafka", "rich", "yaml", "fastapi", "psycopg2", "psutil")
    code = f"import sys, json; import ibalagh.cli; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=bootstrap.ROOT)
    assert json.loads(done.stdout) == []


def test_run_says_in_a_sentence_that_there_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    environment = {"PATH": str(tmp_path)}
    command = ["/bin/sh", "run"]
    done = subprocess.run(command, cwd=bootstrap.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer and found none" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_run_hands_over_to_the_command_line(tmp_path: Path) -> None:
    if not bootstrap.is_ready(bootstrap.ROOT, "run"):
        pytest.skip("this environment was not made by ./run")
    done = subprocess.run(["./run", "--help"], cwd=bootstrap.ROOT, capture_output=True, text=True, check=True)
    assert "usage: ibalagh <command>" in done.stdout
