"""What the rows of a communiqué are called. In: a row's name and a language. Out: words."""

from typing import Final

from ibalagh.web.words import COUNTRIES
from services.stats.regions import REGIONS
from services.stats.wording import WORDS, say

_COUNTRY: Final = "country"


def label(name: str, language: str) -> str:
    """The name of a row: of `country:FR` a country's, of `region:06` a region's, else the words'. KeyError for a row
    that has none; a country that we have no word for is its code."""
    if name in WORDS:
        return say(name, language)
    kind, _, value = name.partition(":")
    if kind == _COUNTRY:
        return COUNTRIES[language].get(value, value)
    return REGIONS[value].of(language)
