"""Where things lie on this machine.

Two folders, because they live differently: what is *installed* (jars, web assets) belongs to this checkout and is
shared by every stack; the *state* of a stack (logs, data, pids, token) can be put elsewhere with ``IBALAGH_HOME``, so
that two stacks can run from one checkout.
"""

import os
from collections.abc import Mapping
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def installation_directory() -> Path:
    """The folder that set-up fills: `.ibalagh` in the project root."""
    return PROJECT_ROOT / ".ibalagh"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the stack's state: ``IBALAGH_HOME``, else `.ibalagh` in the project root. Not created here."""
    chosen = environ.get("IBALAGH_HOME")
    return Path(chosen).expanduser().resolve() if chosen else PROJECT_ROOT / ".ibalagh"
