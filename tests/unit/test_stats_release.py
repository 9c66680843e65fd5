"""Communiqués as documents: what is left out, what is signed, how it is written, and what a correction says."""

import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.signing import BadSignatureError, PublicKeys, SigningKey, UnknownKeyError
from ibalagh.stream.ports import TopicPartition
from services.stats.communique import compute
from services.stats.formats import FORMATS, write
from services.stats.labels import label
from services.stats.press_text import text
from services.stats.regions import REGIONS, UNKNOWN_REGION, by_region
from services.stats.release import (
    BadDocumentError,
    Days,
    Signed,
    corrections,
    explain,
    left_out,
    overlap,
    period_before,
    read,
    sign,
    verify,
)
from services.stats.sheet import sheet
from services.stats.tables import Facets, build, counts_of, merged
from services.stats.wording import LANGUAGES
from tests.unit.test_stats_communique import INVENTED, figures, reports

GOLDEN = """\
Communiqué: the platform's figures
From 2031-06-01 to 2031-06-30

                                                  Count    Share         Before     Change
Reports processed
──────────────────────────────────────────────────────────────────────────────────────────
Reports processed                                 1,112                   1,000    +11.2 %
  Technology crime                                1,104   99.3 %
    Fraud                                         1,090   98.7 %          1,200     −9.2 %
    Sexual blackmail                                  0    0.0 %
    Insult and defamation                             0    0.0 %
    Violence and threats                              7    0.6 %
    Other: incitement against persons,
      trafficking in prohibited material,
      sexual exploitation of minors                   7    0.6 %
  Terrorism and extremism                             8    0.7 %
    Praise of terrorism                               *
      of them praise of ISIS                          *
    Incitement to terrorism and recruitment           *
  Out of scope                                        0

Reporters
──────────────────────────────────────────────────────────────────────────────────────────
With full identity                                1,074   96.6 %                            (more than three quarters)
Anonymous                                            38    3.4 %

Origin
──────────────────────────────────────────────────────────────────────────────────────────
From within the country                           1,101   99.0 %
From abroad                                          11    1.0 %
  Other countries                                    11  100.0 %

By urgency
──────────────────────────────────────────────────────────────────────────────────────────
  Immediate danger                                    *
  High                                                *
  Soon                                              100    9.0 %
  Routine                                         1,000   89.9 %

Outcomes
──────────────────────────────────────────────────────────────────────────────────────────
Suspects identified                                   9
  Brought before justice                              *
  Under national search notice                        *
  Still under investigation                           *

Reports are counted on the day on which they came in, acts on the day on which they happened
Compared with the period from 2031-05-01 to 2031-05-31
* Not published, to protect people: counts from 1 to 4, and those from which they could be worked out

Positions of the log: ibalagh.reports.triaged/0: 7
Key: 1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y
Signature (Ed25519): {signature}
"""
KEY = SigningKey(bytes(range(32)))
JUNE = Days(first=date(2031, 6, 1), last=date(2031, 6, 30))
FACETS = Facets({"06": 900}, {"0": 1_000, "1": 100, "2": 10, "3": 2}, {"form": 1})
"""Regions and channels that do not add up: after an upgrade whose rebuild is still to come."""


def signed(k: int | None = 5) -> Signed:
    tables = build(figures(), FACETS, k=k, before={"reports_processed": 1_000, "fraud": 1_200})
    positions = {TopicPartition("ibalagh.reports.triaged", 0): 7}
    return sign(tables, JUNE, period_before(JUNE), k=k, positions=positions, key=KEY)


def written(language: str, k: int | None = 5) -> str:
    return text(sheet(signed(k), language, label))


def test_the_text_of_an_invented_month() -> None:
    assert written("en") == GOLDEN.replace("{signature}", signed().signature)


def test_for_those_inside_nothing_is_left_out() -> None:
    exact = counts_of(signed(None).document.tables)
    assert (exact["isis_praise"], exact["presented"], exact["country:BE"]) == (5, 3, 4)
    assert "*" not in written("en", None)
    assert "not for publication" in written("en", None)


def test_what_is_left_out_has_no_share_and_stays_out_of_a_correction() -> None:
    rows = {row.name: row for table in signed().document.tables for row in table.rows}
    assert {name for name, row in rows.items() if row.count is None} == {
        *("terrorism_praise", "isis_praise", "terrorism_incitement_recruitment", "urgency:2", "urgency:3"),
        *("presented", "search_notices", "under_investigation"),
    }
    assert all(row.per_mille is None for row in rows.values() if row.count is None)
    again = build(figures(), FACETS, k=2, also=left_out(signed().document))
    assert left_out(signed().document) <= {row.name for table in again for row in table.rows if row.count is None}


