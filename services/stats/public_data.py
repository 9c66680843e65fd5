"""What anyone may read: published communiqués, their corrections, and reports received by day. Bytes, made once.

In: the database. Out: documents as JSON and CSV with their ETag. Everything is asked of the database once in
`cache_s` seconds, however many ask; while it is away, the answers are those that there were. The days are a snapshot
that is made once for each civil day and kept: it ends with the day before, and is the same for everybody until the
next. Days and communiqués count different things (received, processed), so no difference of the two says anything
about people.
"""

import csv
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any, Final, NamedTuple

import orjson

from ibalagh.signing import PublicKeys
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from services.stats import press_csv, publishing, release_store
from services.stats.counting import Measure, civil_day

DAYS_VERSION: Final = "ibalagh.days.v1"
JSON: Final = "application/json"
_log = logging.getLogger(__name__)


class Open(NamedTuple):
    """An answer: its bytes, their media type, and a strong ETag (RFC 9110, section 8.8.3)."""

    content: bytes
    media_type: str
    etag: str


def opened(content: bytes, media_type: str) -> Open:
    """An answer of these bytes."""
    return Open(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class PublicData:
    """All that is public, by path below `/v1/public/`. Any thread may use it."""

    def __init__(
        self,
        database: Database,
        keys: PublicKeys,
        *,
        k: int,
        cache_s: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._keys = keys
        self._k = k
        self._cache_s = cache_s
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._answers: Mapping[str, Open] = {}
        self._fresh_until: float | None = None

    def get(self, path: str) -> Open | None:
        """The answer of a path; None for one that there is not. Raises what the database raises."""
        with self._lock:
            now = self._monotonic()
            if self._fresh_until is None or now >= self._fresh_until:
                self._answers = self._made_or_kept()
                self._fresh_until = now + self._cache_s
            return self._answers.get(path)

    def _made_or_kept(self) -> Mapping[str, Open]:
        try:
            return self._make()
        except PassingError as error:
            if self._fresh_until is None:
                raise
            _log.warning("what is public is answered as it was", extra={"error": type(error).__name__})
            return self._answers

    def _make(self) -> dict[str, Open]:
        today = civil_day(self._clock())
        with self._database.transaction() as tx:
            releases = publishing.read_releases(tx)
            days = release_store.read_snapshot(tx, today)
            if days is None:
                received = dict(release_store.read_days(tx, Measure.RECEIVED, today - timedelta(days=1)))
                release_store.keep_snapshot(tx, today, orjson.dumps(days_document(received, today, self._k)))
                days = release_store.read_snapshot(tx, today) or b""  # somebody else may have been first
        answers = {
            "days.json": opened(days, JSON),
            "days.csv": opened(days_csv(orjson.loads(days)), press_csv.MEDIA_TYPE),
            "keys.json": opened(orjson.dumps(self._keys.jwks), JSON),
            "releases.json": opened(orjson.dumps(_listed(releases)), JSON),
        }
        for each in releases:
            json, table = each.signed.to_json(), press_csv.table(each.signed)
            for path in (f"releases/{_slug(each)}/{each.number}", f"releases/{_slug(each)}"):  # the last one's stays
                answers[f"{path}.json"] = opened(json, JSON)
                answers[f"{path}.csv"] = opened(table, press_csv.MEDIA_TYPE)
        return answers


def days_document(received: Mapping[date, int], today: date, k: int) -> dict[str, Any]:
    """Reports received by day, from the first day that has any to the day before `today`; null is a count from 1 to
    k - 1, of which nothing else is published that it could be worked out from."""
    days = []
    day = min(received, default=today)
    while day < today:
        count = received.get(day, 0)
        days.append({"day": day.isoformat(), "reports_received": None if 0 < count < k else count})
        day += timedelta(days=1)
    return {"version": DAYS_VERSION, "made_on": today.isoformat(), "smallest_count": k, "days": days}


def days_csv(document: Mapping[str, Any]) -> bytes:
    """The days as comma-separated values; a count that is left out is empty."""
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(("day", "reports_received"))
    for each in document["days"]:
        writer.writerow((each["day"], "" if each["reports_received"] is None else each["reports_received"]))
    return written.getvalue().encode()


def _listed(releases: list[publishing.Release]) -> dict[str, Any]:
    corrected = {(each.later.days, each.later.number): each for each in publishing.corrected(releases)}
    return {"releases": [_entry(each, corrected.get((each.days, each.number))) for each in releases]}


def _entry(each: publishing.Release, correction: publishing.Corrected | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "first_day": each.days.first,
        "last_day": each.days.last,
        "number": each.number,
        "published_on": civil_day(each.made_at),
        "document_sha256": each.signed.sha256,
        "path": f"releases/{_slug(each)}/{each.number}.json",
    }
    if correction is not None:
        entry["corrects"] = each.number - 1
        entry["explanation"] = correction.why._asdict()
        entry["rows"] = [row._asdict() for row in correction.rows]
    return entry


def _slug(each: publishing.Release) -> str:
    return f"{each.days.first}_{each.days.last}"
