"""Hard indicators (links, numbers, handles, accounts): minted all different, spelled as people spell them.

All are invented: hosts under reserved top-level names (RFC 2606) or paths on known platforms that say that they are
invented, phone numbers of the form 06 00 0x xx xx, bank accounts of a bank code that no bank has, with valid check
digits (ISO 13616 for the IBAN, modulus 97 for the RIB key).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_PHONES = 100_000  # 06 00 0x xx xx
_PHONE_STRIDE = 38_183  # coprime with _PHONES: consecutive serials look unrelated and never repeat
_WORDS = (
    "souk",
    "promo",
    "atlas",
    "cadeau",
    "rapide",
    "noor",
    "invest",
    "star",
    "vip",
    "city",
    "amal",
    "zahra",
    "gold",
)
_SITES = (
    "facebook.com/page.inventee.{n}",
    "instagram.com/compte_invente_{n}",
    "t.me/canal_invente_{n}",
    "youtube.com/c/chaine-inventee-{n}",
)
_HANDLES_ON = ("instagram", "instagram", "facebook", "tiktok", "telegram", "snapchat")
_SUFFIXES = ("example", "invalid", "test")


class Kind(StrEnum):
    """What an indicator is; the names are those of `{variety}.yaml`."""

    LINK = "link"
    PHONE = "phone"
    HANDLE = "handle"
    IBAN = "iban"


@dataclass(frozen=True, slots=True)
class Indicator:
    """`value` is the canonical spelling: link without scheme, nine national digits, handle without @, compact IBAN.

    `platform` is where a handle is; None for the other kinds.
    """

    kind: Kind
    value: str
    platform: str | None = None


class Mint:
    """Makes indicators that are all different, in an order that depends on `rng` alone."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._serial = rng.randrange(_PHONES)
        self._made = 0

    def new(self, kinds: Sequence[Kind], weights: Sequence[float]) -> Indicator:
        """A fresh indicator of one of `kinds`, drawn by `weights`. Raises OverflowError past 100,000 of them."""
        if self._made == _PHONES:
            raise OverflowError("all invented phone numbers are used up")
        self._made += 1
        self._serial = (self._serial + _PHONE_STRIDE) % _PHONES
        kind = self._rng.choices(kinds, weights)[0]
        platform = self._rng.choice(_HANDLES_ON) if kind is Kind.HANDLE else None
        return Indicator(kind, getattr(self, f"_{kind.value}")(self._serial), platform)

    def _link(self, serial: int) -> str:
        if self._rng.random() < 0.4:
            return self._rng.choice(_SITES).format(n=serial)
        first, second = self._rng.sample(_WORDS, 2)
        path = self._rng.choice(("", "/offre", "/p", "/promo/aid", "/gain"))
        return f"{first}-{second}{serial}.{self._rng.choice(_SUFFIXES)}{path}"

    def _phone(self, serial: int) -> str:
        return f"6000{serial:05d}"

    def _handle(self, serial: int) -> str:
        return f"{self._rng.choice(_WORDS)}_{self._rng.choice(_WORDS)}{serial}"

    def _iban(self, serial: int) -> str:
        account = f"999000{serial:016d}"
        key = 97 - int(account) * 100 % 97
        return with_check_digits(f"{account}{key:02d}")


def with_check_digits(rib: str) -> str:
    """The Moroccan IBAN of a 24-digit RIB (ISO 13616: 98 minus the rearranged number modulo 97)."""
    return f"MA{98 - int(f'{rib}221000') % 97:02d}{rib}"


def spell(rng: Random, indicator: Indicator, arabic: bool) -> str:
    """One of the ways in which people write `indicator`; `arabic` allows Arabic-Indic digits."""
    if indicator.kind is Kind.LINK:
        return _spell_link(rng, indicator.value)
    if indicator.kind is Kind.PHONE:
        text = _spell_phone(rng, indicator.value)
        return text.translate(_ARABIC_DIGITS) if arabic and rng.random() < 0.25 else text
    if indicator.kind is Kind.HANDLE:
        return "@" + rng.choice((indicator.value, indicator.value, indicator.value.title(), indicator.value.upper()))
    return _spell_iban(rng, indicator.value)


def spell_for_links(rng: Random, link: str) -> str:
    """How a link looks in the form's own field: copied from the address bar."""
    return rng.choice(
        ("https://{}", "https://www.{}", "http://{}", "https://{}/", "https://{}?utm_source=share")
    ).format(link)


def mistyped_iban(rng: Random, iban: str) -> str:
    """`iban` with one digit wrong, so that its check digits no longer hold."""
    place = rng.randrange(8, len(iban))
    return f"{iban[:place]}{(int(iban[place]) + rng.randrange(1, 10)) % 10}{iban[place + 1 :]}"


def _spell_link(rng: Random, link: str) -> str:
    host, slash, path = link.partition("/")
    forms = (
        f"https://{link}",
        f"http://{link}",
        f"https://www.{link}",
        f"http://www.{link}/",
        f"www.{link}",
        f"HTTPS://{host.upper()}{slash}{path}",
        f"hxxp://{link}",
        f"hxxps://{host.replace('.', '[.]')}{slash}{path}",
        f"https://{link}?fbclid=IwAR{rng.randrange(10**6)}",
    )
    return rng.choices(forms, (6, 3, 3, 1, 2, 1, 1, 1, 2))[0]


def _spell_phone(rng: Random, national: str) -> str:
    prefix = rng.choice(("0", "0", "0", "+212", "+212 ", "00212", "00212 "))
    pairs = [national[i : i + 2] for i in range(1, 9, 2)]
    separator = rng.choice(("", "", " ", "-", "."))
    if prefix == "0":
        return separator.join([f"0{national[0]}", *pairs])
    return prefix + separator.join([national[0], *pairs])


def _spell_iban(rng: Random, iban: str) -> str:
    form = rng.randrange(5)
    if form == 0:
        return iban
    if form == 1:
        return iban.lower()
    if form == 2:
        rib = iban[4:]
        return f"{rib[:3]} {rib[3:6]} {rib[6:22]} {rib[22:]}"
    separator = "-" if form == 3 else " "
    return separator.join(iban[i : i + 4] for i in range(0, len(iban), 4))
