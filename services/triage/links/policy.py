"""What of a report joins it to others: the keys of its hard indicators. Pure.

In: the indicators as `report.triaged` holds them, as models or as the bytes of the event; out: keys. What everybody has
in common (`entities/shared.yaml`: banks, institutions, platforms themselves, hotlines) never became an indicator. An
account without its platform joins nothing here: the same name elsewhere is somebody else.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.links.likeness import as_uuid

_INDICATORS: Final = b',"indicators":'
_plain: Final = re.compile(rb'\{"kind":"([a-z]+)","value":"([^"\\]+)"\}').findall
_KINDS: Final = {kind.value.encode(): kind for kind in IndicatorKind}


class Key(NamedTuple):
    """What stands for an indicator, as a UUID in text form, and of which kind that is."""

    kind: IndicatorKind
    key: str


def joins(kind: IndicatorKind, value: str) -> bool:
    """Whether two reports that share this indicator speak of the same act."""
    return kind is not IndicatorKind.HANDLE or ":" in value


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
    return tuple(dict.fromkeys([key for kind, value in pairs if (key := _key(kind, value)) is not None]))


@lru_cache(maxsize=4_096)
def _key(kind: bytes, value: bytes) -> Key | None:
    """A campaign repeats its indicators: so they are remembered."""
    of_kind = _KINDS[kind]
    if not joins(of_kind, value.decode()):
        return None
    digits = blake2b(kind + b":" + value, digest_size=16).hexdigest()
    return Key(of_kind, as_uuid(digits))
