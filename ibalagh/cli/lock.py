"""`ibalagh lock`: rebuilds requirements/*.lock from pyproject.toml and jgo.lock.toml from jgo.toml. For maintainers.

Needs `uv` on the path. The locks hold versions and hashes and no download address, so they serve behind any mirror.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from ibalagh.local.errors import StackError
from ibalagh.local.paths import PROJECT_ROOT

REQUIREMENTS = PROJECT_ROOT / "requirements"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all locks were rebuilt. Raises `StackError` when uv is missing or finds no solution."""
    parser = argparse.ArgumentParser(prog="ibalagh lock", description="Rebuild the locks (needs uv and the network).")
    parser.add_argument("--jars-only", action="store_true", help="only Kafka's jars and the web assets")
    if not parser.parse_args(argv).jars_only:
        _lock_python("dev.lock", "pyproject.toml", "--group", "dev")
        # What runs has the versions that were tested.
        _lock_python("run.lock", "pyproject.toml", "--constraint", str(REQUIREMENTS / "dev.lock"))
        _lock_python("peers.lock", "--group", "peers")
    _lock_jars()
    return 0


def _lock_python(name: str, *sources: str) -> None:
    uv = which("uv")
    if uv is None:
        raise StackError("uv is not installed: pip install uv, then run ./run lock again.")
    command = [uv, "pip", "compile", *sources, "--no-emit-index-url", "--universal", "--generate-hashes", "--no-header"]
    target = ["--python-version", "3.11", "--no-annotate", "--quiet", "--output-file", str(REQUIREMENTS / name)]
    if subprocess.run([*command, *target], cwd=PROJECT_ROOT, check=False).returncode != 0:  # noqa: S603
        raise StackError(f"{name} could not be rebuilt: see uv's message above.")


def _lock_jars() -> None:
    from jgo.env import EnvironmentBuilder, EnvironmentSpec
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch) / "repository")
        builder = EnvironmentBuilder(context=context, cache_dir=Path(scratch) / "environments")
        lock = builder.resolve_lockfile(EnvironmentSpec.load(REQUIREMENTS / "jgo.toml"))
        unstable = Path(scratch) / "jgo.lock.toml"
        lock.save(unstable)
        stable = [line for line in unstable.read_text().splitlines() if not line.startswith("generated = ")]
    (REQUIREMENTS / "jgo.lock.toml").write_text("\n".join(stable) + "\n")
    print(f"requirements/jgo.lock.toml: {len(lock.dependencies)} jars")
