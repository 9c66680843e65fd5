"""Proof of work by altcha (version 2 of its protocol): challenges that any browser can solve, each worth one report.

In: solutions, base64 of JSON as altcha's clients send them. A challenge is signed and so kept nowhere; what is kept is
which were spent, until they expire. Each worker remembers its own: a solution is worth one report per worker at most.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

import altcha

LASTS_S: Final = 600
ALGORITHM: Final = "PBKDF2/SHA-256"
COST: Final = 200
"""Rounds: a tenth of a millisecond to check."""
PREFIX: Final = "000"
"""Found after 4,096 tries on average: half a second of a telephone's processor."""
MOST_SPENT: Final = 200_000
_MAX_SOLUTION_CHARS: Final = 4_096


class Proofs:
    """Gives challenges out and takes solutions in; `secret` signs. One thread uses it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._spent: dict[str, float] = {}

    def challenge(self) -> Mapping[str, Any]:
        """A challenge, as JSON for altcha's clients."""
        made = altcha.create_challenge(
            ALGORITHM, COST, key_prefix=PREFIX, expires_at=int(time.time()) + LASTS_S, hmac_secret=self._secret
        )
        document: Mapping[str, Any] = made.to_dict()
        return document

    def spend(self, solution: str) -> bool:
        """Whether it solves a challenge of ours that has neither expired nor been spent here; now it is spent."""
        if len(solution) > _MAX_SOLUTION_CHARS or not altcha.verify_solution(solution, self._secret).verified:
            return False
        payload = altcha.Payload.from_base64(solution)
        signature = payload.challenge.signature or ""
        if signature in self._spent:
            return False
        self._forget(time.time())
        self._spent[signature] = time.time() + LASTS_S
        return True

    def _forget(self, now_s: float) -> None:
        """The oldest first: those that expired, and the oldest of too many."""
        while self._spent:
            oldest = next(iter(self._spent))
            if self._spent[oldest] > now_s and len(self._spent) < MOST_SPENT:
                return
            del self._spent[oldest]
