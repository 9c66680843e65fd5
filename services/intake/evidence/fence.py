"""The fence around the child that parses what strangers sent: limits of the kernel on itself, set before it reads.

Processes are not counted (RLIMIT_NPROC), since that counts threads, all of the user's, and decoders start some; that
none are started is `syscalls`' part.
"""

import resource
from typing import Final

from services.intake.evidence.syscalls import hold

MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""Address space: the interpreter and libraries (300 MB, mostly shared), a picture of 64 megapixels in four channels
(256 MB), and the copies that resizing makes of it."""
CPU_S: Final = 20
OUTPUT_BYTES: Final = 64 * 1024 * 1024
"""The largest viewing copy; honest ones are smaller than the original."""
OPEN_FILES: Final = 24


def fence() -> None:
    """Limit this process for good; called before a byte of the file is read and after the libraries are loaded."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        hard = resource.getrlimit(limit)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (allowed, allowed))
    hold()
