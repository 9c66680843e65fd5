"""Publishing on a real database: what is stored, compared, corrected and refused, and what anyone may read of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import orjson
import pytest

from ibalagh.events.vocabulary import Category
from ibalagh.signing import PublicKeys, SigningKey
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.errors import PassingError
from services.stats import cli, release, store, tables
from services.stats.counting import Cell, Measure
from services.stats.facets import Facet, FacetCell
from services.stats.public_data import PublicData
from services.stats.publishing import Publisher, ReleaseError, corrected, read_releases
from services.stats.release import Days
from services.stats.store import Period, Store
from services.stats.summing import Sums

KEY = SigningKey(bytes(range(32)))
MAY = Days(first=date(2031, 5, 1), last=date(2031, 5, 31))
JUNE = Days(first=date(2031, 6, 1), last=date(2031, 6, 30))
NOW = datetime(2031, 7, 2, 12, tzinfo=UTC)
DAY = date(2031, 6, 3)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "stats")
    made = Database(database_url, "stats")
    yield made
    made.close()


def referred(number: int, category: Category = Category.FRAUD, day: date = DAY, country: str = "MA") -> Sums:
    """So many reports of a case, all by form, routine, half of them in a known province."""
    facets = {FacetCell(Measure.REFERRED, Facet.CHANNEL, day, None, "form"): number}
    facets[FacetCell(Measure.REFERRED, Facet.URGENCY, day, None, "0")] = number
    facets[FacetCell(Measure.REFERRED, Facet.PROVINCE, day, None, "06.141")] = number // 2
    facets[FacetCell(Measure.REFERRED, Facet.PROVINCE, day, None, None)] = number - number // 2
    return Sums({Cell(Measure.REFERRED, day, category, None, True, country): number}, facets, {})


def add(database: Database, sums: Sums) -> None:
    with database.transaction() as tx:
        Store(tx).add(sums)


def publish(database: Database, days: Days = JUNE, now: datetime = NOW) -> dict[str, int] | None:
    with database.transaction() as tx:
        published = Publisher(KEY, "test", 5).publish(tx, days, now)
    return None if published is None else tables.counts_of(published.signed.document.tables)


def test_a_published_communique_is_kept_as_it_was_signed_with_its_regions(database: Database) -> None:
    add(database, referred(100))
    counts = publish(database)
    assert counts is not None
    assert (counts["reports_processed"], counts["region:06"], counts["region:unknown"]) == (100, 50, 50)
    with database.transaction() as tx:
        (kept,) = read_releases(tx)
    release.verify(kept.signed, PublicKeys([KEY.public]))
    assert (kept.days, kept.number, kept.made_at) == (JUNE, 1, NOW)


def test_publishing_again_without_a_change_does_nothing_and_a_change_is_a_correction(database: Database) -> None:
    add(database, referred(100))
    publish(database)
    assert publish(database) is None
    add(database, referred(-7))
    add(database, referred(9, Category.VIOLENCE_THREATS))
    assert publish(database)
    with database.transaction() as tx:
        (correction,) = corrected(read_releases(tx))
    rows = {row.name: (row.was, row.now) for row in correction.rows}
    assert rows["fraud"] == (100, 93)
    assert rows["violence_threats"] == (0, 9)
    assert correction.why == (2, 0, 7)
    assert correction.later.number == 2


def test_what_was_left_out_once_stays_out_of_corrections(database: Database) -> None:
    add(database, referred(100))
    add(database, referred(3, Category.VIOLENCE_THREATS))
    add(database, referred(20, Category.SEXUAL_BLACKMAIL))
    first = publish(database)
    add(database, referred(30, Category.VIOLENCE_THREATS))
    second = publish(database)
    assert first is not None
    assert second is not None
    assert not {"violence_threats", "sexual_blackmail"} & (first.keys() | second.keys())


def test_no_difference_of_published_periods_can_be_taken(database: Database) -> None:
    add(database, referred(100))
    publish(database)
    for days in (Days(first=JUNE.first, last=date(2031, 6, 29)), Days(first=date(2031, 6, 30), last=date(2031, 7, 1))):
        with pytest.raises(ReleaseError, match="overlaps"):
            publish(database, days)
    assert publish(database, MAY) is not None


def test_a_period_that_is_not_over_or_has_an_open_end_is_not_published(database: Database) -> None:
    for days in (Days(first=JUNE.first, last=NOW.date()), Days(first=JUNE.first), Days()):
        with pytest.raises(ReleaseError):
            publish(database, days)


def test_the_public_sees_the_period_before_only_as_it_was_published(database: Database) -> None:
    add(database, referred(80, day=date(2031, 5, 9)))
    add(database, referred(3, Category.VIOLENCE_THREATS, date(2031, 5, 9)))
    add(database, referred(100))

    def before(*, public: bool) -> dict[str, int | None]:
        with database.transaction() as tx:
            made = Publisher(KEY, "test", 5).make(tx, JUNE, public=public)
        return {row.name: row.before for table in made.signed.document.tables for row in table.rows}

    assert set(before(public=True).values()) == {None}
    assert before(public=False)["violence_threats"] == 3
    publish(database, MAY)
    assert before(public=True)["reports_processed"] == 83
    assert before(public=True)["violence_threats"] is None


def test_the_figures_as_they_stood_are_those_without_what_was_learned_later(database: Database) -> None:
    add(database, referred(100))
    moved = Cell(Measure.REFERRED, DAY, Category.FRAUD, None, True, "MA")
    add(database, Sums({moved: -40}, {}, {(DAY + timedelta(days=4), moved): -40}))
    add(database, referred(5, day=DAY + timedelta(days=3)))
    for after, expected in ((-1, 0), (0, 100), (2, 100), (3, 105), (4, 65), (9, 65)):
        with database.transaction() as tx:
            stood = store.read_sums_as_of(tx, DAY + timedelta(days=after), Period(), [Measure.REFERRED])
        assert sum(stood.values()) == expected


def public(database: Database, now: datetime = NOW, cache_s: float = 0) -> PublicData:
    return PublicData(database, PublicKeys([KEY.public]), k=5, cache_s=cache_s, clock=lambda: now)


def test_the_public_days_end_yesterday_leave_out_small_counts_and_stay_the_same_all_day(database: Database) -> None:
    def received(day: date, number: int) -> Sums:
        return Sums({Cell(Measure.RECEIVED, day, None, None, True, "MA"): number}, {}, {})

    for day, number in ((date(2031, 6, 29), 40), (date(2031, 6, 30), 4), (NOW.date(), 9)):
        add(database, received(day, number))
    found = public(database).get("days.json")
    assert found is not None
    days = {each["day"]: each["reports_received"] for each in orjson.loads(found.content)["days"]}
    assert days == {"2031-06-29": 40, "2031-06-30": None, "2031-07-01": 0}
    table = public(database).get("days.csv")
    assert table is not None
    assert table.content.decode().split() == [
        "day,reports_received",
        "2031-06-29,40",
        "2031-06-30,",
        "2031-07-01,0",
    ]
    add(database, received(date(2031, 6, 29), 1))
    assert public(database).get("days.json") == found
    next_day = public(database, NOW + timedelta(days=1)).get("days.json")
    assert next_day is not None
    assert b'"2031-07-02","reports_received":9' in next_day.content


def test_the_public_reads_releases_byte_for_byte_and_why_they_were_corrected(database: Database) -> None:
    assert public(database).get("releases/2031-06-01_2031-06-30.json") is None
    add(database, referred(100))
    publish(database)
    add(database, referred(11))
    publish(database)
    data = public(database)
    with database.transaction() as tx:
        first, second = read_releases(tx)
    period = "releases/2031-06-01_2031-06-30"
    for path, kept in ((f"{period}/1.json", first), (f"{period}/2.json", second), (f"{period}.json", second)):
        found = data.get(path)
        assert found is not None
        assert found.content == kept.signed.to_json()
    table = data.get(f"{period}.csv")
    assert table is not None
    assert b"reports,fraud,111,100.0" in table.content
    listed = data.get("releases.json")
    assert listed is not None
    entries = orjson.loads(listed.content)["releases"]
    assert [entry["number"] for entry in entries] == [1, 2]
    assert entries[1]["explanation"] == {"added": 11, "taken_away": 0, "moved": 0}
    assert data.get("nothing") is None


def test_what_is_public_is_asked_of_the_database_once_in_a_while(database: Database) -> None:
    data = public(database, cache_s=3_600)
    assert data.get("releases.json")
    add(database, referred(100))
    publish(database)
    assert data.get("releases/2031-06-01_2031-06-30.json") is None


def test_the_public_is_answered_as_before_while_the_database_is_away(database: Database) -> None:
    add(database, referred(100))
    publish(database)
    moments = iter((0.0, 100.0))
    data = PublicData(
        database, PublicKeys([KEY.public]), k=5, cache_s=1, clock=lambda: NOW, monotonic=lambda: next(moments)
    )
    before = data.get("releases.json")
    with patch.object(database, "transaction", side_effect=PassingError("away")):
        assert data.get("releases.json") == before
        with pytest.raises(PassingError):
            public(database).get("releases.json")


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`ibalagh stats` on the test's database, with a key of its own."""
    monkeypatch.setenv("IBALAGH_DATABASE_URL", database_url)
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path))
    return lambda *arguments: cli.main([str(each) for each in arguments])


