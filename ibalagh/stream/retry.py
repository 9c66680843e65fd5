"""When to try again: bounded exponential back-off, as a plain value without a clock."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Waits of `first_s`, twice that, four times … up to `longest_s`, until `reset`."""

    first_s: float = 0.05
    longest_s: float = 5.0
    failures: int = 0

    def fail(self) -> float:
        """Count a failure; the seconds to wait before the next try."""
        self.failures += 1
        return min(self.longest_s, self.first_s * 2.0 ** min(self.failures - 1, 30))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
