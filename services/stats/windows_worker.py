"""The windows' composition: the Faust app and its health. `python -m services.stats.windows_worker`.

Settings: `services.stats.settings.WindowsSettings`. One process, whatever the load: deltas are a few a second.
"""

import logging
import os
from typing import Final

from ibalagh.ops import logging as logs
from ibalagh.ops.health import Probe
from ibalagh.ops.runner import run
from ibalagh.stream.kafka import probe
from ibalagh.web.app import create_app
from services.stats.settings import WindowsSettings
from services.stats.windows import Windows

_PROBE_TIMEOUT_S: Final = 1.5


def main() -> int:
    """Run until told to stop; the exit code."""
    settings = WindowsSettings()
    logs.configure("stats-windows", settings.log_level)
    for library in ("faust", "mode", "aiokafka"):
        logging.getLogger(library).setLevel(logging.WARNING)
    windows = Windows(settings)
    probes = [
        Probe("broker", lambda: probe(settings.kafka_bootstrap, _PROBE_TIMEOUT_S)),
        Probe("windows", windows.check),
    ]
    return run("stats-windows", {"windows": windows.run}, create_app("Ibalagh windows", settings, probes), settings)


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # Faust's threads are no daemons: one that hangs would keep a process that has given up
