"""Random bytes by the page: as many as wanted, and none twice, whoever draws."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from services.intake.randomness import Pool


def numbered() -> Callable[[int], bytes]:
    """A source of 4-byte numbers in order, so that a byte given out twice shows."""
    numbers = count()
    return lambda size: b"".join(next(numbers).to_bytes(4, "big") for _ in range(-(-size // 4)))[:size]


def test_each_draw_has_its_size_and_bytes_that_nobody_had() -> None:
    pool = Pool(numbered())
    drawn = [pool(size) for size in (32, 12, 12, 4_000, 100, 9_000) * 20]
    assert [len(each) for each in drawn] == [32, 12, 12, 4_000, 100, 9_000] * 20
    fours = [each[at : at + 4] for each in drawn for at in range(0, len(each) - len(each) % 4, 4)]
    assert len(fours) == len(set(fours))


def test_threads_never_draw_the_same() -> None:
    pool = Pool(numbered())
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            drawn = list(threads.map(lambda _: pool(12), range(20_000)))
    finally:
        sys.setswitchinterval(interval_s)
    assert len(set(drawn)) == len(drawn)