PERIOD = ("--from", "2031-06-01", "--to", "2031-06-30")


def test_a_communique_is_written_checked_published_and_corrected_by_commands(
    database: Database, command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(database, referred(100))
    add(database, referred(3, Category.VIOLENCE_THREATS))
    file = tmp_path / "communique.json"
    assert command("communique", *PERIOD, "--format", "json", "--output", file) == 0
    assert command("check", file) == 0
    file.write_bytes(file.read_bytes().replace(b'"count": 103', b'"count": 104'))
    assert command("check", file) == 1
    assert "it was changed" in capsys.readouterr().err
    file.write_text("{}")
    assert command("check", file) == command("check", tmp_path / "nothing") == 1

    assert command("communique", *PERIOD, "--exact", "--lang", "fr") == 0
    assert "Violences et menaces                              3" in capsys.readouterr().out
    assert command("communique", *PERIOD, "--as-of", "2031-06-02", "--exact") == 0
    assert "Reports processed                                     0" in capsys.readouterr().out
    assert command("communique", "--from", "2031-06-02", "--to", "2031-06-01") == 1

    assert command("releases") == 0
    assert command("publish", *PERIOD) == 1  # it is not over
    assert "not over" in capsys.readouterr().err
    add(database, referred(50, day=date(2020, 6, 3)))
    past = ("--from", "2020-06-01", "--to", "2020-06-30")
    assert command("publish", *past) == command("publish", *past) == 0
    told = capsys.readouterr().out
    assert "Published: 2020-06-01 to 2020-06-30, number 1." in told
    assert "has changed" in told
    add(database, referred(9, day=date(2020, 6, 4)))
    assert command("publish", *past) == command("releases") == 0
    told = capsys.readouterr().out
    assert "9 came in, 0 were taken out, 0 changed place" in told
    assert "fraud: 50 -> 59" in told
