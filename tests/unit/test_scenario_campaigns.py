"""Campaigns and their indicators: every report of one shares exactly its own, in one spelling or another."""

import re
import unicodedata
from collections import Counter, defaultdict
from random import Random
from typing import Any

import phonenumbers
import pytest
from stdnum.iso7064 import mod_97_10

from bench.scenario import Scenario, generate, load_figures
from bench.scenario.figures import QUARTER_PATH
from bench.scenario.indicators import Indicator, Kind, Mint, mistyped_iban, spell
from bench.scenario.texts import Variety, book
from ibalagh.events.vocabulary import Category

PHONE = re.compile(r"(?:\+212|00212|0)[ .-]?6(?:[ .-]?\d){8}(?!\d)")
HANDLE = re.compile(r"(?<!/)@\w+")
LINK = re.compile(r"(?:h(?:tt|xx)ps?://|www\.)[^\s,،)]+", re.IGNORECASE)
ACCOUNT = re.compile(r"MA\d\d(?:[ -]?\d){24}|\b999 000 \d{16} \d\d", re.IGNORECASE)


@pytest.fixture(scope="module")
def quarter() -> Scenario:
    return generate(load_figures(QUARTER_PATH), seed=11)


def _indicators(body: dict[str, Any]) -> set[str]:
    """Canonical indicators of a report, found by patterns of the test's own."""
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in body["text"] if c != "ـ")
    found: set[str] = set()
    for match in ACCOUNT.findall(text):
        found.add("iban:" + re.sub(r"\D", "", match)[-24:])
    text = ACCOUNT.sub(" ", text)
    for link in [*LINK.findall(text), *body.get("links", ())]:
        bare = re.sub(r"^h(tt|xx)ps?://", "", link.lower().replace("[.]", "."))
        bare = re.sub(r"[!.]+$", "", re.sub(r"^www\.", "", bare)).split("?")[0].rstrip("/")
        if "/" in bare or not bare.endswith(".com"):
            found.add("link:" + bare)
    text = LINK.sub(" ", text)
    found |= {"phone:" + re.sub(r"\D", "", match)[-9:] for match in PHONE.findall(text)}
    return found | {"handle:" + match.lower() for match in HANDLE.findall(text)}


def test_every_report_of_a_campaign_names_its_indicator_and_no_other_campaign_does(quarter: Scenario) -> None:
    by_campaign: dict[int, list[set[str]]] = defaultdict(list)
    singles: Counter[str] = Counter()
    for report in quarter.reports:
        if report.truth.campaign is None:
            singles.update(_indicators(report.body))
        else:
            by_campaign[report.truth.campaign].append(_indicators(report.body))
    shared = {number: set.intersection(*sets) for number, sets in by_campaign.items()}
    assert [number for number, common in shared.items() if len(common) != 1] == []
    owners = Counter(value for common in shared.values() for value in common)
    assert set(owners.values()) == {1}
    assert not owners.keys() & singles.keys()
    assert set(singles.values()) == {1}


def test_campaigns_take_their_share_and_have_2_to_60_reports_of_one_category(quarter: Scenario) -> None:
    members: dict[int, list[Category]] = defaultdict(list)
    for report in quarter.reports:
        if report.truth.campaign is not None:
            members[report.truth.campaign].append(report.truth.category)
    assert {len(set(categories)) for categories in members.values()} == {1}
    assert min(map(len, members.values())) >= 2
    assert max(map(len, members.values())) <= 60
    eligible = sum(quarter.figures.cybercrime[c] for c in (Category.FRAUD, Category.SEXUAL_BLACKMAIL))
    assert 0.35 < sum(map(len, members.values())) / eligible < 0.45


def test_minted_indicators_never_repeat_and_are_clearly_invented() -> None:
    mint = Mint(Random(1))
    made = [mint.new(list(Kind), [1] * 4) for _ in range(20_000)]
    assert len(set(made)) == len(made)
    phones = [each.value for each in made if each.kind is Kind.PHONE]
    assert all(value.startswith("6000") and len(value) == 9 for value in phones)
    assert phonenumbers.is_valid_number(phonenumbers.parse("+212" + phones[0]))
    links = [each.value for each in made if each.kind is Kind.LINK]
    assert all(re.search(r"\.(example|invalid|test)(/|$)|invente", link) for link in links)


def test_accounts_have_valid_check_digits_until_mistyped() -> None:
    mint, rng = Mint(Random(2)), Random(2)
    for _ in range(200):
        account = mint.new([Kind.IBAN], [1]).value
        assert mod_97_10.is_valid(account[4:] + account[:4])
        assert int(account[4:]) % 97 == 0  # the RIB key of Moroccan banks
        mistyped = mistyped_iban(rng, account)
        assert not mod_97_10.is_valid(mistyped[4:] + mistyped[:4])


def test_an_indicator_is_spelled_in_many_ways() -> None:
    rng = Random(3)
    for indicator, least in (
        (Indicator(Kind.PHONE, "600001234"), 20),
        (Indicator(Kind.LINK, "souk-noor1.example/p"), 8),
        (Indicator(Kind.HANDLE, "souk_noor1"), 3),
        (Indicator(Kind.IBAN, Mint(rng).new([Kind.IBAN], [1]).value), 4),
    ):
        assert len({spell(rng, indicator, arabic=True) for _ in range(2_000)}) >= least


@pytest.mark.parametrize("variety", list(Variety))
def test_every_variety_has_a_dozen_different_frames_for_every_category(variety: Variety) -> None:
    frames = book(variety).frames
    assert frames.keys() == set(Category) - {Category.OUT_OF_SCOPE}
    for category, lines in frames.items():
        assert len(set(lines)) >= 12, category
    for lines in (frames[Category.TERRORISM_PRAISE], frames[Category.TERRORISM_INCITEMENT_RECRUITMENT]):
        assert all("{org}" in line for line in lines)
