"""From the tables to a signed communiqué, and to what is kept of it when it is published.

In: an open transaction, of one moment; a period; the key. Out: `Made`. Raises what the database raises, and
`ReleaseError` for what must not be published.

Published periods never overlap: whoever has the figures of a quarter and of its first two months has those of the
third, whatever is left out of them. A period may be published again, as a correction; what was left out once stays
out. A public communiqué is compared with the period before only as that was published.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, Self

import orjson

from ibalagh.local.signing_keys import signing_key
from ibalagh.signing import SigningKey
from ibalagh.storage.transaction import Transaction
from services.stats import communique, release, release_store, store, tables
from services.stats.counting import Cell, Measure, civil_day
from services.stats.facets import Facet
from services.stats.names import group
from services.stats.regions import by_region
from services.stats.release import Correction, Days, Explanation, Signed
from services.stats.settings import StatsSettings
from services.stats.store import Period


class ReleaseError(Exception):
    """A communiqué that must not be published; the message is a sentence."""


class Made(NamedTuple):
    """A signed communiqué, and the cells that it was made of, as texts."""

    signed: Signed
    cells: Mapping[str, int]


class Release(NamedTuple):
    """A communiqué that was published: the first of its period has number 1, a correction the next."""

    days: Days
    number: int
    made_at: datetime
    signed: Signed
    cells: Mapping[str, int]


class Corrected(NamedTuple):
    """What a release changed in the one before of the same period."""

    later: Release
    rows: Sequence[Correction]
    why: Explanation


class Publisher:
    """Makes communiqués: with one key, from what `consumer` has counted; for the public without counts below `k`."""

    def __init__(self, key: SigningKey, consumer: str, k: int) -> None:
        self._key = key
        self._consumer = consumer
        self._k = k

    @classmethod
    def by_settings(cls, settings: StatsSettings) -> Self:
        """With this service's own key. Raises as `signing_key`."""
        return cls(signing_key(settings), group(settings.topic_prefix), settings.smallest_count)

    def make(self, tx: Transaction, days: Days, *, public: bool, as_of: date | None = None) -> Made:
        """The communiqué of a period; with `as_of`, as the figures stood at the end of that day."""
        published = read_releases(tx) if public else []
        same = [each for each in published if each.days == days]
        before = release.period_before(days)
        counts = None if before is None else self._before(tx, before, published if public else None, as_of)
        cells = _sums(tx, days, as_of)
        figures = communique.compute(cells, days.first, days.last)
        built = tables.build(
            figures,
            _facets(tx, days) if as_of is None else tables.Facets({}, {}, {}),
            k=self._k if public else None,
            before=counts,
            also=frozenset().union(*(release.left_out(each.signed.document) for each in same)),
        )
        signed = release.sign(
            built,
            days,
            None if counts is None else before,
            k=self._k if public else None,
            positions=store.read_positions(tx, self._consumer),
            key=self._key,
        )
        return Made(signed, {_name(cell): count for cell, count in cells.items()})

    def publish(self, tx: Transaction, days: Days, now: datetime) -> Release | None:
        """Publish a period, or its correction; None when nothing that is published of it changed. Raises
        `ReleaseError`."""
        if days.first is None or days.last is None:
            raise ReleaseError("Only a period with a first and a last day is published.")
        if days.last >= civil_day(now):
            raise ReleaseError("The period is not over: its figures would be published before they are complete.")
        release_store.lock_releases(tx)
        published = read_releases(tx)
        for each in published:
            if each.days != days and release.overlap(each.days, days):
                raise ReleaseError(
                    f"The period overlaps that from {each.days.first} to {each.days.last}, which is published: "
                    "a difference of the two would tell what neither may."
                )
        made = self.make(tx, days, public=True)
        same = [each for each in published if each.days == days]
        if same and same[-1].signed.document.tables == made.signed.document.tables:
            return None
        published_now = Release(days, len(same) + 1, now, made.signed, made.cells)
        _keep(tx, published_now)
        return published_now

    def _before(
        self, tx: Transaction, before: Days, published: Sequence[Release] | None, as_of: date | None
    ) -> dict[str, int] | None:
        if published is not None:
            same = [each for each in published if each.days == before]
            return tables.counts_of(same[-1].signed.document.tables) if same else None
        figures = communique.compute(_sums(tx, before, as_of))
        if not figures.reports_processed:
            return None
        facets = _facets(tx, before) if as_of is None else tables.Facets({}, {}, {})
        return tables.counts_of(tables.build(figures, facets, k=None))


def read_releases(tx: Transaction) -> list[Release]:
    """What was published, the newest period first, each period from its first release on."""
    return [
        Release(Days(first=first, last=last), number, made_at, release.read(bytes(document)), cells)
        for first, last, number, made_at, document, cells in release_store.read_releases(tx)
    ]


def corrected(releases: Sequence[Release]) -> Iterator[Corrected]:
    """The corrections among releases, in their order."""
    earlier: dict[Days, Release] = {}
    for later in releases:
        if (was := earlier.get(later.days)) is not None:
            rows = release.corrections(was.signed.document, later.signed.document)
            yield Corrected(later, rows, release.explain(_reports(was.cells), _reports(later.cells)))
        earlier[later.days] = later


def _keep(tx: Transaction, published: Release) -> None:
    release_store.keep_release(
        tx,
        Period(published.days.first, published.days.last),
        published.number,
        made_at=published.made_at,
        document=published.signed.to_json(),
        cells_json=orjson.dumps(dict(published.cells)).decode(),
    )


def _sums(tx: Transaction, days: Days, as_of: date | None) -> dict[Cell, int]:
    period = Period(days.first, days.last)
    if as_of is None:
        return store.read_sums(tx, period, communique.NEEDED)
    return store.read_sums_as_of(tx, as_of, period, communique.NEEDED)


def _facets(tx: Transaction, days: Days) -> tables.Facets:
    period = Period(days.first, days.last)

    def values(facet: Facet) -> dict[str, int]:
        return {str(value): count for value, count in store.read_facet(tx, Measure.REFERRED, facet, period).items()}

    provinces = store.read_facet(tx, Measure.REFERRED, Facet.PROVINCE, period)
    return tables.Facets(by_region(provinces), values(Facet.URGENCY), values(Facet.CHANNEL))


_SEPARATOR: Final = "|"


def _name(cell: Cell) -> str:
    return _SEPARATOR.join("" if value is None else str(value) for value in cell)


def _reports(cells: Mapping[str, int]) -> dict[str, int]:
    """Of the cells of a release, those that count reports and not acts."""
    start = f"{Measure.REFERRED.value}{_SEPARATOR}"
    return {cell: count for cell, count in cells.items() if cell.startswith(start)}
