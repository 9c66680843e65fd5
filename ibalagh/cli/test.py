"""`ibalagh test [arguments]`: pytest in the developers' environment; the arguments are pytest's own."""

import subprocess
import sys
from collections.abc import Sequence

from ibalagh.local.paths import PROJECT_ROOT


def main(argv: Sequence[str] | None = None) -> int:
    """pytest's exit code."""
    command = [sys.executable, "-m", "pytest", *(argv or [])]
    return subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode  # noqa: S603
