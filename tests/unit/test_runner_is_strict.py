"""The test runner itself: what a thread or a callback swallows must fail the test."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.poll import eventually

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "body",
    [
        "import threading\n    t = threading.Thread(target=lambda: 1 / 0)\n    t.start()\n    t.join()",
        "class A:\n        def __del__(self):\n            raise ValueError\n    a = A()\n    del a",
        "import warnings\n    warnings.warn('old', stacklevel=1)",
    ],
    ids=["exception in a thread", "exception in a destructor", "a warning"],
)
def test_an_error_that_nobody_would_see_fails_the_test(tmp_path: Path, body: str) -> None:
    (tmp_path / "test_swallowed.py").write_text(f"def test_it():\n    {body}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout or "1 error" in done.stdout


def test_eventually_gives_up_at_its_deadline_and_shows_the_last_failure() -> None:
    def never() -> bool:
        raise AssertionError("three of four")

    with pytest.raises(AssertionError, match="three of four"):
        eventually(never, timeout_s=0.05, every_s=0.01)


def test_eventually_lets_other_errors_pass_at_once() -> None:
    with pytest.raises(KeyError):
        eventually(lambda: {}["missing"], timeout_s=60)
