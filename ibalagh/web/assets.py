"""The files that every page loads, unpacked at set-up from locked, checked jars: no Node, no CDN.

htmx and its SSE extension, ECharts, Bootstrap (left-to-right, right-to-left, and its script).
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ibalagh.local.distribution import ASSET_SOURCES
from ibalagh.local.paths import installation_directory

ASSETS = tuple(ASSET_SOURCES)
"""File names below `asset_directory()`."""


def asset_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds `ASSETS`: ``IBALAGH_ASSETS`` if set (as in a container image), else `.ibalagh/assets`.

    Raises `FileNotFoundError`, naming the file and the remedy, when one is missing.
    """
    chosen = environ.get("IBALAGH_ASSETS")
    directory = Path(chosen) if chosen else installation_directory() / "assets"
    for name in ASSETS:
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{directory / name} is missing: run ./run setup.")
    return directory
