"""Random bytes by the page: as many as wanted, and none twice, whoever draws."""

import threading
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


def test_one_thread_at_a_time_draws() -> None:
    both = threading.Barrier(2)
    met: list[bool] = []

    def source(size: int) -> bytes:
        try:
            both.wait(0.3)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        return bytes(size)

    pool = Pool(source)
    with ThreadPoolExecutor(2) as threads:
        assert [len(drawn) for drawn in threads.map(pool, (12, 4_096))] == [12, 4_096]
    assert not any(met)
