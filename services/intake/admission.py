"""Who is taken in when very many come, told apart without knowing who they are.

Reports that nothing is known about share one token bucket. While it holds tokens nobody notices it; when it is empty,
whoever sends a proof of work is taken in at once, since that costs a sender something for every report and a person
nearly nothing. Where there is no JavaScript there is patience instead: a form that is sent again after a while, with
the token that it was given for that. A trusted reporter's own limits are elsewhere.

In: a proof and the time; out: whether to take a report in, or how long to wait. Pure, given the time.
"""

import hmac
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from services.intake.bucket import Bucket, refilled

PATIENCE_S: Final = 15
"""How long a form waits that cannot compute."""
PATIENCE_LASTS_S: Final = 900
MOST_SPENT: Final = 100_000
"""Tokens of patience that are remembered as spent; more cannot be spent before the first of them expire."""


class TokenBucket:
    """A token bucket that never lends: `rate_per_s` tokens come in every second, at most `burst` are kept. Not for
    several threads."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._left = Bucket(burst, 0.0)

    def take(self, now_s: float) -> float:
        """Take one token: 0 when there was one, else the seconds until there will be."""
        tokens = refilled(self._left, self._rate_per_s, self._burst, now_s)
        taken = 1 if tokens >= 1 else 0
        self._left = Bucket(tokens - taken, now_s)
        return 0.0 if taken else (1 - tokens) / self._rate_per_s


class Proofs(Protocol):
    """Proofs of work; see `proof.Proofs`."""

    def spend(self, solution: str) -> bool:
        """Whether it is a solution of a challenge of ours that was not spent before; now it is."""


class Refused(NamedTuple):
    """Not now: come again after `retry_after_s`, or with a proof. `bad_proof`: the one that came is worth nothing."""

    retry_after_s: int
    bad_proof: bool


class Admission:
    """Decides about one report after the other, in one thread. `monotonic` gives seconds; `wall` seconds since 1970,
    for tokens that another worker may see; `spread` a random part of a second's waiting, so that not all come again at
    once."""

    def __init__(
        self,
        proofs: Proofs,
        secret: bytes,
        *,
        open_rate_per_s: float,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        spread: Callable[[int], int],
    ) -> None:
        self._proofs = proofs
        self._secret = secret
        self._open = TokenBucket(open_rate_per_s, 2 * open_rate_per_s)
        self._patient = TokenBucket(max(1.0, open_rate_per_s / 10), max(2.0, open_rate_per_s / 5))
        self._monotonic = monotonic
        self._wall = wall
        self._spread = spread
        self._spent: dict[str, None] = {}

    def admit(self, solution: str | None = None, patience: str | None = None) -> Refused | None:
        """None to take the report in. A proof that is good admits whatever the load; none is asked for without need."""
        if solution:
            return None if self._proofs.spend(solution) else Refused(1, bad_proof=True)
        now_s = self._monotonic()
        if patience and self._is_ripe(patience) and not self._patient.take(now_s):
            self._spend(patience)
            return None
        wait_s = self._open.take(now_s)
        if not wait_s:
            return None
        return Refused(int(wait_s) + 2 + self._spread(8), bad_proof=False)

    def patience(self, held: str | None = None) -> str:
        """A token that is worth a report when it is `PATIENCE_S` old, once: the one that is `held` as long as it can
        still be, else a new one. Whoever takes their time with a form never notices that they waited."""
        if held and self._lasts(held):
            return held
        issued = f"{int(self._wall())}.{self._spread(2**31)}"
        return f"{issued}.{self._mac(issued)}"

    def _lasts(self, token: str) -> bool:
        """Whether it is a token of ours that was neither spent nor has expired."""
        issued, _, mac = token.rpartition(".")
        if not token.isascii() or token in self._spent or not hmac.compare_digest(mac, self._mac(issued)):
            return False
        return self._age_s(token) <= PATIENCE_LASTS_S

    def _is_ripe(self, token: str) -> bool:
        return self._lasts(token) and self._age_s(token) >= PATIENCE_S

    def _age_s(self, token: str) -> float:
        return self._wall() - int(token.partition(".")[0])

    def _spend(self, token: str) -> None:
        while len(self._spent) >= MOST_SPENT:
            del self._spent[next(iter(self._spent))]
        self._spent[token] = None

    def _mac(self, issued: str) -> str:
        return hmac.digest(self._secret, b"patience " + issued.encode(), "sha256").hex()
