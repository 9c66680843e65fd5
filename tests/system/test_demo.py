"""The demo as a person runs it: the communiqué follows the scenario's figures, and one report less is noticed."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.scenario.figures import SMALL_PATH
from ibalagh.local.paths import PROJECT_ROOT
from tests.support.surroundings import own_stack

_PORT_SHIFT = "3000"
_TIMEOUT_S = 240


def _demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the demo in a home and on ports of its own, embedded broker and database included."""
    return subprocess.run(
        [sys.executable, "-m", "bench.demo", *arguments],
        cwd=PROJECT_ROOT,
        env={**own_stack(HOME=str(home), PORT_SHIFT=_PORT_SHIFT), "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


@pytest.mark.timeout(_TIMEOUT_S + 10)
def test_the_communique_follows_other_figures_and_nothing_is_left_running(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--exit", "--figures", str(SMALL_PATH), "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("│") for line in done.stdout.splitlines() if line.startswith("│")]
    shown = {cells[1].strip(): cells[2].strip() for cells in lines if len(cells) > 3}
    assert shown["reports processed"] == "150"
    assert shown["fraud"] == "47"
    assert shown["of these praise of ISIS"] == "7"
    assert shown["suspects identified"] == "9"
    assert "differs from the scenario" not in done.stdout
    assert not (tmp_path / "demo" / "local" / "stack.json").exists()
    assert not list((tmp_path / "demo" / "local" / "pids").glob("*"))


@pytest.mark.timeout(_TIMEOUT_S + 10)
def test_one_report_kept_back_makes_the_demo_fail_and_name_the_difference(tmp_path: Path) -> None:
    done = _demo(tmp_path, "--exit", "--figures", str(SMALL_PATH), "--seed", "5", "--drop", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    differing = done.stdout.partition("differs from the scenario")[2]
    row = next(line for line in differing.splitlines() if "reports processed" in line)
    assert [cell.strip() for cell in row.split("│")[2:5]] == ["150", "149", "-1"]
    assert "suspects identified" not in differing


def test_a_figures_file_that_does_not_add_up_is_one_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SMALL_PATH.read_text().replace("fraud: 47", "fraud: 48"))
    done = _demo(tmp_path, "--exit", "--figures", str(wrong))
    assert done.returncode == 1
    assert "the categories add up to 151, not to 150" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
