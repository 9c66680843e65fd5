"""What a text holds of one kind: as a person would note it, and the indicator that it is, if any."""

from enum import StrEnum
from typing import NamedTuple

from ibalagh.events.reports import Indicator


class Kind(StrEnum):
    """What a mention is of: the kinds of indicators, and addresses of crypto-currencies, whose indicators are URIs."""

    URL = "url"
    PHONE = "phone"
    HANDLE = "handle"
    EMAIL = "email"
    IBAN = "iban"
    CRYPTO = "crypto"


class Mention(NamedTuple):
    """A link (without scheme, `www.` and final slash), a number in E.164, an account name, an address, or an account.

    `indicator` is None for what joins no two reports: what many innocents share, and what has wrong check digits.
    """

    kind: Kind
    value: str
    indicator: Indicator | None


def of_indicator(indicator: Indicator) -> Mention:
    """An indicator that is noted as it is."""
    return Mention(Kind(indicator.kind.value), indicator.value, indicator)
