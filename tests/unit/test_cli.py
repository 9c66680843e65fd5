"""The dispatcher: every command is there, loads lazily, and an error is one sentence and the right exit code."""

import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

from ibalagh import cli
from ibalagh.local import state
from ibalagh.local.errors import StackError
from ibalagh.local.processes import ProcessRecord
from ibalagh.local.services import SERVICES
from ibalagh.local.state import StackState


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command `probe` whose main a test sets."""
    module = types.ModuleType("probe_command")
    monkeypatch.setitem(sys.modules, "probe_command", module)
    monkeypatch.setitem(cli.COMMANDS, "probe", cli.Command("probe_command", "for a test", uses_stack=True))
    return module


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_names_a_module_that_exists(name: str) -> None:
    assert find_spec(cli.COMMANDS[name].module) is not None


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_of_the_stack_is_a_module_that_exists(service: object) -> None:
    module = service.module  # type: ignore[attr-defined]
    package = find_spec(module)
    assert package is not None
    assert package.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        assert cli.main(arguments) == 0
        out = capsys.readouterr().out
        assert all(f"  {name} " in out for name in cli.COMMANDS)


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["nonesuch"]) == 2
    assert "There is no command nonesuch: ./run --help lists them." in capsys.readouterr().err


def test_a_command_gets_its_arguments_and_gives_its_exit_code(command: types.ModuleType) -> None:
    seen: list[str] = []

    def main(arguments: list[str]) -> int:
        seen.extend(arguments)
        return 5

    command.main = main  # type: ignore[attr-defined]
    assert cli.main(["probe", "--x", "y"]) == 5
    assert seen == ["--x", "y"]


def test_what_the_stack_says_is_printed_alone(command: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    def main(_: list[str]) -> int:
        raise StackError("The port is taken: free it.")

    command.main = main  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 1
    assert capsys.readouterr().err == "The port is taken: free it.\n"


def test_ctrl_c_is_130(command: types.ModuleType) -> None:
    def main(_: list[str]) -> int:
        raise KeyboardInterrupt

    command.main = main  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 130


def test_an_error_that_nobody_expected_is_not_swallowed(command: types.ModuleType) -> None:
    def main(_: list[str]) -> int:
        raise LookupError("a bug")

    command.main = main  # type: ignore[attr-defined]
    with pytest.raises(LookupError):
        cli.main(["probe"])


def test_a_command_is_pointed_at_the_stack_that_runs_here(
    command: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL", "API_TOKEN", "TOPIC_PREFIX"):
        monkeypatch.setenv(f"IBALAGH_{name}", "placeholder")
        monkeypatch.delenv(f"IBALAGH_{name}")
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path))
    monkeypatch.setenv("IBALAGH_API_TOKEN", "mine")
    (tmp_path / "local").mkdir()
    running = StackState(ProcessRecord.of(1), "running", bootstrap="b:1", database_url="postgresql://x", token="theirs")
    state.write(tmp_path, running)
    seen: dict[str, str | None] = {}

    def main(_: list[str]) -> int:
        import os

        seen.update({name: os.environ.get(name) for name in (*running.environment(), "IBALAGH_TOPIC_PREFIX")})
        return 0

    command.main = main  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 0
    assert seen == {
        "IBALAGH_KAFKA_BOOTSTRAP": "b:1",
        "IBALAGH_DATABASE_URL": "postgresql://x",
        "IBALAGH_API_TOKEN": "mine",
        "IBALAGH_TOPIC_PREFIX": None,
    }


def test_the_state_of_a_stack_survives_its_file_and_a_broken_file_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    assert state.read(tmp_path) is None
    written = StackState(
        ProcessRecord.of(1),
        "running",
        ready=True,
        embedded={"kafka-1": 5},
        services=(state.RunningService("triage", 1, 7, 8201, 2),),
    )
    state.write(tmp_path, written)
    assert state.read(tmp_path) == written
    assert state.running(tmp_path) == written
    state.state_file(tmp_path).write_text('{"runner"')
    assert state.read(tmp_path) is None
