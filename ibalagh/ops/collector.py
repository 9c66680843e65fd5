"""Python's cyclic garbage collector, set for processes whose work is batches of thousands of objects."""

import gc


def spare_the_collector() -> None:
    """Look for reference cycles seldom, and never among what start-up left.

    A batch is thousands of objects without cycles, which die with it by reference counting; at Python's own thresholds
    the collector walks them again and again (measured: 11 of 32 µs an event on the way into the outbox).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)
