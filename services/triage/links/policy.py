"""What of a report joins it to others: the keys of its hard indicators. Pure.

In: the indicators as `report.triaged` holds them, as models or as the bytes of the event; out: keys. What everybody has
in common (`entities/shared.yaml`: banks, institutions, platforms themselves, hotlines) never became an indicator. An
account joins by its platform and name. Its name alone joins, on whatever platform, told or not, if two people would
hardly choose the same: it has several parts or a number or is long, and is not made of first names, towns and trades.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.shared import shared
from services.triage.links.likeness import as_uuid

_INDICATORS: Final = b',"indicators":'
_plain: Final = re.compile(rb'\{"kind":"([a-z]+)","value":"([^"\\]+)"\}').findall
_OWN_NAME_CHARS: Final = 6
_LONG_NAME_CHARS: Final = 12
_has_marks: Final = re.compile(r"[0-9]|(?<=[^._-])[._-]+(?=[^._-])").search
_words: Final = re.compile(r"[^\W\d_]{2,}").findall
_OWN_NAME_PARTS: Final = 3
_numbers: Final = re.compile(r"[0-9]+").findall
_has_number: Final = re.compile(r"(?<![0-9])(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{4}").search
"""Four digits that are not a year."""
_KINDS: Final = {kind.value.encode(): kind for kind in IndicatorKind}


class Key(NamedTuple):
    """What stands for an indicator, as a UUID in text form, and of which kind that is."""

    kind: IndicatorKind
    key: str


def joining(kind: IndicatorKind, value: str) -> tuple[str, ...]:
    """What of an indicator's value joins reports that share it."""
    if kind is not IndicatorKind.HANDLE:
        return (value,)
    platform, _, name = value.rpartition(":")
    with_platform = (value,) if platform else ()
    return (*with_platform, name) if _is_own(name) else with_platform


def _is_own(name: str) -> bool:
    """Whether two people would hardly choose this name, in lower case, on their own."""
    if len(name) < _OWN_NAME_CHARS or not (len(name) >= _LONG_NAME_CHARS or _has_marks(name)):
        return False
    words = _words(name)
    parts = len(words) + len(_numbers(name))
    return parts >= _OWN_NAME_PARTS or _has_number(name) is not None or not shared().common_names.issuperset(words)


def keys_of(indicators: Iterable[Indicator]) -> tuple[Key, ...]:
    """The keys of indicators, each once."""
    return _each_once((each.kind.value.encode(), each.value.encode()) for each in indicators)


def keys_in(triaged: bytes) -> tuple[Key, ...]:
    """The keys of the indicators in the JSON of a `report.triaged`, as our codec writes it: at a look where nothing is
    escaped, as nearly everywhere."""
    indicators = triaged.rpartition(_INDICATORS)[2]
    if indicators.startswith(b"[]"):
        return ()
    if b"\\" in indicators:
        pairs = ((each["kind"].encode(), each["value"].encode()) for each in orjson.loads(triaged)["indicators"])
        return _each_once(pairs)
    return _each_once(_plain(indicators))


def _each_once(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[Key, ...]:
    return tuple(dict.fromkeys([key for kind, value in pairs for key in _keys(kind, value)]))


@lru_cache(maxsize=4_096)
def _keys(kind: bytes, value: bytes) -> tuple[Key, ...]:
    """A campaign repeats its indicators: so they are remembered."""
    of_kind = _KINDS[kind]
    hashes = [
        blake2b(kind + b":" + each.encode(), digest_size=16).hexdigest() for each in joining(of_kind, value.decode())
    ]
    return tuple([Key(of_kind, as_uuid(digits)) for digits in hashes])
