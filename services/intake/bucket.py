"""A token bucket that lends: a request is let in while the level is not below zero, and pays for all that it brings.

So one batch of any permitted size gets through, and the next one waits until the average is kept again. Pure: the
times, in seconds of any clock that only goes forward, come in as arguments.
"""

import math
from typing import Final, NamedTuple

BURST_S: Final = 10.0
"""The bucket holds what so many seconds bring in, so that short peaks pass."""


class Bucket(NamedTuple):
    """The level, in reports, at a time."""

    level: float
    at_s: float


def full(rate_per_s: float, now_s: float) -> Bucket:
    """A bucket that nobody has drawn from."""
    return Bucket(rate_per_s * BURST_S, now_s)


def filled(bucket: Bucket, rate_per_s: float, now_s: float) -> Bucket:
    """The bucket as it stands now."""
    return Bucket(refilled(bucket, rate_per_s, rate_per_s * BURST_S, now_s), now_s)


def refilled(bucket: Bucket, rate_per_s: float, most: float, now_s: float) -> float:
    """The level now of a bucket that `rate_per_s` come into every second and that holds `most`."""
    return min(most, bucket.level + max(0.0, now_s - bucket.at_s) * rate_per_s)


def wait_s(bucket: Bucket, rate_per_s: float) -> int:
    """Whole seconds until the level is not below zero; 0 when it is not."""
    return max(0, math.ceil(-bucket.level / rate_per_s))


def drawn(bucket: Bucket, reports: int) -> Bucket:
    """The bucket after `reports` were let in."""
    return bucket._replace(level=bucket.level - reports)
