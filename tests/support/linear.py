"""Whether something takes time that grows with its text and no faster."""

import time
from collections.abc import Callable


def assert_linear(take: Callable[[str], object], piece: str) -> None:
    """Four times the text takes about four times as long: squares would take sixteen times."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = time.process_time()
        take(text)
        return time.process_time() - started

    seconds(1_000)
    short = min(seconds(25_000) for _ in range(3))
    assert min(seconds(100_000) for _ in range(3)) < 8 * short + 0.05