def test_the_same_figures_positions_and_key_give_the_same_bytes_in_every_format() -> None:
    for language in LANGUAGES:
        for format_ in FORMATS:
            assert write(signed(), format_, language) == write(signed(), format_, language)


def test_a_document_is_read_back_as_it_was_and_any_change_breaks_its_signature() -> None:
    keys = PublicKeys([KEY.public])
    verify(read(signed().to_json()), keys)
    changed = read(signed().to_json().replace(b'"count": 1112', b'"count": 1113'))
    with pytest.raises(BadSignatureError):
        verify(changed, keys)
    with pytest.raises(UnknownKeyError):
        verify(signed(), PublicKeys([SigningKey(bytes(32)).public]))
    for broken in (b"", b"{}", signed().to_json().replace(b'"depth": 0', b'"depth": 9', 1)):
        with pytest.raises(BadDocumentError):
            read(broken)


def test_a_table_for_programs_leaves_empty_what_is_left_out() -> None:
    rows = list(csv.DictReader(write(signed(), "csv", "en").content.decode().splitlines()))
    by_name = {row["row"]: row for row in rows}
    assert by_name["fraud"]["count"] == "1090"
    assert by_name["fraud"]["share_percent"] == "98.7"
    assert by_name["fraud"]["count_before"] == "1200"
    assert by_name["isis_praise"]["count"] == ""
    assert {row["document_sha256"] for row in rows} == {signed().sha256}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_and_the_pdf_are_whole_files_of_their_language(language: str) -> None:
    page = write(signed(), "html", language).content.decode()
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page
    assert "<script" not in page
    assert "http" not in page
    pdf = write(signed(), "pdf", language).content
    assert pdf.startswith(b"%PDF-")
    assert f"/Lang ({language})".encode() in pdf


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2031-06-01", "2031-08-31", ("2031-03-01", "2031-05-31")),
        ("2031-01-01", "2031-12-31", ("2030-01-01", "2030-12-31")),
        ("2031-03-01", "2031-03-31", ("2031-02-01", "2031-02-28")),
        ("2031-06-02", "2031-06-08", ("2031-05-26", "2031-06-01")),
        ("0001-01-01", "0001-12-31", None),
        ("0001-01-02", "0001-01-08", None),
    ],
)
def test_a_period_is_compared_with_as_many_months_or_days_before_it(
    first: str, last: str, before: tuple[str, str] | None
) -> None:
    found = period_before(Days(first=date.fromisoformat(first), last=date.fromisoformat(last)))
    assert (found and (str(found.first), str(found.last))) == before
    assert period_before(Days(first=date(2031, 6, 1))) is None


def test_periods_overlap_when_they_share_a_day() -> None:
    assert overlap(JUNE, Days(first=date(2031, 6, 30), last=date(2031, 7, 1)))
    assert overlap(JUNE, Days())
    assert not overlap(JUNE, Days(first=date(2031, 7, 1)))


def test_a_correction_names_the_rows_that_differ_and_says_why() -> None:
    later = compute(INVENTED | reports("fraud", 1_061) | reports("violence_threats", 6, country="FR"))
    document = sign(build(later, FACETS, k=5), JUNE, None, k=5, positions={}, key=KEY).document
    found = {each.name: (each.was, each.now) for each in corrections(signed().document, document)}
    assert found["fraud"] == (1_090, 1_091)
    assert found["violence_threats"] == (7, 6)
    assert "anonymous" not in found
    assert explain({"a": 5, "b": 2}, {"a": 4, "b": 6, "c": 1}) == (4, 0, 1)
    assert explain({"a": 5}, {}) == (0, 5, 0)


@given(st.dictionaries(st.sampled_from(["FR", "BE", "ES", "IT", "DE", "US"]), st.integers(1, 12)), st.integers(2, 8))
def test_countries_that_are_too_small_are_added_up_until_their_sum_is_not(counts: dict[str, int], k: int) -> None:
    named, others = merged(counts, k)
    assert sum(named.values()) + others == sum(counts.values())
    assert all(count >= k for count in named.values())
    assert others == 0 or others >= k or not named


def test_a_region_is_that_of_its_province_and_what_is_not_known_is_said_to_be() -> None:
    assert by_region({"01.511": 2, "01.573": 3, None: 4, "nowhere": 1}) == {"01": 5, UNKNOWN_REGION: 5}
    assert len(REGIONS) == 12
