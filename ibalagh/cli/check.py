"""`ibalagh check`: the checks that CI runs. They check and never rewrite."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from ibalagh.local.paths import PROJECT_ROOT

CHECKS = (("ruff check", "ruff", "check", "."), ("ruff format", "ruff", "format", "--check", "."), ("mypy", "mypy"))
"""What is printed, then the module and its arguments."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every check passes; all of them run, whatever the first ones say."""
    argparse.ArgumentParser(prog="ibalagh check", description="ruff (lint and format) and mypy --strict.").parse_args(
        argv
    )
    failed = []
    for name, *command in CHECKS:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=PROJECT_ROOT, check=False).returncode != 0:  # noqa: S603
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
