"""Waiting in tests: ask again until it is so, or fail at a deadline. No test sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(fn: Callable[[], T], timeout_s: float = 10.0, every_s: float = 0.05) -> T:
    """Calls `fn` until it returns something true without an `AssertionError`, and returns that.

    At the deadline the last `AssertionError` is raised again, or one that shows the last value. Other errors pass at
    once: waiting does not heal them.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = fn()
        except AssertionError as error:
            failure = error
        if value:
            return value
        if time.monotonic() >= deadline:
            if failure is not None:
                raise failure
            raise AssertionError(f"not so after {timeout_s} s; last value: {value!r}")
        time.sleep(every_s)
