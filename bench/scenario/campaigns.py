"""Campaigns: how a category's reports fall into groups that speak of one act, and which indicator a group shares."""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from bench.scenario.calendar import Calendar
from bench.scenario.indicators import Indicator, Kind, Mint
from ibalagh.events.vocabulary import Category

CAMPAIGN_SHARE: Final = {Category.FRAUD: 0.42, Category.SEXUAL_BLACKMAIL: 0.36}
"""Share of a category's reports that belong to campaigns; single reports only in the others."""
_SMALLEST, _LARGEST = 2, 60
_KINDS: Final = {
    Category.FRAUD: ((Kind.LINK, Kind.PHONE, Kind.HANDLE, Kind.IBAN), (4, 3, 1.5, 1.5)),
    Category.SEXUAL_BLACKMAIL: ((Kind.PHONE, Kind.HANDLE, Kind.LINK, Kind.IBAN), (4, 4, 1.5, 0.5)),
}
_KINDS_ELSEWHERE: Final = ((Kind.LINK, Kind.HANDLE, Kind.PHONE), (4, 4, 2))


@dataclass(frozen=True, slots=True)
class Campaign:
    """Reports of one act: `size` of them, from about `start` on, all naming `indicator`."""

    number: int
    category: Category
    size: int
    indicator: Indicator
    start: date


def draw_campaigns(rng: Random, mint: Mint, calendar: Calendar, counts: dict[Category, int]) -> list[Campaign]:
    """Campaigns of 2 to 60 reports (many small, few large) that take up their share of each category in `counts`."""
    campaigns: list[Campaign] = []
    for category, share in CAMPAIGN_SHARE.items():
        left = round(counts.get(category, 0) * share)
        while left >= _SMALLEST:
            size = min(left, _LARGEST, _SMALLEST + int(rng.paretovariate(0.9)) - 1)
            if left - size == 1:
                size += 1 if size < _LARGEST else -1
            indicator = indicator_for(mint, category)
            campaigns.append(Campaign(len(campaigns), category, size, indicator, calendar.moment(rng).date()))
            left -= size
    return campaigns


def indicator_for(mint: Mint, category: Category) -> Indicator:
    """A fresh indicator of a kind that reports of `category` name."""
    kinds, weights = _KINDS.get(category, _KINDS_ELSEWHERE)
    return mint.new(kinds, weights)
