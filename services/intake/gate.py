"""Who may use the operations of trusted reporters: the operator by the stack's token, a reporter by an API key.

In: an `Authorization` header and the scope that an operation needs; out: the `Reporter`, or a `Problem`: 401, 403, and
429 while a reporter sends faster than it may. What is known of a key is asked for again after a bounded time, so a
revoked key ends within that time on every worker; the end of a rotated key is exact.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from starlette.concurrency import run_in_threadpool

from ibalagh.ops.settings import Settings
from ibalagh.web.auth import not_signed_in, token_matches
from ibalagh.web.problems import Problem
from services.intake import bucket
from services.intake.apikeys import MalformedKeyError, Presented, Reporter, Scope, StoredKey, parse
from services.intake.bucket import Bucket
from services.intake.metrics import IntakeMetrics, intake_metrics
from services.intake.quota import Tally, Usage

OPERATOR: Final = Reporter("", frozenset(Scope))
"""Whoever has the stack's token: every scope, no limit, and no name."""
MOST_CACHED: Final = 1_024
"""Keys remembered at most, wrong ones among them; the one that was used longest ago is forgotten first."""

_NEEDED: Final = "A key is needed"


class Keys(Usage, Protocol):
    """Where keys are kept; see `services.intake.keystore.KeyStore`."""

    def find(self, key_id: str) -> StoredKey | None: ...


class _Remembered(NamedTuple):
    key: StoredKey | None
    until_s: float


class Gate:
    """Lets trusted reporters in. `keys` is None where nobody but the operator is.

    `clock` tells the time, `seconds` is a clock that only goes forward, `max_age_s` how long a key is remembered.
    Call it from one event loop.
    """

    def __init__(
        self,
        settings: Settings,
        keys: Keys | None,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
        *,
        max_age_s: float,
        metrics: IntakeMetrics | None = None,
    ) -> None:
        self._metrics = metrics or intake_metrics()
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._seconds = seconds
        self._max_age_s = max_age_s
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._buckets: dict[str, Bucket] = {}

    async def admit(self, authorization: str | None, scope: Scope) -> Reporter:
        """Who sent this header, if it may use `scope` now. Raises `Problem`; `PassingError` with the database away."""
        try:
            reporter = await self._admitted(authorization, scope)
        except Problem as problem:
            self._metrics.decided(problem.code)
            raise
        self._metrics.decided("admitted")
        return reporter

    async def tally(self, reporter: Reporter, reports: int) -> Tally:
        """Count `reports`, which `reporter` sent in one request, against its rate and its daily quota.

        Raises `Problem`: 429 when requests that came at the same time have used up the rate, 503.
        """
        level = self._pace(reporter)
        if level is not None:
            self._buckets[reporter.name] = bucket.drawn(level, reports)
        return await Tally.opened(self._keys, reporter, reports, self._clock())

    async def _admitted(self, authorization: str | None, scope: Scope) -> Reporter:
        if token_matches(self._settings, authorization):
            return OPERATOR
        reporter = await self._reporter(authorization)
        if scope not in reporter.scopes:
            raise Problem(403, "not_allowed", "Not allowed", f"This key does not have the scope {scope}.")
        self._pace(reporter)
        return reporter

    def _pace(self, reporter: Reporter) -> Bucket | None:
        """The reporter's bucket, when it has a rate and keeps to it. Raises `Problem` 429."""
        rate_per_s = reporter.rate_per_s
        if rate_per_s is None:
            return None
        now_s = self._seconds()
        known = self._buckets.get(reporter.name) or bucket.full(rate_per_s, now_s)
        level = bucket.filled(known, rate_per_s, now_s)
        wait_s = bucket.wait_s(level, rate_per_s)
        if wait_s:
            detail = f"This key may send {rate_per_s:g} reports a second on average."
            raise Problem(429, "too_many_requests", "Too many reports", detail, retry_after_s=wait_s)
        return level

    async def _reporter(self, authorization: str | None) -> Reporter:
        scheme, _, given = (authorization or "").partition(" ")
        if self._keys is None or scheme.lower() != "bearer" or not given.strip():
            raise not_signed_in(_NEEDED, "Send a token or a key as Authorization: Bearer …")
        try:
            presented = parse(given.strip())
        except MalformedKeyError:
            raise not_signed_in(_NEEDED, "The key is not whole: its check part does not fit.") from None
        key = await self._stored(self._keys, presented)
        if key is None or not key.opens(presented, self._clock()):
            raise not_signed_in(_NEEDED, "The key is unknown, or it has ended.")
        return key.reporter

    async def _stored(self, keys: Keys, presented: Presented) -> StoredKey | None:
        known = self._remembered.get(presented.key_id)
        if known is None or self._seconds() >= known.until_s:
            asked_s = self._seconds()
            known = _Remembered(await run_in_threadpool(keys.find, presented.key_id), asked_s + self._max_age_s)
            self._remembered[presented.key_id] = known
        self._remembered.move_to_end(presented.key_id)
        while len(self._remembered) > MOST_CACHED:
            self._remembered.popitem(last=False)
        return known.key
