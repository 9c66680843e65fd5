"""The environment of the peer that cannot live in ours: made once, beside it, from a lock of its own."""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOCK = PROJECT_ROOT / "requirements" / "peers.lock"


def peers_python() -> Path:
    """The interpreter of `.venv-peers`: what `peers.lock` pins first, then everything of our own environment.

    Raises RuntimeError with one sentence when it cannot be installed.
    """
    home = PROJECT_ROOT / ".venv-peers"
    stamp = home / "stamp"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:]
            raise RuntimeError(f"the benchmark's peers could not be installed: {''.join(last)}")
        packages = next((home / "lib").glob("python*/site-packages"))
        ours = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "ours.pth").write_text(ours + "\n")
        stamp.write_text(wanted)
    return python
