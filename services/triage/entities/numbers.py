"""Phone numbers as E.164 (ITU-T), bank accounts as IBAN (ISO 13616).

Morocco is the country of a phone number without one; a Moroccan account number (RIB, 24 digits, check digits modulo 97)
becomes the IBAN that holds it, so that both spellings are one indicator. Digits are ASCII here (`normalise.clean`).
"""

import re
import string
from functools import lru_cache
from typing import Final

import phonenumbers
from stdnum.iso7064 import mod_97_10

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.mention import Kind, Mention, of_indicator
from services.triage.entities.shared import shared

# Runs that may hold a number: eight characters at least, and in the encoded text the same, each as "0".
_RUN: Final = re.compile(r"[+\d][\d \-.()/+]{6,200}(?:(?<! )\d|\d(?![A-Za-z]))", re.ASCII)
_SEPARATORS: Final = b" -.()/+"
_SHORTEST_RUN: Final = b"0" * 8
_IN_RUN: Final = bytes(0x30 if chr(code) in "0123456789 -.()/+" else 0x78 for code in range(256))
_IBAN_START: Final = re.compile(r"\d{2}(?<=[A-Za-z]{2}\d{2})(?:[ \-]?[A-Za-z0-9]){3}")
_COUNTRY_AND_CHECK: Final = b"AA00"
_CLASSES: Final = bytes.maketrans(string.digits.encode() + string.ascii_letters.encode(), b"0" * 10 + b"A" * 52)
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){11,30}")
_DATE: Final = re.compile(r"(?<!\d)\d{1,2}([./-])\d{1,2}\1(?:19|20)\d\d(?!\d)")
_GAP: Final = r"[\s.\-/]{0,2}"
_PHONE: Final = re.compile(
    r"(?<![\d+])(?:\+|00)[\s.\-]?(?!212)[1-9](?:[\s.\-()]{0,2}\d){7,13}(?!\d)"
    rf"|(?<![\d+])(?:(?:\+|00){_GAP}212{_GAP}(?:\(?0\)?)?|212|0){_GAP}[5-8](?:{_GAP}\d){{8}}(?!\d)"
)
_MOROCCAN: Final = re.compile(r"(?:\+|00)?2120?([5-8]\d{8})|0([5-8]\d{8})")
_RIB_DIGITS: Final = 24
_MOROCCO: Final = 212
_SHORTEST_ABROAD, _LONGEST_ABROAD = 10, 16
"""With the plus: E.164 allows fifteen digits."""
_NOT_DIGITS: Final = re.compile(r"\D+")
# Lengths of the IBAN registry for the countries that reports name; what follows the number in a text is not its part.
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BH": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MA": 28,
    "MC": 27, "MR": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "QA": 29, "RO": 24, "SA": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26,
}  # fmt: skip


def numbers(text: str, encoded: bytes) -> list[Mention]:
    """The phone numbers and bank accounts of a text without its links, given also as `normalise.encode` writes it.

    That has one byte a character: so cheap looks at the bytes tell where in the text the expressions have to begin.
    """
    first_run = encoded.translate(_IN_RUN).find(_SHORTEST_RUN)
    runs = _RUN.findall(text, first_run) if first_run >= 0 else ()
    if not runs:
        return []
    found: list[Mention] = []
    first_iban = encoded.translate(_CLASSES).find(_COUNTRY_AND_CHECK)
    if first_iban >= 0 and _IBAN_START.search(text, first_iban):
        rest = text
        for match in _IBAN.finditer(text, first_iban):
            number = _iban(match[0])
            if number is not None:
                mention, written = number
                found.append(mention)
                rest = rest.replace(written, " ; ")
        if found:
            runs = _RUN.findall(rest)
    for run in runs:
        found += _of_run(run)
    return found


@lru_cache(maxsize=4_096)
def _of_run(run: str) -> tuple[Mention, ...]:
    """The numbers in one run of digits and separators; most often it is one Moroccan number. Hotlines join nothing."""
    return tuple(
        [
            each._replace(indicator=None)
            if each.indicator is not None and each.indicator.value.startswith(shared().hotlines)
            else each
            for each in _all_of_run(run)
        ]
    )


def _all_of_run(run: str) -> tuple[Mention, ...]:
    digits = run.encode().translate(None, _SEPARATORS).decode()
    moroccan = _MOROCCAN.fullmatch(digits)
    if moroccan is not None and run.find("/") < 0:
        return (_of_phone(f"+212{moroccan[1] or moroccan[2]}"),)
    if len(digits) == _RIB_DIGITS:
        account = rib(digits)
        indicator = None if account is None else Indicator(kind=IndicatorKind.IBAN, value=account)
        return (Mention(Kind.IBAN, digits, indicator),)
    written = _PHONE.finditer(_DATE.sub(";", run))
    found = [e164 for e164 in (phone(match[0]) for match in written) if e164 is not None]
    return tuple(map(_of_phone, found))


def _of_phone(e164: str) -> Mention:
    return of_indicator(Indicator(kind=IndicatorKind.PHONE, value=e164))


@lru_cache(maxsize=4_096)
def phone(written: str) -> str | None:
    """A phone number as E.164, e.g. `06 12-34 56 78` → `+212612345678`; None for what cannot be one."""
    compact = ("+" if written.lstrip().startswith("+") else "") + _NOT_DIGITS.sub("", written)
    moroccan = _MOROCCAN.fullmatch(compact)
    if moroccan is not None:
        return f"+212{moroccan[1] or moroccan[2]}"
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    try:
        number = phonenumbers.parse(compact, "MA")
    except phonenumbers.NumberParseException:
        return None
    if not (phonenumbers.is_possible_number(number) or _is_of_an_earlier_plan(compact, number.country_code or 0)):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_of_an_earlier_plan(compact: str, country_code: int) -> bool:
    """Whether a number, in its international form, is as long as numbers are: countries that made theirs longer (Côte
    d'Ivoire in 2021, Benin in 2024) are on many people's phones as they were."""
    return compact.startswith("+") and country_code != _MOROCCO and _SHORTEST_ABROAD < len(compact) <= _LONGEST_ABROAD


@lru_cache(maxsize=4_096)
def _iban(written: str) -> tuple[Mention, str] | None:
    """The account number at the start of what may be one, and the part of it that was the number; None for none.

    With wrong check digits it is a mention and no indicator: a slip of the pen joins no two reports.
    """
    compact = written.replace(" ", "").replace("-", "").upper()
    length = _IBAN_LENGTHS.get(compact[:2])
    if length is None or len(compact) < length:
        return None
    number = compact[:length]
    # Not stdnum.iban: its registry does not know Morocco's numbers yet.
    if mod_97_10.is_valid(number[4:] + number[:4]):
        indicator = Indicator(kind=IndicatorKind.IBAN, value=number)
    elif sum(char.isdigit() for char in number) * 3 >= length * 2:
        indicator = None
    else:
        return None
    return Mention(Kind.IBAN, number, indicator), _START_OF[length].match(written)[0]  # type: ignore[index]


_START_OF: Final = {
    length: re.compile(rf"(?:[ \-]?[A-Za-z0-9]){{{length}}}") for length in frozenset(_IBAN_LENGTHS.values())
}


@lru_cache(maxsize=4_096)
def rib(written: str) -> str | None:
    """The IBAN of a Moroccan account number of 24 digits; None when its check digits are wrong."""
    digits = _NOT_DIGITS.sub("", written)
    if len(digits) != _RIB_DIGITS or int(digits) % 97 != 0 or int(digits) == 0:
        return None
    return f"MA{mod_97_10.calc_check_digits(digits + 'MA')}{digits}"
