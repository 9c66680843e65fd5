"""Waiting with a deadline: for a count to be reached, or for something to stop moving."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooSlowError(Exception):
    """Something did not come about in its time; the message says what and how far it got."""


def wait_for_count(
    count: Callable[[], int], wanted: int, what: str, quiet_s: float, show: Callable[[int], None]
) -> None:
    """Asks `count` until it is `wanted` or more, showing each answer. Raises `TooSlowError` when it stood still for
    `quiet_s`."""
    last, moved_at = -1, time.monotonic()
    while True:
        now = count()
        show(now)
        if now >= wanted:
            return
        if now != last:
            last, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > quiet_s:
            raise TooSlowError(f"{what}: stood still at {now} of {wanted} for {quiet_s:.0f} s.")
        time.sleep(0.2)


def settle(ask: Callable[[], T], done: Callable[[T], bool], quiet_s: float, longest_s: float) -> T:
    """The last answer: asks until `done`, until it has not changed for `quiet_s`, or until `longest_s` are over."""
    started = moved_at = time.monotonic()
    last = ask()
    while not done(last):
        now = time.monotonic()
        if now - moved_at > quiet_s or now - started > longest_s:
            return last
        time.sleep(0.2)
        answer = ask()
        if answer != last:
            last, moved_at = answer, time.monotonic()
    return last
