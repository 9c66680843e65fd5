"""What surrounds an act, from what was heard in a text and from the mentions in it: sums, place, messenger, minors, and
whether it reaches abroad.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ibalagh.events.vocabulary import Nexus
from services.triage.entities.amounts import Amount, amounts
from services.triage.entities.mention import Kind, Mention
from services.triage.entities.messengers import closed_messenger
from services.triage.entities.money_words import SYMBOLS
from services.triage.entities.signals import NOTHING, Heard
from services.triage.places import Place, the_one

_AGE_IN_BRACKETS: Final = re.compile(r"[^\W\d] ?\((?:[6-9]|1[0-7])(?: ?ans| ?años| ?years)?\)")
_HOME_PHONE: Final = "+212"
_HOME_ACCOUNT: Final = "MA"
_STATELESS: Final = frozenset(("MAD", "USDT", "BTC", "ETH"))
"""Currencies that say nothing of another country."""


class Surroundings(NamedTuple):
    """See the module. `place` is the only place that is named; `nexus` is None for a matter at home."""

    amounts: tuple[Amount, ...]
    place: Place | None
    closed_messenger: str | None
    minor_involved: bool
    nexus: Nexus | None

    @property
    def place_name(self) -> str | None:
        """The name of the place, if there is one."""
        return None if self.place is None else self.place.name


NONE: Final = Surroundings((), None, None, False, None)


def surroundings(cleaned: str, heard: Heard, found: Sequence[Mention]) -> Surroundings:
    """The surroundings of a cleaned text in which that was heard and found."""
    symbols = not cleaned.isascii() or "$" in cleaned
    has_money = heard.money or (symbols and any([symbol in cleaned for symbol in SYMBOLS]))  # noqa: C419 - twice as fast
    if heard is NOTHING and not found and not has_money and "(" not in cleaned:
        return NONE
    sums = amounts(cleaned) if has_money else ()
    urls = [each.value for each in found if each.kind is Kind.URL]
    return Surroundings(
        sums,
        the_one(heard.places) if heard.places else None,
        closed_messenger(heard.messengers, urls) if heard.messengers or urls else None,
        heard.minor or ("(" in cleaned and _AGE_IN_BRACKETS.search(cleaned) is not None),
        nexus(heard.places, found, sums),
    )


def nexus(places: Sequence[Place], found: Sequence[Mention], sums: Sequence[Amount]) -> Nexus | None:
    """Why a suspect or a victim seems to be abroad, the strongest reason first; None where nothing says so."""
    if any(each.kind is Kind.PHONE and not each.value.startswith(_HOME_PHONE) for each in found):
        return Nexus.FOREIGN_PHONE
    if any(each.kind is Kind.IBAN and not _is_home_account(each.value) for each in found):
        return Nexus.FOREIGN_ACCOUNT
    if any(place.country is not None for place in places):
        return Nexus.COUNTRY_NAMED
    if any(each.currency not in _STATELESS for each in sums):
        return Nexus.FOREIGN_CURRENCY
    return None


def _is_home_account(value: str) -> bool:
    return value.startswith(_HOME_ACCOUNT) or value[:2].isdigit()
